/*
 * require.h: contracts between functions of this library.
 *
 * REQUIRE guards internal functions against programmers' errors.  Nothing
 * that a file, a peer, the environment or an application can cause is ever
 * checked with it: those are returned as errors.
 */
#ifndef CMXI_REQUIRE_H
#define CMXI_REQUIRE_H

#include <assert.h>

#define REQUIRE(condition) assert(condition)

#endif

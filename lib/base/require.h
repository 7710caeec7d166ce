/*
 * require.h: contracts between functions of this library.
 *
 * REQUIRE says what a function takes for granted of its callers, who are in
 * this library too.  In the builds that unit tests link it is checked, and
 * ends the process with a message where it is broken.  The installed library
 * has none of it: it never ends the application (A1 in segment/protocols.h).
 *
 * Nothing that a file, a peer, the environment or an application can cause is
 * ever checked with it: those are returned as errors.
 */
#ifndef CMXI_REQUIRE_H
#define CMXI_REQUIRE_H

#ifdef CMXI_CHECKED

_Noreturn void cmxi_require_failed(const char *condition, const char *function,
    const char *file, int line);

#define REQUIRE(condition) \
	((condition) ?     \
		(void)0 :  \
		cmxi_require_failed(#condition, __func__, __FILE__, __LINE__))

#else

/* Not evaluated; what it names is used. */
#define REQUIRE(condition) ((void)sizeof((condition) ? 1 : 0))

#endif

#endif

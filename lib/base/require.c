/*
 * require.c: contracts between functions of this library.
 */
#include "base/require.h"

#ifdef CMXI_CHECKED

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
cmxi_require_failed(const char *condition, const char *function,
    const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s() requires %s\n", file, line, function,
	    condition);
	abort();
}

#else

/* ISO C wants a declaration. */
typedef int cmxi_require_is_absent;

#endif

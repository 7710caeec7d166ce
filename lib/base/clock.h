/*
 * clock.h: the clocks.
 */
#ifndef CMXI_CLOCK_H
#define CMXI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CMXI_NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t
cmxi_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CMXI_NS_PER_SECOND +
	    (uint64_t)now.tv_nsec;
}

/*
 * Nanoseconds since 1970.  Costs no system call where the vDSO has the clock.
 */
static inline uint64_t
cmxi_wall_clock_ns(void)
{
	return cmxi_clock_ns(CLOCK_REALTIME);
}

#endif

/*
 * clock.h: the wall clock.  Level 0.
 */
#ifndef CMXI_CLOCK_H
#define CMXI_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since 1970.  No system call where the vDSO has the clock. */
static inline uint64_t
cmxi_wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif

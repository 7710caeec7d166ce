/*
 * clock.h: the clocks, in nanoseconds and in seconds.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

static inline double
clock_seconds(clockid_t clock)
{
	return (double)clock_ns(clock) / (double)NS_PER_SECOND;
}

#endif

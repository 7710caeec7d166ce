/*
 * random.h: random bytes, without a lock.
 *
 * arc4random(3) has a lock of its own, which a child that is forked beside it
 * finds locked for ever.
 */
#ifndef CMXI_RANDOM_H
#define CMXI_RANDOM_H

#include <stdint.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Random bits; of less worth where the kernel has none to give at once. */
static inline uint64_t
cmxi_random64(void)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
		v = (cmxi_wall_clock_ns() ^ (uint64_t)getpid() << 32 ^
			(uint64_t)(uintptr_t)&v) *
		    UINT64_C(0x9e3779b97f4a7c15);
	return v;
}

#endif

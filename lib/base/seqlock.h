/*
 * seqlock.h: a record that one writes and others copy, without waiting.
 *
 * Beside the record stands a number, odd while the record changes.  A reader
 * copies between two looks at the number; where both show the same even one,
 * the copy is of one moment.  Readers bound their tries: a writer that was
 * killed leaves the number odd for ever.
 *
 * The record itself is stored and copied word by word, relaxed: a copy that
 * was torn is thrown away.
 */
#ifndef CMXI_SEQLOCK_H
#define CMXI_SEQLOCK_H

#include "base/atomic.h"
#include "base/require.h"

/* Begin to write; returns the number, which is odd now. */
static inline uint32_t
cmxi_seqlock_begin_write(uint32_t *number)
{
	/* relaxed: only the writing process changes it */
	uint32_t odd = cmxi_load32_relaxed(number) | 1;

	cmxi_store32_relaxed(number, odd);
	/*
	 * (O) release, pairs with (P).
	 * Orders the odd number before the stores to the record.  Without it
	 * a reader could copy new bytes and see the old even number twice.
	 */
	cmxi_fence_release();
	return odd;
}

static inline void
cmxi_seqlock_end_write(uint32_t *number, uint32_t odd)
{
	REQUIRE(odd % 2 == 1);
	/*
	 * (M) release, pairs with (N).
	 * Orders the stores to the record before the even number.  Without it
	 * a reader could see the new number and copy old bytes.
	 */
	cmxi_store32_release(number, odd + 1);
}

/* Begin to copy; an odd number says that the copy is useless. */
static inline uint32_t
cmxi_seqlock_begin_read(const uint32_t *number)
{
	/*
	 * (N) acquire, pairs with (M).
	 * Orders this load before the loads of the record.
	 */
	return cmxi_load32_acquire(number);
}

/* Is the copy made since cmxi_seqlock_begin_read() of one moment? */
static inline bool
cmxi_seqlock_end_read(const uint32_t *number, uint32_t begun)
{
	/*
	 * (P) acquire, pairs with (O).
	 * Orders the loads of the record before the second look.  Without it
	 * the second look could be the older of the two.
	 */
	cmxi_fence_acquire();
	return begun % 2 == 0 && cmxi_load32_relaxed(number) == begun;
}

#endif

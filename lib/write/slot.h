/*
 * slot.h: a process's place for gauges, and its beacon.
 */
#ifndef CMXI_SLOT_H
#define CMXI_SLOT_H

#include "base/atomic.h"
#include "segment/segment.h"
#include "write/own_page.h"

/*
 * Get the slot of this process, with pages for [0, end) of its gauge stripe.
 * The first call claims one.
 *
 * Returns the slot's number, or -1: the update is dropped and counted.  Where
 * descriptors, memory or pages are short, the next call tries again; a process
 * that was refused a slot does so twice in a second.
 *
 * Safety: thread, signal, fork.  Keeps errno.
 */
int64_t cmxi_slot_for_gauge(const struct cmxi_segment *, struct cmxi_own_page *,
    uint64_t end);

/*
 * Claim a slot without a gauge.  After a failure that may pass, the next use
 * tries again.
 */
void cmxi_slot_claim(const struct cmxi_segment *, struct cmxi_own_page *);

/*
 * Claim a slot if the process has none.  Every look-up calls this, so that live
 * processes can be counted.
 */
static inline void
cmxi_slot_ensure(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	/*
	 * relaxed: a caller that finds 0 asks again below, by compare-and-swap
	 */
	if (cmxi_unlikely(cmxi_load64_relaxed(&own->slot) == 0))
		cmxi_slot_claim(s, own);
}

/* Set the process's role; the text is repaired and cut. */
void cmxi_slot_set_role(const struct cmxi_segment *, struct cmxi_own_page *,
    const char *role);

/* Drop the beacon: the slot is free and its values disappear. */
void cmxi_slot_release(const struct cmxi_segment *, struct cmxi_own_page *);

#endif

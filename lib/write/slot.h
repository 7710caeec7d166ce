/*
 * slot.h: a process's place for gauges, and its beacon.
 */
#ifndef CMXI_SLOT_H
#define CMXI_SLOT_H

#include "base/atomic.h"
#include "segment/segment.h"
#include "write/own_page.h"

/*
 * The gauge stripe of this process, with pages for [0, end).  The first call
 * claims a slot; where all are taken, or the kernel has no beacons, it is the
 * shared stripe, whose values nobody's death takes away.
 *
 * Returns the slot's number (fixed.n_slots for the shared one), or -1 where
 * no descriptor or page could be had just now: the update is dropped and
 * counted, and the next one tries again.
 * Safety: thread, signal, fork.  Keeps errno.
 */
int64_t cmxi_slot_for_gauge(const struct cmxi_segment *, struct cmxi_own_page *,
    uint64_t end);

/* Claim a slot without a gauge; a failure that may pass leaves none. */
void cmxi_slot_claim(const struct cmxi_segment *, struct cmxi_own_page *);

/*
 * This process uses the segment: claim its slot if it has none.  Called by
 * every look-up, so that the living can be counted.
 */
static inline void
cmxi_slot_ensure(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	/* relaxed: whoever finds 0 asks again below, by compare-and-swap */
	if (cmxi_unlikely(cmxi_load64_relaxed(&own->slot) == 0))
		cmxi_slot_claim(s, own);
}

/* Name this process's part in the service; bytes are repaired and cut. */
void cmxi_slot_set_role(const struct cmxi_segment *, struct cmxi_own_page *,
    const char *role);

/* Drop the beacon: the slot is free, its values are gone. */
void cmxi_slot_release(const struct cmxi_segment *, struct cmxi_own_page *);

#endif

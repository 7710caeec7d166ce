/*
 * registry.h: a process's opened segment, and what the writer half shares.
 */
#ifndef CMXI_REGISTRY_H
#define CMXI_REGISTRY_H

#include "codeai/metrics.h"
#include "segment/segment.h"
#include "write/own_page.h"

/* What kit/ looks up once for the process. */
#define CMXI_KEPT_ENTRIES 24

/* The most families of other definitions that look-ups are kept from. */
#define CMXI_CONFLICTS 32

struct cmx_registry {
	struct cmxi_segment segment;
	struct cmxi_own_page *own;
	/*
	 * Entries of the families that kit/ knows, in its order.  0: not looked
	 * up yet. UINT32_MAX: the helper cannot use it; the segment has another
	 * family of the name, or no room.  Order: (AA), (AB).
	 */
	uint32_t kept_entries[CMXI_KEPT_ENTRIES];
	uint32_t
	    n_opens; /* calls of cmx_open() that wait for their cmx_close() */
	/*
	 * Entries of families of which a schema of this process has another
	 * definition; 0 ends the list.  Order: relaxed; a look-up beside an
	 * open may miss one.
	 */
	uint32_t conflicts[CMXI_CONFLICTS];
	uint32_t n_cpus; /* stripes of CPUs that this process may use */
	int32_t rseq_offset;
	uint8_t stripe_shift;
};

/* The record behind a family handle. */
static inline struct cmxi_shm_family *
cmxi_registry_family(const struct cmx_registry *reg, uint32_t entry)
{
	return cmxi_segment_entry(&reg->segment, entry);
}

#endif

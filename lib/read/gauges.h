/*
 * gauges.h: the gauges of live processes, merged.
 */
#ifndef CMXI_GAUGES_H
#define CMXI_GAUGES_H

#include "read/snapshot.h"

/* The slots whose beacon is held, in *slots (of uint32_t).  0 or an error. */
int cmxi_slots_list_live(const struct cmxi_segment *, struct cmxi_buf *slots,
    struct cmx_error *);

/*
 * Merge the gauges.  scratch is memory that is kept between calls.  The loads
 * may fault where the file was truncated; prepare allocates, load does not.
 */
struct cmxi_gauge_scratch {
	struct cmxi_buf slots;  /* of uint32_t: alive */
	struct cmxi_buf n_set;  /* of uint32_t: how many gauges each has set */
	struct cmxi_buf values; /* of uint64_t: one slot's cells */
	size_t n_values;
};

int cmxi_gauges_prepare(struct cmxi_scrape *, const struct cmxi_segment *,
    struct cmxi_gauge_scratch *, struct cmx_error *);
void cmxi_gauges_load(struct cmxi_scrape *, const struct cmxi_segment *,
    struct cmxi_gauge_scratch *);
void cmxi_gauges_fini(struct cmxi_gauge_scratch *);

/*
 * Two processes can have one pid (in two pid namespaces), and one process two
 * slots (two registries): their values become one series, the sum.
 */
void cmxi_values_add_each(struct cmxi_values *, const struct cmxi_each *);

#endif

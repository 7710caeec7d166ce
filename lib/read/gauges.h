/*
 * gauges.h: the gauges of live processes, merged.
 */
#ifndef CMXI_GAUGES_H
#define CMXI_GAUGES_H

#include "read/scrape.h"

/* Memory that is reused from one scrape to the next. */
struct cmxi_gauge_scratch {
	struct cmxi_buf slots;  /* of uint32_t: live slots */
	struct cmxi_buf n_set;  /* of uint32_t: gauges that each has set */
	struct cmxi_buf values; /* of uint64_t: the cells of one slot */
	size_t n_values;
};

/*
 * Merge the gauges of live processes.  prepare allocates; load does not,
 * because its loads may fault where the file was truncated.
 */
int cmxi_gauges_prepare(struct cmxi_scrape *, const struct cmxi_segment *,
    struct cmxi_gauge_scratch *, struct cmx_error *);
void cmxi_gauges_load(struct cmxi_scrape *, const struct cmxi_segment *,
    struct cmxi_gauge_scratch *);
void cmxi_gauges_fini(struct cmxi_gauge_scratch *);

#endif

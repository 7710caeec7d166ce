/*
 * lineage.h: a segment and the ones that it replaced, read as one.
 *
 * Counters and histograms are added, gauges are merged like those of processes.
 * The newest segment that has a family defines how it is shown.  An older
 * segment's family whose cells have another shape is left out.
 */
#ifndef CMXI_LINEAGE_H
#define CMXI_LINEAGE_H

#include "family/exposed.h"
#include "read/scrape.h"

struct cmxi_lineage_family;

struct cmxi_lineage {
	size_t n_families, capacity;
	struct cmxi_lineage_family **families;
	struct cmxi_exposed_set exposed; /* their names, by number */
};

/*
 * Merge scrapes, the newest first; each must be of the same segment as in the
 * call before.  cmxi_lineage_values() then gives the result.  Returns 0 or
 * CMX_ERR_MEMORY.
 */
int cmxi_lineage_merge(struct cmxi_lineage *, const struct cmxi_scrape *const *,
    size_t n, struct cmx_error *);

const struct cmxi_values *cmxi_lineage_values(const struct cmxi_lineage *,
    size_t family);

void cmxi_lineage_fini(struct cmxi_lineage *);

#endif

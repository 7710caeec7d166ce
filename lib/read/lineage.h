/*
 * lineage.h: a segment and the ones that it replaced, as one.
 *
 * Their counters and histograms are added, their gauges merged as those of
 * processes are.  A family is shown as the newest segment that has it defines
 * it; one of an older segment whose cells are of another shape is left out.
 */
#ifndef CMXI_LINEAGE_H
#define CMXI_LINEAGE_H

#include "read/scrape.h"

struct cmxi_lineage_family;

struct cmxi_lineage {
	size_t n_families, capacity;
	struct cmxi_lineage_family **families;
};

/*
 * Merge scrapes, the newest first, each of the same segment as in the call
 * before.  Returns 0 or CMX_ERR_MEMORY; the values are those of
 * cmxi_lineage_values().
 */
int cmxi_lineage_merge(struct cmxi_lineage *, const struct cmxi_scrape *const *,
    size_t n, struct cmx_error *);

const struct cmxi_values *cmxi_lineage_values(const struct cmxi_lineage *,
    size_t family);

void cmxi_lineage_fini(struct cmxi_lineage *);

#endif

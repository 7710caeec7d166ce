/*
 * scrape.h: the families of one segment, with the values of one scrape.
 */
#ifndef CMXI_SCRAPE_H
#define CMXI_SCRAPE_H

#include "read/stripes.h"
#include "read/values.h"

struct cmxi_scrape {
	size_t n_families, capacity;
	struct cmxi_values *families;
	struct cmxi_stripes stripes;
};

/*
 * Make room for the catalog's families and series, and find the stripes.  The
 * carry stripe has totals in its first carry_size bytes.  Returns 0 or a
 * negative enum cmx_err.
 */
int cmxi_scrape_prepare(struct cmxi_scrape *, const struct cmxi_catalog *,
    uint64_t carry_size, struct cmx_error *);

/*
 * Add up the stripes, and the carry stripe.  The loads may fault where the file
 * was truncated; see fault_guard.h.  torn counts pairs that changed at every
 * try, damaged the sums that were made legal.
 */
void cmxi_scrape_load(struct cmxi_scrape *, const struct cmxi_segment *,
    uint64_t carry_size, uint64_t *torn, uint64_t *damaged);

void cmxi_scrape_fini(struct cmxi_scrape *);

#endif

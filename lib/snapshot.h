/*
 * snapshot.h: the values of all series at one scrape.  Level 7r.
 *
 * An encoder sees this header and level 0; it does not know that a segment
 * exists.
 */
#ifndef CMXI_SNAPSHOT_H
#define CMXI_SNAPSHOT_H

#include "codeai/metrics_reader.h"

#include "atomic.h"
#include "catalog.h"

/* A gauge of CMX_EACH: one sample for each live process. */
struct cmxi_each {
	uint32_t series;
	uint32_t pid;
	double value;
};

/*
 * struct cmxi_values: a family at one scrape.  Which array holds the values
 * depends on the family's type; each has one element for a series (pairs:
 * n_buckets of them, not cumulative).
 */
struct cmxi_values {
	const struct cmxi_catalog_family *family;
	size_t n_series;
	size_t n_buckets;
	uint64_t *whole;         /* counters of whole numbers */
	double *value;           /* other counters, gauges */
	uint64_t *n_set;         /* gauges: how many processes set it */
	struct cmxi_pair *pairs; /* histograms */
	struct cmxi_buf each;    /* of struct cmxi_each */
	size_t capacity;         /* series that the arrays have room for */
	char (*bound_texts)[32]; /* histograms: each bound as le shows it */
};

struct cmxr_snapshot {
	size_t n_families, capacity;
	struct cmxi_values *families;
};

/* Is this series shown?  Overflow series and gauges that nobody set are not. */
bool cmxi_values_is_shown(const struct cmxi_values *, size_t series);

/* Make room for the catalog's families and series.  0 or CMX_ERR_MEMORY. */
int cmxi_snapshot_prepare(struct cmxr_snapshot *, const struct cmxi_catalog *,
    struct cmx_error *);

/*
 * Add up the stripes.  The loads may fault where the file was truncated; see
 * guard.h.  torn counts pairs that never held still.
 */
void cmxi_snapshot_load(struct cmxr_snapshot *, const struct cmxi_segment *,
    uint64_t *torn);

void cmxi_snapshot_fini(struct cmxr_snapshot *);

#endif

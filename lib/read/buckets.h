/*
 * buckets.h: how the cells of a histogram become the buckets that are shown.
 *
 * The table follows from the family's definition, and is made once when the
 * family is read.
 */
#ifndef CMXI_BUCKETS_H
#define CMXI_BUCKETS_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/require.h"
#include "segment/family_record.h"

/*
 * A bound as the label le writes it: 1 is "1" in text 0.0.4 and "1.0" in
 * OpenMetrics.
 */
struct cmxi_bound_text {
	char text[32], openmetrics[32];
};

/* Stands for the key of a cell that is in the zero bucket. */
#define CMXI_ZERO_KEY INT32_MIN

struct cmxi_buckets {
	size_t n_cells; /* of a series; 1 for what is no histogram */
	size_t n_shown; /* the last one ends with +Inf */
	/* Shown bucket i ends with the cell before ends[i]. */
	uint32_t *ends;
	struct cmxi_bound_text *texts;
	/* The key of each cell's bucket, for a native family. */
	int32_t *keys;
	double zero_threshold;
};

/* Make the table of a family.  Returns false where there is no memory. */
bool cmxi_buckets_init(struct cmxi_buckets *, const struct cmxi_definition *);
void cmxi_buckets_fini(struct cmxi_buckets *);

/*
 * The most observations of a cell that are shown: the sum of all cells of a
 * series is then below 2^63, whatever the file says.  At a million observations
 * a second it takes 71 years.
 */
#define CMXI_COUNT_MAX 0x1p51

/* A sum of counts, which are whole and not negative, as a whole number. */
static inline uint64_t
cmxi_pair_count(double count)
{
	REQUIRE(count >= 0 && count < 0x1p63);
	return (uint64_t)count;
}

/*
 * Add the cells of the next shown bucket to count and sum.  *cell is 0 before
 * the first bucket; each call moves it on.
 */
static inline void
cmxi_buckets_next(const struct cmxi_buckets *b, const struct cmxi_pair *cells,
    size_t bucket, size_t *cell, double *count, double *sum)
{
	REQUIRE(bucket < b->n_shown);
	for (; *cell < b->ends[bucket]; ++*cell) {
		*count += cells[*cell].count;
		*sum += cells[*cell].sum;
	}
}

#endif

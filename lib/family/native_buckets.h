/*
 * native_buckets.h: the buckets of native (exponential) histograms.
 *
 * Bucket @key of schema s covers (2^((key-1)/2^s), 2^(key/2^s)].  A family
 * has a window of them, from the one with its declared minimum to the one with
 * its maximum: what lies below counts in the zero bucket, whose threshold is
 * the window's lower end; what lies above in one bucket above the window.
 *
 * A histogram's cells are the pieces into which the native buckets and the
 * classic bounds cut the axis together: an observation is in one cell, and
 * both kinds of buckets are sums of cells.
 *
 * Source: prometheus.io/docs/specs/native_histograms.
 */
#ifndef CMXI_NATIVE_BUCKETS_H
#define CMXI_NATIVE_BUCKETS_H

#include "codeai/metrics_base.h"

#define CMXI_NATIVE_SCHEMA_MIN (-4)
#define CMXI_NATIVE_SCHEMA_MAX 8

/*
 * Limits of a declaration: the bounds of the first and the last bucket are
 * finite doubles.
 */
#define CMXI_NATIVE_LEAST 1e-290
#define CMXI_NATIVE_MOST  1e290

/* The most finite bounds of cells in one family. */
#define CMXI_CELL_BOUNDS_MAX 2048

/* The bucket of v > 0, and the upper bound of a bucket. */
int32_t cmxi_native_key(double v, int schema);
double cmxi_native_bound(int32_t key, int schema);

/* The key of the bucket that covers this one at half the resolution. */
static inline int32_t
cmxi_native_coarser(int32_t key)
{
	return ((key - 1) >> 1) + 1;
}

struct cmxi_window {
	int32_t low, high; /* keys */
	double zero_threshold;
};

/* Requires: the definition is native and its numbers are allowed. */
struct cmxi_window cmxi_native_window(const struct cmx_family_def *);

/*
 * Write the finite bounds of a histogram's cells in increasing order and return
 * their number; a null array only counts.  Without native buckets they are the
 * classic bounds.
 */
size_t cmxi_cell_bounds(const struct cmx_family_def *, double *bounds);

/*
 * The bounds that text formats show: the classic ones.  A native family without
 * classic bounds shows the powers of two of its window.
 */
size_t cmxi_shown_bounds(const struct cmx_family_def *, double *bounds);

/*
 * Are these the bounds that the two functions above give?  Requires: the arrays
 * have as many as those count.
 */
bool cmxi_bounds_are(const struct cmx_family_def *, const double *cell_bounds,
    const double *shown);

#endif

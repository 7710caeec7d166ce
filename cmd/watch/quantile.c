/*
 * quantile.c: linear within a bucket, whose first one begins at 0 unless its
 * bound is not above that.
 */
#include <math.h>
#include <stdlib.h>

#include "watch/quantile.h"

double
quantile(size_t n_bounds, const double *bounds, const double *counts, double q)
{
	double n = 0, rank, below = 0;

	for (size_t i = 0; i <= n_bounds; i++)
		n += counts[i];
	if (!(n > 0))
		return NAN;
	rank = q * n;
	for (size_t i = 0; i < n_bounds; i++) {
		double in = counts[i];

		if (in > 0 && below + in >= rank) {
			double low = i > 0 ? bounds[i - 1] : 0;

			if (i == 0 && bounds[0] <= 0)
				return bounds[0];
			return low + (bounds[i] - low) * (rank - below) / in;
		}
		below += in;
	}
	return n_bounds > 0 ? bounds[n_bounds - 1] : NAN;
}

double
quantile_of_series(const struct cmxr_family *f, const struct cmxr_series *s,
    double q)
{
	double *counts = calloc(s->n_buckets + 1, sizeof(*counts)), v;

	if (counts == NULL)
		return (double)NAN;
	for (size_t i = 0; i < s->n_buckets; i++)
		counts[i] = (double)s->buckets[i];
	v = quantile(f->n_bounds, f->bounds, counts, q);
	free(counts);
	return v;
}

/*
 * quantile.h: estimates from the buckets of a histogram.
 */
#ifndef QUANTILE_H
#define QUANTILE_H

#include <stddef.h>

#include <codeai/metrics_reader.h>

/*
 * quantile: the value below which the fraction q of the observations lies.
 *
 * Shape:     @counts has a count for each of the @n_bounds bounds and one for
 *            +Inf, not cumulative.
 * Returns:   NaN without observations.  Linear within a bucket, as
 *            histogram_quantile() of Prometheus; above all bounds the last one.
 */
double quantile(size_t n_bounds, const double *bounds, const double *counts,
    double q);

/* The same of all observations of a series; NaN also where memory ended. */
double quantile_of_series(const struct cmxr_family *,
    const struct cmxr_series *, double q);

#endif

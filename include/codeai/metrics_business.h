/*
 * codeai/metrics_business.h: metrics that an application makes up as it runs.
 *
 *	cmx_business_register_counter(reg, "orders_total", "Orders", 1,
 *	    (const char *[]){ "plan" }, &err);
 *	cmx_business_inc(reg, "orders_total", 1,
 *	    &(struct cmx_label){ "plan", "pro" }, NULL);
 *
 * Names get the prefix "codeai_business_".  Any process may register a family,
 * also repeatedly, and all processes share it.  An update looks up the family
 * and the series by name each time; a metric that changes thousands of times a
 * second is better updated through a handle (codeai/metrics.h).
 *
 * In common:
 *   Returns:	0; 1 where the update went to the overflow series; or a
 *		negative enum cmx_err and err (which may be null) says why.
 *		The series is unchanged then.  The segment counts a refused
 *		amount as an invalid update, a name or labels that it does not
 *		have as a failed look-up.
 *   Safety:	thread, process, fork; updates also in signal handlers.
 */
#ifndef CODEAI_METRICS_BUSINESS_H
#define CODEAI_METRICS_BUSINESS_H

#include <codeai/metrics.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CMX_BUSINESS_PREFIX "codeai_business_"

/*
 * cmx_business_register_counter, _gauge, _histogram: make a family.
 *
 * A counter takes fractions.  A gauge has one value for the whole service,
 * that of its last writer, and keeps it.  A histogram's bounds increase and
 * are finite; +Inf is added.
 *
 * Errors:    as cmx_register(): CMX_ERR_ARGUMENT, CMX_ERR_CONFLICT where the
 *            segment has another definition of the name, CMX_ERR_FULL,
 *            CMX_ERR_NO_SPACE.
 */
CMX_PUBLIC int cmx_business_register_counter(struct cmx_registry *,
    const char *name, const char *help, size_t n_labels,
    const char *const *labels, struct cmx_error *err);
CMX_PUBLIC int cmx_business_register_gauge(struct cmx_registry *,
    const char *name, const char *help, size_t n_labels,
    const char *const *labels, struct cmx_error *err);
CMX_PUBLIC int cmx_business_register_histogram(struct cmx_registry *,
    const char *name, const char *help, size_t n_labels,
    const char *const *labels, size_t n_bounds, const double *bounds,
    struct cmx_error *err);

/*
 * cmx_business_inc, _add, _set, _observe: update a series.
 *
 * pairs are the family's labels with their values, each once and in any
 * order.  _inc and _add are for counters and gauges, _set for gauges,
 * _observe for histograms.
 *
 * Errors:    CMX_ERR_NOT_FOUND  no family of this name
 *            CMX_ERR_TYPE       of another type
 *            CMX_ERR_LABELS     a label is missing, unknown or stands twice
 *            CMX_ERR_ARGUMENT   a null; for a counter an amount that is
 *                               negative, infinite or NaN; for a
 *                               histogram one that is infinite or NaN
 */
CMX_PUBLIC int cmx_business_inc(struct cmx_registry *, const char *name,
    size_t n, const struct cmx_label *pairs, struct cmx_error *err);
CMX_PUBLIC int cmx_business_add(struct cmx_registry *, const char *name,
    size_t n, const struct cmx_label *pairs, double value,
    struct cmx_error *err);
CMX_PUBLIC int cmx_business_set(struct cmx_registry *, const char *name,
    size_t n, const struct cmx_label *pairs, double value,
    struct cmx_error *err);
CMX_PUBLIC int cmx_business_observe(struct cmx_registry *, const char *name,
    size_t n, const struct cmx_label *pairs, double value,
    struct cmx_error *err);

#ifdef __cplusplus
}
#endif

#endif

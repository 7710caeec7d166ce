/*
 * compare.h: two family definitions beside each other.
 */
#ifndef CMXI_COMPARE_H
#define CMXI_COMPARE_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

/* Size of a buffer for the name that two families clash in. */
#define CMXI_CLASH_SIZE (CMX_NAME_MAX + 16)

/*
 * Do two families clash: would both expose a sample or a family of one name in
 * some format?  The name is written to buf.  Families of the same name clash in
 * that name.
 */
bool cmxi_def_clash(const struct cmx_family_def *a,
    const struct cmx_family_def *b, char *buf, size_t size);

/*
 * Does the definition of both have the same name, type, labels, unit, bounds,
 * native buckets, exemplars, aggregation, value and help?  max_series is not
 * compared.
 */
bool cmxi_def_equal(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/*
 * Can a program that wants b count in a family that is a?  Help, unit,
 * exemplars and max_series do not matter for that.
 */
bool cmxi_def_compatible(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/*
 * Do both have the same name, type, labels, bounds, native buckets and value?
 * Then the values of one can be added to the other's.
 */
bool cmxi_def_same_cells(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/* One line that shows a definition in an error text. */
void cmxi_def_describe(const struct cmx_family_def *, char *buf, size_t size);

#endif

/*
 * compare.h: two family definitions beside each other.
 */
#ifndef CMXI_COMPARE_H
#define CMXI_COMPARE_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

/* Room for the name that two families clash in. */
#define CMXI_CLASH_SIZE (CMX_NAME_MAX + 16)

/*
 * The name that two families cannot both expose (a sample or a family name
 * in one of the formats), written to buf; or false where they do not clash.
 * Two families of one name clash in that name.
 */
bool cmxi_def_clash(const struct cmx_family_def *a,
    const struct cmx_family_def *b, char *buf, size_t size);

/* Same name, type, labels, unit, bounds, aggregation, value and help? */
bool cmxi_def_equal(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/* Same name, type, labels, bounds and value: values of one fit the other? */
bool cmxi_def_same_cells(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/* One line that shows a definition in an error text. */
void cmxi_def_describe(const struct cmx_family_def *, char *buf, size_t size);

#endif

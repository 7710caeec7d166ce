/*
 * series_group.h: one look-up for the series that a helper updates together.
 */
#ifndef CMXI_SERIES_GROUP_H
#define CMXI_SERIES_GROUP_H

#include "write/registry.h"

/*
 * The cell offsets that a helper stored for these values, or null.  They are
 * of the families and in the order that the helper made them in.
 */
const uint64_t *cmxi_series_group_find(const struct cmx_registry *,
    uint32_t number, size_t n_labels, const char *const *values);

/* Store them, if there is room. */
void cmxi_series_group_make(const struct cmx_registry *, uint32_t number,
    size_t n_labels, const char *const *values, size_t n_cells,
    const uint64_t *cells);

#endif

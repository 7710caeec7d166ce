/*
 * series_group.h: one look-up for the series that a helper updates together.
 *
 * A group is an entry of the index whose value is the cell offsets of several
 * series.  The offsets never go stale: the place of a series is fixed when its
 * entry is published, an entry never changes, and space is never given back.
 */
#ifndef CMXI_SERIES_GROUP_H
#define CMXI_SERIES_GROUP_H

#include "write/registry.h"

/*
 * The cell offsets that a helper stored for these values, in the helper's order
 * of families; null where it stored none.
 */
const uint64_t *cmxi_series_group_find(const struct cmx_registry *,
    uint32_t number, size_t n_labels, const char *const *values);

/* Store the cell offsets for these values, if there is room. */
void cmxi_series_group_make(const struct cmx_registry *, uint32_t number,
    size_t n_labels, const char *const *values, size_t n_cells,
    const uint64_t *cells);

#endif

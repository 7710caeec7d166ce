/*
 * series.h: family and label values -> cells.
 */
#ifndef CMXI_SERIES_H
#define CMXI_SERIES_H

#include "segment/family_record.h"
#include "write/insert_space.h"
#include "write/registry.h"

/*
 * Find the series of a family with these values, or insert it.
 *
 * Returns 0 and its entry, or 1 and that of the overflow series.
 * Requires: n_labels is the family's.  Keeps errno.
 */
int cmxi_series_find(const struct cmx_registry *, uint32_t family,
    size_t n_labels, const char *const *values,
    const struct cmxi_shm_series **entry);

/*
 * The entry that has the exemplars, for a handle; 0 where the family has none.
 */
uint32_t cmxi_series_exemplars(const struct cmx_registry *,
    const struct cmxi_shm_family *, const struct cmxi_shm_series *);

/*
 * Make the overflow series of an unpublished family: an entry and cells that
 * are not in the index.  A family without labels has no other series.  *space
 * is what it took.  Returns 0 or a negative enum cmx_err.
 */
int cmxi_series_make_overflow(const struct cmx_registry *,
    struct cmxi_shm_family *record, uint32_t family, struct cmxi_space *space);

#endif

/*
 * family_table.h: the append-only table of families.
 */
#ifndef CMXI_FAMILY_TABLE_H
#define CMXI_FAMILY_TABLE_H

#include "segment/segment.h"

/* The entry of a name, or 0. */
uint32_t cmxi_family_find(const struct cmxi_segment *, const char *name);

/*
 * Append a family, or find the same definition there.
 * Returns 0 and its entry, or a negative enum cmx_err.
 */
int cmxi_family_append(const struct cmxi_segment *,
    const struct cmx_family_def *, uint32_t *entry, struct cmx_error *);

/*
 * Would cmxi_family_append() do?  0: the same is there, with the same
 * max_series; 1: it is new; or CMX_ERR_CONFLICT.
 */
int cmxi_family_fits(const struct cmxi_segment *, const struct cmx_family_def *,
    struct cmx_error *);

#endif

/*
 * family_table.h: the append-only table of families.
 */
#ifndef CMXI_FAMILY_TABLE_H
#define CMXI_FAMILY_TABLE_H

#include "write/registry.h"

/* The entry of a name, or 0. */
uint32_t cmxi_family_find(const struct cmx_registry *, const char *name);

/*
 * Append a family, or find the same definition there.
 * Returns 0 and its entry, or a negative enum cmx_err.
 */
int cmxi_family_append(const struct cmx_registry *,
    const struct cmx_family_def *, uint32_t *entry, struct cmx_error *);

/* Tell what cmxi_family_append() would find, without appending. */
enum cmxi_family_fit {
	CMXI_FAMILY_IS_THERE, /* the same, with the same max_series */
	CMXI_FAMILY_IS_NEW,
	CMXI_FAMILY_CONFLICTS
};

enum cmxi_family_fit cmxi_family_fits(const struct cmx_registry *,
    const struct cmx_family_def *);

#endif

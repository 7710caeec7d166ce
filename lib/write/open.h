/*
 * open.h: a process's way into a segment.
 */
#ifndef CMXI_OPEN_H
#define CMXI_OPEN_H

#include "schema/schema.h"
#include "segment/layout.h"
#include "write/registry.h"

/* A registry without a segment.  cmx_close() frees it. */
struct cmx_registry *cmxi_registry_new(struct cmx_error *);
/*
 * Finish a registry whose segment was opened or created: note the stripes that
 * this process may use.  Tries the kernel's sections in child processes where
 * nobody has done so.
 */
void cmxi_registry_set_stripes(struct cmx_registry *);

/*
 * What the layout of a new segment of this schema follows from: limits, sizes,
 * stripes of this machine.  is_empty: the families of the schema will not be
 * created in it.
 */
struct cmxi_layout_input cmxi_layout_for_schema(const struct cmxi_schema *,
    bool is_empty);

/*
 * Add every family of the schema that the segment lacks.  Returns 0; 1 where
 * the segment has other definitions of some, which err names, and all others
 * are there; or an error.
 */
int cmxi_registry_append(struct cmx_registry *, const struct cmxi_schema *,
    struct cmx_error *);

/* The same where no family may conflict: 0 or an error. */
int cmxi_registry_append_all(struct cmx_registry *, const struct cmxi_schema *,
    struct cmx_error *);

/*
 * Open as cmx_open_with() does, but for CMX_APPLY: 0, 1 where families of the
 * schema conflict with the segment's, or a negative enum cmx_err.
 */
int cmxi_registry_open(const char *segment, const char *schema,
    const struct cmx_create_options *, struct cmx_registry **regp,
    struct cmx_error *);

/*
 * Create the segment of a path, as cmx_create() does; CMX_ERR_EXISTS where it
 * is there.
 */
int cmxi_registry_create(const char *path, const struct cmxi_schema *,
    const struct cmx_create_options *, struct cmx_error *);

#endif

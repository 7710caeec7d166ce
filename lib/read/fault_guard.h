/*
 * fault_guard.h: a fault on a truncated mapping becomes a return value.
 */
#ifndef CMXI_FAULT_GUARD_H
#define CMXI_FAULT_GUARD_H

#include <stdbool.h>

#include "segment/segment.h"

/*
 * Run load(arg), which loads from the segment's mapping.  Returns false where a
 * load hit a page that the file no longer has; load() ended at that load.
 * Every load of a reader from a mapping is in such a function, and the function
 * does nothing that would have to be undone.
 *
 * Before cmxr_guard_install() a fault has its usual action.
 */
bool cmxi_guarded(const struct cmxi_segment *, void (*load)(void *), void *arg);

/*
 * Fill err with "PATH: was truncated while it was read".  Returns
 * CMX_ERR_FORMAT.
 */
int cmxi_guard_error(const struct cmxi_segment *, struct cmx_error *);

#endif

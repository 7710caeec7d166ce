/*
 * fault_guard.h: a fault on a truncated mapping becomes a return value.
 */
#ifndef CMXI_FAULT_GUARD_H
#define CMXI_FAULT_GUARD_H

#include <stdbool.h>

#include "segment/segment.h"

/*
 * Run load(arg), which loads from the segment's mapping; false where a load
 * hit a page that is no more, and load() ended there.  All loads of a reader
 * from a mapping, and nothing that would have to be undone, happen in such
 * functions.
 *
 * Without cmxr_guard_install() the signal does what it always does.
 */
bool cmxi_guarded(const struct cmxi_segment *, void (*load)(void *), void *arg);

/* "PATH: was truncated while it was read": CMX_ERR_FORMAT. */
int cmxi_guard_error(const struct cmxi_segment *, struct cmx_error *);

#endif

/*
 * carry.h: the totals of a segment that was replaced, into the one that
 * replaced it.
 */
#ifndef CMXI_CARRY_H
#define CMXI_CARRY_H

#include "write/registry.h"

/*
 * Carry the totals of the segments that this one replaced, the oldest first,
 * each once its last writer is gone; then remove its name.  path is the name
 * that they had.
 *
 * Requires: the apply lock of the segment.  Returns 0, the number of those
 * carried now and of those that wait (for their writers, or for one before
 * them); or a negative enum cmx_err: nothing is lost then, and the next call
 * goes on.
 */
int cmxi_carry_totals(const struct cmx_registry *, const char *path,
    unsigned int *n_carried, unsigned int *n_waiting, struct cmx_error *);

#endif

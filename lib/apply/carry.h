/*
 * carry.h: the totals of a segment that was replaced, into the one that
 * replaced it.
 */
#ifndef CMXI_CARRY_H
#define CMXI_CARRY_H

#include "write/registry.h"

/*
 * Carry the totals of the segments that this one replaced, the oldest first,
 * each once its last writer is gone; then take its name away.  path is the
 * name that they had.
 *
 * Requires: the apply lock of the segment.
 * Returns 0, the numbers of those carried now and of those that still have
 * writers (or have one before them that does) added; or a negative enum
 * cmx_err: nothing is lost, and the next call goes on.
 */
int cmxi_carry_totals(const struct cmx_registry *, const char *path,
    unsigned int *n_carried, unsigned int *n_waiting, struct cmx_error *);

#endif

/*
 * hot.h: updates for the helpers above, which have cells and no handle.
 */
#ifndef CMXI_HOT_H
#define CMXI_HOT_H

#include "write/registry.h"

/* Add 1 to a counter of whole numbers, given the offset of its cells. */
void cmxi_hot_count(const struct cmx_registry *, uint64_t cell_offset);

/* Observe v, which is finite, in a histogram. */
void cmxi_hot_observe(const struct cmx_registry *,
    const struct cmxi_shm_family *, uint64_t cell_offset, double v);

#endif

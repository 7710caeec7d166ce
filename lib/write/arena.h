/*
 * arena.h: taking space in a segment, with its pages.
 *
 * Bump marks only grow: space is never given back.  The process keeps space
 * that it took and did not use (own_page.h) for its next insert.
 */
#ifndef CMXI_ARENA_H
#define CMXI_ARENA_H

#include "segment/segment.h"
#include "write/own_page.h"

/*
 * Take size bytes of the arena on a multiple of align (a power of two, at
 * least CMXI_ENTRY_UNIT).  *ref is the entry; its pages exist.
 * Returns 0, CMX_ERR_FULL, or as cmxi_segment_reserve().
 */
int cmxi_arena_take_entry(const struct cmxi_segment *, uint64_t size,
    uint64_t align, uint32_t *ref);

/* Take cells: size bytes in every stripe, at one offset. */
int cmxi_arena_take_cells(const struct cmxi_segment *, uint64_t size,
    uint64_t *offset);

/*
 * Take a gauge's 8 bytes in every gauge stripe, and reserve the page of the
 * shared one.
 */
int cmxi_arena_take_gauge(const struct cmxi_segment *, uint64_t *offset);

#endif

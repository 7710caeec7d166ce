/*
 * arena.h: taking space in a segment, with its pages.
 *
 * Space is taken from bump marks and never given back; what an insert loses
 * to another is kept in the process for its next one.
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

/* Take a gauge's 8 bytes in every gauge stripe; the shared one has its page. */
int cmxi_arena_take_gauge(const struct cmxi_segment *, uint64_t *offset);

#endif

/*
 * arena_window.h: reading a segment's structure, piece by piece.
 *
 * pread copies the structure out of the file, and nothing looks at it through
 * the mapping: a writer cannot change a copy after it was checked.
 */
#ifndef CMXI_ARENA_WINDOW_H
#define CMXI_ARENA_WINDOW_H

#include "base/buf.h"
#include "segment/segment.h"

/* The size of a window, which is also the most that one call may ask for. */
#define CMXI_WINDOW_SIZE (256 * 1024)

/*
 * A copy of a part of the arena.  Entries are read in order, so most of them
 * are in it.
 */
struct cmxi_arena_window {
	struct cmxi_buf bytes;
	uint64_t offset;
};

/*
 * Read exactly n bytes at an offset of the file.  Returns 0 or a negative enum
 * cmx_err.
 */
int cmxi_read_at(const struct cmxi_segment *, uint64_t offset, void *bytes,
    size_t n, struct cmx_error *);

/*
 * Point *bytes to the arena's bytes [offset, offset + n), which stay until the
 * next call; null where the arena ends before.  Returns 0 or a negative enum
 * cmx_err.
 */
int cmxi_window_look(struct cmxi_arena_window *, const struct cmxi_segment *,
    uint64_t offset, size_t n, const unsigned char **bytes, struct cmx_error *);

/* Empty the window, because writers may have changed the arena since. */
void cmxi_window_forget(struct cmxi_arena_window *);
void cmxi_window_fini(struct cmxi_arena_window *);

#endif

/*
 * arena_window.h: reading a segment's structure, piece by piece.
 *
 * Structure is copied out of the file by pread, never looked at through the
 * mapping: a copy that was checked stays what it was.
 */
#ifndef CMXI_ARENA_WINDOW_H
#define CMXI_ARENA_WINDOW_H

#include "base/buf.h"
#include "segment/segment.h"

/* Bytes that a window holds, and the most that may be asked of it at once. */
#define CMXI_WINDOW_SIZE (256 * 1024)

/* A part of the arena; entries are asked for in order, so most are in it. */
struct cmxi_arena_window {
	struct cmxi_buf bytes;
	uint64_t offset;
};

/* Exactly n bytes at an offset of the file.  0 or a negative enum cmx_err. */
int cmxi_read_at(const struct cmxi_segment *, uint64_t offset, void *bytes,
    size_t n, struct cmx_error *);

/*
 * The arena's bytes [offset, offset + n) in *bytes, until the next call; null
 * where the arena does not reach so far.  0 or a negative enum cmx_err.
 */
int cmxi_window_look(struct cmxi_arena_window *, const struct cmxi_segment *,
    uint64_t offset, size_t n, const unsigned char **bytes, struct cmx_error *);

/* What is in it may be older than what will be asked for. */
void cmxi_window_forget(struct cmxi_arena_window *);
void cmxi_window_fini(struct cmxi_arena_window *);

#endif

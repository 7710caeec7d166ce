/*
 * arena_window.c: reading a segment's structure, piece by piece.
 */
#include "read/arena_window.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/require.h"

int
cmxi_read_at(const struct cmxi_segment *s, uint64_t offset, void *bytes,
    size_t n, struct cmx_error *err)
{
	ssize_t got = pread(s->fd, bytes, n, (off_t)offset);

	if (got == (ssize_t)n)
		return 0;
	if (got < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "cannot read the segment");
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "the segment was truncated: %zd bytes at offset %" PRIu64
	    ", where %zu belong",
	    got, offset, n);
}

/* Fill the window, beginning at an offset of the arena. */
static int
fill_window(struct cmxi_arena_window *w, const struct cmxi_segment *s,
    uint64_t offset, struct cmx_error *err)
{
	uint64_t size = s->fixed.arena_size - offset;
	int r;

	REQUIRE(offset <= s->fixed.arena_size);
	size = size < CMXI_WINDOW_SIZE ? size : CMXI_WINDOW_SIZE;
	w->bytes.size = 0;
	if (!cmxi_buf_reserve(&w->bytes, CMXI_WINDOW_SIZE))
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory to read the segment");
	r = cmxi_read_at(s, s->fixed.arena_offset + offset, w->bytes.data, size,
	    err);
	if (r != 0)
		return r;
	w->bytes.size = size;
	w->offset = offset;
	return 0;
}

int
cmxi_window_look(struct cmxi_arena_window *w, const struct cmxi_segment *s,
    uint64_t offset, size_t n, const unsigned char **bytes,
    struct cmx_error *err)
{
	uint64_t arena_size = s->fixed.arena_size;
	int r = 0;

	REQUIRE(n <= CMXI_WINDOW_SIZE);
	*bytes = NULL;
	if (offset > arena_size || arena_size - offset < n)
		return 0;
	if (offset < w->offset || offset + n > w->offset + w->bytes.size)
		r = fill_window(w, s, offset, err);
	if (r == 0)
		*bytes =
		    (const unsigned char *)w->bytes.data + (offset - w->offset);
	return r;
}

void
cmxi_window_forget(struct cmxi_arena_window *w)
{
	w->bytes.size = 0;
}

void
cmxi_window_fini(struct cmxi_arena_window *w)
{
	cmxi_buf_fini(&w->bytes);
	w->offset = 0;
}

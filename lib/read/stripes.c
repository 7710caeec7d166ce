/*
 * stripes.c: where the values of a segment are read.
 */
#include "read/stripes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/require.h"

/* Does a part of the file have any data?  Where the kernel cannot tell: yes. */
static bool
has_data(const struct cmxi_segment *s, uint64_t offset, uint64_t size)
{
	off_t at = lseek(s->fd, (off_t)offset, SEEK_DATA);

	return at < 0 ? errno != ENXIO : (uint64_t)at < offset + size;
}

static int
copy_part(struct cmxi_stripes *stripes, const struct cmxi_segment *s,
    uint64_t offset, uint64_t size, const unsigned char **at,
    struct cmx_error *err)
{
	char *copy;
	ssize_t n;

	if (size > stripes->copies_left)
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: says that its values take %" PRIu64
		    " bytes in each stripe, and has few of them; the file is damaged: remove it",
		    s->path != NULL ? s->path : "segment", size);
	stripes->copies_left -= size;
	/* Pairs lie on 16 bytes. */
	copy = cmxi_pool_take(&stripes->copies, cmxi_round_up(size, 16));
	if (copy == NULL)
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the values of the segment");
	n = pread(s->fd, copy, size, (off_t)offset);
	if (n < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "cannot read the segment");
	memset(copy + n, 0, size - (size_t)n);
	*at = (const unsigned char *)copy;
	return 0;
}

/* Find one part of the file: in the mapping, in a copy, or nowhere (null). */
static int
find_part(struct cmxi_stripes *stripes, const struct cmxi_segment *s,
    uint64_t offset, uint64_t size, const unsigned char **at,
    struct cmx_error *err)
{
	REQUIRE(offset + size <= s->size);
	*at = NULL;
	if (size == 0)
		return 0;
	if (cmxi_stripes_may_load(stripes, size)) {
		*at = s->base + offset;
		return 0;
	}
	if (!has_data(s, offset, size))
		return 0;
	return copy_part(stripes, s, offset, size, at, err);
}

static int
begin(struct cmxi_stripes *stripes, const struct cmxi_segment *s,
    uint64_t copies, struct cmx_error *err)
{
	cmxi_pool_fini(&stripes->copies);
	stripes->n = cmxi_segment_n_stripes(s);
	if (!cmxi_array_reserve(&stripes->at, &stripes->capacity, stripes->n,
		sizeof(*stripes->at)))
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the stripes of the segment");
	if (!cmxi_segment_allocated(s, &stripes->loads_left))
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "cannot ask how large the segment is");
	stripes->copies_left = copies;
	return 0;
}

int
cmxi_stripes_find(struct cmxi_stripes *stripes, const struct cmxi_segment *s,
    const struct cmxi_stripe_sizes *sizes, struct cmx_error *err)
{
	const struct cmxi_shm_header *h = &s->fixed;
	int r = begin(stripes, s, sizes->copies, err);

	for (size_t i = 0; r == 0 && i < stripes->n; i++)
		r = find_part(stripes, s, h->stripe_offset + i * h->stripe_size,
		    sizes->cells, &stripes->at[i], err);
	if (r == 0)
		r = find_part(stripes, s,
		    h->stripe_offset + stripes->n * h->stripe_size,
		    sizes->carry, &stripes->carry, err);
	if (r == 0)
		r = find_part(stripes, s,
		    h->gauge_offset + h->n_slots * h->gauge_stripe_size,
		    sizes->shared_gauges, &stripes->shared_gauges, err);
	return r;
}

void
cmxi_stripes_fini(struct cmxi_stripes *stripes)
{
	cmxi_pool_fini(&stripes->copies);
	free(stripes->at);
	memset(stripes, 0, sizeof(*stripes));
}

/*
 * stripes.h: where the values of a segment are read, without making its file
 * larger.
 *
 * A load of a hole of a sparse file on tmpfs allocates a page, also through a
 * read-only mapping, and the header may say that there is a terabyte.  So no
 * more is loaded through the mapping than the file has blocks; writers reserve
 * every page before they say so, and of their segments all is loaded.  Of a
 * file with holes (a sparse copy, or an enemy's) the kernel copies the stripes
 * that have data, which allocates nothing.
 */
#ifndef CMXI_STRIPES_H
#define CMXI_STRIPES_H

#include "base/bytes.h"
#include "base/pool.h"
#include "segment/segment.h"

#define CMXI_STRIPES_PAGE 4096

struct cmxi_stripes {
	/* One for each stripe; null: it has no data, and all its cells are 0.
	 */
	const unsigned char **at;
	size_t n, capacity;
	const unsigned char *carry, *shared_gauges;
	uint64_t loads_left;  /* bytes that may still be loaded */
	uint64_t copies_left; /* bytes that may still be copied */
	struct cmxi_pool copies;
};

/* What of each kind of stripe is needed. */
struct cmxi_stripe_sizes {
	uint64_t cells, carry, shared_gauges;
	uint64_t copies; /* the most bytes that are copied, of all */
};

/*
 * Find the stripes of a segment for one scrape.  Returns 0; CMX_ERR_FORMAT
 * where the file has more holes than are copied, or a negative enum cmx_err.
 */
int cmxi_stripes_find(struct cmxi_stripes *, const struct cmxi_segment *,
    const struct cmxi_stripe_sizes *, struct cmx_error *);

/*
 * May so many more bytes be loaded through the mapping?  Then they are taken
 * off, as pages: the kernel gives a hole nothing less.
 */
static inline bool
cmxi_stripes_may_load(struct cmxi_stripes *s, uint64_t size)
{
	size = cmxi_round_up(size, CMXI_STRIPES_PAGE);
	if (size > s->loads_left)
		return false;
	s->loads_left -= size;
	return true;
}

void cmxi_stripes_fini(struct cmxi_stripes *);

#endif

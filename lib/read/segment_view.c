/*
 * segment_view.c: one segment as a reader reads it.
 */
#include "read/segment_view.h"

#include <stdlib.h>

#include "base/error.h"
#include "read/fault_guard.h"

struct cmxi_part *
cmxi_part_new(const struct cmxi_segment *segment, struct cmx_error *err)
{
	struct cmxi_part *part = calloc(1, sizeof(*part));

	if (part == NULL) {
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a reader");
		return NULL;
	}
	part->segment = *segment;
	cmxi_catalog_init(&part->catalog, &part->segment);
	return part;
}

int
cmxi_part_open(const char *path, struct cmxi_part **partp,
    struct cmx_error *err)
{
	struct cmxi_segment segment;
	int r = cmxi_segment_open(&segment, path, CMXI_READ, 0, err);

	if (r != 0)
		return r;
	*partp = cmxi_part_new(&segment, err);
	if (*partp != NULL)
		return 0;
	cmxi_segment_close(&segment);
	return CMX_ERR_MEMORY;
}

void
cmxi_part_close(struct cmxi_part *part)
{
	if (part == NULL)
		return;
	cmxi_scrape_fini(&part->scrape);
	cmxi_gauges_fini(&part->gauges);
	cmxi_catalog_fini(&part->catalog);
	cmxi_segment_close(&part->segment);
	free(part);
}

static int
truncated(const struct cmxi_part *part, struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "%s: was truncated while it was read",
	    part->segment.path != NULL ? part->segment.path : "segment");
}

static void
load_carried(struct cmxi_part *part)
{
	const struct cmxi_shm_header *h = cmxi_segment_header(&part->segment);

	/*
	 * (M) acquire, pairs with (L) in carry.c.  Orders the totals and their
	 * size before the loads of them.
	 */
	part->is_carried = cmxi_load64_acquire(&h->carried) != 0;
	part->carry_size =
	    part->is_carried ? cmxi_load64_relaxed(&h->carry_size) : 0;
	if (part->carry_size > part->segment.fixed.stripe_size)
		part->carry_size = 0;
}

static void
load_values(struct cmxi_part *part)
{
	cmxi_scrape_load(&part->scrape, &part->segment, part->carry_size,
	    &part->torn);
	cmxi_gauges_load(&part->scrape, &part->segment, &part->gauges);
}

/* All loads from the mapping, and nothing else, happen in these functions. */
static int
guarded(struct cmxi_part *part, void (*load)(struct cmxi_part *),
    struct cmx_error *err)
{
	struct cmxi_guard guard = { .base = part->segment.base,
		.size = part->segment.size };

	if (sigsetjmp(guard.jump, 0) != 0) {
		cmxi_guard_leave();
		return truncated(part, err);
	}
	cmxi_guard_enter(&guard);
	load(part);
	cmxi_guard_leave();
	return 0;
}

int
cmxi_part_look(struct cmxi_part *part, struct cmx_error *err)
{
	return guarded(part, load_carried, err);
}

int
cmxi_part_take(struct cmxi_part *part, struct cmx_error *err)
{
	int r = cmxi_catalog_refresh(&part->catalog, err);

	if (r != 0) {
		/* It points into the catalog, which has begun anew. */
		cmxi_scrape_fini(&part->scrape);
		return r;
	}
	r = cmxi_scrape_prepare(&part->scrape, &part->catalog, err);
	if (r == 0)
		r = cmxi_gauges_prepare(&part->scrape, &part->segment,
		    &part->gauges, err);
	if (r == 0)
		r = guarded(part, load_values, err);
	return r;
}

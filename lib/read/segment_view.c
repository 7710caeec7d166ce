/*
 * segment_view.c: one segment as a reader reads it.
 */
#include "read/segment_view.h"

#include <stdlib.h>

#include "base/error.h"
#include "read/fault_guard.h"
#include "segment/segment_file.h"

struct cmxi_view *
cmxi_view_new(const struct cmxi_segment *segment, struct cmx_error *err)
{
	struct cmxi_view *view = calloc(1, sizeof(*view));

	if (view == NULL) {
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a reader");
		return NULL;
	}
	view->segment = *segment;
	cmxi_catalog_init(&view->catalog, &view->segment);
	return view;
}

int
cmxi_view_open(const char *path, struct cmxi_view **viewp,
    struct cmx_error *err)
{
	struct cmxi_segment segment;
	int r = cmxi_segment_open(&segment, path, CMXI_READ, 0, err);

	if (r != 0)
		return r;
	*viewp = cmxi_view_new(&segment, err);
	if (*viewp != NULL)
		return 0;
	cmxi_segment_close(&segment);
	return CMX_ERR_MEMORY;
}

void
cmxi_view_close(struct cmxi_view *view)
{
	if (view == NULL)
		return;
	cmxi_scrape_fini(&view->scrape);
	cmxi_gauges_fini(&view->gauges);
	cmxi_catalog_fini(&view->catalog);
	cmxi_segment_close(&view->segment);
	free(view);
}

static int
truncated(const struct cmxi_view *view, struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "%s: was truncated while it was read",
	    view->segment.path != NULL ? view->segment.path : "segment");
}

static void
load_carried(struct cmxi_view *view)
{
	const struct cmxi_shm_header *h = cmxi_segment_header(&view->segment);

	/*
	 * (M) acquire, pairs with (L) in carry.c.  Orders the totals and their
	 * size before the loads of them.
	 */
	view->is_carried = cmxi_load64_acquire(&h->carried) != 0;
	view->carry_size =
	    view->is_carried ? cmxi_load64_relaxed(&h->carry_size) : 0;
	if (view->carry_size > view->segment.fixed.stripe_size)
		view->carry_size = 0;
}

static void
load_values(struct cmxi_view *view)
{
	cmxi_scrape_load(&view->scrape, &view->segment, view->carry_size,
	    &view->torn);
	cmxi_gauges_load(&view->scrape, &view->segment, &view->gauges);
}

/* All loads from the mapping, and nothing else, happen in these functions. */
static int
guarded(struct cmxi_view *view, void (*load)(struct cmxi_view *),
    struct cmx_error *err)
{
	struct cmxi_guard guard = { .base = view->segment.base,
		.size = view->segment.size };

	if (sigsetjmp(guard.jump, 0) != 0) {
		cmxi_guard_leave();
		return truncated(view, err);
	}
	cmxi_guard_enter(&guard);
	load(view);
	cmxi_guard_leave();
	return 0;
}

int
cmxi_view_load_carried(struct cmxi_view *view, struct cmx_error *err)
{
	return guarded(view, load_carried, err);
}

int
cmxi_view_take(struct cmxi_view *view, struct cmx_error *err)
{
	int r = cmxi_catalog_refresh(&view->catalog, err);

	if (r != 0) {
		/* It points into the catalog, which has begun anew. */
		cmxi_scrape_fini(&view->scrape);
		return r;
	}
	r = cmxi_scrape_prepare(&view->scrape, &view->catalog, err);
	if (r == 0)
		r = cmxi_gauges_prepare(&view->scrape, &view->segment,
		    &view->gauges, err);
	if (r == 0)
		r = guarded(view, load_values, err);
	return r;
}

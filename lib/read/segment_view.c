/*
 * segment_view.c: one segment as a reader reads it.
 */
#include "read/segment_view.h"

#include <stdlib.h>

#include "base/error.h"
#include "read/fault_guard.h"
#include "segment/segment_file.h"
#include "segment/words.h"

static struct cmxi_view *
new_view(struct cmx_error *err)
{
	struct cmxi_view *view = calloc(1, sizeof(*view));

	if (view == NULL)
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a reader");
	return view;
}

/* Finish a view whose segment was opened, or free it where r says it was not.
 */
static int
finish_view(struct cmxi_view *view, int r, struct cmxi_view **viewp)
{
	if (r != 0) {
		free(view);
		return r;
	}
	cmxi_catalog_init(&view->catalog, &view->segment);
	*viewp = view;
	return 0;
}

int
cmxi_view_open(const char *path, struct cmxi_view **viewp,
    struct cmx_error *err)
{
	struct cmxi_view *view = new_view(err);

	if (view == NULL)
		return CMX_ERR_MEMORY;
	return finish_view(view,
	    cmxi_segment_open(&view->segment, path, CMXI_READ, 0, err), viewp);
}

int
cmxi_view_open_fd(int fd, const char *name, struct cmxi_view **viewp,
    struct cmx_error *err)
{
	struct cmxi_view *view = new_view(err);

	if (view == NULL)
		return CMX_ERR_MEMORY;
	return finish_view(view,
	    cmxi_segment_open_fd(&view->segment, fd, name, err), viewp);
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

static void
load_carried(void *arg)
{
	struct cmxi_view *view = arg;
	const struct cmxi_shm_header *h = cmxi_segment_header(&view->segment);

	view->is_carried = cmxi_segment_is_carried(&view->segment);
	/* relaxed: stored before the word that says so (Q) */
	view->carry_size =
	    view->is_carried ? cmxi_load64_relaxed(&h->carry_size) : 0;
	if (view->carry_size > view->segment.fixed.stripe_size)
		view->carry_size = 0;
}

int
cmxi_view_load_carried(struct cmxi_view *view, struct cmx_error *err)
{
	return cmxi_guarded(&view->segment, load_carried, view) ?
	    0 :
	    cmxi_guard_error(&view->segment, err);
}

static void
load_values(void *arg)
{
	struct cmxi_view *view = arg;

	cmxi_scrape_load(&view->scrape, &view->segment, view->carry_size,
	    &view->torn, &view->damaged);
	cmxi_gauges_load(&view->scrape, &view->segment, &view->gauges);
}

int
cmxi_view_take(struct cmxi_view *view, struct cmx_error *err)
{
	int r = cmxi_catalog_refresh(&view->catalog, err);

	view->was_taken = false;
	if (r != 0) {
		/*
		 * Empty the scrape: it may point into a catalog that the failed
		 * refresh freed.
		 */
		cmxi_scrape_fini(&view->scrape);
		return r;
	}
	r = cmxi_scrape_prepare(&view->scrape, &view->catalog, view->carry_size,
	    err);
	if (r == 0)
		r = cmxi_gauges_prepare(&view->scrape, &view->segment,
		    &view->gauges, err);
	view->was_taken = r == 0;
	if (r == 0)
		r = cmxi_guarded(&view->segment, load_values, view) ?
		    0 :
		    cmxi_guard_error(&view->segment, err);
	return r;
}

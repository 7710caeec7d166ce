/*
 * view_chain.c: the segment that is read, and its predecessors that still
 * count.
 */
#include "read/view_chain.h"

#include <sys/stat.h>

#include "base/require.h"
#include "segment/segment_name.h"
#include "segment/segment_path.h"

/* Close the views from index i on. */
static void
close_views(struct cmxi_view_chain *c, size_t i)
{
	c->n_changes += i < c->n_views;
	while (c->n_views > i)
		cmxi_view_close(c->views[--c->n_views]);
}

void
cmxi_chain_close(struct cmxi_view_chain *c)
{
	close_views(c, 0);
}

bool
cmxi_chain_is_current(const struct cmxi_view_chain *c)
{
	const struct cmxi_segment *s = &c->views[0]->segment;
	struct stat st;

	return s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->device && st.st_ino == s->inode;
}

static bool
is_predecessor(const struct cmxi_shm_header *of,
    const struct cmxi_shm_header *it)
{
	return of->predecessor_seed != 0 && of->predecessor_seed == it->seed;
}

/*
 * Does the path name a successor of our segment?  Then the successor is read
 * first, and ours may follow it in the chain.  Where the path names nothing or
 * a stranger's segment, the reader keeps its views; cmxr_is_current() tells.
 */
static void
follow_name(struct cmxi_view_chain *c)
{
	struct cmxi_view *view;

	if (c->views[0]->segment.path == NULL || cmxi_chain_is_current(c) ||
	    cmxi_view_open(c->views[0]->segment.path, &view, NULL) != 0)
		return;
	if (!is_predecessor(&view->segment.fixed,
		&c->views[0]->segment.fixed)) {
		cmxi_view_close(view);
		return;
	}
	close_views(c, 0);
	c->views[0] = view;
	c->n_views = 1;
}

/* Open the segment that the last view replaced; null where its file is gone. */
static struct cmxi_view *
open_predecessor(const struct cmxi_view_chain *c, const struct cmxi_view *last)
{
	const struct cmxi_shm_header *fixed = &last->segment.fixed;
	char path[CMXI_PATH_MAX + CMXI_PREDECESSOR_SUFFIX];
	struct cmxi_view *view;

	if (c->views[0]->segment.path == NULL ||
	    cmxi_segment_predecessor_path(c->views[0]->segment.path,
		fixed->predecessor_seed, path, sizeof(path), NULL) != 0 ||
	    cmxi_view_open(path, &view, NULL) != 0)
		return NULL;
	if (is_predecessor(fixed, &view->segment.fixed))
		return view;
	cmxi_view_close(view);
	return NULL;
}

/*
 * Make the chain of this scrape: a view whose predecessor's totals are not in
 * its carry stripe is followed by that predecessor.
 *
 * Each view is asked once per scrape whether the totals were carried, and again
 * if the predecessor has just lost its name.  Within one scrape a predecessor
 * so counts either in its own file or in the carry stripe, never in both or
 * neither.
 */
static int
follow_predecessors(struct cmxi_view_chain *c, struct cmx_error *err)
{
	for (size_t i = 0; i < c->n_views; i++) {
		struct cmxi_view *view = c->views[i], *older = NULL;
		int r = cmxi_view_load_carried(view, err);

		if (r != 0)
			return r;
		if (view->is_carried ||
		    view->segment.fixed.predecessor_seed == 0) {
			close_views(c, i + 1);
			return 0;
		}
		if (i + 1 < c->n_views || i == CMXI_PREDECESSORS_MAX)
			continue;
		older = open_predecessor(c, view);
		if (older == NULL) {
			/*
			 * Either the predecessor was carried over between the
			 * two looks, and is_carried is set now; or its file is
			 * gone, and the scrape shows the rest.
			 */
			r = cmxi_view_load_carried(view, err);
			if (r != 0)
				return r;
			continue;
		}
		c->views[c->n_views++] = older;
	}
	return 0;
}

int
cmxi_chain_follow(struct cmxi_view_chain *c, struct cmx_error *err)
{
	REQUIRE(c->n_views > 0);
	follow_name(c);
	return follow_predecessors(c, err);
}

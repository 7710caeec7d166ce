/*
 * view_chain.c: the segment that is read, and its predecessors that still
 * count.
 */
#include "read/view_chain.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
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

/* A directory, a link or a FIFO has not taken the name by an apply. */
static bool
names_a_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * Is the segment at a path, which could not be opened, perhaps our successor?
 * Where this process is short of something, or may not read the file, that is
 * not known.
 */
static bool
may_be_successor(int error)
{
	return error == CMX_ERR_SYSTEM || error == CMX_ERR_MEMORY ||
	    error == CMX_ERR_PERMISSION;
}

/*
 * Does the path name a segment that took it over from ours, at once or after
 * others?  Then that one is read first; where ours still counts, it is found
 * again as a predecessor.  Where the path names nothing or a stranger's
 * segment, the reader keeps its views; cmxr_is_current() tells.
 *
 * A successor that cannot be read now is an error: what was ordered before this
 * scrape may be counted there (O2).
 */
static int
follow_name(struct cmxi_view_chain *c, struct cmx_error *err)
{
	const struct cmxi_segment *ours = &c->views[0]->segment;
	struct cmxi_view *view;
	int r;

	if (ours->path == NULL || cmxi_chain_is_current(c) ||
	    !names_a_file(ours->path))
		return 0;
	r = cmxi_view_open(ours->path, &view, err);
	if (r != 0)
		return may_be_successor(r) ? r : 0;
	if (view->segment.fixed.origin_seed != ours->fixed.origin_seed) {
		cmxi_view_close(view);
		return 0;
	}
	close_views(c, 0);
	c->views[0] = view;
	c->n_views = 1;
	return 0;
}

/*
 * Open the segment that the last view replaced.  Returns CMX_ERR_NOT_FOUND
 * where it has no name any more.
 */
static int
open_predecessor(const struct cmxi_view_chain *c, const struct cmxi_view *last,
    struct cmxi_view **viewp, struct cmx_error *err)
{
	const struct cmxi_shm_header *fixed = &last->segment.fixed;
	const char *path = c->views[0]->segment.path;
	char *name;
	int r;

	if (path == NULL)
		return CMX_ERR_NOT_FOUND;
	name =
	    cmxi_segment_predecessor_path(path, fixed->predecessor_seed, err);
	if (name == NULL)
		return CMX_ERR_MEMORY;
	r = cmxi_view_open(name, viewp, err);
	if (r == 0 && !is_predecessor(fixed, &(*viewp)->segment.fixed)) {
		cmxi_view_close(*viewp);
		r = cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: is not the segment that %s replaced", name, path);
	}
	free(name);
	return r;
}

/*
 * A predecessor has no name any more.  Either it was carried over between the
 * two looks, and is_carried is set now; or somebody removed its name alone, and
 * the scrape shows the rest; or the whole segment was removed, and with it
 * totals that were there: that is an error.
 */
static int
explain_missing(const struct cmxi_view_chain *c, struct cmxi_view *view,
    struct cmx_error *err)
{
	int r = cmxi_view_load_carried(view, err);

	if (r != 0 || view->is_carried || c->views[0]->segment.path == NULL ||
	    cmxi_chain_is_current(c))
		return r;
	return cmxi_error(err, CMX_ERR_NOT_FOUND,
	    "%s: was removed, and the totals of the segment that it replaced with it",
	    c->views[0]->segment.path);
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
		r = open_predecessor(c, view, &older, err);
		if (r == 0)
			c->views[c->n_views++] = older;
		else if (r == CMX_ERR_NOT_FOUND)
			r = explain_missing(c, view, err);
		/*
		 * A predecessor that is there and cannot be read now has
		 * totals: without them the sum would fall (O4).
		 */
		if (r != 0)
			return r;
	}
	return 0;
}

int
cmxi_chain_follow(struct cmxi_view_chain *c, struct cmx_error *err)
{
	int r;

	REQUIRE(c->n_views > 0);
	r = follow_name(c, err);
	return r == 0 ? follow_predecessors(c, err) : r;
}

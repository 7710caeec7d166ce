/*
 * view_chain.h: the segment that is read, and its predecessors that still
 * count.
 *
 * A segment that was replaced is read beside its successor until its totals are
 * in the successor's carry stripe.
 */
#ifndef CMXI_VIEW_CHAIN_H
#define CMXI_VIEW_CHAIN_H

#include "read/segment_view.h"

#define CMXI_CHAIN_MAX (CMXI_PREDECESSORS_MAX + 1)

/* The views, the newest segment first. */
struct cmxi_view_chain {
	struct cmxi_view *views[CMXI_CHAIN_MAX];
	size_t n_views;
	/*
	 * Counts the changes of the chain: a view was closed, or another came
	 * first.
	 */
	uint64_t n_changes;
};

/* Does the path of the first view still name its file? */
bool cmxi_chain_is_current(const struct cmxi_view_chain *);

/*
 * Make the chain of this scrape: open the segment that replaced the first one,
 * open predecessors that count, close those whose totals were carried.  Returns
 * 0 or CMX_ERR_FORMAT.
 */
int cmxi_chain_follow(struct cmxi_view_chain *, struct cmx_error *);

void cmxi_chain_close(struct cmxi_view_chain *);

#endif

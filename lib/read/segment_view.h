/*
 * segment_view.h: one segment as a reader reads it.
 *
 * A reader has one view.  While a replaced segment still has writers, the
 * reader has a chain of views, the newest first.
 */
#ifndef CMXI_SEGMENT_VIEW_H
#define CMXI_SEGMENT_VIEW_H

#include "read/catalog.h"
#include "read/gauges.h"
#include "read/scrape.h"
#include "segment/segment.h"

struct cmxi_view {
	struct cmxi_segment segment;
	struct cmxi_catalog catalog;
	struct cmxi_scrape scrape;
	struct cmxi_gauge_scratch gauges;
	bool was_taken; /* the list of live slots in gauges is of a snapshot */
	uint64_t torn, damaged;
	/* Are the predecessor's totals in the carry stripe? */
	bool is_carried;
	uint64_t carry_size;
};

/* Open a segment for reading, by name or through a descriptor. */
int cmxi_view_open(const char *path, struct cmxi_view **, struct cmx_error *);
int cmxi_view_open_fd(int fd, const char *name, struct cmxi_view **,
    struct cmx_error *);
void cmxi_view_close(struct cmxi_view *);

/*
 * Look whether the predecessor's totals were carried into the segment.  Returns
 * 0 or CMX_ERR_FORMAT.
 */
int cmxi_view_load_carried(struct cmxi_view *, struct cmx_error *);

/* Read the structure and the values of one scrape. */
int cmxi_view_take(struct cmxi_view *, struct cmx_error *);

#endif

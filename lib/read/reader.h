/*
 * reader.h: an opened reader.
 */
#ifndef CMXI_READER_H
#define CMXI_READER_H

#include "codeai/metrics_reader.h"

#include "read/lineage.h"
#include "read/process_metrics.h"
#include "read/segment_view.h"

struct cmxr_reader {
	/* The segment, and those that it replaced, while they count. */
	struct cmxi_view *views[CMXI_PREDECESSORS_MAX + 1];
	size_t n_views;
	struct cmxi_lineage merged; /* where there are several */
	size_t n_merged_families;   /* of all views, when it was begun */
	bool shows_processes;
	struct cmxi_process_metrics processes;
	struct cmxr_snapshot snapshot;
	char *schema_text;
};

#endif

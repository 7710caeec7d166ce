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
	struct cmxi_part *parts[CMXI_PREDECESSORS_MAX + 1];
	size_t n_parts;
	struct cmxi_union merged; /* where there are several */
	size_t n_merged_families; /* of all parts, when it was begun */
	bool shows_processes;
	struct cmxi_processes processes;
	struct cmxr_snapshot snapshot;
	char *schema_text;
};

#endif

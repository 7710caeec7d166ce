/*
 * reader.h: an opened reader.
 */
#ifndef CMXI_READER_H
#define CMXI_READER_H

#include "codeai/metrics_reader.h"

#include "read/lineage.h"
#include "read/process_metrics.h"
#include "read/snapshot.h"
#include "read/view_chain.h"

struct cmxr_reader {
	struct cmxi_view_chain chain;
	struct cmxi_lineage merged; /* used where there are several views */
	size_t n_merged_families;   /* of all views, at the last merge */
	bool shows_processes;
	uint64_t limit; /* cmxr_set_limit(), or 0 */
	struct cmxi_process_metrics processes;
	struct cmxr_snapshot snapshot;
	/* Of the values of the last snapshot, and since when it is that. */
	uint64_t values_hash, changed_ns;
	char *schema_text;
};

#endif

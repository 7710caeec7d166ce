/*
 * snapshot.h: what a reader shows at one scrape.
 *
 * A list of families with their values, and of processes.  Encoders walk the
 * list, and know nothing of segments.
 */
#ifndef CMXI_SNAPSHOT_H
#define CMXI_SNAPSHOT_H

#include "codeai/metrics_reader.h"

#include "base/hash_index.h"
#include "family/native_buckets.h"
#include "read/values.h"

/* What the series of the last cmxr_series_next() points to. */
struct cmxi_series_room {
	struct cmxi_buf values;
	uint64_t buckets[CMXI_CELL_BOUNDS_MAX + 1];
};

/*
 * The families, in the order in which they are shown.  Borrowed: their values
 * belong to a segment's scrape, to a lineage, or to the process metrics.
 */
struct cmxr_snapshot {
	size_t n_families, capacity;
	const struct cmxi_values **families;
	struct cmxi_hash_index names; /* from a family's name to its index */
	struct cmxi_buf processes;    /* of struct cmxr_process */
	struct cmxi_series_room *room;
};

/* Initialise zeroed memory.  Returns false where there is no memory. */
bool cmxi_snapshot_init(struct cmxr_snapshot *);
void cmxi_snapshot_fini(struct cmxr_snapshot *);

/* Remove all families. */
void cmxi_snapshot_clear(struct cmxr_snapshot *);

/*
 * Add a family, unless one of its name is there.  Returns false where there is
 * no memory.
 */
bool cmxi_snapshot_show(struct cmxr_snapshot *, const struct cmxi_values *);

/* Find a family by name: its index, or n_families; the family, or null. */
size_t cmxi_snapshot_place(const struct cmxr_snapshot *, const char *name);
const struct cmxi_values *cmxi_snapshot_find(const struct cmxr_snapshot *,
    const char *name);

/*
 * How large the snapshot is as text, at most, without the labels of inputs.
 * Cost: a step for each family, and for each sample of CMX_EACH.
 */
uint64_t cmxi_snapshot_text_bytes(const struct cmxr_snapshot *);

#endif

/*
 * snapshot.h: what a reader shows at one scrape.
 *
 * A list of families with their values, and of processes.  Encoders walk it;
 * they do not know that a segment exists.
 */
#ifndef CMXI_SNAPSHOT_H
#define CMXI_SNAPSHOT_H

#include "codeai/metrics_reader.h"

#include "base/hash_index.h"
#include "family/native_buckets.h"
#include "read/values.h"

/* What the last series of cmxr_series_next() points to. */
struct cmxi_series_room {
	struct cmxi_buf values;
	uint64_t buckets[CMXI_CELL_BOUNDS_MAX + 1];
};

/*
 * The families are borrowed: their values belong to a segment's scrape, to the
 * merged segments of a lineage, or to the process metrics.
 */
struct cmxr_snapshot {
	size_t n_families, capacity;
	const struct cmxi_values **families;
	struct cmxi_hash_index names; /* of families, to their place */
	struct cmxi_buf processes;    /* of struct cmxr_process */
	struct cmxi_series_room *room;
};

/* Of a zeroed one; false where there is no memory. */
bool cmxi_snapshot_init(struct cmxr_snapshot *);
void cmxi_snapshot_fini(struct cmxr_snapshot *);

/* Show no family. */
void cmxi_snapshot_clear(struct cmxr_snapshot *);

/* Show a family too, where none of its name is; false: no memory. */
bool cmxi_snapshot_show(struct cmxr_snapshot *, const struct cmxi_values *);

/* The place of a family, or n_families; the family, or null. */
size_t cmxi_snapshot_place(const struct cmxr_snapshot *, const char *name);
const struct cmxi_values *cmxi_snapshot_find(const struct cmxr_snapshot *,
    const char *name);

#endif

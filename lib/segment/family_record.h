/*
 * family_record.h: a family's definition <-> the bytes of its record.
 *
 * No I/O and no state.  The writer half encodes, both halves decode.
 */
#ifndef CMXI_FAMILY_RECORD_H
#define CMXI_FAMILY_RECORD_H

#include "codeai/metrics_base.h"
#include "segment/format.h"

/* A decoded definition; its strings and bounds point into the record. */
struct cmxi_definition {
	struct cmx_family_def def;
	const char *labels[CMX_LABELS_MAX];
	/* Histograms: the bounds of the cells, and those that are shown. */
	size_t n_cell_bounds, n_shown;
	const double *cell_bounds, *shown;
};

/* The size of the record in bytes, a multiple of CMXI_ENTRY_UNIT. */
size_t cmxi_family_record_size(const struct cmx_family_def *);

/*
 * Write the immutable part of a record and zero the rest.  Requires: the
 * definition passed cmxi_def_check(), and there is room for
 * cmxi_family_record_size() bytes.
 */
void cmxi_family_record_encode(const struct cmx_family_def *,
    struct cmxi_shm_family *);

/*
 * Decode a record, of which available bytes may be read.  Returns false for
 * bytes that are not a record as a writer makes it, whatever they are.
 */
bool cmxi_family_record_decode(const struct cmxi_shm_family *, size_t available,
    struct cmxi_definition *);

/*
 * The number of bounds with their padding of +Inf to a multiple of
 * CMXI_BOUNDS_PAD.
 */
static inline size_t
cmxi_family_record_padded(size_t n_bounds)
{
	return cmxi_round_up(n_bounds, CMXI_BOUNDS_PAD);
}

/* The bounds of a record's cells, with their padding. */
static inline const double *
cmxi_family_record_bounds(const struct cmxi_shm_family *record)
{
	return (const double *)(const void *)(record + 1);
}

/* The n_shown bounds that text formats show. */
static inline const double *
cmxi_family_record_shown(const struct cmxi_shm_family *record)
{
	const double *bounds = cmxi_family_record_bounds(record);

	return record->is_native ?
	    bounds + cmxi_family_record_padded(record->n_bounds) :
	    bounds;
}

#endif

/*
 * layout.h: limits -> offsets, and the way back.  Pure: no I/O.
 */
#ifndef CMXI_LAYOUT_H
#define CMXI_LAYOUT_H

#include "codeai/metrics_base.h"
#include "segment/format.h"

struct cmxi_layout_input {
	uint64_t series;
	uint64_t families;
	uint64_t processes;
	uint64_t label_bytes;
	uint64_t schema_size;
	uint64_t largest_cell;   /* bytes of the largest series in a stripe */
	uint64_t exemplar_bytes; /* the most that a series has of them */
	uint32_t n_cpu_stripes;
	uint32_t n_fallback_stripes;
	uint32_t page_size;
	uint32_t flags; /* CMXI_FLAG_ that the creator found out */
	/* The segment that the new one replaces, and its origin; or 0. */
	uint64_t predecessor_seed;
	uint64_t origin_ns;
	uint64_t origin_seed; /* 0: the segment begins a line */
};

/*
 * Fill the geometry of a header: sizes and offsets of every region.
 * Returns 0, or CMX_ERR_ARGUMENT where a region would be larger than a header
 * may say (layout.c).
 */
int cmxi_layout_compute(const struct cmxi_layout_input *,
    struct cmxi_shm_header *, struct cmx_error *);

/* The hash of a header's fixed bytes, with zero in its own place. */
uint64_t cmxi_layout_hash(const struct cmxi_shm_header *);

/*
 * Check whether this program can use a segment with this header.  Every size,
 * bound and offset that is used later is checked here.  name stands for the
 * file in errors.
 */
int cmxi_layout_check(const struct cmxi_shm_header *, uint64_t file_size,
    const char *name, struct cmx_error *);

/* The bytes of one series in one stripe; of a gauge, in one gauge stripe. */
uint64_t cmxi_layout_cell_size(const struct cmx_family_def *);

#endif

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
	uint64_t largest_cell; /* bytes of the largest series in a stripe */
	uint32_t n_cpu_stripes;
	uint32_t n_fallback_stripes;
	uint32_t page_size;
	uint32_t flags; /* CMXI_FLAG_ that the creator found out */
	/* The segment that the new one replaces, or 0. */
	uint64_t predecessor_seed;
	uint64_t origin_ns;
};

/*
 * Fill the geometry of a header: sizes and offsets of every region.
 * Returns 0, or CMX_ERR_ARGUMENT where the file would be larger than 2^46
 * bytes, the size of an address space.
 */
int cmxi_layout_compute(const struct cmxi_layout_input *,
    struct cmxi_shm_header *, struct cmx_error *);

/* The hash of a header's fixed bytes, its own place taken as zero. */
uint64_t cmxi_layout_hash(const struct cmxi_shm_header *);

/*
 * Is this the header of a segment that this program can use?  Everything that
 * is later used as a size, a bound or an offset is checked here.  name is
 * what the error calls the file.
 */
int cmxi_layout_check(const struct cmxi_shm_header *, uint64_t file_size,
    const char *name, struct cmx_error *);

/* Bytes of one series in one stripe; of a gauge, in one gauge stripe. */
uint64_t cmxi_layout_cell_size(const struct cmx_family_def *);

#endif

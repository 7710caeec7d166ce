/*
 * registry.h: a process's opened segment, and what the writer half shares.
 */
#ifndef CMXI_REGISTRY_H
#define CMXI_REGISTRY_H

#include "codeai/metrics.h"
#include "schema/schema.h"
#include "segment/segment.h"
#include "write/own_page.h"

/* The CodeAI families, resolved at their first use (kit/codeai.c). */
#define CMXI_CODEAI_FAMILIES 21

struct cmx_registry {
	struct cmxi_segment segment;
	struct cmxi_own_page *own;
	/* The built-in schema: a helper may have to register from it. */
	struct cmxi_schema *codeai;
	/*
	 * Entry of each of its families in this segment; 0: not looked up
	 * yet, UINT32_MAX: there is one that the helper cannot use.
	 * Order: relaxed; the entry it names was acquired by its finder.
	 */
	uint32_t codeai_entries[CMXI_CODEAI_FAMILIES];
	uint32_t n_cpus; /* stripes of CPUs that this process may use */
	int32_t rseq_offset;
	uint8_t stripe_shift;
};

/* The record behind a family handle. */
static inline struct cmxi_shm_family *
cmxi_registry_family(const struct cmx_registry *reg, uint32_t entry)
{
	return cmxi_segment_entry(&reg->segment, entry);
}

#endif

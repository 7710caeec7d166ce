/*
 * hot_exemplar.c: updates that store an exemplar.
 */
#include "codeai/metrics.h"

#include <math.h>

#include "base/clock.h"
#include "segment/exemplar.h"
#include "segment/family_record.h"
#include "segment/segment.h"
#include "write/registry.h"

/* Store an exemplar in a slot, or count it as bad. */
static void
store_exemplar(const struct cmx_registry *reg, uint32_t exemplars, size_t slot,
    double v, size_t n, const struct cmx_label *pairs)
{
	struct cmxi_shm_exemplar *slots =
	    cmxi_segment_entry(&reg->segment, exemplars);
	struct cmxi_shm_exemplar e;

	if (n > 0 && pairs != NULL &&
	    cmxi_exemplar_fill(&e, v, cmxi_wall_clock_ns(), n, pairs))
		cmxi_exemplar_store(&slots[slot], &e);
	else
		cmxi_segment_count(&reg->segment, CMXI_STAT_BAD_EXEMPLARS, 1);
}

void
cmx_counter_add_exemplar(const struct cmx_counter *c, uint64_t amount, size_t n,
    const struct cmx_label *pairs)
{
	cmx_counter_add(c, amount);
	if (c->cell != NULL && c->exemplars != 0)
		store_exemplar(c->registry, c->exemplars, 0, (double)amount, n,
		    pairs);
}

/* The index of the shown bucket that v falls into. */
static size_t
shown_bucket_of(const struct cmx_histogram *h, double v)
{
	/* The bounds of the cells begin right after the record. */
	const struct cmxi_shm_family *record =
	    (const struct cmxi_shm_family *)(const void *)h->bounds - 1;
	const double *shown = cmxi_family_record_shown(record);
	size_t i = 0;

	while (i < record->n_shown && shown[i] < v)
		i++;
	return i;
}

void
cmx_histogram_observe_exemplar(const struct cmx_histogram *h, double v,
    size_t n, const struct cmx_label *pairs)
{
	cmx_histogram_observe(h, v);
	if (h->cell == NULL || h->exemplars == 0 || !isfinite(v) ||
	    (v < 0 && h->is_native))
		return;
	store_exemplar(h->registry, h->exemplars, shown_bucket_of(h, v), v, n,
	    pairs);
}

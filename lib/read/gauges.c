/*
 * gauges.c: the gauges of live processes, merged.
 */
#include "read/gauges.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/require.h"
#include "base/seqlock.h"
#include "read/live_slots.h"
#include "segment/gauge_cell.h"

/* The most looks at a slot that changes its owner while it is read. */
#define SLOT_TRIES 4

static bool
is_gauge(const struct cmxi_values *v)
{
	return v->def->type == CMX_GAUGE;
}

/* The number of cells of a slot. */
static size_t
n_cells(const struct cmxi_scrape *scrape)
{
	size_t n = 0;

	for (size_t i = 0; i < scrape->n_families; i++)
		if (is_gauge(&scrape->families[i]))
			n += scrape->families[i].n_series;
	return n;
}

/*
 * Make room for the samples of CMX_EACH: one for every series of every live
 * process, of which each takes a cell that is loaded.
 */
static bool
reserve_each(struct cmxi_scrape *scrape, size_t n_slots)
{
	uint64_t n_cells = scrape->stripes.loads_left / sizeof(uint64_t);

	for (size_t i = 0; i < scrape->n_families; i++) {
		struct cmxi_values *v = &scrape->families[i];
		uint64_t n = (n_slots + 1) * v->n_series;

		if (n > n_cells + v->n_series)
			n = n_cells + v->n_series;
		if (is_gauge(v) && v->def->aggregate == CMX_EACH &&
		    !cmxi_buf_reserve(&v->each, n * sizeof(struct cmxi_each)))
			return false;
	}
	return true;
}

int
cmxi_gauges_prepare(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    struct cmxi_gauge_scratch *scratch, struct cmx_error *err)
{
	int r = cmxi_slots_list_live(s, &scratch->slots, err);

	if (r != 0)
		return r;
	scratch->n_values = n_cells(scrape);
	scratch->values.size = scratch->n_set.size = 0;
	if (!cmxi_buf_reserve(&scratch->values,
		(scratch->n_values + 1) * sizeof(uint64_t)) ||
	    !cmxi_buf_reserve(&scratch->n_set, scratch->slots.size + 1) ||
	    !reserve_each(scrape, scratch->slots.size / sizeof(uint32_t)))
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the gauges of the segment");
	return 0;
}

void
cmxi_gauges_fini(struct cmxi_gauge_scratch *scratch)
{
	cmxi_buf_fini(&scratch->slots);
	cmxi_buf_fini(&scratch->n_set);
	cmxi_buf_fini(&scratch->values);
}

/* The process whose values are read. */
struct owner {
	uint32_t pid;
	uint64_t pid_namespace;
};

/* Merge one process's value into the values of all. */
static void
merge_value(struct cmxi_values *v, size_t series, double value,
    const struct owner *owner)
{
	uint64_t n = v->n_set[series]++;
	double *total = &v->value[series];
	struct cmxi_each each = { .series = (uint32_t)series,
		.pid = owner->pid,
		.pid_namespace = owner->pid_namespace,
		.value = value };

	REQUIRE(series < v->n_series);
	switch (v->def->aggregate) {
	case CMX_MIN:
		if (n == 0 || value < *total)
			*total = value;
		break;
	case CMX_MAX:
		if (n == 0 || value > *total)
			*total = value;
		break;
	case CMX_AVG:
		/* The running mean, because a sum could overflow. */
		*total += (value - *total) / (double)(n + 1);
		break;
	case CMX_LAST:
		*total = value;
		break;
	case CMX_EACH:
		cmxi_values_add_each(v, &each);
		break;
	case CMX_SUM:
		/*
		 * A first value is stored, not added to 0, so that -0 stays -0.
		 */
		*total = n == 0 ? value : *total + value;
		break;
	}
}

/*
 * Copy the cells of one gauge stripe below end, in the order in which
 * merge_cells() uses them.
 */
static void
load_cells(const struct cmxi_scrape *scrape, const unsigned char *stripe,
    uint64_t end, uint64_t *cells)
{
	for (size_t i = 0; i < scrape->n_families; i++) {
		const struct cmxi_values *v = &scrape->families[i];

		for (size_t j = 0; is_gauge(v) && j < v->n_series; j++) {
			uint64_t at =
			    cmxi_catalog_series_cells(&v->family->series[j]);

			/* relaxed: a lone value publishes nothing */
			*cells++ = at + sizeof(uint64_t) > end ?
			    0 :
			    cmxi_load64_relaxed(
				(const uint64_t *)(const void *)(stripe + at));
		}
	}
}

/* Merge the copied cells of a stripe.  Returns how many of them were set. */
static uint32_t
merge_cells(struct cmxi_scrape *scrape, const uint64_t *cells,
    const struct owner *owner)
{
	uint32_t n_set = 0;

	for (size_t i = 0; i < scrape->n_families; i++) {
		struct cmxi_values *v = &scrape->families[i];

		for (size_t j = 0; is_gauge(v) && j < v->n_series; j++) {
			uint64_t bits = *cells++;

			if (bits == 0)
				continue;
			merge_value(v, j, cmxi_gauge_value(bits), owner);
			n_set++;
		}
	}
	return n_set;
}

/*
 * Copy the values of a live slot, if it has any, and if one owner had it from
 * begin to end; else another try may.  The record is read by pread first,
 * because a slot that was never claimed has no page.
 */
static bool
load_slot(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    uint32_t number, uint64_t *cells, struct owner *owner, bool *has_cells)
{
	uint64_t at =
	    s->fixed.slot_offset + number * sizeof(struct cmxi_shm_slot);
	const struct cmxi_shm_slot *shared =
	    (const struct cmxi_shm_slot *)(const void *)(s->base + at);
	struct cmxi_shm_slot slot;
	uint32_t generation;
	uint64_t end;

	if (pread(s->fd, &slot, sizeof(slot), (off_t)at) !=
		(ssize_t)sizeof(slot) ||
	    slot.generation == 0)
		return false;
	generation = cmxi_seqlock_begin_read(&shared->generation);
	/*
	 * (L) acquire, pairs with (K).
	 * Orders this load before the loads of the values.  Without it one of
	 * them could allocate a page here.
	 */
	end = cmxi_load64_acquire(&shared->ready);
	if (end > s->fixed.gauge_stripe_size)
		end = s->fixed.gauge_stripe_size;
	/* It has set no gauge, or says that it set more than the file has. */
	*has_cells = end > 0 && end <= scrape->stripes.loads_left;
	if (!*has_cells)
		return true;
	load_cells(scrape, cmxi_segment_gauge_stripe(s, number), end, cells);
	/* relaxed: between begin and end of a seqlock */
	owner->pid = cmxi_load32_relaxed(&shared->pid);
	owner->pid_namespace = cmxi_load64_relaxed(&shared->pid_namespace);
	if (!cmxi_seqlock_end_read(&shared->generation, generation))
		return false;
	return cmxi_stripes_may_load(&scrape->stripes, end);
}

/* Merge the values of a live slot.  Returns how many gauges it has set. */
static uint32_t
merge_slot(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    uint32_t number, uint64_t *cells)
{
	struct owner owner;
	bool has_cells;

	for (int tries = 0; tries < SLOT_TRIES; tries++)
		if (load_slot(scrape, s, number, cells, &owner, &has_cells))
			return has_cells ? merge_cells(scrape, cells, &owner) :
					   0;
	return 0;
}

void
cmxi_gauges_load(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    struct cmxi_gauge_scratch *scratch)
{
	uint64_t *cells = (uint64_t *)(void *)scratch->values.data;
	const uint32_t *slots =
	    (const uint32_t *)(const void *)scratch->slots.data;
	size_t n_slots = scratch->slots.size / sizeof(*slots);

	for (size_t i = 0; i < n_slots; i++) {
		uint32_t n_set = merge_slot(scrape, s, slots[i], cells);

		cmxi_buf_bytes(&scratch->n_set, &n_set, sizeof(n_set));
	}
	if (scratch->n_values == 0)
		return;
	/* The shared stripe has the gauges of CMX_LAST. */
	if (scrape->stripes.shared_gauges != NULL) {
		load_cells(scrape, scrape->stripes.shared_gauges,
		    s->fixed.gauge_stripe_size, cells);
		merge_cells(scrape, cells, &(struct owner){ .pid = 0 });
	}
	for (size_t i = 0; i < scrape->n_families; i++)
		cmxi_values_sort_each(&scrape->families[i]);
}

/*
 * hot.c: add, set, observe, and nothing else.  Level 6w.
 *
 * Every update of a counter or histogram goes to one stripe: fallback_cell()
 * is the only place that chooses it.
 */
#include "codeai/metrics.h"

#include <math.h>

#include "atomic.h"
#include "registry.h"
#include "slot.h"

/* 2^64 / golden ratio: spreads the thread pointers, which are far apart. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* Whole numbers that a double holds exactly. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static inline uint64_t
thread_pointer(void)
{
	uint64_t p;

#if defined(__x86_64__)
	__asm__("mov %%fs:0, %0" : "=r"(p));
#else
	__asm__("mrs %0, tpidr_el0" : "=r"(p));
#endif
	return p;
}

/* The threads of a forked child have their parent's pointers, so: a salt. */
static CMXI_NOINLINE uint64_t
make_salt(const struct cmx_registry *reg)
{
	uint64_t ticket = cmxi_add64_relaxed(
	    &cmxi_segment_header(&reg->segment)->shard_ticket, 1);
	uint64_t salt = (ticket + 1) * SPREAD | 1;

	/* relaxed: any value will do, and every thread's is as good */
	cmxi_store64_relaxed(&reg->process->salt, salt);
	return salt;
}

/* This thread's cell among the fallback stripes. */
static inline unsigned char *
fallback_cell(const struct cmx_registry *reg, unsigned char *first_cell)
{
	const struct cmxi_shm_header *fixed = &reg->segment.fixed;
	uint64_t salt = cmxi_load64_relaxed(&reg->process->salt);
	uint64_t shard;

	if (cmxi_unlikely(salt == 0))
		salt = make_salt(reg);
	shard = ((thread_pointer() + salt) * SPREAD >> 32) &
	    (fixed->n_fallback_stripes - 1);
	return first_cell +
	    ((fixed->n_cpu_stripes + shard) << reg->stripe_shift);
}

static CMXI_NOINLINE void
count_invalid(const struct cmx_registry *reg)
{
	cmxi_segment_count(&reg->segment, CMXI_STAT_INVALID_UPDATES, 1);
}

static void
add_double(uint64_t *cell, double v)
{
	uint64_t seen = cmxi_load64_relaxed(cell);

	/*
	 * relaxed: a lone count, it publishes nothing.
	 * Bound: a turn is lost only to another's success.
	 */
	while (!cmxi_cas64_relaxed(cell, &seen,
	    cmxi_double_to_bits(cmxi_bits_to_double(seen) + v)))
		;
}

void
cmx_counter_add(const struct cmx_counter *c, uint64_t n)
{
	uint64_t *cell;

	if (cmxi_unlikely(c->cell == NULL))
		return;
	cell = (uint64_t *)(void *)fallback_cell(c->registry, c->cell);
	if (cmxi_unlikely(c->is_double))
		add_double(cell, (double)n);
	else
		cmxi_add64_relaxed(cell, n); /* relaxed: a lone count */
}

void
cmx_counter_inc(const struct cmx_counter *c)
{
	cmx_counter_add(c, 1);
}

void
cmx_counter_add_double(const struct cmx_counter *c, double v)
{
	if (c->cell == NULL)
		return;
	/* An infinite total would stay infinite for ever. */
	if (!(v >= 0) || isinf(v)) {
		count_invalid(c->registry);
		return;
	}
	if (c->is_double)
		add_double((uint64_t *)(void *)fallback_cell(c->registry,
			       c->cell),
		    v);
	else if (v <= WHOLE_MAX && v == (double)(uint64_t)v)
		cmx_counter_add(c, (uint64_t)v);
	else
		count_invalid(c->registry);
}

/* Gauges */

/* This process's cell of a gauge, or null where there is no page for it. */
static inline uint64_t *
gauge_cell(const struct cmx_gauge *g)
{
	const struct cmx_registry *reg = g->registry;
	struct cmxi_process *process = reg->process;
	uint64_t end = g->offset + sizeof(uint64_t);
	int64_t slot;

	if (g->is_shared)
		slot = (int64_t)reg->segment.fixed.n_slots;
	else if (cmxi_likely(cmxi_load64_relaxed(&process->gauge_ready) >= end))
		slot = (int64_t)cmxi_load64_relaxed(&process->slot) - 1;
	else
		slot = cmxi_slot_ready(&reg->segment, process, end);
	if (slot < 0)
		return NULL;
	return (uint64_t *)(void *)(cmxi_segment_gauge_stripe(&reg->segment,
					(uint64_t)slot) +
	    g->offset);
}

/* A set value never looks like "never set": NaN is kept in one form. */
static uint64_t
gauge_bits(double v)
{
	uint64_t bits = cmxi_double_to_bits(isnan(v) ? (double)NAN : v);

	return bits ^ CMXI_GAUGE_UNSET;
}

void
cmx_gauge_set(const struct cmx_gauge *g, double v)
{
	uint64_t *cell;

	if (g->registry == NULL || (cell = gauge_cell(g)) == NULL)
		return;
	/* relaxed: a lone value, it publishes nothing */
	cmxi_store64_relaxed(cell, gauge_bits(v));
}

void
cmx_gauge_add(const struct cmx_gauge *g, double v)
{
	uint64_t *cell, seen;
	double old;

	if (g->registry == NULL || (cell = gauge_cell(g)) == NULL)
		return;
	seen = cmxi_load64_relaxed(cell);
	/* Bound: a turn is lost only to another's success. */
	do {
		old = seen == 0 ? 0 :
				  cmxi_bits_to_double(seen ^ CMXI_GAUGE_UNSET);
	} while (!cmxi_cas64_relaxed(cell, &seen, gauge_bits(old + v)));
}

void
cmx_gauge_sub(const struct cmx_gauge *g, double v)
{
	cmx_gauge_add(g, -v);
}

void
cmx_gauge_inc(const struct cmx_gauge *g)
{
	cmx_gauge_add(g, 1);
}

void
cmx_gauge_dec(const struct cmx_gauge *g)
{
	cmx_gauge_add(g, -1);
}

/* Histograms */

/* The number of bounds below v: the bucket of v, whose bound is >= v. */
static inline uint32_t
bucket_of(const struct cmx_histogram *h, double v)
{
	uint32_t n = 0;

	/* Bounds are padded with +Inf, so whole groups may be compared. */
	for (uint32_t i = 0; i < h->n_bounds; i++)
		n += h->bounds[i] < v;
	return n;
}

void
cmx_histogram_observe(const struct cmx_histogram *h, double v)
{
	struct cmxi_pair *pair, seen, wanted;

	if (cmxi_unlikely(h->cell == NULL))
		return;
	/* An infinite sum would stay infinite for ever. */
	if (cmxi_unlikely(!isfinite(v))) {
		count_invalid(h->registry);
		return;
	}
	pair = (struct cmxi_pair *)(void *)fallback_cell(h->registry, h->cell) +
	    bucket_of(h, v);
	/* Halves may be of two moments; the compare then fails, and mends. */
	seen.count = pair->count;
	seen.sum = pair->sum;
	/* Bound: a turn is lost only to another's success. */
	do {
		wanted.count = seen.count + 1;
		wanted.sum = seen.sum + v;
	} while (!cmxi_pair_cas(pair, &seen, wanted));
}

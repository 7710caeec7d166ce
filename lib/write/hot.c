/*
 * hot.c: add, set, observe, and nothing else.
 *
 * An update of a counter or histogram goes to the stripe of this CPU, in a
 * section that the kernel aborts when it interrupts it; it is tried again.
 * Where sections cannot be used, it goes to a fallback stripe, by locked
 * instructions.  No stripe takes both kinds (S1).
 */
#include "codeai/metrics.h"

#include <math.h>

#include "codeai/metrics_inline.h"

#include "base/atomic.h"
#include "base/require.h"
#include "segment/family_record.h"
#include "segment/gauge_cell.h"
#include "write/hot.h"
#include "write/slot.h"

/*
 * The most tries at the CPU's stripe.  An abort is rare (one in millions of
 * updates).  Under a debugger that steps, every try aborts, and the fallback
 * ends the loop.
 */
#define RSEQ_TRIES 8

/* Multiplying mixes the thread pointers, whose low bits are often equal. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* CMXI_HASH_GOLDEN */

/* Below this bound a double holds every whole number exactly. */
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

/*
 * After fork the child's threads have the same thread pointers as the
 * parent's.  A salt for each process keeps the two from always sharing a
 * shard.
 */
static CMXI_NOINLINE uint64_t
make_salt(const struct cmx_registry *reg)
{
	uint64_t ticket = cmxi_add64_relaxed(
	    &cmxi_segment_header(&reg->segment)->shard_ticket, 1);
	uint64_t salt = ticket + 1;

	/* relaxed: any value will do, and any thread may set it */
	cmxi_store64_relaxed(&reg->own->salt, salt);
	return salt;
}

/* This thread's cell among the fallback stripes. */
static inline unsigned char *
fallback_cell(const struct cmx_registry *reg, unsigned char *first_cell)
{
	const struct cmxi_shm_header *fixed = &reg->segment.fixed;
	uint64_t salt = cmxi_load64_relaxed(&reg->own->salt);
	uint64_t shard;

	if (cmxi_unlikely(salt == 0))
		salt = make_salt(reg);
	/*
	 * Salts count up, so processes that start one after the other begin on
	 * neighbouring shards.
	 */
	shard = ((thread_pointer() * SPREAD >> 32) + salt) &
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
add_double_locked(uint64_t *cell, double v)
{
	uint64_t seen = cmxi_load64_relaxed(cell);

	/*
	 * relaxed: a lone count publishes nothing.  Bound: a turn is lost only
	 * to another writer's success.
	 */
	while (!cmxi_cas64_relaxed(cell, &seen,
	    cmxi_double_to_bits(cmxi_bits_to_double(seen) + v)))
		;
}

static void
add_pair_locked(struct cmxi_pair *pair, double v)
{
	/*
	 * The two halves are loaded separately and may belong to different
	 * updates.  The 16-byte compare then fails and returns the true pair.
	 */
	struct cmxi_pair seen = { cmxi_bits_to_double(cmxi_load64_relaxed(
				      (const uint64_t *)(const void *)pair)),
		cmxi_bits_to_double(cmxi_load64_relaxed(
		    (const uint64_t *)(const void *)pair + 1)) };
	struct cmxi_pair wanted;

	/* Bound: a turn is lost only to another writer's success. */
	do {
		wanted.count = seen.count + 1;
		wanted.sum = seen.sum + v;
	} while (!cmxi_pair_cas(pair, &seen, wanted));
}

/*
 * The kind of cell and the amount: counters, doubles and pairs so share one
 * loop of tries.
 */
enum kind { WHOLE, DOUBLE, PAIR };

union amount {
	uint64_t n;
	double v;
};

static void
add_locked(enum kind kind, unsigned char *cell, union amount a)
{
	switch (kind) {
	case WHOLE:
		/* relaxed: a lone count */
		cmxi_add64_relaxed((uint64_t *)(void *)cell, a.n);
		break;
	case DOUBLE:
		add_double_locked((uint64_t *)(void *)cell, a.v);
		break;
	case PAIR:
		add_pair_locked((struct cmxi_pair *)(void *)cell, a.v);
		break;
	}
}

#ifdef CMX_HAS_RSEQ

/* One try at this CPU's cell. */
static inline bool
add_on_cpu(enum kind kind, int32_t offset, uint32_t cpu, void *cell,
    union amount a)
{
	switch (kind) {
	case WHOLE:
		return cmx_rseq_add(offset, cpu, cell, a.n);
	case DOUBLE:
		return cmx_rseq_add_double(offset, cpu, cell, a.v);
	case PAIR:
		return cmx_rseq_add_pair(offset, cpu, cell, a.v);
	}
	return false;
}

static void
count_in_stripe(const struct cmx_registry *reg, uint32_t cpu, size_t offset)
{
	unsigned char *stripe = cmxi_segment_stripe(&reg->segment, cpu);

	/* relaxed: a lone count.  Locked, because no section writes it (S1). */
	cmxi_add64_relaxed((uint64_t *)(void *)(stripe + offset), 1);
}

/*
 * Try again after an interrupted first try.  Returns false where every try was
 * interrupted, or the thread has no CPU stripe now.
 */
static bool
retry_on_cpu(const struct cmx_registry *reg, enum kind kind,
    unsigned char *first_cell, union amount a)
{
	uint32_t cpu = cmx_rseq_cpu(reg->rseq_offset);

	/* Bound: RSEQ_TRIES.  The thread may be on another CPU at each try. */
	for (int i = 1; i < RSEQ_TRIES && cpu < reg->n_cpus; i++) {
		count_in_stripe(reg, cpu,
		    offsetof(struct cmxi_shm_stripe, rseq_aborts));
		if (add_on_cpu(kind, reg->rseq_offset, cpu,
			first_cell + ((size_t)cpu << reg->stripe_shift), a))
			return true;
		cpu = cmx_rseq_cpu(reg->rseq_offset);
	}
	if (cpu < reg->n_cpus)
		count_in_stripe(reg, cpu,
		    offsetof(struct cmxi_shm_stripe, fallback_updates));
	return false;
}

#endif

/*
 * The path after a first try that was interrupted, or that could not be made:
 * more tries, then the fallback.
 */
static CMXI_NOINLINE void
add_off_fast_path(const struct cmx_registry *reg, enum kind kind,
    unsigned char *first_cell, union amount a)
{
#ifdef CMX_HAS_RSEQ
	if (reg->n_cpus > 0 && retry_on_cpu(reg, kind, first_cell, a))
		return;
#endif
	add_locked(kind, fallback_cell(reg, first_cell), a);
}

/* Update the cell at first_cell of this CPU's stripe, or of a fallback. */
static inline void
add_to_cell(const struct cmx_registry *reg, enum kind kind,
    unsigned char *first_cell, union amount a)
{
#ifdef CMX_HAS_RSEQ
	uint32_t cpu = cmx_rseq_cpu(reg->rseq_offset);

	/*
	 * A thread without registration has CPU -1 or -2, which is large as
	 * unsigned.
	 */
	if (cmxi_likely(cpu < reg->n_cpus) &&
	    add_on_cpu(kind, reg->rseq_offset, cpu,
		first_cell + ((size_t)cpu << reg->stripe_shift), a))
		return;
#endif
	add_off_fast_path(reg, kind, first_cell, a);
}

void
cmx_counter_add_slow(const struct cmx_counter *c, uint64_t n)
{
	if (c->cell == NULL)
		return;
	if (c->is_double)
		add_to_cell(c->registry, DOUBLE, c->cell,
		    (union amount){ .v = (double)n });
	else
		add_off_fast_path(c->registry, WHOLE, c->cell,
		    (union amount){ .n = n });
}

/*
 * Programs without sections take the stripes of CPUs as well, called: all their
 * updates go to the stripe that those of others go to.
 */
void
cmx_counter_add_whole(const struct cmx_counter *c, uint64_t n)
{
#ifdef CMX_HAS_RSEQ
	cmx_counter_add_here(c, n);
#else
	cmx_counter_add_slow(c, n);
#endif
}

void
cmx_counter_add(const struct cmx_counter *c, uint64_t n)
{
	cmx_counter_add_here(c, n);
}

void
cmx_counter_inc(const struct cmx_counter *c)
{
	cmx_counter_add_here(c, 1);
}

void
cmx_counter_add_double(const struct cmx_counter *c, double v)
{
	if (c->cell == NULL)
		return;
	/*
	 * An infinite total would stay infinite for ever, so infinity is
	 * refused.
	 */
	if (!(v >= 0) || isinf(v))
		count_invalid(c->registry);
	else if (c->is_double)
		add_to_cell(c->registry, DOUBLE, c->cell,
		    (union amount){ .v = v });
	else if (v <= WHOLE_MAX && v == (double)(uint64_t)v)
		cmx_counter_add_here(c, (uint64_t)v);
	else
		count_invalid(c->registry);
}

/* Gauges */

/* This process's cell of a gauge, or null where there is no page for it. */
static inline uint64_t *
gauge_cell(const struct cmx_gauge *g)
{
	const struct cmx_registry *reg = g->registry;
	struct cmxi_own_page *own = reg->own;
	uint64_t end = g->offset + sizeof(uint64_t);
	int64_t slot;

	/*
	 * (T) acquire, pairs with (S).
	 * Orders this load before that of the slot and before stores below the
	 * mark.  Without it a thread could see the mark and no slot.
	 */
	uint64_t ready = cmxi_load64_acquire(&own->gauge_ready);

	if (g->is_shared)
		slot = (int64_t)reg->segment.fixed.n_slots;
	else if (cmxi_likely(ready >= end))
		slot =
		    (int64_t)cmxi_slot_number(cmxi_load64_relaxed(&own->slot));
	else
		slot = cmxi_slot_for_gauge(&reg->segment, own, end);
	if (slot < 0)
		return NULL;
	return (uint64_t *)(void *)(cmxi_segment_gauge_stripe(&reg->segment,
					(uint64_t)slot) +
	    g->offset);
}

void
cmx_gauge_set(const struct cmx_gauge *g, double v)
{
	uint64_t *cell;

	if (g->registry == NULL || (cell = gauge_cell(g)) == NULL)
		return;
	/* relaxed: a lone value, it publishes nothing */
	cmxi_store64_relaxed(cell, cmxi_gauge_bits(v));
}

void
cmx_gauge_add(const struct cmx_gauge *g, double v)
{
	uint64_t *cell, seen;
	double old;

	if (g->registry == NULL || (cell = gauge_cell(g)) == NULL)
		return;
	seen = cmxi_load64_relaxed(cell);
	/* Bound: a turn is lost only to another writer's success. */
	do {
		old = seen == 0 ? 0 : cmxi_gauge_value(seen);
	} while (!cmxi_cas64_relaxed(cell, &seen, cmxi_gauge_bits(old + v)));
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

/*
 * At most so many bounds are compared with all at once; more are searched by
 * halving.
 */
#define LINEAR_MAX 32

typedef double two_doubles __attribute__((vector_size(16)));
typedef int64_t two_words __attribute__((vector_size(16)));

/*
 * The number of bounds below v, for n of them, a multiple of CMXI_BOUNDS_PAD
 * on a cache line: no branch depends on v, so none is mispredicted.  A true
 * comparison is -1 in its lane.
 */
static inline uint32_t
count_below(const double *bounds, uint32_t n, double v)
{
	const two_doubles *b = (const two_doubles *)(const void *)bounds;
	const two_doubles value = { v, v };
	two_words below = { 0, 0 };

	for (uint32_t i = 0; i < n / 2; i += CMXI_BOUNDS_PAD / 2) {
		two_words group = (b[i] < value) + (b[i + 1] < value) +
		    (b[i + 2] < value) + (b[i + 3] < value);

		below -= group;
	}
	return (uint32_t)(below[0] + below[1]);
}

/* The same result by halving, with conditional moves. */
static CMXI_NOINLINE uint32_t
count_below_many(const double *bounds, uint32_t n, double v)
{
	const double *base = bounds;

	while (n > 1) {
		uint32_t half = n / 2;

		base = base[half - 1] < v ? base + half : base;
		n -= half;
	}
	return (uint32_t)(base - bounds) + (*base < v);
}

/* The bucket of v: that of the first bound that is at least v. */
static inline uint32_t
bucket_of(const double *bounds, uint32_t n_bounds, double v)
{
	if (cmxi_unlikely(n_bounds > LINEAR_MAX))
		return count_below_many(bounds, n_bounds, v);
	/* The padding is +Inf, which is never below v. */
	return count_below(bounds,
	    (uint32_t)cmxi_family_record_padded(n_bounds), v);
}

static inline void
observe_pair(const struct cmx_registry *reg, unsigned char *first_cell,
    const double *bounds, uint32_t n_bounds, double v)
{
	size_t at = bucket_of(bounds, n_bounds, v) * sizeof(struct cmxi_pair);

	add_to_cell(reg, PAIR, first_cell + at, (union amount){ .v = v });
}

void
cmx_histogram_observe(const struct cmx_histogram *h, double v)
{
	if (cmxi_unlikely(h->cell == NULL))
		return;
	/*
	 * An infinite sum would stay infinite for ever, so infinity is refused.
	 */
	if (cmxi_unlikely(!isfinite(v) || (v < 0 && h->is_native)))
		count_invalid(h->registry);
	else
		observe_pair(h->registry, h->cell, h->bounds, h->n_bounds, v);
}

void
cmxi_hot_count(const struct cmx_registry *reg, uint64_t cell_offset)
{
	add_to_cell(reg, WHOLE,
	    cmxi_segment_stripe(&reg->segment, 0) + cell_offset,
	    (union amount){ .n = 1 });
}

void
cmxi_hot_observe(const struct cmx_registry *reg,
    const struct cmxi_shm_family *family, uint64_t cell_offset, double v)
{
	REQUIRE(isfinite(v));
	observe_pair(reg, cmxi_segment_stripe(&reg->segment, 0) + cell_offset,
	    cmxi_family_record_bounds(family), family->n_bounds, v);
}

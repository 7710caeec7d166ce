/*
 * scrape.c: the counters and histograms of a segment, added over its stripes.
 *
 * The outer loop is over stripes and the inner one over series, because the
 * cells of a stripe are adjacent in memory.  Stripes are added in one fixed
 * order and rounding is monotone, so a sum of growing cells never falls,
 * doubles included (O4).
 */
#include "read/scrape.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/require.h"
#include "segment/exemplar.h"

/* The most tries to read a pair where a 16-byte load is two accesses. */
#define PAIR_TRIES 4

/* The end of the last gauge in the shared stripe. */
static uint64_t
end_of_gauges(const struct cmxi_catalog *c)
{
	uint64_t end = 0;

	for (size_t i = 0; i < c->n_families; i++) {
		const struct cmxi_catalog_family *f = c->families[i];

		for (size_t j = 0;
		     f->definition.def.type == CMX_GAUGE && j < f->n_series;
		     j++) {
			uint64_t at = cmxi_catalog_series_cells(&f->series[j]) +
			    sizeof(uint64_t);

			end = at > end ? at : end;
		}
	}
	return end;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int
cmxi_scrape_prepare(struct cmxi_scrape *scrape, const struct cmxi_catalog *c,
    uint64_t carry_size, struct cmx_error *err)
{
	uint64_t stripe_size = c->segment->fixed.stripe_size;
	bool ok = cmxi_array_reserve(&scrape->families, &scrape->capacity,
	    c->n_families, sizeof(*scrape->families));

	if (ok)
		scrape->n_families = c->n_families;
	for (size_t i = 0; ok && i < c->n_families; i++)
		ok = cmxi_values_prepare(&scrape->families[i], c->families[i],
		    c->families[i]->n_series);
	if (!ok)
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the values of the segment");
	return cmxi_stripes_find(&scrape->stripes, c->segment,
	    &(struct cmxi_stripe_sizes){ .cells = c->cell_end,
		.carry = smaller(carry_size, stripe_size),
		.shared_gauges = end_of_gauges(c),
		.copies = c->value_limit },
	    err);
}

void
cmxi_scrape_fini(struct cmxi_scrape *scrape)
{
	for (size_t i = 0; i < scrape->capacity; i++)
		cmxi_values_fini(&scrape->families[i]);
	free(scrape->families);
	cmxi_stripes_fini(&scrape->stripes);
	memset(scrape, 0, sizeof(*scrape));
}

static bool
same_pair(struct cmxi_pair a, struct cmxi_pair b)
{
	return cmxi_double_to_bits(a.count) == cmxi_double_to_bits(b.count) &&
	    cmxi_double_to_bits(a.sum) == cmxi_double_to_bits(b.sum);
}

/*
 * (O3) Load a pair as it was written.  Where a 16-byte load is two accesses,
 * two equal loads in a row prove that the pair did not change in between.
 * After PAIR_TRIES the last load is used, and counted as torn.
 */
static struct cmxi_pair
pair_read(const struct cmxi_pair *p, bool is_atomic, uint64_t *torn)
{
	struct cmxi_pair v = cmxi_pair_load(p);

	if (cmxi_likely(is_atomic))
		return v;
	for (int i = 0; i < PAIR_TRIES; i++) {
		struct cmxi_pair again = cmxi_pair_load(p);

		if (same_pair(v, again))
			return v;
		v = again;
	}
	++*torn;
	return v;
}

/* The series [from, to) of a family. */
struct range {
	size_t from, to;
};

static void
add_whole(struct cmxi_values *v, struct range r, const unsigned char *stripe)
{
	const struct cmxi_catalog_series *series = v->family->series;

	for (size_t i = r.from; i < r.to; i++)
		/* relaxed: a lone count; every cell only grows (O4) */
		v->whole[i] += cmxi_load64_relaxed(
		    (const uint64_t *)(const void *)(stripe +
			cmxi_catalog_series_cells(&series[i])));
}

static void
add_doubles(struct cmxi_values *v, struct range r, const unsigned char *stripe)
{
	const struct cmxi_catalog_series *series = v->family->series;

	for (size_t i = r.from; i < r.to; i++)
		v->value[i] += cmxi_bits_to_double(cmxi_load64_relaxed(
		    (const uint64_t *)(const void *)(stripe +
			cmxi_catalog_series_cells(&series[i]))));
}

static void
add_pairs(struct cmxi_values *v, struct range r, const unsigned char *stripe,
    bool is_atomic, uint64_t *torn)
{
	const struct cmxi_catalog_series *series = v->family->series;
	struct cmxi_pair *total = cmxi_values_cells(v, r.from);
	size_t n = v->family->buckets.n_cells;

	for (size_t i = r.from; i < r.to; i++) {
		const struct cmxi_pair *cells =
		    (const struct cmxi_pair *)(const void *)(stripe +
			cmxi_catalog_series_cells(&series[i]));

		for (size_t j = 0; j < n; j++, total++) {
			struct cmxi_pair p =
			    pair_read(&cells[j], is_atomic, torn);

			total->count += p.count;
			total->sum += p.sum;
		}
	}
}

static void
add_stripe(struct cmxi_values *v, struct range r, const struct cmxi_segment *s,
    const unsigned char *stripe, uint64_t *torn)
{
	REQUIRE(r.from <= r.to && r.to <= v->n_series);
	if (cmxi_values_is_histogram(v))
		add_pairs(v, r, stripe, s->fixed.flags & CMXI_FLAG_PAIR_ATOMIC,
		    torn);
	else if (cmxi_values_is_whole(v))
		add_whole(v, r, stripe);
	else
		add_doubles(v, r, stripe);
}

/*
 * Add the totals of a predecessor last: the sum is then rounded as it was while
 * the predecessor was read beside this segment (lineage.c).
 */
static void
add_carry(struct cmxi_values *v, const struct cmxi_segment *s,
    const unsigned char *carry, uint64_t carry_size, uint64_t *torn)
{
	uint64_t size = v->family->cell_size;

	for (size_t i = 0; carry != NULL && i < v->n_series; i++)
		if (cmxi_catalog_series_cells(&v->family->series[i]) + size <=
		    carry_size)
			add_stripe(v, (struct range){ i, i + 1 }, s, carry,
			    torn);
}

static void
load_exemplars(struct cmxi_values *v, const struct cmxi_segment *s,
    struct cmxi_stripes *stripes)
{
	size_t n = v->family->n_exemplars;

	/* Their pages are some of those that the file has, or they are none. */
	if (!cmxi_stripes_may_load(stripes,
		v->n_series * n * sizeof(*v->exemplars))) {
		memset(v->exemplars, 0,
		    v->n_series * n * sizeof(*v->exemplars));
		return;
	}
	for (size_t i = 0; n > 0 && i < v->n_series; i++) {
		const struct cmxi_shm_exemplar *slots =
		    cmxi_segment_entry(s, v->family->series[i].exemplars);

		for (size_t j = 0; j < n; j++)
			cmxi_exemplar_load(&v->exemplars[i * n + j], &slots[j]);
	}
}

void
cmxi_scrape_load(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    uint64_t carry_size, uint64_t *torn, uint64_t *damaged)
{
	for (size_t i = 0; i < scrape->n_families; i++) {
		struct cmxi_values *v = &scrape->families[i];

		cmxi_values_clear(v);
		v->carry_size = carry_size;
		v->origin_ns = s->fixed.origin_ns;
		if (v->def->type == CMX_GAUGE)
			continue;
		load_exemplars(v, s, &scrape->stripes);
		for (size_t j = 0; j < scrape->stripes.n; j++)
			if (scrape->stripes.at[j] != NULL)
				add_stripe(v, (struct range){ 0, v->n_series },
				    s, scrape->stripes.at[j], torn);
		add_carry(v, s, scrape->stripes.carry, carry_size, torn);
		*damaged += cmxi_values_make_legal(v);
	}
}

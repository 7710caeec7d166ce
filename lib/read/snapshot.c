/*
 * snapshot.c: the values of all series at one scrape.
 *
 * Loops run over stripes outside and series inside: a stripe's cells lie one
 * behind the other.  Stripes are added in one fixed order, so that a total of
 * growing cells never decreases (O4), doubles too: rounding is monotone.
 */
#include "read/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "family/native_buckets.h"
#include "segment/exemplar.h"

/* Tries to read a pair where a 16-byte load is two, before giving up. */
#define PAIR_TRIES 4

static bool
is_histogram(const struct cmxi_values *v)
{
	return v->family->d.def.type == CMX_HISTOGRAM;
}

static bool
is_whole(const struct cmxi_values *v)
{
	return v->family->d.def.type == CMX_COUNTER &&
	    !v->family->d.def.is_double;
}

static bool
has_observations(const struct cmxi_values *v, size_t series)
{
	for (size_t i = 0; i < v->n_buckets; i++)
		if (v->pairs[series * v->n_buckets + i].count != 0)
			return true;
	return false;
}

bool
cmxi_values_is_shown(const struct cmxi_values *v, size_t series)
{
	bool is_overflow = series == 0 && v->family->d.def.n_labels > 0;

	if (v->needs_set)
		return v->n_set[series] > 0;
	if (v->family->d.def.type == CMX_GAUGE)
		return v->n_set[series] > 0 ||
		    (v->family->d.def.n_labels == 0 &&
			v->family->d.def.aggregate != CMX_EACH);
	if (!is_overflow)
		return true;
	if (is_histogram(v))
		return has_observations(v, series);
	return is_whole(v) ? v->whole[series] != 0 : v->value[series] != 0;
}

size_t
cmxi_values_count_shown(const struct cmxi_values *v)
{
	size_t n = 0;

	if (cmxi_def_is_each(&v->family->d.def)) {
		cmxi_values_each(v, &n);
		return n;
	}
	for (size_t i = 0; i < v->n_series; i++)
		n += cmxi_values_is_shown(v, i);
	return n;
}

uint64_t
cmxi_values_created(const struct cmxi_values *v, size_t i)
{
	const struct cmxi_catalog_series *series = &v->family->series[i];

	return v->origin_ns != 0 && v->origin_ns < series->created_ns &&
		cmxi_catalog_series_cells(series) + v->family->cell_size <=
		    v->carry_size ?
	    v->origin_ns :
	    series->created_ns;
}

static bool
has_n_set(const struct cmxi_values *v)
{
	return v->family->d.def.type == CMX_GAUGE || v->needs_set;
}

/* Room */

static bool
grow_array(void *arrayp, size_t n, size_t size)
{
	void *array, *grown;

	memcpy(&array, arrayp, sizeof(array));
	grown = reallocarray(array, n, size);
	if (grown != NULL)
		memcpy(arrayp, &grown, sizeof(grown));
	return grown != NULL;
}

/* Series that are new are shown as fine as they are. */
static bool
grow_native(struct cmxi_values *v, size_t n, int schema)
{
	if (!grow_array(&v->shown_schemas, n, sizeof(*v->shown_schemas)))
		return false;
	memset(v->shown_schemas + v->capacity, schema, n - v->capacity);
	return true;
}

static bool
grow_values(struct cmxi_values *v, size_t n_series)
{
	size_t n = n_series + n_series / 2 + 4;

	if (n_series <= v->capacity)
		return true;
	if (v->family->n_exemplars > 0 &&
	    !grow_array(&v->exemplars, n * v->family->n_exemplars,
		sizeof(*v->exemplars)))
		return false;
	if (is_histogram(v)) {
		if (!grow_array(&v->pairs, n * v->n_buckets,
			sizeof(*v->pairs)) ||
		    (v->cell_keys != NULL &&
			!grow_native(v, n, v->family->d.def.native_schema)))
			return false;
	} else if (is_whole(v)) {
		if (!grow_array(&v->whole, n, sizeof(*v->whole)))
			return false;
	} else if (!grow_array(&v->value, n, sizeof(*v->value)) ||
	    (has_n_set(v) && !grow_array(&v->n_set, n, sizeof(*v->n_set)))) {
		return false;
	}
	v->capacity = n;
	return true;
}

/* 1 is "1" in text 0.0.4, and "1.0" in OpenMetrics. */
static void
make_bound_text(double bound, struct cmxi_bound_text *t)
{
	size_t n = cmxi_double_to_general(bound, t->text);

	t->text[n] = '\0';
	memcpy(t->openmetrics, t->text, n + 1);
	if (strpbrk(t->text, ".e") == NULL)
		memcpy(t->openmetrics + n, ".0", sizeof(".0"));
}

/* Which native bucket each cell is in; see native_buckets.h. */
static void
make_cell_keys(struct cmxi_values *v, const struct cmxi_definition *d)
{
	struct cmxi_window w = cmxi_native_window(&d->def);
	size_t i;

	v->zero_threshold = w.zero_threshold;
	for (i = 0; i < d->n_cell_bounds; i++) {
		double bound = d->cell_bounds[i];
		int32_t key = bound <= w.zero_threshold ?
		    CMXI_ZERO_KEY :
		    cmxi_native_key(bound, d->def.native_schema);

		v->cell_keys[i] = key > w.high ? w.high + 1 : key;
	}
	v->cell_keys[i] = w.high + 1;
}

/* What does not change: made once. */
static bool
make_buckets(struct cmxi_values *v, const struct cmxi_definition *d)
{
	size_t n = d->n_shown, cell = 0;

	v->bound_texts = calloc(n + 1, sizeof(*v->bound_texts));
	v->bound_cells = calloc(n + 1, sizeof(*v->bound_cells));
	if (d->def.is_native)
		v->cell_keys =
		    calloc(d->n_cell_bounds + 1, sizeof(*v->cell_keys));
	if (v->bound_texts == NULL || v->bound_cells == NULL ||
	    (d->def.is_native && v->cell_keys == NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		make_bound_text(d->shown[i], &v->bound_texts[i]);
		while (cell < d->n_cell_bounds &&
		    d->cell_bounds[cell] <= d->shown[i])
			cell++;
		v->bound_cells[i] = (uint32_t)cell;
	}
	memcpy(&v->bound_texts[n], &(struct cmxi_bound_text){ "+Inf", "+Inf" },
	    sizeof(v->bound_texts[n]));
	v->bound_cells[n] = (uint32_t)d->n_cell_bounds + 1;
	if (d->def.is_native)
		make_cell_keys(v, d);
	return true;
}

bool
cmxi_values_prepare(struct cmxi_values *v,
    const struct cmxi_catalog_family *family, size_t n_series)
{
	if (v->family == NULL) {
		if (family->d.def.type == CMX_HISTOGRAM &&
		    !make_buckets(v, &family->d))
			return false;
		v->n_buckets = family->d.n_cell_bounds + 1;
		v->family = family;
	}
	v->n_series = n_series;
	return grow_values(v, v->n_series);
}

void
cmxi_values_fini(struct cmxi_values *v)
{
	free(v->whole);
	free(v->value);
	free(v->n_set);
	free(v->pairs);
	free(v->bound_texts);
	free(v->bound_cells);
	free(v->cell_keys);
	free(v->shown_schemas);
	free(v->exemplars);
	cmxi_buf_fini(&v->each);
}

int
cmxi_scrape_prepare(struct cmxi_scrape *scrape, const struct cmxi_catalog *c,
    struct cmx_error *err)
{
	if (c->n_families > scrape->capacity) {
		size_t n = c->n_families + 16;

		if (!grow_array(&scrape->families, n,
			sizeof(*scrape->families)))
			goto no_memory;
		memset(scrape->families + scrape->capacity, 0,
		    (n - scrape->capacity) * sizeof(*scrape->families));
		scrape->capacity = n;
	}
	scrape->n_families = c->n_families;
	for (size_t i = 0; i < c->n_families; i++)
		if (!cmxi_values_prepare(&scrape->families[i], c->families[i],
			c->families[i]->n_series))
			goto no_memory;
	return 0;
no_memory:
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the values of the segment");
}

void
cmxi_scrape_fini(struct cmxi_scrape *scrape)
{
	for (size_t i = 0; i < scrape->capacity; i++)
		cmxi_values_fini(&scrape->families[i]);
	free(scrape->families);
	memset(scrape, 0, sizeof(*scrape));
}

const struct cmxi_values *
cmxi_snapshot_find(const struct cmxr_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->n_families; i++)
		if (strcmp(snapshot->families[i]->family->d.def.name, name) ==
		    0)
			return snapshot->families[i];
	return NULL;
}

bool
cmxi_snapshot_show(struct cmxr_snapshot *snapshot, const struct cmxi_values *v)
{
	if (snapshot->n_families == snapshot->capacity) {
		size_t n = snapshot->capacity * 2 + 32;

		if (!grow_array(&snapshot->families, n,
			sizeof(*snapshot->families)))
			return false;
		snapshot->capacity = n;
	}
	snapshot->families[snapshot->n_families++] = v;
	return true;
}

void
cmxi_snapshot_fini(struct cmxr_snapshot *snapshot)
{
	free(snapshot->families);
	cmxi_buf_fini(&snapshot->processes);
	cmxi_buf_fini(&snapshot->values);
	memset(snapshot, 0, sizeof(*snapshot));
}

/* Values */

static bool
same_pair(struct cmxi_pair a, struct cmxi_pair b)
{
	return cmxi_double_to_bits(a.count) == cmxi_double_to_bits(b.count) &&
	    cmxi_double_to_bits(a.sum) == cmxi_double_to_bits(b.sum);
}

/*
 * (O3) A pair as it was written.  Where 16-byte loads are not one access, two
 * equal looks in a row mean that it held still; after PAIR_TRIES the last
 * look is taken, and counted.
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

/* Series of a family: [from, to). */
struct range {
	size_t from, to;
};

static void
add_whole(struct cmxi_values *v, struct range r, const unsigned char *stripe)
{
	const struct cmxi_catalog_series *series = v->family->series;

	for (size_t i = r.from; i < r.to; i++)
		/* relaxed: a lone count; each cell only grows (O4) */
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
	struct cmxi_pair *total = v->pairs + r.from * v->n_buckets;

	for (size_t i = r.from; i < r.to; i++) {
		const struct cmxi_pair *cells =
		    (const struct cmxi_pair *)(const void *)(stripe +
			cmxi_catalog_series_cells(&series[i]));

		for (size_t j = 0; j < v->n_buckets; j++, total++) {
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
	if (is_histogram(v))
		add_pairs(v, r, stripe, s->fixed.flags & CMXI_FLAG_PAIR_ATOMIC,
		    torn);
	else if (is_whole(v))
		add_whole(v, r, stripe);
	else
		add_doubles(v, r, stripe);
}

void
cmxi_values_clear(struct cmxi_values *v)
{
	if (is_histogram(v)) {
		memset(v->pairs, 0,
		    v->n_series * v->n_buckets * sizeof(*v->pairs));
		return;
	}
	if (is_whole(v))
		memset(v->whole, 0, v->n_series * sizeof(*v->whole));
	else
		memset(v->value, 0, v->n_series * sizeof(*v->value));
	if (v->family->d.def.type == CMX_GAUGE)
		memset(v->n_set, 0, v->n_series * sizeof(*v->n_set));
	v->each.size = 0;
}

/*
 * What a predecessor left, last: the sum is then rounded as it was when the
 * predecessor was read beside this segment (lineage.c).
 */
static void
add_carry(struct cmxi_values *v, const struct cmxi_segment *s,
    uint64_t carry_size, uint64_t *torn)
{
	uint64_t size = v->family->cell_size;

	for (size_t i = 0; i < v->n_series; i++)
		if (cmxi_catalog_series_cells(&v->family->series[i]) + size <=
		    carry_size)
			add_stripe(v, (struct range){ i, i + 1 }, s,
			    cmxi_segment_carry_stripe(s), torn);
}

static void
load_exemplars(struct cmxi_values *v, const struct cmxi_segment *s)
{
	size_t n = v->family->n_exemplars;

	for (size_t i = 0; n > 0 && i < v->n_series; i++) {
		const struct cmxi_shm_exemplar *slots =
		    cmxi_segment_entry(s, v->family->series[i].exemplars);

		for (size_t j = 0; j < n; j++)
			cmxi_exemplar_load(&v->exemplars[i * n + j], &slots[j]);
	}
}

void
cmxi_scrape_load(struct cmxi_scrape *scrape, const struct cmxi_segment *s,
    uint64_t carry_size, uint64_t *torn)
{
	for (size_t i = 0; i < scrape->n_families; i++) {
		struct cmxi_values *v = &scrape->families[i];

		cmxi_values_clear(v);
		v->carry_size = carry_size;
		v->origin_ns = s->fixed.origin_ns;
		if (v->family->d.def.type == CMX_GAUGE)
			continue;
		load_exemplars(v, s);
		for (uint32_t j = 0; j < cmxi_segment_n_stripes(s); j++)
			add_stripe(v, (struct range){ 0, v->n_series }, s,
			    cmxi_segment_stripe(s, j), torn);
		add_carry(v, s, carry_size, torn);
	}
}

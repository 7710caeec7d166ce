/*
 * lineage.c: a segment and the ones that it replaced, read as one.
 *
 * A segment's index among the scrapes is its number here.  The merge is kept
 * from one scrape to the next: only new families and series are looked up.
 */
#include "read/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/hash_index.h"
#include "base/require.h"
#include "family/compare.h"

#define SEGMENTS_MAX (CMXI_PREDECESSORS_MAX + 1)

/* The series of a family in one of the segments. */
struct member {
	const struct cmxi_values *values; /* of this scrape, or null */
	uint32_t *map;                    /* from its series to ours */
	size_t n_mapped, capacity;
};

struct cmxi_lineage_family {
	/* The union of the series of all segments. */
	struct cmxi_catalog_family family;
	struct cmxi_values values;
	struct member members[SEGMENTS_MAX];
	struct cmxi_hash_index numbers; /* of series, by their labels */
};

static void
free_family(struct cmxi_lineage_family *u)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++)
		free(u->members[i].map);
	cmxi_values_fini(&u->values);
	cmxi_buckets_fini(&u->family.buckets);
	free(u->family.series);
	cmxi_hash_index_fini(&u->numbers);
	free(u);
}

void
cmxi_lineage_fini(struct cmxi_lineage *u)
{
	for (size_t i = 0; i < u->n_families; i++)
		free_family(u->families[i]);
	free(u->families);
	cmxi_exposed_fini(&u->exposed);
	memset(u, 0, sizeof(*u));
}

const struct cmxi_values *
cmxi_lineage_values(const struct cmxi_lineage *u, size_t family)
{
	REQUIRE(family < u->n_families);
	return &u->families[family]->values;
}

/* Series */

static bool
has_text(const void *arg, uint32_t number, const void *key)
{
	const struct cmxi_lineage_family *f = arg;
	const struct cmxi_catalog_series *there = &f->family.series[number];
	const struct cmxi_catalog_series *s = key;

	return there->text_size == s->text_size &&
	    memcmp(there->text, s->text, s->text_size) == 0;
}

/* Number a series, old or new.  Returns false where there is no memory. */
static bool
series_number(struct cmxi_lineage_family *u,
    const struct cmxi_catalog_series *s, uint32_t *number)
{
	struct cmxi_catalog_family *f = &u->family;
	uint64_t hash =
	    cmxi_hash(s->text, s->text_size, cmxi_hash_index_seed(&u->numbers));

	*number = cmxi_hash_index_find(&u->numbers, hash, has_text, u, s);
	if (*number != CMXI_HASH_INDEX_NONE)
		return true;
	*number = (uint32_t)f->n_series;
	if (!cmxi_array_reserve(&f->series, &f->capacity, f->n_series + 1,
		sizeof(*s)) ||
	    !cmxi_hash_index_add(&u->numbers, hash, *number))
		return false;
	f->series[f->n_series++] = *s;
	f->text_bytes += s->text_size;
	if (s->text_size > f->text_max)
		f->text_max = s->text_size;
	return true;
}

/* Number the new series of a segment. */
static bool
map_series(struct cmxi_lineage_family *u, struct member *m)
{
	size_t n = m->values->n_series;

	if (!cmxi_array_reserve(&m->map, &m->capacity, n, sizeof(*m->map)))
		return false;
	for (; m->n_mapped < n; m->n_mapped++)
		if (!series_number(u, &m->values->family->series[m->n_mapped],
			&m->map[m->n_mapped]))
			return false;
	return true;
}

/* Families */

/*
 * The family that exposes a name of this one; its own name, or another one with
 * which it clashes.  Null: there is none.
 */
static struct cmxi_lineage_family *
family_that_meets(struct cmxi_lineage *u, const struct cmx_family_def *def,
    size_t hint)
{
	uint32_t i;

	if (hint < u->n_families &&
	    strcmp(u->families[hint]->family.definition.def.name, def->name) ==
		0)
		return u->families[hint];
	i = cmxi_exposed_find(&u->exposed, def);
	return i == CMXI_HASH_INDEX_NONE ? NULL : u->families[i];
}

static struct cmxi_lineage_family *
add_family(struct cmxi_lineage *u, const struct cmxi_catalog_family *of)
{
	struct cmxi_lineage_family *added = calloc(1, sizeof(*added));

	if (added == NULL ||
	    !cmxi_array_reserve(&u->families, &u->capacity, u->n_families + 1,
		sizeof(struct cmxi_lineage_family *)) ||
	    !cmxi_buckets_init(&added->family.buckets, &of->definition)) {
		free(added);
		return NULL;
	}
	/* Names, bounds and texts are borrowed from the segment. */
	added->family.definition = of->definition;
	added->family.definition.def.labels = added->family.definition.labels;
	added->family.created_ns = of->created_ns;
	added->family.cell_size = of->cell_size;
	added->family.n_exemplars = of->n_exemplars;
	if (!cmxi_exposed_add(&u->exposed, &added->family.definition.def,
		(uint32_t)u->n_families)) {
		cmxi_buckets_fini(&added->family.buckets);
		free(added);
		return NULL;
	}
	u->families[u->n_families++] = added;
	return added;
}

/* Put the families of a segment beside those of the newer segments. */
static bool
join_segment_families(struct cmxi_lineage *u, const struct cmxi_scrape *scrape,
    size_t segment)
{
	for (size_t i = 0; i < scrape->n_families; i++) {
		const struct cmxi_values *v = &scrape->families[i];
		const struct cmx_family_def *def = v->def;
		struct cmxi_lineage_family *f = family_that_meets(u, def, i);

		if (f == NULL)
			f = add_family(u, v->family);
		if (f == NULL)
			return false;
		if (!cmxi_def_same_cells(&f->family.definition.def, def))
			continue;
		f->members[segment].values = v;
		if (!map_series(f, &f->members[segment]))
			return false;
	}
	return true;
}

/* Values */

/*
 * Keep the newer exemplar of each slot: segments are added from the oldest on,
 * and a later one overwrites.
 */
static void
add_exemplars(struct cmxi_values *to, size_t at, const struct cmxi_values *from,
    size_t i)
{
	size_t n = to->family->n_exemplars;

	if (from->family->n_exemplars != n)
		return;
	for (size_t j = 0; j < n; j++)
		if (from->exemplars[i * n + j].check != 0)
			to->exemplars[at * n + j] = from->exemplars[i * n + j];
}

static void
add_cells(struct cmxi_pair *to, const struct cmxi_pair *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i].count += from[i].count;
		to[i].sum += from[i].sum;
	}
}

static void
add_values(struct cmxi_values *to, const struct member *m)
{
	const struct cmxi_values *from = m->values;

	for (size_t i = 0; i < from->n_series; i++) {
		size_t at = m->map[i];

		if (cmxi_values_is_histogram(from))
			add_cells(cmxi_values_cells(to, at),
			    cmxi_values_cells(from, i),
			    to->family->buckets.n_cells);
		else if (cmxi_values_is_whole(from))
			to->whole[at] += from->whole[i];
		else
			to->value[at] += from->value[i];
		add_exemplars(to, at, from, i);
	}
}

static void
merge_gauge(struct cmxi_values *to, size_t at, const struct cmxi_values *from,
    size_t i)
{
	double *total = &to->value[at], v = from->value[i];
	uint64_t n = to->n_set[at], m = from->n_set[i];

	if (m == 0)
		return;
	to->n_set[at] += m;
	if (n == 0) {
		*total = v;
		return;
	}
	switch (to->def->aggregate) {
	case CMX_MIN:
		*total = v < *total ? v : *total;
		break;
	case CMX_MAX:
		*total = v > *total ? v : *total;
		break;
	case CMX_AVG:
		*total += (v - *total) * ((double)m / (double)(n + m));
		break;
	case CMX_SUM:
		*total += v;
		break;
	case CMX_LAST: /* the newer segment's, which comes later */
	case CMX_EACH:
		*total = v;
		break;
	}
}

static void
merge_gauges(struct cmxi_values *to, const struct member *m)
{
	const struct cmxi_values *from = m->values;
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(from, &n);

	for (size_t i = 0; i < from->n_series; i++)
		merge_gauge(to, m->map[i], from, i);
	for (size_t i = 0; i < n; i++)
		cmxi_values_add_each(to,
		    &(struct cmxi_each){ .series = m->map[each[i].series],
			.pid = each[i].pid,
			.pid_namespace = each[i].pid_namespace,
			.value = each[i].value });
}

/*
 * Add the oldest segment first.  carry.c adds in the same order, so that a
 * double total is rounded alike before and after the old segment is carried.
 */
static bool
merge_family(struct cmxi_lineage_family *f, size_t n)
{
	if (!cmxi_values_prepare(&f->values, &f->family, f->family.n_series))
		return false;
	cmxi_values_clear(&f->values);
	if (f->family.n_exemplars > 0)
		memset(f->values.exemplars, 0,
		    f->values.n_series * f->family.n_exemplars *
			sizeof(*f->values.exemplars));
	/*
	 * Every series counts since the origin of the chain, whatever stripe
	 * its cells end in.
	 */
	f->values.carry_size = UINT64_MAX;
	for (size_t i = n; i > 0; i--) {
		if (f->members[i - 1].values == NULL)
			continue;
		if (f->members[i - 1].values->origin_ns != 0)
			f->values.origin_ns =
			    f->members[i - 1].values->origin_ns;
		if (f->family.definition.def.type == CMX_GAUGE)
			merge_gauges(&f->values, &f->members[i - 1]);
		else
			add_values(&f->values, &f->members[i - 1]);
	}
	/* Each part is legal; the sum of them may pass a limit. */
	cmxi_values_make_legal(&f->values);
	cmxi_values_sort_each(&f->values);
	return !f->values.each.failed;
}

int
cmxi_lineage_merge(struct cmxi_lineage *u,
    const struct cmxi_scrape *const *scrapes, size_t n, struct cmx_error *err)
{
	bool ok = true;

	REQUIRE(n > 0 && n <= SEGMENTS_MAX);
	for (size_t i = 0; i < u->n_families; i++)
		for (size_t j = 0; j < SEGMENTS_MAX; j++)
			u->families[i]->members[j].values = NULL;
	for (size_t i = 0; ok && i < n; i++)
		ok = join_segment_families(u, scrapes[i], i);
	for (size_t i = 0; ok && i < u->n_families; i++)
		ok = merge_family(u->families[i], n);
	if (ok)
		return 0;
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory to show the segment beside the one that it replaced");
}

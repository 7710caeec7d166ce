/*
 * lineage.c: a segment and the ones that it replaced, as one.
 *
 * A segment's place among the scrapes is its number here.  What was merged
 * once stays merged: only families and series that are new are looked up.
 */
#include "read/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "family/compare.h"
#include "read/gauges.h"

#define SEGMENTS_MAX (CMXI_PREDECESSORS_MAX + 1)

/* A family's series in one of the segments. */
struct member {
	const struct cmxi_values *values; /* of this scrape, or null */
	uint32_t *map;                    /* its series -> ours */
	size_t n_mapped, capacity;
};

struct cmxi_lineage_family {
	struct cmxi_catalog_family family; /* the union of their series */
	struct cmxi_values values;
	struct member members[SEGMENTS_MAX];
	/* Numbers of series + 1 by the hash of their labels. */
	uint32_t *table;
	size_t table_size;
};

static void
free_family(struct cmxi_lineage_family *u)
{
	for (size_t i = 0; i < SEGMENTS_MAX; i++)
		free(u->members[i].map);
	cmxi_values_fini(&u->values);
	free(u->family.series);
	free(u->table);
	free(u);
}

void
cmxi_lineage_fini(struct cmxi_lineage *u)
{
	for (size_t i = 0; i < u->n_families; i++)
		free_family(u->families[i]);
	free(u->families);
	memset(u, 0, sizeof(*u));
}

const struct cmxi_values *
cmxi_lineage_values(const struct cmxi_lineage *u, size_t family)
{
	return &u->families[family]->values;
}

/* Series */

/* Where a series stands in the table, or would. */
static size_t
table_slot(const struct cmxi_lineage_family *u,
    const struct cmxi_catalog_series *s)
{
	size_t at = cmxi_hash(s->text, s->text_size, 0) & (u->table_size - 1);

	for (;; at = (at + 1) & (u->table_size - 1)) {
		const struct cmxi_catalog_series *there;

		if (u->table[at] == 0)
			return at;
		there = &u->family.series[u->table[at] - 1];
		if (there->text_size == s->text_size &&
		    memcmp(there->text, s->text, s->text_size) == 0)
			return at;
	}
}

/* Twice as many places as series, at least. */
static bool
grow_table(struct cmxi_lineage_family *u)
{
	size_t size = u->table_size == 0 ? 64 : u->table_size * 2;

	free(u->table);
	u->table = calloc(size, sizeof(*u->table));
	u->table_size = u->table == NULL ? 0 : size;
	for (size_t i = 0; u->table != NULL && i < u->family.n_series; i++)
		u->table[table_slot(u, &u->family.series[i])] = (uint32_t)i + 1;
	return u->table != NULL;
}

/* The number of a series, which may be new; or SIZE_MAX. */
static size_t
series_number(struct cmxi_lineage_family *u,
    const struct cmxi_catalog_series *s)
{
	struct cmxi_catalog_family *f = &u->family;
	size_t at;

	if (f->n_series * 2 >= u->table_size && !grow_table(u))
		return SIZE_MAX;
	at = table_slot(u, s);
	if (u->table[at] != 0)
		return u->table[at] - 1;
	if (f->n_series == f->capacity) {
		size_t capacity = f->capacity * 2 + 4;
		void *grown = reallocarray(f->series, capacity, sizeof(*s));

		if (grown == NULL)
			return SIZE_MAX;
		f->series = grown;
		f->capacity = capacity;
	}
	f->series[f->n_series++] = *s;
	u->table[at] = (uint32_t)f->n_series;
	return f->n_series - 1;
}

/* Number what a segment has new. */
static bool
map_series(struct cmxi_lineage_family *u, struct member *m)
{
	size_t n = m->values->n_series;

	if (n > m->capacity) {
		size_t capacity = n + n / 2;
		void *grown = reallocarray(m->map, capacity, sizeof(*m->map));

		if (grown == NULL)
			return false;
		m->map = grown;
		m->capacity = capacity;
	}
	for (; m->n_mapped < n; m->n_mapped++) {
		size_t number =
		    series_number(u, &m->values->family->series[m->n_mapped]);

		if (number == SIZE_MAX)
			return false;
		m->map[m->n_mapped] = (uint32_t)number;
	}
	return true;
}

/* Families */

static struct cmxi_lineage_family *
find_family(const struct cmxi_lineage *u, const char *name, size_t hint)
{
	if (hint < u->n_families &&
	    strcmp(u->families[hint]->family.d.def.name, name) == 0)
		return u->families[hint];
	for (size_t i = 0; i < u->n_families; i++)
		if (strcmp(u->families[i]->family.d.def.name, name) == 0)
			return u->families[i];
	return NULL;
}

static bool
clashes_with_any(const struct cmxi_lineage *u, const struct cmx_family_def *def)
{
	char name[CMXI_CLASH_SIZE];

	for (size_t i = 0; i < u->n_families; i++)
		if (cmxi_def_clash(&u->families[i]->family.d.def, def, name,
			sizeof(name)))
			return true;
	return false;
}

static struct cmxi_lineage_family *
add_family(struct cmxi_lineage *u, const struct cmxi_catalog_family *of)
{
	struct cmxi_lineage_family *added = calloc(1, sizeof(*added));

	if (u->n_families == u->capacity) {
		size_t capacity = u->capacity * 2 + 32;
		void *grown = reallocarray(u->families, capacity,
		    sizeof(struct cmxi_lineage_family *));

		if (grown == NULL) {
			free(added);
			return NULL;
		}
		u->families = grown;
		u->capacity = capacity;
	}
	if (added == NULL)
		return NULL;
	/* Names, bounds and texts stay the segment's own. */
	added->family.d = of->d;
	added->family.d.def.labels = added->family.d.labels;
	added->family.created_ns = of->created_ns;
	added->family.cell_size = of->cell_size;
	added->family.n_exemplars = of->n_exemplars;
	u->families[u->n_families++] = added;
	return added;
}

/* Put a segment's families beside those of the newer ones. */
static bool
join_segment_families(struct cmxi_lineage *u, const struct cmxi_scrape *scrape,
    size_t segment)
{
	for (size_t i = 0; i < scrape->n_families; i++) {
		const struct cmxi_values *v = &scrape->families[i];
		const struct cmx_family_def *def = &v->family->d.def;
		struct cmxi_lineage_family *f = find_family(u, def->name, i);

		if (f == NULL && clashes_with_any(u, def))
			continue;
		if (f == NULL)
			f = add_family(u, v->family);
		if (f == NULL)
			return false;
		if (!cmxi_def_same_cells(&f->family.d.def, def))
			continue;
		f->members[segment].values = v;
		if (!map_series(f, &f->members[segment]))
			return false;
	}
	return true;
}

/* Values */

/* The newer of two: those of the newer segment come later. */
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
add_values(struct cmxi_values *to, const struct member *m)
{
	const struct cmxi_values *from = m->values;
	size_t n = to->n_buckets;

	for (size_t i = 0; i < from->n_series; i++) {
		size_t at = m->map[i];

		if (from->family->d.def.type == CMX_HISTOGRAM)
			for (size_t j = 0; j < n; j++) {
				struct cmxi_pair *p = &to->pairs[at * n + j];

				p->count += from->pairs[i * n + j].count;
				p->sum += from->pairs[i * n + j].sum;
			}
		else if (from->family->d.def.is_double)
			to->value[at] += from->value[i];
		else
			to->whole[at] += from->whole[i];
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
	switch (to->family->d.def.aggregate) {
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
		    &(struct cmxi_each){ m->map[each[i].series], each[i].pid,
			each[i].value });
}

/*
 * From the oldest on: a total is then the newest segment's plus what the
 * older ones have, which is how it is added when that is carried over, and it
 * is rounded alike.
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
	/* All of it has counted since the first segment of the line. */
	f->values.carry_size = UINT64_MAX;
	for (size_t i = n; i > 0; i--) {
		if (f->members[i - 1].values == NULL)
			continue;
		if (f->members[i - 1].values->origin_ns != 0)
			f->values.origin_ns =
			    f->members[i - 1].values->origin_ns;
		if (f->family.d.def.type == CMX_GAUGE)
			merge_gauges(&f->values, &f->members[i - 1]);
		else
			add_values(&f->values, &f->members[i - 1]);
	}
	return !f->values.each.failed;
}

int
cmxi_lineage_merge(struct cmxi_lineage *u,
    const struct cmxi_scrape *const *scrapes, size_t n, struct cmx_error *err)
{
	bool ok = true;

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

/*
 * values.c: the values of one family at one scrape.
 */
#include "read/values.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/number.h"
#include "base/require.h"
#include "family/rules.h"
#include "read/buckets.h"

/* What is shown */

static bool
has_observations(const struct cmxi_values *v, size_t series)
{
	const struct cmxi_pair *cells = cmxi_values_cells(v, series);

	for (size_t i = 0; i < v->family->buckets.n_cells; i++)
		if (cells[i].count != 0)
			return true;
	return false;
}

bool
cmxi_values_is_shown(const struct cmxi_values *v, size_t series)
{
	bool is_overflow = series == 0 && v->def->n_labels > 0;

	REQUIRE(series < v->n_series);
	if (v->needs_set)
		return v->n_set[series] > 0;
	if (v->def->type == CMX_GAUGE)
		return v->n_set[series] > 0 ||
		    (v->def->n_labels == 0 && v->def->aggregate != CMX_EACH);
	if (!is_overflow)
		return true;
	if (cmxi_values_is_histogram(v))
		return has_observations(v, series);
	return cmxi_values_is_whole(v) ? v->whole[series] != 0 :
					 v->value[series] != 0;
}

size_t
cmxi_values_count_shown(const struct cmxi_values *v)
{
	size_t n = 0;

	if (cmxi_def_is_each(v->def)) {
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

	REQUIRE(i < v->n_series);
	return v->origin_ns != 0 && v->origin_ns < series->created_ns &&
		cmxi_catalog_series_cells(series) + v->family->cell_size <=
		    v->carry_size ?
	    v->origin_ns :
	    series->created_ns;
}

void
cmxi_values_add_each(struct cmxi_values *v, const struct cmxi_each *each)
{
	REQUIRE(each->series < v->n_series);
	cmxi_buf_bytes(&v->each, each, sizeof(*each));
}

static int
compare_each(const void *a, const void *b)
{
	const struct cmxi_each *x = a, *y = b;

	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->pid_namespace != y->pid_namespace)
		return x->pid_namespace < y->pid_namespace ? -1 : 1;
	return 0;
}

void
cmxi_values_sort_each(struct cmxi_values *v)
{
	struct cmxi_each *each = (struct cmxi_each *)(void *)v->each.data;
	size_t n = v->each.size / sizeof(*each), kept = 0;

	if (n == 0)
		return;
	qsort(each, n, sizeof(*each), compare_each);
	for (size_t i = 1; i < n; i++) {
		struct cmxi_each *last = &each[kept];

		if (compare_each(last, &each[i]) == 0) {
			last->value += each[i].value;
			continue;
		}
		each[++kept] = each[i];
		if (last->series == each[kept].series &&
		    last->pid == each[kept].pid)
			last->is_ambiguous = each[kept].is_ambiguous = true;
	}
	v->each.size = (kept + 1) * sizeof(*each);
}

void
cmxi_each_pid(const struct cmxi_each *each, char text[CMXI_PID_TEXT_MAX])
{
	size_t n = cmxi_u64_to_text(each->pid, text);

	if (each->is_ambiguous) {
		text[n++] = '@';
		n += cmxi_u64_to_text(each->pid_namespace, text + n);
	}
	text[n] = '\0';
}

/* Room */

static bool
has_n_set(const struct cmxi_values *v)
{
	return v->def->type == CMX_GAUGE || v->needs_set;
}

static bool
grow_values(struct cmxi_values *v, size_t n)
{
	const struct cmxi_catalog_family *f = v->family;

	if (f->n_exemplars > 0 &&
	    !cmxi_array_resize(&v->exemplars, n * f->n_exemplars,
		sizeof(*v->exemplars)))
		return false;
	if (cmxi_values_is_histogram(v))
		return cmxi_array_resize(&v->pairs, n * f->buckets.n_cells,
		    sizeof(*v->pairs));
	if (cmxi_values_is_whole(v))
		return cmxi_array_resize(&v->whole, n, sizeof(*v->whole));
	return cmxi_array_resize(&v->value, n, sizeof(*v->value)) &&
	    (!has_n_set(v) ||
		cmxi_array_resize(&v->n_set, n, sizeof(*v->n_set)));
}

bool
cmxi_values_prepare(struct cmxi_values *v,
    const struct cmxi_catalog_family *family, size_t n_series)
{
	size_t n = n_series + n_series / 2 + 4;

	v->family = family;
	v->def = &family->definition.def;
	v->n_series = n_series;
	if (n_series <= v->capacity)
		return true;
	if (!grow_values(v, n))
		return false;
	v->capacity = n;
	return true;
}

void
cmxi_values_clear(struct cmxi_values *v)
{
	v->each.size = 0;
	if (cmxi_values_is_histogram(v))
		memset(v->pairs, 0,
		    v->n_series * v->family->buckets.n_cells *
			sizeof(*v->pairs));
	else if (cmxi_values_is_whole(v))
		memset(v->whole, 0, v->n_series * sizeof(*v->whole));
	else
		memset(v->value, 0, v->n_series * sizeof(*v->value));
	if (v->def->type == CMX_GAUGE)
		memset(v->n_set, 0, v->n_series * sizeof(*v->n_set));
}

/* A pair that a writer could have left. */
static struct cmxi_pair
legal_pair(struct cmxi_pair p)
{
	/* The conversion cuts a fraction; not a number is not >= 1. */
	p.count = p.count >= 1 ?
	    (double)(uint64_t)(p.count < CMXI_COUNT_MAX ? p.count :
							  CMXI_COUNT_MAX) :
	    0;
	if (p.count == 0)
		p.sum = 0;
	return p;
}

static uint64_t
make_pairs_legal(struct cmxi_pair *pairs, size_t n)
{
	uint64_t changed = 0;

	for (size_t i = 0; i < n; i++) {
		struct cmxi_pair legal = legal_pair(pairs[i]);

		if (legal.count == pairs[i].count &&
		    (legal.count > 0 || pairs[i].sum == 0))
			continue;
		pairs[i] = legal;
		changed++;
	}
	return changed;
}

static uint64_t
make_doubles_legal(double *values, size_t n)
{
	uint64_t changed = 0;

	for (size_t i = 0; i < n; i++)
		if (!(values[i] >= 0 && values[i] <= DBL_MAX)) {
			values[i] = 0;
			changed++;
		}
	return changed;
}

uint64_t
cmxi_values_make_legal(struct cmxi_values *v)
{
	if (cmxi_values_is_histogram(v))
		return make_pairs_legal(v->pairs,
		    v->n_series * v->family->buckets.n_cells);
	if (v->def->type == CMX_COUNTER && v->def->is_double)
		return make_doubles_legal(v->value, v->n_series);
	return 0;
}

/* Not as bytes: a struct cmxi_each has padding. */
static uint64_t
hash_each(const struct cmxi_values *v, uint64_t hash)
{
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(v, &n);

	for (size_t i = 0; i < n; i++) {
		const uint64_t words[] = { each[i].series, each[i].pid,
			cmxi_double_to_bits(each[i].value) };

		hash = cmxi_hash(words, sizeof(words), hash);
	}
	return hash;
}

uint64_t
cmxi_values_hash(const struct cmxi_values *v, uint64_t seed)
{
	size_t n = v->n_series;

	if (cmxi_def_is_each(v->def))
		return hash_each(v, seed);
	if (cmxi_values_is_histogram(v))
		return cmxi_hash(v->pairs,
		    n * v->family->buckets.n_cells * sizeof(*v->pairs), seed);
	if (cmxi_values_is_whole(v))
		return cmxi_hash(v->whole, n * sizeof(*v->whole), seed);
	if (has_n_set(v))
		seed = cmxi_hash(v->n_set, n * sizeof(*v->n_set), seed);
	return cmxi_hash(v->value, n * sizeof(*v->value), seed);
}

void
cmxi_values_fini(struct cmxi_values *v)
{
	free(v->whole);
	free(v->value);
	free(v->n_set);
	free(v->pairs);
	free(v->exemplars);
	cmxi_buf_fini(&v->each);
}

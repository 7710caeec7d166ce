/*
 * values.c: the values of one family at one scrape.
 */
#include "read/values.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/require.h"
#include "family/rules.h"

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
	struct cmxi_each *known = (struct cmxi_each *)(void *)v->each.data;
	size_t n = v->each.size / sizeof(*known);

	REQUIRE(each->series < v->n_series);
	for (size_t i = n; i > 0; i--)
		if (known[i - 1].series == each->series &&
		    known[i - 1].pid == each->pid) {
			known[i - 1].value += each->value;
			return;
		}
	cmxi_buf_bytes(&v->each, each, sizeof(*each));
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

/*
 * reader_walk.c: the reader API: families, series and processes of a snapshot.
 */
#include <assert.h>
#include <string.h>

#include "base/require.h"
#include "family/rules.h"
#include "read/reader.h"

size_t
cmxr_snapshot_n_families(const struct cmxr_snapshot *snapshot)
{
	return snapshot->n_families;
}

bool
cmxr_snapshot_find(const struct cmxr_snapshot *snapshot, const char *name,
    size_t *i)
{
	size_t found = cmxi_snapshot_place(snapshot, name);

	if (found == snapshot->n_families)
		return false;
	*i = found;
	return true;
}

void
cmxr_snapshot_family(const struct cmxr_snapshot *snapshot, size_t i,
    struct cmxr_family *family)
{
	const struct cmxi_values *v = snapshot->families[i];

	*family = (struct cmxr_family){
		.def = v->family->definition.def,
		.created_ns = v->family->created_ns,
		.n_series = cmxi_values_count_shown(v),
		.n_bounds = v->family->definition.n_shown,
		.bounds = v->family->definition.shown,
		.n_cell_bounds = v->family->definition.n_cell_bounds,
		.cell_bounds = v->family->definition.cell_bounds,
	};
}

static void
fill_labels(struct cmxi_series_room *room, const struct cmxi_values *v,
    size_t i, struct cmxr_series *series)
{
	const struct cmxi_catalog_series *of = &v->family->series[i];
	const char *value;

	REQUIRE(room->values.capacity > of->text_size);
	cmxi_catalog_series_values(v->family, of, room->values.data);
	value = room->values.data;
	for (size_t j = 0; j < v->def->n_labels; j++) {
		series->values[j] = value;
		value += strlen(value) + 1;
	}
	memset(series->reserved, 0, sizeof(series->reserved));
	series->created_ns = cmxi_values_created(v, i);
	series->is_overflow = i == 0 && v->def->n_labels > 0;
	series->pid = 0;
	series->pid_namespace = 0;
}

static_assert(sizeof(struct cmxr_cell) == sizeof(struct cmxi_pair),
    "cells are shown as they are");

static void
fill_histogram(struct cmxi_series_room *room, const struct cmxi_values *v,
    size_t i, struct cmxr_series *series)
{
	const struct cmxi_buckets *b = &v->family->buckets;
	const struct cmxi_pair *cells = cmxi_values_cells(v, i);
	size_t cell = 0;

	series->n_buckets = b->n_shown;
	series->buckets = room->buckets;
	series->n_cells = b->n_cells;
	series->cells = (const struct cmxr_cell *)(const void *)cells;
	series->count = 0;
	series->sum = 0;
	for (size_t j = 0; j < series->n_buckets; j++) {
		double count = 0;

		cmxi_buckets_next(b, cells, j, &cell, &count, &series->sum);
		room->buckets[j] = cmxi_pair_count(count);
		series->count += room->buckets[j];
	}
}

static bool
next_each(struct cmxi_series_room *room, const struct cmxi_values *v,
    size_t *cursor, struct cmxr_series *series)
{
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(v, &n);

	if (*cursor >= n)
		return false;
	each += (*cursor)++;
	fill_labels(room, v, each->series, series);
	series->pid = each->pid;
	series->pid_namespace = each->is_ambiguous ? each->pid_namespace : 0;
	series->value = each->value;
	return true;
}

bool
cmxr_series_next(const struct cmxr_snapshot *snapshot, size_t family,
    size_t *cursor, struct cmxr_series *series)
{
	const struct cmxi_values *v = snapshot->families[family];
	struct cmxi_series_room *room = snapshot->room;
	size_t i;

	if (cmxi_def_is_each(v->def))
		return next_each(room, v, cursor, series);
	while (*cursor < v->n_series && !cmxi_values_is_shown(v, *cursor))
		++*cursor;
	if (*cursor >= v->n_series)
		return false;
	i = (*cursor)++;
	fill_labels(room, v, i, series);
	if (cmxi_values_is_histogram(v))
		fill_histogram(room, v, i, series);
	else if (cmxi_values_is_whole(v))
		series->whole = v->whole[i];
	else
		series->value = v->value[i];
	return true;
}

bool
cmxr_process_next(const struct cmxr_snapshot *snapshot, size_t *cursor,
    struct cmxr_process *process)
{
	size_t n = snapshot->processes.size / sizeof(*process);

	if (*cursor >= n)
		return false;
	memcpy(process,
	    snapshot->processes.data + (*cursor)++ * sizeof(*process),
	    sizeof(*process));
	return true;
}

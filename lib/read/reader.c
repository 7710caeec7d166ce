/*
 * reader.c: the reader API: open, take a snapshot, walk it.
 */
#include "read/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "segment/segment_file.h"
#include "segment/segment_name.h"
#include "segment/segment_path.h"

static struct cmxr_reader *
new_reader(struct cmx_error *err)
{
	struct cmxr_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a reader");
	else
		reader->shows_processes = true;
	return reader;
}

int
cmxr_open(const char *segment, struct cmxr_reader **readerp,
    struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct cmxr_reader *reader;
	int r;

	if (readerp == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_open: readerp is null");
	*readerp = NULL;
	if (segment == NULL) {
		r = cmx_segment_path(path, sizeof(path), err);
		if (r != 0)
			return r;
		segment = path;
	}
	reader = new_reader(err);
	if (reader == NULL)
		return CMX_ERR_MEMORY;
	r = cmxi_view_open(segment, &reader->views[0], err);
	if (r != 0) {
		free(reader);
		return r;
	}
	reader->n_views = 1;
	*readerp = reader;
	return 0;
}

int
cmxr_open_fd(int fd, const char *name, struct cmxr_reader **readerp,
    struct cmx_error *err)
{
	struct cmxi_segment segment;
	struct cmxr_reader *reader;
	int r;

	if (readerp == NULL || name == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_open_fd: name or readerp is null");
	*readerp = NULL;
	r = cmxi_segment_open_fd(&segment, fd, name, err);
	if (r != 0)
		return r;
	reader = new_reader(err);
	if (reader != NULL)
		reader->views[0] = cmxi_view_new(&segment, err);
	if (reader == NULL || reader->views[0] == NULL) {
		cmxi_segment_close(&segment);
		free(reader);
		return CMX_ERR_MEMORY;
	}
	reader->n_views = 1;
	*readerp = reader;
	return 0;
}

/* Close the views from i on; what was merged of them goes too. */
static void
close_views(struct cmxr_reader *reader, size_t i)
{
	if (i < reader->n_views)
		cmxi_lineage_fini(&reader->merged);
	while (reader->n_views > i)
		cmxi_view_close(reader->views[--reader->n_views]);
}

void
cmxr_close(struct cmxr_reader *reader)
{
	if (reader == NULL)
		return;
	close_views(reader, 0);
	cmxi_snapshot_fini(&reader->snapshot);
	cmxi_process_metrics_fini(&reader->processes);
	free(reader->schema_text);
	free(reader);
}

bool
cmxr_is_current(const struct cmxr_reader *reader)
{
	const struct cmxi_segment *s = &reader->views[0]->segment;
	struct stat st;

	return s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->device && st.st_ino == s->inode;
}

void
cmxr_show_processes(struct cmxr_reader *reader, bool show)
{
	reader->shows_processes = show;
}

/* Segments that were replaced */

static bool
is_predecessor(const struct cmxi_shm_header *of,
    const struct cmxi_shm_header *it)
{
	return of->predecessor_seed != 0 && of->predecessor_seed == it->seed;
}

/*
 * Has the name gone to a segment that replaces ours?  Then that is the one to
 * read, and ours may be behind it.  A name that is gone, or another's, leaves
 * the reader with what it has: cmxr_is_current() tells.
 */
static void
follow_name(struct cmxr_reader *reader)
{
	struct cmxi_view *view;

	if (reader->views[0]->segment.path == NULL || cmxr_is_current(reader) ||
	    cmxi_view_open(reader->views[0]->segment.path, &view, NULL) != 0)
		return;
	if (!is_predecessor(&view->segment.fixed,
		&reader->views[0]->segment.fixed)) {
		cmxi_view_close(view);
		return;
	}
	close_views(reader, 0);
	free(reader->schema_text);
	reader->schema_text = NULL;
	reader->views[0] = view;
	reader->n_views = 1;
}

/* Open the segment that the last view replaced; null where it is not there. */
static struct cmxi_view *
open_predecessor(const struct cmxr_reader *reader, const struct cmxi_view *last)
{
	const struct cmxi_shm_header *fixed = &last->segment.fixed;
	char path[CMXI_PATH_MAX + CMXI_PREDECESSOR_SUFFIX];
	struct cmxi_view *view;

	if (reader->views[0]->segment.path == NULL ||
	    cmxi_segment_predecessor_path(reader->views[0]->segment.path,
		fixed->predecessor_seed, path, sizeof(path), NULL) != 0 ||
	    cmxi_view_open(path, &view, NULL) != 0)
		return NULL;
	if (is_predecessor(fixed, &view->segment.fixed))
		return view;
	cmxi_view_close(view);
	return NULL;
}

/*
 * The chain of this scrape: every view whose predecessor's total is not in
 * its carry stripe has that predecessor behind it.
 *
 * Whether it is carried is looked at once for each view and scrape, and again
 * where the predecessor has just lost its name: a predecessor counts either
 * in its own file or in the carry stripe, and never changes between the two.
 */
static int
follow_predecessors(struct cmxr_reader *reader, struct cmx_error *err)
{
	for (size_t i = 0; i < reader->n_views; i++) {
		struct cmxi_view *view = reader->views[i], *older = NULL;
		int r = cmxi_view_load_carried(view, err);

		if (r != 0)
			return r;
		if (view->is_carried ||
		    view->segment.fixed.predecessor_seed == 0) {
			close_views(reader, i + 1);
			return 0;
		}
		if (i + 1 < reader->n_views || i == CMXI_PREDECESSORS_MAX)
			continue;
		older = open_predecessor(reader, view);
		if (older == NULL) {
			/* Carried just now; or lost, and shown without. */
			r = cmxi_view_load_carried(view, err);
			if (r != 0)
				return r;
			continue;
		}
		reader->views[reader->n_views++] = older;
	}
	return 0;
}

/* Taking a snapshot */

static size_t
n_families_of_views(const struct cmxr_reader *reader)
{
	size_t n = 0;

	for (size_t i = 0; i < reader->n_views; i++)
		n += reader->views[i]->scrape.n_families;
	return n;
}

static int
merge_views(struct cmxr_reader *reader, struct cmx_error *err)
{
	const struct cmxi_scrape *scrapes[CMXI_PREDECESSORS_MAX + 1];
	size_t n_families = n_families_of_views(reader);

	/* A new family may change which segment defines it. */
	if (n_families != reader->n_merged_families)
		cmxi_lineage_fini(&reader->merged);
	reader->n_merged_families = n_families;
	for (size_t i = 0; i < reader->n_views; i++)
		scrapes[i] = &reader->views[i]->scrape;
	return cmxi_lineage_merge(&reader->merged, scrapes, reader->n_views,
	    err);
}

static bool
show_processes(struct cmxr_reader *reader)
{
	bool ok = true;

	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++) {
		const struct cmxi_values *v = &reader->processes.values[i];

		if (cmxi_values_count_shown(v) > 0 &&
		    cmxi_snapshot_find(&reader->snapshot,
			v->family->d.def.name) == NULL)
			ok &= cmxi_snapshot_show(&reader->snapshot, v);
	}
	return ok;
}

static bool
show_families(struct cmxr_reader *reader)
{
	bool ok = true;

	reader->snapshot.n_families = 0;
	if (reader->n_views > 1)
		for (size_t i = 0; i < reader->merged.n_families; i++)
			ok &= cmxi_snapshot_show(&reader->snapshot,
			    cmxi_lineage_values(&reader->merged, i));
	else
		for (size_t i = 0; i < reader->views[0]->scrape.n_families; i++)
			ok &= cmxi_snapshot_show(&reader->snapshot,
			    &reader->views[0]->scrape.families[i]);
	return ok;
}

static int
take_processes(struct cmxr_reader *reader, struct cmx_error *err)
{
	struct cmxi_buf *list = &reader->snapshot.processes;
	int r = 0;

	list->size = 0;
	cmxi_process_metrics_begin(&reader->processes);
	for (size_t i = 0; r == 0 && i < reader->n_views; i++)
		r = cmxi_process_metrics_add(&reader->processes,
		    &reader->views[i]->segment, &reader->views[i]->gauges, list,
		    err);
	return r == 0 && reader->shows_processes ?
	    cmxi_process_metrics_end(&reader->processes, err) :
	    r;
}

static int
take_views(struct cmxr_reader *reader, struct cmx_error *err)
{
	int r = follow_predecessors(reader, err);

	/*
	 * From the oldest on: an update that was ordered after one of an older
	 * segment is then not seen without it.
	 */
	for (size_t i = reader->n_views; r == 0 && i > 0; i--)
		r = cmxi_view_take(reader->views[i - 1], err);
	if (r == 0 && reader->n_views > 1)
		r = merge_views(reader, err);
	if (r == 0)
		r = take_processes(reader, err);
	if (r == 0 &&
	    (!show_families(reader) ||
		(reader->shows_processes && !show_processes(reader))))
		r = cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the families of the snapshot");
	return r;
}

int
cmxr_snapshot_take(struct cmxr_reader *reader,
    const struct cmxr_snapshot **snapshotp, struct cmx_error *err)
{
	int r;

	follow_name(reader);
	r = take_views(reader, err);
	if (r == 0)
		*snapshotp = &reader->snapshot;
	else
		/* It points into what may have begun anew. */
		cmxi_lineage_fini(&reader->merged);
	return r;
}

/* Walking a snapshot */

size_t
cmxr_snapshot_n_families(const struct cmxr_snapshot *snapshot)
{
	return snapshot->n_families;
}

void
cmxr_snapshot_family(const struct cmxr_snapshot *snapshot, size_t i,
    struct cmxr_family *family)
{
	const struct cmxi_values *v = snapshot->families[i];

	*family = (struct cmxr_family){
		.def = v->family->d.def,
		.created_ns = v->family->created_ns,
		.n_series = cmxi_values_count_shown(v),
		.n_bounds = v->family->d.n_shown,
		.bounds = v->family->d.shown,
		.n_cell_bounds = v->family->d.n_cell_bounds,
		.cell_bounds = v->family->d.cell_bounds,
	};
}

/* False where there is no memory for the values. */
static bool
fill_labels(struct cmxr_snapshot *snapshot, const struct cmxi_values *v,
    size_t i, struct cmxr_series *series)
{
	const struct cmxi_catalog_series *of = &v->family->series[i];
	const char *value;

	snapshot->values.size = 0;
	if (!cmxi_buf_reserve(&snapshot->values, of->text_size + 1))
		return false;
	cmxi_catalog_series_values(v->family, of, snapshot->values.data);
	value = snapshot->values.data;
	for (size_t j = 0; j < v->family->d.def.n_labels; j++) {
		series->values[j] = value;
		value += strlen(value) + 1;
	}
	series->created_ns = cmxi_values_created(v, i);
	series->is_overflow = i == 0 && v->family->d.def.n_labels > 0;
	series->pid = 0;
	return true;
}

static_assert(sizeof(struct cmxr_cell) == sizeof(struct cmxi_pair),
    "cells are shown as they are");

static void
fill_histogram(struct cmxr_snapshot *snapshot, const struct cmxi_values *v,
    size_t i, struct cmxr_series *series)
{
	const struct cmxi_pair *pairs = &v->pairs[i * v->n_buckets];
	size_t cell = 0;

	series->n_buckets = cmxi_values_n_shown(v);
	series->buckets = snapshot->buckets;
	series->n_cells = v->n_buckets;
	series->cells = (const struct cmxr_cell *)(const void *)pairs;
	series->count = 0;
	series->sum = 0;
	for (size_t j = 0; j < series->n_buckets; j++) {
		double count = 0;

		cmxi_values_next_bucket(v, pairs, j, &cell, &count,
		    &series->sum);
		snapshot->buckets[j] = cmxi_pair_count(count);
		series->count += snapshot->buckets[j];
	}
}

static bool
next_each(struct cmxr_snapshot *snapshot, const struct cmxi_values *v,
    size_t *cursor, struct cmxr_series *series)
{
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(v, &n);

	if (*cursor >= n)
		return false;
	each += (*cursor)++;
	if (!fill_labels(snapshot, v, each->series, series))
		return false;
	series->pid = each->pid;
	series->value = each->value;
	return true;
}

bool
cmxr_series_next(const struct cmxr_snapshot *snapshot, size_t family,
    size_t *cursor, struct cmxr_series *series)
{
	const struct cmxi_values *v = snapshot->families[family];
	/* It is ours, and has room for what the series points to. */
	struct cmxr_snapshot *scratch =
	    (struct cmxr_snapshot *)(uintptr_t)snapshot;
	enum cmx_type type = v->family->d.def.type;
	size_t i;

	if (cmxi_def_is_each(&v->family->d.def))
		return next_each(scratch, v, cursor, series);
	while (*cursor < v->n_series && !cmxi_values_is_shown(v, *cursor))
		++*cursor;
	if (*cursor >= v->n_series)
		return false;
	i = (*cursor)++;
	if (!fill_labels(scratch, v, i, series))
		return false;
	if (type == CMX_HISTOGRAM)
		fill_histogram(scratch, v, i, series);
	else if (type == CMX_COUNTER && !v->family->d.def.is_double)
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

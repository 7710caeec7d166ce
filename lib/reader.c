/*
 * reader.c: the reader API.  Level 9r.
 */
#include "codeai/metrics_reader.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog.h"
#include "error.h"
#include "guard.h"
#include "path.h"
#include "schema.h"
#include "segment.h"
#include "snapshot.h"
#include "snapshot_gauge.h"

struct cmxr_reader {
	struct cmxi_segment segment;
	struct cmxi_catalog catalog;
	struct cmxr_snapshot snapshot;
	struct cmxi_gauge_scratch gauges;
	uint64_t torn;
	char *schema_text;
};

static int
finish_open(struct cmxr_reader *reader, int r, struct cmxr_reader **readerp)
{
	if (r != 0) {
		free(reader);
		return r;
	}
	cmxi_catalog_init(&reader->catalog, &reader->segment);
	*readerp = reader;
	return 0;
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
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for a "
		    "reader");
	r = cmxi_segment_open(&reader->segment, segment, CMXI_READ, 0, err);
	return finish_open(reader, r, readerp);
}

int
cmxr_open_fd(int fd, const char *name, struct cmxr_reader **readerp,
    struct cmx_error *err)
{
	struct cmxr_reader *reader;
	int r;

	if (readerp == NULL || name == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_open_fd: name or readerp is null");
	*readerp = NULL;
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for a "
		    "reader");
	r = cmxi_segment_open_fd(&reader->segment, fd, name, err);
	return finish_open(reader, r, readerp);
}

void
cmxr_close(struct cmxr_reader *reader)
{
	if (reader == NULL)
		return;
	cmxi_snapshot_fini(&reader->snapshot);
	cmxi_gauges_fini(&reader->gauges);
	cmxi_catalog_fini(&reader->catalog);
	cmxi_segment_close(&reader->segment);
	free(reader->schema_text);
	free(reader);
}

bool
cmxr_is_current(const struct cmxr_reader *reader)
{
	struct stat st;

	return reader->segment.path != NULL &&
	    lstat(reader->segment.path, &st) == 0 &&
	    st.st_dev == reader->segment.device &&
	    st.st_ino == reader->segment.inode;
}

static int
truncated(const struct cmxr_reader *reader, struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "%s: was truncated while it was "
	    "read",
	    reader->segment.path != NULL ? reader->segment.path : "segment");
}

/* All loads from the mapping, and nothing else, happen here. */
static int
load_values(struct cmxr_reader *reader, struct cmx_error *err)
{
	struct cmxi_guard guard = { .base = reader->segment.base,
		.size = reader->segment.size };

	if (sigsetjmp(guard.jump, 0) != 0) {
		cmxi_guard_leave();
		return truncated(reader, err);
	}
	cmxi_guard_enter(&guard);
	cmxi_snapshot_load(&reader->snapshot, &reader->segment, &reader->torn);
	cmxi_gauges_load(&reader->snapshot, &reader->segment, &reader->gauges);
	cmxi_guard_leave();
	return 0;
}

int
cmxr_snapshot_take(struct cmxr_reader *reader,
    const struct cmxr_snapshot **snapshotp, struct cmx_error *err)
{
	int r = cmxi_catalog_refresh(&reader->catalog, err);

	if (r != 0) {
		/* It points into the catalog, which has begun anew. */
		cmxi_snapshot_fini(&reader->snapshot);
		return r;
	}
	r = cmxi_snapshot_prepare(&reader->snapshot, &reader->catalog, err);
	if (r == 0)
		r = cmxi_gauges_prepare(&reader->snapshot, &reader->segment,
		    &reader->gauges, err);
	if (r == 0)
		r = load_values(reader, err);
	if (r == 0)
		*snapshotp = &reader->snapshot;
	return r;
}

/* Walking a snapshot */

static size_t
n_shown(const struct cmxi_values *v)
{
	size_t n = 0;

	if (v->family->d.def.type == CMX_GAUGE &&
	    v->family->d.def.aggregate == CMX_EACH)
		return v->each.size / sizeof(struct cmxi_each);
	for (size_t i = 0; i < v->n_series; i++)
		n += cmxi_values_is_shown(v, i);
	return n;
}

size_t
cmxr_snapshot_n_families(const struct cmxr_snapshot *snapshot)
{
	return snapshot->n_families;
}

void
cmxr_snapshot_family(const struct cmxr_snapshot *snapshot, size_t i,
    struct cmxr_family *family)
{
	const struct cmxi_values *v = &snapshot->families[i];

	*family = (struct cmxr_family){
		.def = v->family->d.def,
		.created_ns = v->family->record->created_ns,
		.n_series = n_shown(v),
	};
}

static void
fill_labels(const struct cmxi_values *v, size_t i, struct cmxr_series *series)
{
	const char *value = v->family->series[i].values;

	for (size_t j = 0; j < v->family->d.def.n_labels; j++) {
		series->values[j] = value;
		value += strlen(value) + 1;
	}
	series->created_ns = v->family->series[i].created_ns;
	series->is_overflow = i == 0 && v->family->d.def.n_labels > 0;
	series->pid = 0;
}

/* A count as a whole number, whatever a damaged cell holds. */
static uint64_t
whole_count(double count)
{
	if (!(count >= 0))
		return 0;
	return count < 18446744073709551616.0 ? (uint64_t)count : UINT64_MAX;
}

static void
fill_histogram(const struct cmxi_values *v, size_t i,
    struct cmxr_series *series)
{
	series->n_buckets = v->n_buckets;
	series->count = 0;
	series->sum = 0;
	for (size_t j = 0; j < v->n_buckets; j++) {
		const struct cmxi_pair *pair = &v->pairs[i * v->n_buckets + j];

		series->buckets[j] = whole_count(pair->count);
		series->count += series->buckets[j];
		series->sum += pair->sum;
	}
}

static bool
next_each(const struct cmxi_values *v, size_t *cursor,
    struct cmxr_series *series)
{
	const struct cmxi_each *each =
	    (const struct cmxi_each *)(const void *)v->each.data;

	if (*cursor >= v->each.size / sizeof(*each))
		return false;
	each += (*cursor)++;
	fill_labels(v, each->series, series);
	series->pid = each->pid;
	series->value = each->value;
	return true;
}

bool
cmxr_series_next(const struct cmxr_snapshot *snapshot, size_t family,
    size_t *cursor, struct cmxr_series *series)
{
	const struct cmxi_values *v = &snapshot->families[family];
	enum cmx_type type = v->family->d.def.type;
	size_t i;

	if (type == CMX_GAUGE && v->family->d.def.aggregate == CMX_EACH)
		return next_each(v, cursor, series);
	while (*cursor < v->n_series && !cmxi_values_is_shown(v, *cursor))
		++*cursor;
	if (*cursor >= v->n_series)
		return false;
	i = (*cursor)++;
	fill_labels(v, i, series);
	if (type == CMX_HISTOGRAM)
		fill_histogram(v, i, series);
	else if (type == CMX_COUNTER && !v->family->d.def.is_double)
		series->whole = v->whole[i];
	else
		series->value = v->value[i];
	return true;
}

/* About the segment */

static void
add_stripe_stats(const struct cmxr_reader *reader, struct cmxr_info *info)
{
	const struct cmxi_shm_header *fixed = &reader->segment.fixed;

	for (uint32_t i = 0; i < cmxi_segment_n_stripes(&reader->segment);
	     i++) {
		struct cmxi_shm_stripe stripe;

		if (pread(reader->segment.fd, &stripe, sizeof(stripe),
			(off_t)(fixed->stripe_offset +
			    i * fixed->stripe_size)) != (ssize_t)sizeof(stripe))
			return;
		info->rseq_aborts += stripe.rseq_aborts;
		info->fallback_updates += stripe.fallback_updates;
	}
}

static void
fill_stats(const struct cmxi_shm_header *h, struct cmxr_info *info)
{
	const uint64_t *stats = h->stats;

	info->invalid_updates = stats[CMXI_STAT_INVALID_UPDATES];
	info->overflow_lookups = stats[CMXI_STAT_OVERFLOW_LOOKUPS];
	info->failed_lookups = stats[CMXI_STAT_FAILED_LOOKUPS];
	info->repaired_labels = stats[CMXI_STAT_REPAIRED_LABELS];
	info->long_labels = stats[CMXI_STAT_LONG_LABELS];
	info->no_space = stats[CMXI_STAT_NO_SPACE];
	info->leaked_bytes = stats[CMXI_STAT_LEAKED_BYTES];
	info->shared_slots = stats[CMXI_STAT_SHARED_SLOT];
	info->dropped_gauges = stats[CMXI_STAT_DROPPED_GAUGES];
}

static uint64_t
at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

static void
fill_geometry(const struct cmxr_reader *reader, struct cmxr_info *info)
{
	const struct cmxi_shm_header *fixed = &reader->segment.fixed;
	const struct cmxi_shm_header *h = &reader->catalog.header;

	info->path = reader->segment.path != NULL ? reader->segment.path : "";
	info->version = fixed->version;
	info->layout_hash = fixed->layout_hash;
	info->created_ns = fixed->created_ns;
	for (int i = 0; i < 16; i++)
		snprintf(info->boot_id + 2 * i, 3, "%02x", fixed->boot_id[i]);
	info->is_retired = h->retired != 0;
	info->apparent_bytes = fixed->file_size;
	info->stripe_bytes = fixed->stripe_size;
	info->stripe_ready_bytes = at_most(h->cell_ready, fixed->stripe_size);
	info->n_cpu_stripes = fixed->n_cpu_stripes;
	info->n_fallback_stripes = fixed->n_fallback_stripes;
	info->arena_bytes = fixed->arena_size;
	info->arena_used_bytes = at_most(h->arena_used, fixed->arena_size);
	info->cell_used_bytes = at_most(h->cell_used, fixed->stripe_size);
	info->n_families = reader->catalog.n_families;
	info->families_limit = fixed->n_family_words;
	info->n_series = h->inserts_done - h->n_groups;
	info->series_limit = fixed->series_limit;
	info->n_slots = fixed->n_slots;
}

/* What a family's series take, added to its type's sums. */
static void
add_memory(const struct cmxi_catalog_family *family, uint64_t n_stripes,
    uint64_t *n_series, uint64_t *bytes)
{
	for (size_t i = 0; i < family->n_series; i++)
		*bytes += family->series[i].entry_size +
		    family->record->cell_size * n_stripes +
		    2 * sizeof(uint64_t);
	*n_series += family->n_series;
}

static void
fill_memory(const struct cmxr_reader *reader, struct cmxr_info *info)
{
	uint64_t n_stripes = cmxi_segment_n_stripes(&reader->segment);

	for (size_t i = 0; i < reader->catalog.n_families; i++) {
		const struct cmxi_catalog_family *f =
		    reader->catalog.families[i];

		if (f->d.def.type == CMX_COUNTER)
			add_memory(f, n_stripes, &info->counters.n_series,
			    &info->counters.bytes);
		else if (f->d.def.type == CMX_GAUGE)
			add_memory(f, info->n_live_slots + 1,
			    &info->gauges.n_series, &info->gauges.bytes);
		else
			add_memory(f, n_stripes, &info->histograms.n_series,
			    &info->histograms.bytes);
	}
}

int
cmxr_info_get(struct cmxr_reader *reader, struct cmxr_info *info,
    struct cmx_error *err)
{
	struct cmxi_buf slots = { .data = NULL };
	struct stat st;
	int r = cmxi_catalog_refresh(&reader->catalog, err);

	if (r != 0) {
		cmxi_snapshot_fini(&reader->snapshot);
		return r;
	}
	memset(info, 0, sizeof(*info));
	fill_geometry(reader, info);
	fill_stats(&reader->catalog.header, info);
	add_stripe_stats(reader, info);
	if (fstat(reader->segment.fd, &st) == 0)
		info->allocated_bytes = (uint64_t)st.st_blocks * 512;
	if (cmxi_live_slots(&reader->segment, &slots, NULL) == 0)
		info->n_live_slots = slots.size / sizeof(uint32_t);
	cmxi_buf_fini(&slots);
	fill_memory(reader, info);
	info->invalid_entries = reader->catalog.n_invalid;
	info->torn_reads = reader->torn;
	return 0;
}

const char *
cmxr_schema_text(struct cmxr_reader *reader)
{
	const struct cmxi_shm_header *fixed = &reader->segment.fixed;
	size_t n = (size_t)fixed->schema_size;

	if (reader->schema_text != NULL)
		return reader->schema_text;
	if (n > CMXI_SCHEMA_SIZE_MAX)
		return "";
	reader->schema_text = calloc(n + 1, 1);
	if (reader->schema_text == NULL ||
	    pread(reader->segment.fd, reader->schema_text, n,
		(off_t)fixed->schema_offset) != (ssize_t)n)
		return "";
	return reader->schema_text;
}

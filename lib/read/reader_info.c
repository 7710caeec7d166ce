/*
 * reader_info.c: what a segment is, and what went wrong in it.
 */
#include "read/reader.h"

#include "base/call.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "read/live_slots.h"
#include "schema/schema.h"
#include "segment/boot_id.h"

static void
add_stripe_stats(const struct cmxi_view *view, struct cmxr_info *info)
{
	const struct cmxi_shm_header *fixed = &view->segment.fixed;

	for (uint32_t i = 0; i < cmxi_segment_n_stripes(&view->segment); i++) {
		struct cmxi_shm_stripe stripe;

		if (pread(view->segment.fd, &stripe, sizeof(stripe),
			(off_t)(fixed->stripe_offset +
			    i * fixed->stripe_size)) != (ssize_t)sizeof(stripe))
			return;
		info->rseq_aborts += stripe.rseq_aborts;
		info->fallback_updates += stripe.fallback_updates;
	}
}

static void
fill_counts(const struct cmxi_shm_header *h, struct cmxr_info *info)
{
#define X(enumerator, member, name, help) \
	info->member = h->stats[CMXI_STAT_##enumerator];
	CMXI_HEADER_STATISTICS(X)
#undef X
}

static uint64_t
at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

static void
fill_geometry(const struct cmxi_view *view, struct cmxr_info *info)
{
	const struct cmxi_shm_header *fixed = &view->segment.fixed;
	const struct cmxi_shm_header *h = &view->catalog.header;

	info->path = view->segment.path != NULL ? view->segment.path : "";
	info->version = fixed->version;
	info->layout_hash = fixed->layout_hash;
	info->created_ns = fixed->created_ns;
	cmxi_boot_id_to_text(fixed->boot_id, info->boot_id);
	info->is_retired = h->retired != 0;
	info->apparent_bytes = fixed->file_size;
	info->stripe_bytes = fixed->stripe_size;
	info->stripe_ready_bytes = at_most(h->cell_ready, fixed->stripe_size);
	info->n_cpu_stripes = fixed->n_cpu_stripes;
	info->n_fallback_stripes = fixed->n_fallback_stripes;
	info->arena_bytes = fixed->arena_size;
	info->arena_used_bytes = at_most(h->arena_used, fixed->arena_size);
	info->cell_used_bytes = at_most(h->cell_used, fixed->stripe_size);
	info->n_families = view->catalog.n_families;
	info->families_limit = fixed->n_family_words;
	info->n_series = h->inserts_done - h->n_groups;
	info->series_limit = fixed->series_limit;
	info->n_slots = fixed->n_slots;
	strlcpy(info->rseq,
	    h->rseq == CMXI_RSEQ_WORKS      ? "works" :
		h->rseq == CMXI_RSEQ_BROKEN ? "broken" :
					      "untried",
	    sizeof(info->rseq));
}

/* Add the size of a family's series to the sums of its type. */
static void
add_memory(const struct cmxi_catalog_family *family, uint64_t n_stripes,
    uint64_t *n_series, uint64_t *bytes)
{
	*bytes += family->entry_bytes +
	    family->n_series *
		(family->cell_size * n_stripes + 2 * sizeof(uint64_t));
	*n_series += family->n_series;
}

static void
fill_memory(const struct cmxi_view *view, struct cmxr_info *info)
{
	uint64_t n_stripes = cmxi_segment_n_stripes(&view->segment);

	for (size_t i = 0; i < view->catalog.n_families; i++) {
		const struct cmxi_catalog_family *f = view->catalog.families[i];

		if (f->definition.def.type == CMX_COUNTER)
			add_memory(f, n_stripes, &info->counters.n_series,
			    &info->counters.bytes);
		else if (f->definition.def.type == CMX_GAUGE)
			add_memory(f, info->n_live_slots + 1,
			    &info->gauges.n_series, &info->gauges.bytes);
		else
			add_memory(f, n_stripes, &info->histograms.n_series,
			    &info->histograms.bytes);
	}
}

/*
 * The live slots that the last snapshot found; before the first one, those of
 * now.
 */
static uint64_t
count_live(const struct cmxi_view *view)
{
	struct cmxi_buf slots = { .data = NULL };
	uint64_t n = 0;

	if (view->was_taken)
		return view->gauges.slots.size / sizeof(uint32_t);
	if (cmxi_slots_list_live(&view->segment, &slots, NULL) == 0)
		n = slots.size / sizeof(uint32_t);
	cmxi_buf_fini(&slots);
	return n;
}

int
cmxr_info_get(struct cmxr_reader *reader, struct cmxr_info *info,
    struct cmx_error *err)
{
	struct cmxi_view *view = reader->chain.views[0];
	struct cmxi_call call = cmxi_call_begin();
	int r = cmxi_catalog_refresh(&view->catalog, err);

	if (r != 0) {
		/*
		 * Empty the snapshot, because its values point into the
		 * catalog.
		 */
		cmxi_lineage_fini(&reader->merged);
		cmxi_scrape_fini(&view->scrape);
		cmxi_snapshot_clear(&reader->snapshot);
		cmxi_call_end(&call);
		return r;
	}
	memset(info, 0, sizeof(*info));
	fill_geometry(view, info);
	fill_counts(&view->catalog.header, info);
	add_stripe_stats(view, info);
	cmxi_segment_allocated(&view->segment, &info->allocated_bytes);
	info->n_predecessors = reader->chain.n_views - 1;
	for (size_t i = 0; i < reader->chain.n_views; i++)
		info->n_live_slots += count_live(reader->chain.views[i]);
	fill_memory(view, info);
	info->invalid_entries = view->catalog.n_invalid;
	info->torn_reads = view->torn;
	info->damaged_values = view->damaged;
	info->changed_ns = reader->changed_ns;
	cmxi_call_end(&call);
	return 0;
}

const char *
cmxr_schema_text(struct cmxr_reader *reader)
{
	const struct cmxi_segment *s = &reader->chain.views[0]->segment;
	size_t n = (size_t)s->fixed.schema_size;

	if (reader->schema_text != NULL)
		return reader->schema_text;
	if (n > CMXI_SCHEMA_SIZE_MAX)
		return "";
	reader->schema_text = calloc(n + 1, 1);
	if (reader->schema_text == NULL ||
	    pread(s->fd, reader->schema_text, n,
		(off_t)s->fixed.schema_offset) != (ssize_t)n)
		return "";
	return reader->schema_text;
}

size_t
cmxr_utf8_size(const char *text, size_t n)
{
	return cmxi_utf8_valid_size(text, n);
}

/*
 * self.c: the daemon's own metrics, through the public API: a private segment
 * that is shown as one more source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics.h>

#include "daemon.h"

/* The families of one segment's statistics; each has the label segment. */
static const struct segment_family {
	const char *name, *help;
	enum cmx_type type;
	size_t offset; /* of the u64 in struct cmxr_info */
} segment_families[] = {
	{ "codeai_metricsd_segment_series", "Series in the segment", CMX_GAUGE,
	    offsetof(struct cmxr_info, n_series) },
	{ "codeai_metricsd_segment_series_limit",
	    "Series that the segment can hold", CMX_GAUGE,
	    offsetof(struct cmxr_info, series_limit) },
	{ "codeai_metricsd_segment_families", "Families in the segment",
	    CMX_GAUGE, offsetof(struct cmxr_info, n_families) },
	{ "codeai_metricsd_segment_allocated_bytes",
	    "Memory that the segment takes", CMX_GAUGE,
	    offsetof(struct cmxr_info, allocated_bytes) },
	{ "codeai_metricsd_segment_processes",
	    "Live processes that hold a gauge slot", CMX_GAUGE,
	    offsetof(struct cmxr_info, n_live_slots) },
	{ "codeai_metricsd_segment_processes_limit",
	    "Live processes that can hold a gauge slot", CMX_GAUGE,
	    offsetof(struct cmxr_info, n_slots) },
	{ "codeai_metricsd_segment_shared_slot_processes_total",
	    "Processes that found no free gauge slot", CMX_COUNTER,
	    offsetof(struct cmxr_info, shared_slots) },
	{ "codeai_metricsd_segment_invalid_updates_total",
	    "Updates that were refused: NaN, negative, fraction", CMX_COUNTER,
	    offsetof(struct cmxr_info, invalid_updates) },
	{ "codeai_metricsd_segment_overflow_lookups_total",
	    "Look-ups that were given an overflow series", CMX_COUNTER,
	    offsetof(struct cmxr_info, overflow_lookups) },
	{ "codeai_metricsd_segment_failed_lookups_total",
	    "Look-ups that were given a sink", CMX_COUNTER,
	    offsetof(struct cmxr_info, failed_lookups) },
	{ "codeai_metricsd_segment_repaired_labels_total",
	    "Label values that were not UTF-8", CMX_COUNTER,
	    offsetof(struct cmxr_info, repaired_labels) },
	{ "codeai_metricsd_segment_long_labels_total",
	    "Label values over the limit", CMX_COUNTER,
	    offsetof(struct cmxr_info, long_labels) },
	{ "codeai_metricsd_segment_no_space_total",
	    "Requests for a page that the file system refused", CMX_COUNTER,
	    offsetof(struct cmxr_info, no_space) },
	{ "codeai_metricsd_segment_rseq_aborts_total",
	    "Updates that were tried again on their CPU", CMX_COUNTER,
	    offsetof(struct cmxr_info, rseq_aborts) },
	{ "codeai_metricsd_segment_fallback_updates_total",
	    "Updates that a CPU made in a fallback stripe", CMX_COUNTER,
	    offsetof(struct cmxr_info, fallback_updates) },
	{ "codeai_metricsd_segment_invalid_entries",
	    "Families and series that were left out as damaged", CMX_GAUGE,
	    offsetof(struct cmxr_info, invalid_entries) },
};

#define N_SEGMENT_FAMILIES \
	(sizeof(segment_families) / sizeof(segment_families[0]))

struct self {
	struct cmx_registry *registry;
	struct cmxr_reader *reader;
	struct cmx_family scrapes, up;
	struct cmx_family of_segment[N_SEGMENT_FAMILIES];
	struct cmx_gauge in_flight, duration, left_out;
};

static int
add_family(struct self *self, const char *name, const char *help,
    enum cmx_type type, const char *label, struct cmx_family *family,
    struct cmx_error *error)
{
	const struct cmx_family_def def = { .name = name,
		.help = help,
		.type = type,
		.aggregate = type == CMX_GAUGE ? CMX_LAST : CMX_SUM,
		.n_labels = label != NULL,
		.labels = &label };

	return cmx_register(self->registry, &def, family, error);
}

static int
add_gauge(struct self *self, const char *name, const char *help,
    const char *label, const char *value, struct cmx_gauge *gauge,
    struct cmx_error *error)
{
	struct cmx_family family;
	int r = add_family(self, name, help, CMX_GAUGE, label, &family, error);

	return r != 0 ?
	    r :
	    cmx_gauge_find(&family, label != NULL, &value, gauge, error);
}

static int
add_families(struct self *self, struct cmx_error *error)
{
	struct cmx_gauge build;
	int r = add_gauge(self, "codeai_metricsd_build_info",
	    "The exporter's version", "version", CMX_VERSION, &build, error);

	if (r == 0)
		cmx_gauge_set(&build, 1);
	if (r == 0)
		r = add_family(self, "codeai_metricsd_scrapes_total",
		    "Answers to scrapes by HTTP status", CMX_COUNTER, "code",
		    &self->scrapes, error);
	if (r == 0)
		r = add_gauge(self, "codeai_metricsd_scrapes_in_flight",
		    "Scrapes that are being answered, this one counted", NULL,
		    NULL, &self->in_flight, error);
	if (r == 0)
		r = add_gauge(self, "codeai_metricsd_scrape_duration_seconds",
		    "How long reading the segments took in this scrape", NULL,
		    NULL, &self->duration, error);
	if (r == 0)
		r = add_gauge(self, "codeai_metricsd_families_left_out",
		    "Families that could not be shown beside others", NULL,
		    NULL, &self->left_out, error);
	if (r == 0)
		r = add_family(self, "codeai_metricsd_segment_up",
		    "Whether the segment could be read", CMX_GAUGE, "segment",
		    &self->up, error);
	for (size_t i = 0; r == 0 && i < N_SEGMENT_FAMILIES; i++)
		r = add_family(self, segment_families[i].name,
		    segment_families[i].help, segment_families[i].type,
		    "segment", &self->of_segment[i], error);
	return r;
}

/* The counter of answers with a status. */
static struct cmx_counter
scrapes_with(struct self *self, int status)
{
	struct cmx_counter counter;
	char text[16];
	const char *value = text;

	snprintf(text, sizeof(text), "%d", status);
	cmx_counter_find(&self->scrapes, 1, &value, &counter, NULL);
	return counter;
}

struct self *
self_new(struct cmx_error *error)
{
	static const int codes[] = { 200, 500, 503 };
	struct self *self = calloc(1, sizeof(*self));
	int r = CMX_ERR_MEMORY;

	if (self != NULL)
		r = cmx_open(NULL, NULL, CMX_PRIVATE | CMX_EMPTY,
		    &self->registry, error);
	if (r == 0)
		r = add_families(self, error);
	if (r == 0)
		r = cmxr_open_fd(cmx_segment_fd(self->registry), "own metrics",
		    &self->reader, error);
	if (r != 0) {
		self_free(self);
		return NULL;
	}
	/* The processes of the service are shown, not this one. */
	cmxr_show_processes(self->reader, false);
	/* Known series are there from the start, at 0. */
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		scrapes_with(self, codes[i]);
	return self;
}

void
self_free(struct self *self)
{
	if (self == NULL)
		return;
	cmxr_close(self->reader);
	cmx_close(self->registry);
	free(self);
}

void
self_count_scrape(struct self *self, int status)
{
	struct cmx_counter counter = scrapes_with(self, status);

	cmx_counter_inc(&counter);
}

void
self_set_in_flight(struct self *self, size_t n)
{
	cmx_gauge_set(&self->in_flight, (double)n);
}

void
self_set_left_out(struct self *self, size_t n_families)
{
	cmx_gauge_set(&self->left_out, (double)n_families);
}

static uint64_t
number_at(const struct cmxr_info *info, size_t offset)
{
	uint64_t n;

	memcpy(&n, (const char *)info + offset, sizeof(n));
	return n;
}

/* Counters of the segment become ours by what they grew. */
static void
update_segment(struct self *self, struct source *s, const char *name)
{
	for (size_t i = 0; i < N_SEGMENT_FAMILIES; i++) {
		const struct segment_family *f = &segment_families[i];
		uint64_t now = number_at(&s->info, f->offset);
		uint64_t before = number_at(&s->counted, f->offset);
		struct cmx_counter counter;
		struct cmx_gauge gauge;

		if (f->type == CMX_GAUGE) {
			cmx_gauge_find(&self->of_segment[i], 1, &name, &gauge,
			    NULL);
			cmx_gauge_set(&gauge, (double)now);
		} else {
			cmx_counter_find(&self->of_segment[i], 1, &name,
			    &counter, NULL);
			cmx_counter_add(&counter,
			    now > before ? now - before : 0);
		}
	}
	s->counted = s->info;
}

void
self_update(struct self *self, struct source *sources, size_t n, double seconds)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = sources[i].path;
		struct cmx_gauge up;

		cmx_gauge_find(&self->up, 1, &name, &up, NULL);
		cmx_gauge_set(&up, sources[i].snapshot != NULL);
		update_segment(self, &sources[i], name);
	}
	cmx_gauge_set(&self->duration, seconds);
}

const struct cmxr_snapshot *
self_snapshot(struct self *self)
{
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;

	if (cmxr_snapshot_take(self->reader, &snapshot, &error) == 0)
		return snapshot;
	log_error("own metrics: %s", error.text);
	return NULL;
}

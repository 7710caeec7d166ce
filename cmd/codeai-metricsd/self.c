/*
 * self.c: the daemon's own metrics, through the public API: a private segment
 * that is shown as one more source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics.h>
#include <codeai/metrics_reader.h>

#include "daemon.h"

/* A statistic of segments, shown as a family with the label segment. */
struct statistic {
	const struct cmxr_statistic *of;
	struct cmx_family family;
};

struct self {
	struct cmx_registry *registry;
	struct cmxr_reader *reader;
	struct cmx_family scrapes, up;
	struct statistic *statistics;
	size_t n_statistics;
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

/* The name codeai_metricsd_segment_NAME, with _total for a counter. */
static int
add_statistic(struct self *self, const struct cmxr_statistic *of,
    struct cmx_error *error)
{
	struct statistic *grown = reallocarray(self->statistics,
	    self->n_statistics + 1, sizeof(*grown));
	struct statistic *added;
	char name[CMX_NAME_MAX + 1];

	if (grown == NULL)
		return CMX_ERR_MEMORY;
	self->statistics = grown;
	added = &grown[self->n_statistics++];
	added->of = of;
	snprintf(name, sizeof(name), "codeai_metricsd_segment_%s%s", of->name,
	    of->type == CMX_COUNTER ? "_total" : "");
	return add_family(self, name, of->help, of->type, "segment",
	    &added->family, error);
}

static int
add_statistics(struct self *self, struct cmx_error *error)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;
	int r = 0;

	while (r == 0 && (of = cmxr_statistic_next(&cursor)) != NULL)
		r = add_statistic(self, of, error);
	return r;
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
	if (r == 0)
		r = add_statistics(self, error);
	return r;
}

/* The counter of answers with this status. */
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
	/*
	 * This process is not one of the service, so it has no process metrics.
	 */
	cmxr_show_processes(self->reader, false);
	/* Make the known series at the start, so that they are shown as 0. */
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
	free(self->statistics);
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

static void
update_statistic(const struct statistic *statistic, const struct source *s,
    const char *name)
{
	uint64_t now = cmxr_statistic_value(statistic->of, &s->info);
	uint64_t before = cmxr_statistic_value(statistic->of, &s->counted);
	struct cmx_counter counter;
	struct cmx_gauge gauge;

	if (statistic->of->type == CMX_GAUGE) {
		cmx_gauge_find(&statistic->family, 1, &name, &gauge, NULL);
		cmx_gauge_set(&gauge, (double)now);
		return;
	}
	cmx_counter_find(&statistic->family, 1, &name, &counter, NULL);
	cmx_counter_add(&counter, now > before ? now - before : 0);
}

/* Add to our counters what those of the segment have grown by. */
static void
update_segment(struct self *self, struct source *s, const char *name)
{
	for (size_t i = 0; i < self->n_statistics; i++)
		update_statistic(&self->statistics[i], s, name);
	s->counted = s->info;
}

void
self_update(struct self *self, struct source *sources, size_t n, double seconds)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = sources[i].name;
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

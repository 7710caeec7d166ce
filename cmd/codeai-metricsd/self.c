/*
 * self.c: the daemon's own metrics, in tables that are shown beside segments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* The answers that are counted; others are none of a scrape. */
static const int codes[] = { 200, 500, 503 };
#define N_CODES (sizeof(codes) / sizeof(codes[0]))

/* The bodies that are counted, by format and compression. */
static const struct {
	enum cmxr_format format;
	const char *name;
} formats[] = {
	{ CMXR_TEXT, "text" },
	{ CMXR_OPENMETRICS, "openmetrics" },
	{ CMXR_PROTOBUF, "protobuf" },
};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

struct encoded {
	uint64_t bytes;
	double seconds;
};

struct self {
	struct cmxr_table *plain, *by_version, *by_code, *by_format;
	struct process_metrics *process;
	bool is_shown;
	int in_flight, duration, left_out, segments, segments_left_out;
	int scrapes, bytes, seconds;
	int code_rows[N_CODES], format_rows[N_FORMATS][2];

	pthread_mutex_t lock;
	/* Protected by the lock. */
	uint64_t n_scrapes[N_CODES];
	/* What one thread at a time uses: that of a scrape. */
	struct encoded encoded[N_FORMATS][2];
};

static int
gauge(struct cmxr_table *t, const char *name, const char *help,
    struct cmx_error *error)
{
	return cmxr_table_add_family(t, name, help, CMX_GAUGE, error);
}

static int
counter(struct cmxr_table *t, const char *name, const char *help,
    struct cmx_error *error)
{
	return cmxr_table_add_family(t, name, help, CMX_COUNTER, error);
}

static bool
add_build_info(struct self *self, struct cmx_error *error)
{
	static const char *const label[] = { "version" };
	static const char *const version[] = { CMX_VERSION };

	if (cmxr_table_new(1, label, &self->by_version, error) != 0)
		return false;
	cmxr_table_set(self->by_version,
	    cmxr_table_add_row(self->by_version, version, error),
	    gauge(self->by_version, "codeai_metricsd_build_info",
		"The exporter's version", error),
	    1);
	return true;
}

static bool
add_plain(struct self *self, struct cmx_error *error)
{
	if (cmxr_table_new(0, NULL, &self->plain, error) != 0)
		return false;
	self->in_flight =
	    gauge(self->plain, "codeai_metricsd_scrapes_in_flight",
		"Scrapes that are being answered, this one counted", error);
	self->duration =
	    gauge(self->plain, "codeai_metricsd_scrape_duration_seconds",
		"How long reading the segments took in this scrape", error);
	self->left_out = gauge(self->plain, "codeai_metricsd_families_left_out",
	    "Families that could not be shown beside others", error);
	self->segments = gauge(self->plain, "codeai_metricsd_segments",
	    "Segments that are shown, whether they can be read or not", error);
	self->segments_left_out =
	    gauge(self->plain, "codeai_metricsd_segments_left_out",
		"Segments that were found and cannot be shown beside others",
		error);
	return true;
}

static bool
add_by_code(struct self *self, struct cmx_error *error)
{
	static const char *const label[] = { "code" };

	if (cmxr_table_new(1, label, &self->by_code, error) != 0)
		return false;
	self->scrapes = counter(self->by_code, "codeai_metricsd_scrapes_total",
	    "Answers to scrapes by HTTP status", error);
	for (size_t i = 0; i < N_CODES; i++) {
		char text[16];
		const char *const values[] = { text };

		snprintf(text, sizeof(text), "%d", codes[i]);
		self->code_rows[i] =
		    cmxr_table_add_row(self->by_code, values, error);
	}
	return true;
}

static bool
add_by_format(struct self *self, struct cmx_error *error)
{
	static const char *const labels[] = { "format", "encoding" };
	struct cmxr_table *t;

	if (cmxr_table_new(2, labels, &self->by_format, error) != 0)
		return false;
	t = self->by_format;
	self->bytes = counter(t, "codeai_metricsd_encoded_bytes_total",
	    "Bytes of the bodies that scrapes made", error);
	self->seconds = counter(t, "codeai_metricsd_encode_seconds_total",
	    "Time that scrapes took to encode and compress, reading apart",
	    error);
	for (size_t i = 0; i < N_FORMATS; i++)
		for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
			const char *const values[] = { formats[i].name,
				is_gzip ? "gzip" : "identity" };

			self->format_rows[i][is_gzip] =
			    cmxr_table_add_row(t, values, error);
		}
	return true;
}

struct self *
self_new(bool is_shown, struct cmx_error *error)
{
	struct self *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->is_shown = is_shown;
	pthread_mutex_init(&self->lock, NULL);
	self->process = process_metrics_new(error);
	if (self->process != NULL && add_build_info(self, error) &&
	    add_plain(self, error) && add_by_code(self, error) &&
	    add_by_format(self, error))
		return self;
	self_free(self);
	return NULL;
}

void
self_free(struct self *self)
{
	if (self == NULL)
		return;
	process_metrics_free(self->process);
	cmxr_table_free(self->by_version);
	cmxr_table_free(self->plain);
	cmxr_table_free(self->by_code);
	cmxr_table_free(self->by_format);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

void
self_count_scrape(struct self *self, int status)
{
	pthread_mutex_lock(&self->lock);
	for (size_t i = 0; i < N_CODES; i++)
		self->n_scrapes[i] += codes[i] == status;
	pthread_mutex_unlock(&self->lock);
}

void
self_count_body(struct self *self, enum cmxr_format format, bool is_gzip,
    size_t bytes, double seconds)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (formats[i].format == format) {
			self->encoded[i][is_gzip].bytes += bytes;
			self->encoded[i][is_gzip].seconds += seconds;
		}
}

void
self_set_in_flight(struct self *self, size_t n)
{
	cmxr_table_set(self->plain, 0, self->in_flight, (double)n);
}

void
self_set_left_out(struct self *self, size_t n_families)
{
	cmxr_table_set(self->plain, 0, self->left_out, (double)n_families);
}

static void
update_counters(struct self *self)
{
	pthread_mutex_lock(&self->lock);
	for (size_t i = 0; i < N_CODES; i++)
		cmxr_table_set(self->by_code, self->code_rows[i], self->scrapes,
		    (double)self->n_scrapes[i]);
	pthread_mutex_unlock(&self->lock);
	for (size_t i = 0; i < N_FORMATS; i++)
		for (int j = 0; j < 2; j++) {
			int row = self->format_rows[i][j];

			cmxr_table_set(self->by_format, row, self->bytes,
			    (double)self->encoded[i][j].bytes);
			cmxr_table_set(self->by_format, row, self->seconds,
			    self->encoded[i][j].seconds);
		}
}

size_t
self_update(struct self *self, const struct fleet *fleet, double seconds,
    const struct cmxr_snapshot *to[SELF_SNAPSHOTS])
{
	size_t left_out = fleet_n_left_out(fleet);

	if (!self->is_shown)
		return 0;
	cmxr_table_set(self->plain, 0, self->duration, seconds);
	cmxr_table_set(self->plain, 0, self->segments,
	    (double)fleet_n_shown(fleet));
	cmxr_table_set(self->plain, 0, self->segments_left_out,
	    (double)left_out);
	update_counters(self);
	to[0] = cmxr_table_snapshot(self->by_version);
	to[1] = cmxr_table_snapshot(self->by_code);
	to[2] = cmxr_table_snapshot(self->plain);
	to[3] = cmxr_table_snapshot(self->by_format);
	to[4] = process_metrics_update(self->process);
	return SELF_SNAPSHOTS;
}

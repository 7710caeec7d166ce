/*
 * fleet_metrics.c: what the daemon says of each segment.
 *
 * The labels are the segment's path, and those that its series have, so that
 * both join: codeai_metricsd_segment_up{path="/run/a.seg",segment="a"}.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define PREFIX "codeai_metricsd_segment_"

struct fleet_metrics {
	struct cmxr_table *table;
	size_t n_labels;
	const char *labels[CMX_LABELS_MAX]; /* they belong to the fleet */
	unsigned long generation;           /* of the fleet, in the rows */
	bool has_rows;
	size_t n_rows;
	int *rows;
	int up, seconds, changed, created, version;
	int statistics[STATISTICS_MAX];
};

static bool
add_label(struct fleet_metrics *m, const char *name)
{
	for (size_t i = 0; i < m->n_labels; i++)
		if (strcmp(m->labels[i], name) == 0)
			return true;
	if (m->n_labels == CMX_LABELS_MAX)
		return false;
	m->labels[m->n_labels++] = name;
	return true;
}

/* All labels that the series of a segment may have. */
static bool
collect_labels(struct fleet_metrics *m, const struct fleet *fleet)
{
	bool ok = add_label(m, "path"), is_pattern;

	for (size_t i = 0; i < fleet_n_origins(fleet); i++) {
		const struct labels *labels = fleet_origin_labels(fleet, i);

		for (size_t j = 0; j < labels->n; j++)
			ok = ok && add_label(m, labels->at[j].name);
		fleet_origin(fleet, i, &is_pattern);
		if (is_pattern)
			ok = ok && add_label(m, "segment");
	}
	return ok;
}

static int
add(struct fleet_metrics *m, const char *name, enum cmx_type type,
    const char *help, struct cmx_error *error)
{
	char whole[CMX_NAME_MAX + 1];

	snprintf(whole, sizeof(whole), PREFIX "%s%s", name,
	    type == CMX_COUNTER ? "_total" : "");
	return cmxr_table_add_family(m->table, whole, help, type, error);
}

static bool
add_families(struct fleet_metrics *m, struct cmx_error *error)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;
	bool ok;

	m->up =
	    add(m, "up", CMX_GAUGE, "Whether the segment could be read", error);
	m->seconds = add(m, "read_duration_seconds", CMX_GAUGE,
	    "How long reading the segment took last", error);
	m->changed = add(m, "last_change_timestamp_seconds", CMX_GAUGE,
	    "When a scrape last found other values than the one before", error);
	m->created = add(m, "created_timestamp_seconds", CMX_GAUGE,
	    "When the segment was made", error);
	m->version = add(m, "format_version", CMX_GAUGE,
	    "Version of the segment's format", error);
	ok = m->up >= 0 && m->seconds >= 0 && m->changed >= 0 &&
	    m->created >= 0 && m->version >= 0;
	for (size_t i = 0; ok && i < STATISTICS_MAX &&
	     (of = cmxr_statistic_next(&cursor)) != NULL;
	     i++) {
		m->statistics[i] = add(m, of->name, of->type, of->help, error);
		ok = m->statistics[i] >= 0;
	}
	return ok;
}

struct fleet_metrics *
fleet_metrics_new(const struct fleet *fleet, struct cmx_error *error)
{
	struct fleet_metrics *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if (!collect_labels(m, fleet))
		snprintf(error->text, sizeof(error->text),
		    "-s: the segments have more than %d labels together",
		    CMX_LABELS_MAX - 1);
	else if (cmxr_table_new(m->n_labels, m->labels, &m->table, error) ==
		0 &&
	    add_families(m, error))
		return m;
	fleet_metrics_free(m);
	return NULL;
}

void
fleet_metrics_free(struct fleet_metrics *m)
{
	if (m == NULL)
		return;
	cmxr_table_free(m->table);
	free(m->rows);
	free(m);
}

char *
legal_text(const char *text)
{
	char *copy = strdup(text);
	size_t n = copy == NULL ? 0 : strlen(copy), at = 0;

	while ((at += cmxr_utf8_size(copy + at, n - at)) < n)
		copy[at++] = '?';
	return copy;
}

static int
add_row(struct fleet_metrics *m, const struct source *s)
{
	const char *values[CMX_LABELS_MAX];
	char *path = legal_text(s->name);
	struct cmx_error error;
	int row;

	values[0] = path != NULL ? path : "";
	for (size_t i = 1; i < m->n_labels; i++) {
		values[i] = labels_find(&s->labels, m->labels[i]);
		if (values[i] == NULL)
			values[i] = "";
	}
	row = cmxr_table_add_row(m->table, values, &error);
	free(path);
	return row;
}

/* The rows are those of the segments that there are now. */
static void
renew_rows(struct fleet_metrics *m, const struct fleet *fleet)
{
	size_t n = fleet_n_sources(fleet);
	int *rows = reallocarray(m->rows, n + 1, sizeof(*rows));

	cmxr_table_clear(m->table);
	m->n_rows = 0;
	if (rows == NULL)
		return;
	m->rows = rows;
	for (size_t i = 0; i < n; i++) {
		const struct source *s = fleet_source(fleet, i);

		rows[m->n_rows++] = s->is_left_out ? -1 : add_row(m, s);
	}
	m->generation = fleet_generation(fleet);
	m->has_rows = true;
}

static double
seconds_of(uint64_t ns)
{
	return ns == 0 ? NAN : (double)ns / (double)NS_PER_SECOND;
}

static void
update_row(struct fleet_metrics *m, int row, const struct source *s)
{
	const struct cmxr_statistic *of;
	bool is_up = s->snapshot != NULL;
	size_t cursor = 0;

	cmxr_table_set(m->table, row, m->up, is_up);
	cmxr_table_set(m->table, row, m->seconds, is_up ? s->seconds : NAN);
	cmxr_table_set(m->table, row, m->changed,
	    is_up ? seconds_of(s->info.changed_ns) : NAN);
	cmxr_table_set(m->table, row, m->created,
	    is_up ? seconds_of(s->info.created_ns) : NAN);
	cmxr_table_set(m->table, row, m->version,
	    is_up ? (double)s->info.version : (double)NAN);
	for (size_t i = 0;
	     i < STATISTICS_MAX && (of = cmxr_statistic_next(&cursor)) != NULL;
	     i++)
		cmxr_table_set(m->table, row, m->statistics[i],
		    is_up || of->type == CMX_COUNTER ?
			(double)s->statistics[i] :
			NAN);
}

const struct cmxr_snapshot *
fleet_metrics_update(struct fleet_metrics *m, const struct fleet *fleet)
{
	if (!m->has_rows || m->generation != fleet_generation(fleet))
		renew_rows(m, fleet);
	for (size_t i = 0; i < m->n_rows; i++)
		update_row(m, m->rows[i], fleet_source(fleet, i));
	return cmxr_table_snapshot(m->table);
}

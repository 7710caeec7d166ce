/*
 * dashboard: a dashboard for Grafana, from a schema.
 *
 * Rows of the exporter and its segments and of the processes come first, then
 * one for each group of families that share the first two words of their names.
 */
#include <ctype.h>
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "monitor.h"
#include "text.h"

#define WIDTH        24
#define PANEL_HEIGHT 8
#define UID_SIZE     41
/* What every selector has: the variables of the dashboard. */
#define VARIABLES "job=~\"$job\",instance=~\"$instance\""
#define SEGMENT   VARIABLES ",segment=~\"$segment\""

struct board {
	json_t *panels;
	int x, y, id;
};

/* A query, and the name of its lines. */
struct query {
	const char *expression, *legend;
};

static json_t *
datasource(void)
{
	return json_pack("{s:s, s:s}", "type", "prometheus", "uid",
	    "${datasource}");
}

/* Put a panel beside the last one, or below it. */
static void
place(struct board *b, json_t *panel, int width)
{
	if (b->x + width > WIDTH) {
		b->x = 0;
		b->y += PANEL_HEIGHT;
	}
	json_object_set_new(panel, "id", json_integer(++b->id));
	json_object_set_new(panel, "gridPos",
	    json_pack("{s:i, s:i, s:i, s:i}", "h", PANEL_HEIGHT, "w", width,
		"x", b->x, "y", b->y));
	b->x += width;
	json_array_append_new(b->panels, panel);
}

static void
add_row(struct board *b, const char *title)
{
	if (b->x > 0)
		b->y += PANEL_HEIGHT;
	b->x = 0;
	json_array_append_new(b->panels,
	    json_pack("{s:s, s:s, s:b, s:i, s:[], s:{s:i, s:i, s:i, s:i}}",
		"type", "row", "title", title, "collapsed", 0, "id", ++b->id,
		"panels", "gridPos", "h", 1, "w", WIDTH, "x", 0, "y", b->y++));
}

static json_t *
make_targets(const struct query *queries, size_t n, const char *format)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < n; i++) {
		char ref[2] = { (char)('A' + i), '\0' };

		json_array_append_new(targets,
		    json_pack("{s:s, s:o, s:s, s:s, s:s, s:b}", "refId", ref,
			"datasource", datasource(), "expr",
			queries[i].expression, "legendFormat",
			queries[i].legend, "format", format, "range", 1));
	}
	return targets;
}

/* A panel of lines, or of another type. */
static json_t *
make_panel(const char *type, const char *title, const char *description,
    const char *unit, json_t *targets)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:{s:s}, s:[]}, s:{}}",
	    "type", type, "title", title, "description", description,
	    "datasource", datasource(), "targets", targets, "fieldConfig",
	    "defaults", "unit", unit, "overrides", "options");
}

static void
add_lines(struct board *b, const char *title, const char *description,
    const char *unit, const char *expression, const char *legend)
{
	const struct query query = { expression, legend };

	place(b,
	    make_panel("timeseries", title, description, unit,
		make_targets(&query, 1, "time_series")),
	    8);
}

/* The exporter, its segments, the processes */

static const struct {
	const char *title, *description, *unit, *expression, *legend;
} fixed[] = {
	{ "Segments that can be read", "0: see the log of the exporter",
	    "short", "codeai_metricsd_segment_up{" VARIABLES "}", "{{path}}" },
	{ "Series of the limit",
	    "Beyond it new series are counted in overflow series",
	    "percentunit",
	    "codeai_metricsd_segment_series{" VARIABLES
	    "} / codeai_metricsd_segment_series_limit{" VARIABLES "}",
	    "{{path}}" },
	{ "Memory", "That the segment takes", "bytes",
	    "codeai_metricsd_segment_allocated_bytes{" VARIABLES "}",
	    "{{path}}" },
	{ "Overflowed and lost", "Look-ups and updates, each second", "ops",
	    "sum by (path) (rate(codeai_metricsd_segment_overflow_lookups_total{" VARIABLES
	    "}[$__rate_interval]) + rate(codeai_metricsd_segment_dropped_updates_total{" VARIABLES
	    "}[$__rate_interval]) + rate(codeai_metricsd_segment_no_space_total{" VARIABLES
	    "}[$__rate_interval]))",
	    "{{path}}" },
	{ "Time of a scrape", "To read the segments", "s",
	    "codeai_metricsd_scrape_duration_seconds{" VARIABLES "}",
	    "{{instance}}" },
	{ "Since the last change", "When nothing is counted, this grows", "s",
	    "time() - codeai_metricsd_segment_last_change_timestamp_seconds{" VARIABLES
	    "}",
	    "{{path}}" },
	{ "Processes", "That live, by role", "short",
	    "codeai_process_count{" SEGMENT "}", "{{segment}} {{role}}" },
	{ "CPU of the processes", "By role", "percentunit",
	    "sum by (segment, role) (rate(codeai_process_cpu_seconds_total{" SEGMENT
	    "}[$__rate_interval]))",
	    "{{segment}} {{role}}" },
	{ "Memory of the processes", "Resident, by role", "bytes",
	    "codeai_process_resident_memory_bytes{" SEGMENT "}",
	    "{{segment}} {{role}}" },
};

#define N_FIXED   (sizeof(fixed) / sizeof(fixed[0]))
#define N_SEGMENT 6

static void
add_fixed(struct board *b)
{
	for (size_t i = 0; i < N_FIXED; i++) {
		if (i == 0)
			add_row(b, "Exporter and segments");
		if (i == N_SEGMENT)
			add_row(b, "Processes");
		add_lines(b, fixed[i].title, fixed[i].description,
		    fixed[i].unit, fixed[i].expression, fixed[i].legend);
	}
}

/* Families */

static const char *
unit_of(const struct watched *w)
{
	return strstr(w->name, "_seconds") != NULL ? "s" :
	    strstr(w->name, "_bytes") != NULL      ? "bytes" :
	    strstr(w->name, "_ratio") != NULL      ? "percentunit" :
						     "short";
}

/* "{{a}} {{b}}" for "a, b". */
static void
make_legend(const struct watched *w, char legend[200])
{
	char copy[sizeof(w->legend)], *rest = copy, *label;

	legend[0] = '\0';
	memcpy(copy, w->legend, sizeof(copy));
	while ((label = strsep(&rest, ", ")) != NULL)
		if (label[0] != '\0')
			snprintf(legend + strlen(legend), 200 - strlen(legend),
			    "{{%s}} ", label);
	if (legend[0] == '\0')
		strcpy(legend, "{{segment}}");
}

static void
add_counter(struct board *b, const struct monitor *m, const struct watched *w)
{
	char expression[512], legend[200];
	struct ratio t;
	char *text;
	size_t size;
	FILE *out;

	make_legend(w, legend);
	snprintf(expression, sizeof(expression),
	    "sum by (%s) (rate(%s{" SEGMENT "}[$__rate_interval]))",
	    w->legend[0] != '\0' ? w->legend : "segment", w->name);
	add_lines(b, w->name, w->help, "ops", expression, legend);
	if (!find_errors(m, w, &t))
		return;
	out = open_memstream(&text, &size);
	if (out == NULL)
		err(FAILED, "dashboard");
	fputs("sum by (segment) (rate(", out);
	selector_put(out, &t.bad, SEGMENT);
	fputs("[$__rate_interval])) / sum by (segment) (rate(", out);
	selector_put(out, &t.all, SEGMENT);
	fputs("[$__rate_interval]))", out);
	if (fclose(out) != 0)
		err(FAILED, "dashboard");
	snprintf(legend, sizeof(legend), "%s, errors", t.name);
	add_lines(b, legend, "The part of all that are errors", "percentunit",
	    text, "{{segment}}");
	free(text);
}

static void
add_histogram(struct board *b, const struct watched *w)
{
	static const char *const quantiles[] = { "0.5", "0.9", "0.99" };
	char expressions[4][512], title[CMX_NAME_MAX + 16];
	struct query queries[3], heat = { expressions[3], "{{le}}" };
	json_t *panel;

	for (int i = 0; i < 3; i++) {
		snprintf(expressions[i], sizeof(expressions[i]),
		    "histogram_quantile(%s, sum by (le) (rate(%s_bucket{" SEGMENT
		    "}[$__rate_interval])))",
		    quantiles[i], w->name);
		queries[i] = (struct query){ expressions[i], quantiles[i] };
	}
	place(b,
	    make_panel("timeseries", w->name, w->help, unit_of(w),
		make_targets(queries, 3, "time_series")),
	    8);
	snprintf(expressions[3], sizeof(expressions[3]),
	    "sum by (le) (increase(%s_bucket{" SEGMENT "}[$__rate_interval]))",
	    w->name);
	snprintf(title, sizeof(title), "%s, heat map", w->name);
	panel = make_panel("heatmap", title, w->help, unit_of(w),
	    make_targets(&heat, 1, "heatmap"));
	json_object_set_new(panel, "options",
	    json_pack("{s:b, s:{s:s}}", "calculate", 0, "yAxis", "unit",
		unit_of(w)));
	place(b, panel, 8);
}

/* Closed, open, half open, as cmx_set_circuit_breaker_state() has them. */
static void
add_states(struct board *b, const struct watched *w, const char *expression,
    const char *legend)
{
	const struct query query = { expression, legend };
	json_t *panel = make_panel("state-timeline", w->name, w->help, "short",
	    make_targets(&query, 1, "time_series"));
	json_t *states = json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}}",
	    "0", "text", "closed", "color", "green", "1", "text", "half open",
	    "color", "yellow", "2", "text", "open", "color", "red");

	json_object_set_new(
	    json_object_get(json_object_get(panel, "fieldConfig"), "defaults"),
	    "mappings",
	    json_pack("[{s:s, s:o}]", "type", "value", "options", states));
	place(b, panel, 8);
}

static void
add_gauge(struct board *b, const struct watched *w)
{
	char expression[512], legend[200];

	make_legend(w, legend);
	snprintf(expression, sizeof(expression), "%s{" SEGMENT "}", w->name);
	if (ends_with(w->name, "_breaker_state"))
		add_states(b, w, expression, legend);
	else
		add_lines(b, w->name, w->help, unit_of(w), expression, legend);
}

/* The size of the first two words of a name: they name its row. */
static size_t
group_size(const char *name)
{
	const char *second = strchr(name, '_');
	const char *end = second == NULL ? NULL : strchr(second + 1, '_');

	return end == NULL ? strlen(name) : (size_t)(end - name);
}

static void
add_families(struct board *b, const struct monitor *m)
{
	const char *group = "";
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct watched *w = &m->families[i];

		if (group_size(w->name) != n ||
		    strncmp(group, w->name, n) != 0) {
			char title[CMX_NAME_MAX + 1];

			group = w->name;
			n = group_size(w->name);
			snprintf(title, sizeof(title), "%.*s", (int)n, group);
			add_row(b, title);
		}
		if (w->type == CMX_COUNTER)
			add_counter(b, m, w);
		else if (w->type == CMX_GAUGE)
			add_gauge(b, w);
		else if (w->n_bounds > 0)
			add_histogram(b, w);
	}
}

/* The dashboard */

static json_t *
make_variable(const char *name, const char *label, const char *query)
{
	return json_pack(
	    "{s:s, s:s, s:s, s:o, s:{s:s, s:s}, s:i, s:i, s:b, s:b, s:s}",
	    "type", "query", "name", name, "label", label, "datasource",
	    datasource(), "query", "query", query, "refId", name, "refresh", 2,
	    "sort", 1, "multi", 1, "includeAll", 1, "allValue", ".*");
}

static json_t *
make_variables(void)
{
	return json_pack("[{s:s, s:s, s:s, s:s}, o, o, o]", "type",
	    "datasource", "name", "datasource", "label", "Data source", "query",
	    "prometheus",
	    make_variable("job", "Job",
		"label_values(codeai_metricsd_build_info, job)"),
	    make_variable("instance", "Instance",
		"label_values(codeai_metricsd_build_info{job=~\"$job\"}, instance)"),
	    make_variable("segment", "Segment",
		"label_values(codeai_metricsd_segment_up{" VARIABLES
		"}, segment)"));
}

/* The title as what Grafana takes for an identity. */
static void
make_uid(const char *title, char uid[UID_SIZE])
{
	size_t n = (size_t)snprintf(uid, UID_SIZE, "codeai-");

	for (; *title != '\0' && n < UID_SIZE - 2; title++) {
		bool is_word = isalnum((unsigned char)*title);

		if (is_word)
			uid[n++] = (char)tolower((unsigned char)*title);
		else if (uid[n - 1] != '-')
			uid[n++] = '-';
	}
	uid[n] = '\0';
}

static json_t *
make_dashboard(const struct monitor *m, const char *title)
{
	struct board b = { .panels = json_array() };
	char uid[UID_SIZE];

	add_fixed(&b);
	add_families(&b, m);
	make_uid(title, uid);
	return json_pack(
	    "{s:n, s:s, s:s, s:[s,s], s:i, s:i, s:b, s:s, s:s, s:{s:s, s:s}, s:{s:o}, s:{s:[]}, s:o}",
	    "id", "uid", uid, "title", title, "tags", "codeai", "metrics",
	    "schemaVersion", 38, "version", 1, "editable", 0, "refresh", "30s",
	    "timezone", "browser", "time", "from", "now-1h", "to", "now",
	    "templating", "list", make_variables(), "annotations", "list",
	    "panels", b.panels);
}

static int
print_dashboard(const char *schema, const char *title, const char *path)
{
	struct monitor m;
	struct cmx_error error;
	json_t *board;
	char *text, *line;
	int r;

	if (monitor_read(&m, schema, &error) != 0)
		return fail(&error);
	board = make_dashboard(&m, title);
	text = board == NULL ? NULL :
			       json_dumps(board, JSON_INDENT(1) | JSON_COMPACT);
	if (text == NULL || asprintf(&line, "%s\n", text) < 0)
		err(FAILED, "dashboard");
	r = write_output(path, line, strlen(line));
	monitor_free(&m);
	json_decref(board);
	free(text);
	free(line);
	return r;
}

static int
run_dashboard(const struct globals *globals, int argc, char *argv[])
{
	const char *path = NULL, *title = "Processes that share metrics";
	int ch;

	(void)globals;
	while ((ch = next_option(argc, argv, &dashboard_command)) != -1) {
		if (ch == 'o')
			path = optarg;
		else if (ch == 't')
			title = optarg;
		else
			return usage_of(&dashboard_command);
	}
	if (argc - optind > 1)
		return too_many(&dashboard_command, argv[optind + 1]);
	return print_dashboard(argv[optind], title, path);
}

const struct command dashboard_command = {
	.verb = "dashboard",
	.operands = "[SCHEMA]",
	.summary = "print a dashboard for Grafana",
	.options =
	    (const struct verb_option[]){
		{ 'o', "output", "FILE",
		    "write a file, as a whole or not at all", false },
		{ 't', "title", "TITLE",
		    "its title; one of the same title is replaced", false },
		{ 0, NULL, NULL, NULL, false } },
	.run = run_dashboard,
};

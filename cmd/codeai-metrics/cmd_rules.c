/*
 * rules: recording rules and alerts for Prometheus, from a schema.
 *
 * What a family means is read from its name, its type and its labels, as people
 * who know the conventions would: codeai-metrics(1) has the table.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

/* A family, kept until all are known. */
struct kept {
	char name[CMX_NAME_MAX + 1];
	enum cmx_type type;
	bool has_status, has_job;
	size_t n_bounds;
	double *bounds;
};

struct rules {
	FILE *out;
	struct kept *families;
	size_t n;
	double slow; /* seconds */
	bool has_failed;
};

static bool
has_label(const struct cmx_family_def *def, const char *name)
{
	for (size_t i = 0; i < def->n_labels; i++)
		if (strcmp(def->labels[i], name) == 0)
			return true;
	return false;
}

static void
keep(void *arg, const struct cmx_family_def *def,
    const struct cmx_label_values *values)
{
	struct rules *r = arg;
	struct kept *grown =
	    reallocarray(r->families, r->n + 1, sizeof(*grown));
	struct kept *k;

	(void)values;
	if (grown == NULL) {
		r->has_failed = true;
		return;
	}
	r->families = grown;
	k = &grown[r->n++];
	*k = (struct kept){ .type = def->type,
		.has_status = has_label(def, "status"),
		.has_job = has_label(def, "job"),
		.n_bounds = def->n_bounds };
	snprintf(k->name, sizeof(k->name), "%s", def->name);
	k->bounds = calloc(def->n_bounds + 1, sizeof(*k->bounds));
	if (k->bounds == NULL)
		r->has_failed = true;
	else if (def->n_bounds > 0)
		memcpy(k->bounds, def->bounds,
		    def->n_bounds * sizeof(*k->bounds));
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static const struct kept *
find(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->families[i].name, name) == 0)
			return &r->families[i];
	return NULL;
}

/*
 * The counter of all whose errors another one counts: a_queries_total for
 * a_query_errors_total; null where there is none.
 */
static const struct kept *
find_whole(const struct rules *r, const struct kept *errors)
{
	static const char end[] = "_errors_total";
	static const char *const plurals[] = { "s", "es", "" };
	size_t n = strlen(errors->name) - (sizeof(end) - 1);
	char name[CMX_NAME_MAX + 16];
	const struct kept *whole = NULL;

	for (size_t i = 0; whole == NULL && i < 3; i++) {
		snprintf(name, sizeof(name), "%.*s%s_total", (int)n,
		    errors->name, plurals[i]);
		whole = find(r, name);
	}
	if (whole == NULL && n > 0 && errors->name[n - 1] == 'y') {
		snprintf(name, sizeof(name), "%.*sies_total", (int)n - 1,
		    errors->name);
		whole = find(r, name);
	}
	return whole;
}

/* What a ratio of errors is made of: two selectors of PromQL. */
struct ratio {
	const char *name; /* of the family of all */
	char bad[2 * CMX_NAME_MAX], all[2 * CMX_NAME_MAX];
};

/* Returns false for a family that has no errors. */
static bool
find_ratio(const struct rules *r, const struct kept *k, struct ratio *to)
{
	const struct kept *whole;

	if (k->type != CMX_COUNTER)
		return false;
	if (k->has_status) {
		to->name = k->name;
		snprintf(to->all, sizeof(to->all), "%s", k->name);
		snprintf(to->bad, sizeof(to->bad), "%s{status%s}", k->name,
		    strstr(k->name, "http") != NULL ? "=~\"5..\"" :
						      "!=\"success\"");
		return true;
	}
	whole = ends_with(k->name, "_errors_total") ? find_whole(r, k) : NULL;
	if (whole == NULL)
		return false;
	to->name = whole->name;
	snprintf(to->all, sizeof(to->all), "%s", whole->name);
	snprintf(to->bad, sizeof(to->bad), "%s", k->name);
	return true;
}

/* Does somebody wait for what the histogram measures?  Nobody does for jobs. */
static bool
is_awaited(const char *name)
{
	return ends_with(name, "_request_duration_seconds") ||
	    ends_with(name, "_query_duration_seconds") ||
	    ends_with(name, "_call_duration_seconds");
}

/*
 * The requests that were slower than a bound, and all.  le is "1" or "1.0", by
 * the format that was scraped.
 */
static bool
find_slow(const struct rules *r, const struct kept *k, struct ratio *to)
{
	char le[32], pattern[64] = "";
	size_t i = 0;

	if (k->type != CMX_HISTOGRAM || !is_awaited(k->name))
		return false;
	while (i < k->n_bounds && k->bounds[i] < r->slow)
		i++;
	if (i == k->n_bounds)
		return false;
	snprintf(le, sizeof(le), "%.15g", k->bounds[i]);
	for (const char *c = le; *c != '\0'; c++)
		strncat(pattern, *c == '.' ? "[.]" : (char[]){ *c, '\0' },
		    sizeof(pattern) - strlen(pattern) - 1);
	if (strchr(le, '.') == NULL)
		strcat(pattern, "([.]0)?");
	to->name = k->name;
	snprintf(to->all, sizeof(to->all), "%s_count", k->name);
	snprintf(to->bad, sizeof(to->bad), "%s_bucket{le=~\"%s\"}", k->name,
	    pattern);
	return true;
}

/* Recording rules */

static const char *const windows[] = { "5m", "30m", "1h", "2h", "6h", "1d",
	"3d" };
#define N_WINDOWS (sizeof(windows) / sizeof(windows[0]))

static void
record_errors(FILE *out, const struct ratio *t)
{
	for (size_t i = 0; i < N_WINDOWS; i++)
		fprintf(out,
		    "      - record: job_segment:%s:errors_ratio_rate%s\n"
		    "        expr: >-\n"
		    "          sum by (job, segment) (rate(%s[%s]))\n"
		    "          / sum by (job, segment) (rate(%s[%s]))\n",
		    t->name, windows[i], t->bad, windows[i], t->all,
		    windows[i]);
}

static void
record_slow(FILE *out, const struct ratio *t)
{
	for (size_t i = 0; i < N_WINDOWS; i++)
		fprintf(out,
		    "      - record: job_segment:%s:slow_ratio_rate%s\n"
		    "        expr: >-\n"
		    "          1 - sum by (job, segment) (rate(%s[%s]))\n"
		    "          / sum by (job, segment) (rate(%s[%s]))\n",
		    t->name, windows[i], t->bad, windows[i], t->all,
		    windows[i]);
}

static void
record_quantiles(FILE *out, const struct kept *k)
{
	static const char *const quantiles[] = { "0.5", "0.9", "0.99" };

	for (size_t i = 0; i < 3; i++)
		fprintf(out,
		    "      - record: job_segment:%s:p%s_rate5m\n"
		    "        expr: >-\n"
		    "          histogram_quantile(%s, sum by (job, segment, le)\n"
		    "          (rate(%s_bucket[5m])))\n",
		    k->name, i == 0 ? "50" : quantiles[i] + 2, quantiles[i],
		    k->name);
}

static void
put_records(const struct rules *r)
{
	struct ratio t;

	fputs("  - name: codeai_records\n"
	      "    rules:\n"
	      "      - record: job:codeai_metricsd_segment_up:min\n"
	      "        expr: min by (job) (codeai_metricsd_segment_up)\n",
	    r->out);
	for (size_t i = 0; i < r->n; i++) {
		const struct kept *k = &r->families[i];

		if (k->type == CMX_COUNTER)
			fprintf(r->out,
			    "      - record: job_segment:%s:rate5m\n"
			    "        expr: sum by (job, segment) (rate(%s[5m]))\n",
			    k->name, k->name);
		if (k->type == CMX_HISTOGRAM && k->n_bounds > 0)
			record_quantiles(r->out, k);
		if (find_ratio(r, k, &t))
			record_errors(r->out, &t);
		if (find_slow(r, k, &t))
			record_slow(r->out, &t);
	}
}

/* Alerts */

/* Two windows that must both be above a multiple of what is allowed. */
static const struct burn {
	const char *speed, *severity, *pending;
	const char *long_window, *short_window;
	double factor;
} burns[] = {
	{ "Fast", "critical", "2m", "1h", "5m", 14.4 },
	{ "Quick", "critical", "15m", "6h", "30m", 6 },
	{ "Slow", "warning", "1h", "1d", "2h", 3 },
	{ "Creeping", "warning", "3h", "3d", "6h", 1 },
};

static void
alert_burn(FILE *out, const char *name, const char *kind, const char *word,
    const char *what, double allowed)
{
	for (size_t i = 0; i < sizeof(burns) / sizeof(burns[0]); i++) {
		const struct burn *b = &burns[i];

		fprintf(out,
		    "      - alert: CodeAI%s%s\n"
		    "        expr: >-\n"
		    "          job_segment:%s:%s_ratio_rate%s > %.10g\n"
		    "          and job_segment:%s:%s_ratio_rate%s > %.10g\n"
		    "        for: %s\n"
		    "        labels:\n"
		    "          severity: %s\n"
		    "          metric: %s\n"
		    "        annotations:\n"
		    "          summary: %s spends its budget of %s at %.10g times the rate.\n"
		    "          description: >-\n"
		    "            {{ $value | humanizePercentage }} of {{ $labels.job }}\n"
		    "            {{ $labels.segment }} in the last %s; %.10g %% are\n"
		    "            allowed in thirty days.\n",
		    b->speed, word, name, kind, b->long_window,
		    b->factor * allowed, name, kind, b->short_window,
		    b->factor * allowed, b->pending, b->severity, name, name,
		    what, b->factor, b->long_window, 100 * allowed);
	}
}

/* An alert about one family. */
struct alert {
	const char *name, *expression, *pending, *severity, *summary;
};

static void
put_alert(FILE *out, const struct alert *a, const char *family)
{
	fprintf(out, "      - alert: %s\n        expr: >-\n          ",
	    a->name);
	/* A % is the family's name. */
	for (const char *c = a->expression; *c != '\0'; c++)
		if (*c == '%')
			fputs(family, out);
		else
			putc(*c, out);
	fprintf(out,
	    "\n        for: %s\n"
	    "        labels:\n"
	    "          severity: %s\n",
	    a->pending, a->severity);
	if (family[0] != '\0')
		fprintf(out, "          metric: %s\n", family);
	fprintf(out,
	    "        annotations:\n"
	    "          summary: %s\n"
	    "          description: >-\n"
	    "            {{ $value | humanize }} on {{ $labels.instance }}\n"
	    "            {{ $labels.segment }}: %s\n",
	    a->summary, family[0] != '\0' ? family : a->summary);
}

static const struct alert breaker_open = { "CodeAICircuitBreakerOpen", "% == 2",
	"1m", "critical", "A circuit breaker is open." };
static const struct alert queue_grows = { "CodeAIQueueGrowing",
	"deriv(%[30m]) > 0 and % > 10 * avg_over_time(%[1d])", "30m", "warning",
	"A queue grows and is far longer than it was." };
static const struct alert pool_exhausted = { "CodeAIPoolExhausted",
	"%_idle == 0 and %_active > 0", "5m", "warning",
	"No connection of a pool is idle." };
static const struct alert job_failing = { "CodeAIJobNotSucceeding",
	"sum by (job, instance, segment, exported_job) (increase(%{status!=\"success\"}[1d])) > 0 unless sum by (job, instance, segment, exported_job) (increase(%{status=\"success\"}[1d])) > 0",
	"0m", "warning", "A job failed, and did not succeed for a day." };

static void
put_family_alerts(const struct rules *r, const struct kept *k)
{
	struct ratio t;

	if (find_ratio(r, k, &t))
		alert_burn(r->out, t.name, "errors", "ErrorBudgetBurn",
		    "errors", 0.001);
	if (find_slow(r, k, &t))
		alert_burn(r->out, t.name, "slow", "LatencyBudgetBurn",
		    "slow requests", 0.01);
	if (k->type == CMX_GAUGE && ends_with(k->name, "_breaker_state"))
		put_alert(r->out, &breaker_open, k->name);
	if (k->type == CMX_GAUGE && ends_with(k->name, "_queue_size"))
		put_alert(r->out, &queue_grows, k->name);
	if (k->type == CMX_GAUGE && ends_with(k->name, "_connections_idle")) {
		char pool[CMX_NAME_MAX + 1];

		snprintf(pool, sizeof(pool), "%.*s",
		    (int)(strlen(k->name) - strlen("_idle")), k->name);
		put_alert(r->out, &pool_exhausted, pool);
	}
	if (k->type == CMX_COUNTER && k->has_status && k->has_job)
		put_alert(r->out, &job_failing, k->name);
}

/* Those of the exporter and its segments, whatever the schema is. */
static const struct alert exporter_alerts[] = {
	{ "CodeAIExporterDown",
	    "up == 0 and on (job, instance) count_over_time(codeai_metricsd_build_info[1d]) > 0",
	    "5m", "critical", "An exporter cannot be scraped." },
	{ "CodeAISegmentDown", "codeai_metricsd_segment_up == 0", "5m",
	    "critical", "A segment cannot be read." },
	{ "CodeAISegmentNearlyFull",
	    "codeai_metricsd_segment_series / codeai_metricsd_segment_series_limit > 0.8 or codeai_metricsd_segment_arena_used_bytes / codeai_metricsd_segment_arena_bytes > 0.8 or codeai_metricsd_segment_families / codeai_metricsd_segment_families_limit > 0.8 or codeai_metricsd_segment_processes / codeai_metricsd_segment_processes_limit > 0.8",
	    "15m", "warning", "A segment is nearly full." },
	{ "CodeAISeriesOverflow",
	    "increase(codeai_metricsd_segment_overflow_lookups_total[30m]) > 0",
	    "0m", "warning", "New series are counted in an overflow series." },
	{ "CodeAINoSpace",
	    "increase(codeai_metricsd_segment_no_space_total[30m]) > 0", "0m",
	    "critical", "The file system of a segment is full." },
	{ "CodeAIUpdatesDropped",
	    "increase(codeai_metricsd_segment_dropped_updates_total[30m]) > 0 or increase(codeai_metricsd_segment_no_free_slot_processes_total[30m]) > 0 or increase(codeai_metricsd_segment_failed_lookups_total[30m]) > 0",
	    "0m", "warning", "Updates are lost." },
	{ "CodeAIInvalidUpdates",
	    "increase(codeai_metricsd_segment_invalid_updates_total[30m]) > 0",
	    "0m", "warning",
	    "An application makes updates that no counter takes." },
	{ "CodeAIFamiliesLeftOut", "codeai_metricsd_families_left_out > 0",
	    "5m", "warning",
	    "Segments define a family in ways that cannot be shown together." },
	{ "CodeAISegmentsLeftOut", "codeai_metricsd_segments_left_out > 0",
	    "5m", "warning", "Segments were found that cannot be shown." },
	{ "CodeAIScrapesRefused",
	    "increase(codeai_metricsd_scrapes_total{code!=\"200\"}[15m]) > 0",
	    "0m", "warning", "Scrapes of an exporter are refused." },
};

static void
put_alerts(const struct rules *r)
{
	fputs("  - name: codeai_exporter\n    rules:\n", r->out);
	for (size_t i = 0;
	     i < sizeof(exporter_alerts) / sizeof(exporter_alerts[0]); i++)
		put_alert(r->out, &exporter_alerts[i], "");
	fputs("  - name: codeai_application\n    rules:\n", r->out);
	for (size_t i = 0; i < r->n; i++)
		put_family_alerts(r, &r->families[i]);
}

static int
print_rules(const char *schema, const char *path, double slow)
{
	struct rules r = { .slow = slow };
	struct cmx_error error;
	size_t size;
	char *text;
	int result = cmx_schema_read(schema, keep, &r, &error);

	if (result != 0)
		return fail(&error);
	r.out = open_memstream(&text, &size);
	if (r.out == NULL || r.has_failed)
		err(FAILED, "rules");
	fputs("# Made by \"codeai-metrics rules\"; see codeai-metrics(1).\n"
	      "groups:\n",
	    r.out);
	put_records(&r);
	put_alerts(&r);
	if (fclose(r.out) != 0)
		err(FAILED, "rules");
	result = write_output(path, text, size);
	for (size_t i = 0; i < r.n; i++)
		free(r.families[i].bounds);
	free(r.families);
	free(text);
	return result;
}

int
cmd_rules(const struct globals *globals, int argc, char *argv[])
{
	const char *path = NULL;
	double slow = 1;
	char *end;
	int ch;

	(void)globals;
	while ((ch = next_option(argc, argv, "l:o:")) != -1) {
		if (ch == 'o')
			path = optarg;
		else if (ch == 'l') {
			slow = strtod(optarg, &end);
			if (end == optarg || *end != '\0' || !(slow > 0)) {
				warnx(
				    "rules: -l %s: is not a number of seconds above 0",
				    optarg);
				return USAGE;
			}
		} else
			return usage_of("rules");
	}
	if (argc - optind > 1)
		return too_many("rules", argv[optind + 1]);
	return print_rules(argv[optind], path, slow);
}

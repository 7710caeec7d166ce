/*
 * rules: recording rules and alerts for Prometheus, from a schema.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "monitor.h"
#include "text.h"

struct rules {
	struct monitor monitor;
	FILE *out;
	double slow; /* seconds */
};

/* Recording rules */

static const char *const windows[] = { "5m", "30m", "1h", "2h", "6h", "1d",
	"3d" };
#define N_WINDOWS (sizeof(windows) / sizeof(windows[0]))

/* The bad part of all, or what is left of all without it. */
static void
record_ratio(FILE *out, const struct ratio *t, const char *kind, bool is_rest)
{
	for (size_t i = 0; i < N_WINDOWS; i++) {
		fprintf(out,
		    "      - record: job_segment:%s:%s_ratio_rate%s\n"
		    "        expr: >-\n"
		    "          %ssum by (job, segment) (rate(",
		    t->name, kind, windows[i], is_rest ? "1 - " : "");
		selector_put(out, &t->bad, "");
		fprintf(out,
		    "[%s]))\n"
		    "          / sum by (job, segment) (rate(",
		    windows[i]);
		selector_put(out, &t->all, "");
		fprintf(out, "[%s]))\n", windows[i]);
	}
}

static void
record_quantiles(FILE *out, const struct watched *k)
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
	for (size_t i = 0; i < r->monitor.n; i++) {
		const struct watched *k = &r->monitor.families[i];

		if (k->type == CMX_COUNTER)
			fprintf(r->out,
			    "      - record: job_segment:%s:rate5m\n"
			    "        expr: sum by (job, segment) (rate(%s[5m]))\n",
			    k->name, k->name);
		if (k->type == CMX_HISTOGRAM && k->n_bounds > 0)
			record_quantiles(r->out, k);
		if (find_errors(&r->monitor, k, &t))
			record_ratio(r->out, &t, "errors", false);
		if (find_served(k, r->slow, &t))
			record_ratio(r->out, &t, "slow", true);
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
put_family_alerts(const struct rules *r, const struct watched *k)
{
	struct ratio t;

	if (find_errors(&r->monitor, k, &t))
		alert_burn(r->out, t.name, "errors", "ErrorBudgetBurn",
		    "errors", 0.001);
	if (find_served(k, r->slow, &t))
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
	for (size_t i = 0; i < r->monitor.n; i++)
		put_family_alerts(r, &r->monitor.families[i]);
}

static int
print_rules(const char *schema, const char *path, double slow)
{
	struct rules r = { .slow = slow };
	struct cmx_error error;
	size_t size;
	char *text;
	int result;

	if (monitor_read(&r.monitor, schema, &error) != 0)
		return fail(&error);
	r.out = open_memstream(&text, &size);
	if (r.out == NULL)
		err(FAILED, "rules");
	fputs("# Made by \"codeai-metrics rules\"; see codeai-metrics(1).\n"
	      "groups:\n",
	    r.out);
	put_records(&r);
	put_alerts(&r);
	if (fclose(r.out) != 0)
		err(FAILED, "rules");
	result = write_output(path, text, size);
	monitor_free(&r.monitor);
	free(text);
	return result;
}

static int
run_rules(const struct globals *globals, int argc, char *argv[])
{
	const char *path = NULL;
	double slow = 1;
	int ch;

	(void)globals;
	while ((ch = next_option(argc, argv, &rules_command)) != -1) {
		if (ch == 'o')
			path = optarg;
		else if (ch == 'l') {
			if (!parse_number(optarg, &slow) || !(slow > 0)) {
				warnx(
				    "rules: -l %s: is not a number of seconds above 0",
				    optarg);
				return USAGE;
			}
		} else
			return usage_of(&rules_command);
	}
	if (argc - optind > 1)
		return too_many(&rules_command, argv[optind + 1]);
	return print_rules(argv[optind], path, slow);
}

const struct command rules_command = {
	.verb = "rules",
	.operands = "[SCHEMA]",
	.summary = "print recording rules and alerts for Prometheus",
	.options =
	    (const struct verb_option[]){
		{ 'l', "latency", "SECONDS",
		    "from where on a request is slow (1)", false },
		{ 'o', "output", "FILE",
		    "write a file, as a whole or not at all", false },
		{ 0, NULL, NULL, NULL, false } },
	.run = run_rules,
};

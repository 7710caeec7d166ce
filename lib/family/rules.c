/*
 * rules.c: what one family definition may be.
 */
#include "family/rules.h"

#include <bsd/string.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/enum_names.h"
#include "base/number.h"
#include "base/require.h"
#include "base/utf8.h"
#include "family/name.h"
#include "family/native_buckets.h"

struct findings {
	cmxi_report_fn *report;
	void *arg;
	int n;
};

static void report_finding(struct findings *, const char *part, int index,
    const char *fmt, ...) CMX_PRINTF(4, 5);

static void
report_finding(struct findings *f, const char *part, int index, const char *fmt,
    ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->n++;
	f->report(f->arg,
	    &(struct cmxi_finding){ .part = part,
		.index = index,
		.text = text });
}

static void
check_name(struct findings *f, const struct cmx_family_def *def)
{
	if (!cmxi_metric_name_is_valid(def->name))
		report_finding(f, "name", -1,
		    "\"%.64s\" is not a metric name; allowed are 1 to %d of the characters a-z A-Z 0-9 _ :, not a digit first",
		    def->name, CMX_NAME_MAX);
	else if (def->name[0] == '_')
		report_finding(f, "name", -1,
		    "\"%s\": names that begin with _ are reserved", def->name);
	else if (strncmp(def->name, "scrape_", 7) == 0 ||
	    strcmp(def->name, "up") == 0)
		report_finding(f, "name", -1,
		    "\"%s\" is a name that Prometheus writes itself (up, scrape_...)",
		    def->name);
}

static void
check_text(struct findings *f, const char *part, const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n > max)
		report_finding(f, part, -1,
		    "%zu bytes; at most %zu are allowed", n, max);
	if (!cmxi_utf8_is_valid(text, n))
		report_finding(f, part, -1, "not valid UTF-8");
}

static void
check_unit(struct findings *f, const struct cmx_family_def *def)
{
	char suffix[CMX_NAME_MAX + 2], base[CMX_NAME_MAX + 1];

	if (def->unit == NULL || def->unit[0] == '\0')
		return;
	if (!cmxi_label_name_is_valid(def->unit)) {
		report_finding(f, "unit", -1,
		    "\"%.64s\" is not a unit; allowed are the characters a-z A-Z 0-9 _",
		    def->unit);
		return;
	}
	strlcpy(base, def->name, sizeof(base));
	if (def->type == CMX_COUNTER && cmxi_name_ends_with(base, "_total"))
		base[strlen(base) - strlen("_total")] = '\0';
	snprintf(suffix, sizeof(suffix), "_%s", def->unit);
	if (!cmxi_name_ends_with(base, suffix))
		report_finding(f, "unit", -1,
		    "the name must end in its unit: \"%s%s\"", suffix,
		    def->type == CMX_COUNTER ? "_total" : "");
}

static const char *
reserved_label_reason(const struct cmx_family_def *def, const char *label)
{
	if (label[0] == '_' && label[1] == '_')
		return "labels that begin with __ are reserved";
	if (def->type == CMX_HISTOGRAM && strcmp(label, "le") == 0)
		return "a histogram's buckets carry the label le themselves";
	if (strcmp(label, "quantile") == 0)
		return "the label quantile is reserved for summaries";
	if (def->type == CMX_GAUGE && def->aggregate == CMX_EACH &&
	    strcmp(label, "pid") == 0)
		return "aggregate \"each\" adds the label pid itself";
	return NULL;
}

static void
check_label(struct findings *f, const struct cmx_family_def *def, int i)
{
	const char *label = def->labels[i];
	const char *reason;

	if (!cmxi_label_name_is_valid(label)) {
		report_finding(f, "labels", i,
		    "\"%.64s\" is not a label name; allowed are 1 to %d of the characters a-z A-Z 0-9 _, not a digit first",
		    label, CMX_NAME_MAX);
		return;
	}
	reason = reserved_label_reason(def, label);
	if (reason != NULL)
		report_finding(f, "labels", i, "\"%s\": %s", label, reason);
	for (int j = 0; j < i; j++)
		if (strcmp(label, def->labels[j]) == 0) {
			report_finding(f, "labels", i, "\"%s\" stands twice",
			    label);
			return;
		}
}

static void
check_labels(struct findings *f, const struct cmx_family_def *def)
{
	if (def->n_labels > CMX_LABELS_MAX) {
		report_finding(f, "labels", -1,
		    "%zu labels; at most %d are allowed", def->n_labels,
		    CMX_LABELS_MAX);
		return;
	}
	for (size_t i = 0; i < def->n_labels; i++)
		check_label(f, def, (int)i);
}

static void
check_bounds(struct findings *f, const struct cmx_family_def *def)
{
	char a[CMXI_NUMBER_MAX + 1] = "", b[CMXI_NUMBER_MAX + 1] = "";

	if ((def->n_bounds == 0 && !def->is_native) ||
	    def->n_bounds > CMX_BOUNDS_MAX) {
		report_finding(f, "buckets", -1,
		    "%zu bounds; 1 to %d are allowed (+Inf is added)",
		    def->n_bounds, CMX_BOUNDS_MAX);
		return;
	}
	for (size_t i = 0; i < def->n_bounds; i++) {
		if (!isfinite(def->bounds[i])) {
			report_finding(f, "buckets", (int)i,
			    "bounds must be finite (+Inf is added)");
			return;
		}
		if (i > 0 && def->bounds[i] <= def->bounds[i - 1]) {
			a[cmxi_double_to_general(def->bounds[i], a)] = '\0';
			b[cmxi_double_to_general(def->bounds[i - 1], b)] = '\0';
			report_finding(f, "buckets", (int)i,
			    "bounds must increase (%s after %s)", a, b);
			return;
		}
	}
}

static void
check_native(struct findings *f, const struct cmx_family_def *def)
{
	struct cmxi_window w;
	size_t n;

	if (def->native_schema < CMXI_NATIVE_SCHEMA_MIN ||
	    def->native_schema > CMXI_NATIVE_SCHEMA_MAX) {
		report_finding(f, "native", -1,
		    "schema %d; %d to %d are allowed", def->native_schema,
		    CMXI_NATIVE_SCHEMA_MIN, CMXI_NATIVE_SCHEMA_MAX);
		return;
	}
	if (!(def->native_min >= CMXI_NATIVE_LEAST &&
		def->native_min < def->native_max &&
		def->native_max <= CMXI_NATIVE_MOST)) {
		report_finding(f, "native", -1,
		    "min must be below max, both from %g to %g",
		    CMXI_NATIVE_LEAST, CMXI_NATIVE_MOST);
		return;
	}
	if (def->n_bounds > 0 && def->bounds[0] <= 0)
		report_finding(f, "buckets", 0,
		    "beside native buckets, bounds must be above 0");
	/* Half a million are not counted one by one. */
	w = cmxi_native_window(def);
	n = (size_t)(w.high - w.low) + 2;
	if (n <= CMXI_CELL_BOUNDS_MAX)
		n = cmxi_cell_bounds(def, NULL);
	if (n > CMXI_CELL_BOUNDS_MAX)
		report_finding(f, "native", -1,
		    "%zu buckets from min to max; at most %d are allowed: lower the schema, or bring min and max together",
		    n, CMXI_CELL_BOUNDS_MAX);
}

static void
check_histogram(struct findings *f, const struct cmx_family_def *def)
{
	int before = f->n;

	check_bounds(f, def);
	if (def->is_native && f->n == before)
		check_native(f, def);
}

static void
check_type(struct findings *f, const struct cmx_family_def *def)
{
	if (def->type < CMX_COUNTER || (int)def->type >= CMXI_TYPES) {
		report_finding(f, "type", -1,
		    "%d is not a type; allowed are counter, gauge, histogram",
		    (int)def->type);
		return;
	}
	if (def->aggregate < CMX_SUM || (int)def->aggregate >= CMXI_AGGREGATES)
		report_finding(f, "aggregate", -1,
		    "%d is not an aggregation; allowed are sum, min, max, avg, last, each",
		    (int)def->aggregate);
	else if (def->aggregate != CMX_SUM && def->type != CMX_GAUGE)
		report_finding(f, "aggregate", -1,
		    "only gauges have an aggregation; this is a %s",
		    cmx_type_name(def->type));
	if (def->is_double && def->type != CMX_COUNTER)
		report_finding(f, "value", -1,
		    "only counters choose their value; a %s is always double",
		    cmx_type_name(def->type));
	if (def->has_exemplars && def->type == CMX_GAUGE)
		report_finding(f, "exemplars", -1,
		    "only counters and histograms have exemplars");
	if (def->type == CMX_HISTOGRAM)
		check_histogram(f, def);
	else if (def->n_bounds > 0 || def->is_native)
		report_finding(f, def->is_native ? "native" : "buckets", -1,
		    "only histograms have buckets; this is a %s",
		    cmx_type_name(def->type));
}

int
cmxi_def_check(const struct cmx_family_def *def, cmxi_report_fn *report,
    void *arg)
{
	struct findings f = { .report = report, .arg = arg };

	REQUIRE(def->name != NULL);
	check_name(&f, def);
	check_type(&f, def);
	if (def->help != NULL)
		check_text(&f, "help", def->help, CMX_HELP_MAX);
	check_unit(&f, def);
	check_labels(&f, def);
	return f.n;
}

/*
 * lint.c: promlint's naming rules for one family definition.
 *
 * The texts are those that "promtool check metrics" prints, so that a schema
 * that passes here passes there.
 */
#include "family/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "family/name.h"

struct lint {
	cmxi_report_fn *report;
	void *arg;
	int n;
};

static void
warn_of(struct lint *l, const char *part, int index, const char *text)
{
	l->n++;
	l->report(l->arg,
	    &(struct cmxi_finding){ .part = part,
		.index = index,
		.text = text });
}

static bool
is_camel_case(const char *s)
{
	for (; s[0] != '\0'; s++)
		if (s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'A' && s[1] <= 'Z')
			return true;
	return false;
}

/* Does word stand in name as a whole, between underscores or the ends? */
static bool
has_word(const char *name, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(name, word); p != NULL;
	     p = strstr(p + 1, word))
		if ((p == name || p[-1] == '_') &&
		    (p[n] == '\0' || p[n] == '_'))
			return true;
	return false;
}

static void
lint_suffixes(struct lint *l, const struct cmx_family_def *def)
{
	bool is_counter = def->type == CMX_COUNTER;
	bool is_histogram = def->type == CMX_HISTOGRAM;

	if (is_counter && !cmxi_name_ends_with(def->name, "_total"))
		warn_of(l, "name", -1,
		    "counter metrics should have \"_total\" suffix");
	if (!is_counter && cmxi_name_ends_with(def->name, "_total"))
		warn_of(l, "name", -1,
		    "non-counter metrics should not have \"_total\" suffix");
	if (!is_histogram && cmxi_name_ends_with(def->name, "_bucket"))
		warn_of(l, "name", -1,
		    "non-histogram metrics should not have \"_bucket\" suffix");
	if (!is_histogram && cmxi_name_ends_with(def->name, "_count"))
		warn_of(l, "name", -1,
		    "non-histogram and non-summary metrics should not have \"_count\" suffix");
	if (!is_histogram && cmxi_name_ends_with(def->name, "_sum"))
		warn_of(l, "name", -1,
		    "non-histogram and non-summary metrics should not have \"_sum\" suffix");
}

static void
lint_type_in_name(struct lint *l, const struct cmx_family_def *def)
{
	static const char *const types[] = { "counter", "gauge", "histogram",
		"summary", "untyped" };
	char text[96];

	for (size_t i = 0; i < CMXI_ARRAY_LEN(types); i++)
		if (has_word(def->name, types[i])) {
			snprintf(text, sizeof(text),
			    "metric name should not include type '%s'",
			    types[i]);
			warn_of(l, "name", -1, text);
		}
}

/* Units that a name should not have, and the base unit for each. */
static const char *const abbreviated[] = { "s", "ms", "us", "ns", "sec", "b",
	"kb", "mb", "gb", "tb", "pb", "m", "h", "d" };
static const struct {
	const char *unit, *base;
} scaled[] = {
	{ "milliseconds", "seconds" },
	{ "microseconds", "seconds" },
	{ "nanoseconds", "seconds" },
	{ "minutes", "seconds" },
	{ "hours", "seconds" },
	{ "days", "seconds" },
	{ "weeks", "seconds" },
	{ "kilobytes", "bytes" },
	{ "megabytes", "bytes" },
	{ "gigabytes", "bytes" },
	{ "bits", "bytes" },
	{ "kelvins", "kelvin" },
	{ "fahrenheit", "celsius" },
	{ "inches", "meters" },
	{ "miles", "meters" },
	{ "kilometers", "meters" },
	{ "millimeters", "meters" },
	{ "pounds", "grams" },
	{ "kilograms", "grams" },
	{ "calories", "joules" },
};

static void
lint_units(struct lint *l, const struct cmx_family_def *def)
{
	char text[96], suffix[16];

	for (size_t i = 0; i < CMXI_ARRAY_LEN(abbreviated); i++) {
		snprintf(suffix, sizeof(suffix), "_%s", abbreviated[i]);
		if (cmxi_name_ends_with(def->name, suffix))
			warn_of(l, "name", -1,
			    "metric names should not contain abbreviated units");
	}
	for (size_t i = 0; i < CMXI_ARRAY_LEN(scaled); i++)
		if (has_word(def->name, scaled[i].unit)) {
			snprintf(text, sizeof(text),
			    "use base unit \"%s\" instead of \"%s\"",
			    scaled[i].base, scaled[i].unit);
			warn_of(l, "name", -1, text);
		}
}

int
cmxi_def_lint(const struct cmx_family_def *def, cmxi_report_fn *report,
    void *arg)
{
	struct lint l = { .report = report, .arg = arg };

	if (def->help == NULL || def->help[0] == '\0')
		warn_of(&l, "help", -1, "no help text");
	lint_suffixes(&l, def);
	lint_type_in_name(&l, def);
	lint_units(&l, def);
	if (strchr(def->name, ':') != NULL)
		warn_of(&l, "name", -1, "metric names should not contain ':'");
	if (is_camel_case(def->name))
		warn_of(&l, "name", -1,
		    "metric names should be written in 'snake_case' not 'camelCase'");
	for (size_t i = 0; i < def->n_labels; i++)
		if (is_camel_case(def->labels[i]))
			warn_of(&l, "labels", (int)i,
			    "label names should be written in 'snake_case' not 'camelCase'");
	return l.n;
}

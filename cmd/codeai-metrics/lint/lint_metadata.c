/*
 * lint_metadata.c: TYPE, HELP and UNIT lines.
 */
#include <stdio.h>
#include <string.h>

#include "linter.h"

static bool
is_type(const char *type, bool is_openmetrics)
{
	static const char *const both[] = { "counter", "gauge", "histogram",
		"summary" };
	static const char *const openmetrics[] = { "unknown", "info",
		"stateset", "gaugehistogram" };

	for (size_t i = 0; i < 4; i++)
		if (strcmp(type, both[i]) == 0 ||
		    (is_openmetrics && strcmp(type, openmetrics[i]) == 0))
			return true;
	return !is_openmetrics && strcmp(type, "untyped") == 0;
}

static void
lint_type(struct linter *l, struct family *f, const char *type)
{
	if (f->type_line > 0)
		finding(l, "%s: a second TYPE line (the first is line %d)",
		    f->name, f->type_line);
	else if (f->n_samples > 0)
		finding(l, "%s: its TYPE line must come before its samples",
		    f->name);
	f->type_line = l->line;
	if (!is_type(type, l->is_openmetrics)) {
		finding(l, "%s: \"%s\" is not a type%s", f->name, type,
		    l->is_openmetrics ? " of OpenMetrics" :
					" of text format 0.0.4");
		return;
	}
	strncpy(f->type, type, sizeof(f->type) - 1);
	if (l->is_openmetrics && strcmp(type, "counter") == 0 &&
	    ends_with(f->name, "_total"))
		finding(l,
		    "%s: in OpenMetrics a counter's family has its name without _total",
		    f->name);
}

static void
lint_help(struct linter *l, struct family *f, const char *help)
{
	if (f->help_line > 0)
		finding(l, "%s: a second HELP line (the first is line %d)",
		    f->name, f->help_line);
	f->help_line = l->line;
	for (; *help != '\0'; help++) {
		if (*help != '\\')
			continue;
		help++;
		if (*help == '"' && !l->is_openmetrics) {
			finding(l,
			    "%s: HELP escapes a quote: text format 0.0.4 knows \\\\ and \\n only",
			    f->name);
			return;
		}
		if (*help != '\\' && *help != 'n' && *help != '"') {
			finding(l, "%s: HELP has an escape that is not %s",
			    f->name,
			    l->is_openmetrics ? "\\\\, \\\" or \\n" :
						"\\\\ or \\n");
			return;
		}
	}
}

static void
lint_unit(struct linter *l, struct family *f, const char *unit)
{
	char suffix[256];

	snprintf(suffix, sizeof(suffix), "_%s", unit);
	if (f->unit_line > 0)
		finding(l, "%s: a second UNIT line (the first is line %d)",
		    f->name, f->unit_line);
	f->unit_line = l->line;
	if (unit[0] != '\0' && !ends_with(f->name, suffix))
		finding(l, "%s: does not end in its unit, \"%s\"", f->name,
		    suffix);
}

/* Check a line that begins with #. */
void
lint_comment(struct linter *l, char *line)
{
	char *rest = line, *word, *name, *text;
	struct family *f;

	strsep(&rest, " ");
	word = strsep(&rest, " ");
	if (l->is_openmetrics && strcmp(line, "#") == 0 && word != NULL &&
	    strcmp(word, "EOF") == 0 && rest == NULL) {
		l->has_eof = true;
		return;
	}
	if (word == NULL ||
	    (strcmp(word, "TYPE") != 0 && strcmp(word, "HELP") != 0 &&
		(strcmp(word, "UNIT") != 0 || !l->is_openmetrics))) {
		if (l->is_openmetrics)
			finding(l,
			    "OpenMetrics has no comments: a line with # is TYPE, HELP, UNIT or EOF");
		return;
	}
	name = strsep(&rest, " ");
	text = rest == NULL ? line + strlen(line) : rest;
	if (name == NULL || !is_metric_name(name)) {
		finding(l, "%s: \"%s\" is not a name", word,
		    name == NULL ? "" : name);
		return;
	}
	f = family_of_name(l, name);
	enter_family(l, f);
	if (word[0] == 'T')
		lint_type(l, f, text);
	else if (word[0] == 'H')
		lint_help(l, f, text);
	else
		lint_unit(l, f, text);
}

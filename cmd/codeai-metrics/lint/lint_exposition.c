/*
 * lint_exposition.c: what some consumer of an exposition would refuse.
 */
#include <err.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_reader.h>

#include "../cmd.h"
#include "exposition_line.h"

#define EXEMPLAR_CHARACTERS 128

/* A family, by the name in its TYPE line or by that of its first sample. */
struct family {
	char *name;
	char type[16];
	int type_line, help_line, unit_line;
	int n_samples;
	bool is_closed; /* samples of another one came after its own */
};

/* One series' buckets, while its lines follow each other. */
struct buckets {
	char *series; /* labels but le */
	int line;
	size_t n;
	double last_bound, last_count;
	bool has_sum, has_count;
	double count;
};

/* A series that was seen, to find the second one. */
struct seen {
	char *key;
	int line;
};

struct linter {
	const char *source;
	bool is_openmetrics;
	int line, n_findings;
	bool has_eof;
	struct family *families;
	size_t n_families;
	struct family *current;
	struct buckets buckets;
	struct seen *seen;
	size_t n_seen, capacity;
};

static void finding_at(struct linter *l, int line, const char *fmt, ...)
    CMX_PRINTF(3, 4);

static void
finding_at(struct linter *l, int line, const char *fmt, ...)
{
	va_list ap;

	l->n_findings++;
	printf("%s:%d: ", l->source, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

#define finding(l, ...) finding_at((l), (l)->line, __VA_ARGS__)

static void *
grow(void *array, size_t n, size_t size)
{
	void *grown = reallocarray(array, n, size);

	if (grown == NULL)
		err(FAILED, "lint");
	return grown;
}

static char *
copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		err(FAILED, "lint");
	return c;
}

/* Families */

static struct family *
find_by_name(struct linter *l, const char *name, size_t n)
{
	for (size_t i = 0; i < l->n_families; i++)
		if (strlen(l->families[i].name) == n &&
		    memcmp(l->families[i].name, name, n) == 0)
			return &l->families[i];
	return NULL;
}

static struct family *
add_family(struct linter *l, const char *name)
{
	size_t current =
	    l->current == NULL ? 0 : (size_t)(l->current - l->families);

	l->families =
	    grow(l->families, l->n_families + 1, sizeof(*l->families));
	if (l->current != NULL)
		l->current = &l->families[current];
	l->families[l->n_families] = (struct family){ .name = copy(name) };
	return &l->families[l->n_families++];
}

static struct family *
family_of_name(struct linter *l, const char *name)
{
	struct family *f = find_by_name(l, name, strlen(name));

	return f != NULL ? f : add_family(l, name);
}

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

/* The family that a sample belongs to: its name may have a suffix. */
static struct family *
family_of_sample(struct linter *l, const char *name)
{
	static const struct {
		const char *suffix;
		const char *types; /* that have it */
	} suffixes[] = { { "_total", "counter" },
		{ "_created", "counter histogram summary gaugehistogram" },
		{ "_bucket", "histogram gaugehistogram" },
		{ "_sum", "histogram summary" },
		{ "_count", "histogram summary" },
		{ "_gsum", "gaugehistogram" }, { "_gcount", "gaugehistogram" },
		{ "_info", "info" } };
	struct family *f = find_by_name(l, name, strlen(name));

	if (f != NULL && (f->type_line > 0 || f->help_line > 0))
		return f;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct family *of;

		if (!ends_with(name, suffixes[i].suffix))
			continue;
		of = find_by_name(l, name,
		    strlen(name) - strlen(suffixes[i].suffix));
		if (of != NULL && of->type[0] != '\0' &&
		    strstr(suffixes[i].types, of->type) != NULL &&
		    (l->is_openmetrics || strcmp(of->type, "counter") != 0))
			return of;
	}
	return f != NULL ? f : add_family(l, name);
}

static void finish_buckets(struct linter *l);

/* All lines of a family stand together. */
static void
enter_family(struct linter *l, struct family *f)
{
	if (f == l->current)
		return;
	finish_buckets(l);
	if (l->current != NULL)
		l->current->is_closed = true;
	if (f->is_closed)
		finding(l,
		    "%s: its lines do not stand together: interleaved with another family's",
		    f->name);
	f->is_closed = false;
	l->current = f;
}

/* Metadata */

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

/* A line that begins with #. */
static void
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

/* Histograms */

static void
finish_buckets(struct linter *l)
{
	struct buckets *b = &l->buckets;

	if (b->series == NULL)
		return;
	if (b->n > 0 && !isinf(b->last_bound))
		finding_at(l, b->line, "%s: has no bucket le=\"+Inf\"",
		    b->series);
	else if (b->n > 0 && b->has_count && b->count != b->last_count)
		finding_at(l, b->line,
		    "%s: _count is %.17g, the bucket +Inf has %.17g", b->series,
		    b->count, b->last_count);
	if (b->has_sum != b->has_count)
		finding_at(l, b->line, "%s: has _%s and no _%s", b->series,
		    b->has_sum ? "sum" : "count", b->has_sum ? "count" : "sum");
	free(b->series);
	*b = (struct buckets){ .series = NULL };
}

static int
compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct sample_label *)a)->name,
	    ((const struct sample_label *)b)->name);
}

/* name{a="1",b="2"} with the labels in order, but for one; malloc'd. */
static char *
series_key(const char *name, const struct sample *s, const char *but)
{
	char *key;
	size_t size;
	FILE *f = open_memstream(&key, &size);

	if (f == NULL)
		err(FAILED, "lint");
	fprintf(f, "%s{", name);
	for (size_t i = 0; i < s->n_labels; i++)
		if (but == NULL || strcmp(s->labels[i].name, but) != 0)
			fprintf(f, "%s=\"%s\",", s->labels[i].name,
			    s->labels[i].value);
	fputc('}', f);
	if (fclose(f) != 0)
		err(FAILED, "lint");
	return key;
}

static void
lint_bucket(struct linter *l, const struct sample *s)
{
	struct buckets *b = &l->buckets;
	const char *le = sample_label(s, "le");
	double bound = le == NULL ? 0 : strtod(le, NULL);

	if (le == NULL) {
		finding(l, "%s: a bucket has no label le", s->name);
		return;
	}
	if (b->n > 0 && !(bound > b->last_bound))
		finding(l, "%s: le=\"%s\" does not increase", s->name, le);
	if (b->n > 0 && s->value < b->last_count)
		finding(l, "%s: le=\"%s\" is not cumulative: %.17g after %.17g",
		    s->name, le, s->value, b->last_count);
	b->last_bound = bound;
	b->last_count = s->value;
	b->n++;
}

static void
lint_histogram(struct linter *l, const struct family *f, struct sample *s)
{
	char *series = series_key(f->name, s, "le");
	struct buckets *b = &l->buckets;

	if (b->series == NULL || strcmp(b->series, series) != 0) {
		finish_buckets(l);
		b->series = series;
		b->line = l->line;
	} else {
		free(series);
	}
	if (ends_with(s->name, "_bucket")) {
		lint_bucket(l, s);
	} else if (ends_with(s->name, "_count")) {
		b->has_count = true;
		b->count = s->value;
	} else if (ends_with(s->name, "_sum")) {
		b->has_sum = true;
		if (l->is_openmetrics && !(s->value >= 0))
			finding(l, "%s: OpenMetrics has no sum below 0 or NaN",
			    s->name);
	}
}

/* Samples */

static void
lint_labels(struct linter *l, const struct sample *s)
{
	for (size_t i = 0; i < s->n_labels; i++) {
		const char *name = s->labels[i].name;

		if (strncmp(name, "__", 2) == 0)
			finding(l, "%s: the label %s is reserved", s->name,
			    name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, s->labels[j].name) == 0)
				finding(l, "%s: the label %s stands twice",
				    s->name, name);
	}
	if (s->has_trailing_comma && l->is_openmetrics)
		finding(l, "%s: a comma behind the last label", s->name);
}

static void
lint_exemplar(struct linter *l, const struct sample *s)
{
	if (!s->has_exemplar)
		return;
	if (!ends_with(s->name, "_bucket") && !ends_with(s->name, "_total"))
		finding(l, "%s: only _bucket and _total have exemplars",
		    s->name);
	if (s->n_exemplar_characters > EXEMPLAR_CHARACTERS)
		finding(l, "%s: an exemplar of %zu characters; at most %d",
		    s->name, s->n_exemplar_characters, EXEMPLAR_CHARACTERS);
}

static void
lint_value(struct linter *l, const struct family *f, const struct sample *s)
{
	bool is_total =
	    strcmp(f->type, "counter") == 0 && !ends_with(s->name, "_created");

	if (is_total && !(s->value >= 0))
		finding(l, "%s: a counter is %s", s->name,
		    isnan(s->value) ? "NaN" : "below 0");
	if (is_total && l->is_openmetrics && !ends_with(s->name, "_total"))
		finding(l, "%s: a counter's sample must end in _total",
		    s->name);
	if (s->timestamp == NULL || l->is_openmetrics)
		return;
	if (s->timestamp[0] == '-')
		finding(l,
		    "%s: a timestamp below 0: Prometheus refuses the whole scrape",
		    s->name);
	else
		finding(l,
		    "%s: a timestamp: Pushgateway and the textfile collector refuse it",
		    s->name);
}

static void
note_series(struct linter *l, struct sample *s)
{
	qsort(s->labels, s->n_labels, sizeof(s->labels[0]), compare_labels);
	if (l->n_seen == l->capacity) {
		l->capacity = l->capacity * 2 + 64;
		l->seen = grow(l->seen, l->capacity, sizeof(*l->seen));
	}
	l->seen[l->n_seen++] =
	    (struct seen){ series_key(s->name, s, NULL), l->line };
}

static void
lint_sample(struct linter *l, char *line)
{
	static struct sample s;
	const char *fault = sample_parse(line, l->is_openmetrics, &s);
	struct family *f;

	if (fault != NULL) {
		finding(l, "%s", fault);
		return;
	}
	note_series(l, &s);
	f = family_of_sample(l, s.name);
	enter_family(l, f);
	f->n_samples++;
	lint_labels(l, &s);
	lint_value(l, f, &s);
	lint_exemplar(l, &s);
	if (strcmp(f->type, "histogram") == 0)
		lint_histogram(l, f, &s);
}

/* The whole */

static void
lint_line(struct linter *l, char *line, size_t n)
{
	size_t n_valid = cmxr_utf8_size(line, n);

	if (n_valid < n) {
		finding(l, "not UTF-8 at byte %zu", n_valid + 1);
		return;
	}
	if (memchr(line, '\0', n) != NULL) {
		finding(l, "has a NUL");
		return;
	}
	if (n > 0 && line[n - 1] == '\r') {
		finding(l, "ends in CR LF; a line ends in LF");
		line[--n] = '\0';
	}
	if (l->has_eof)
		finding(l, "something stands behind # EOF");
	else if (strspn(line, " \t") == n && l->is_openmetrics)
		finding(l, "OpenMetrics has no blank lines");
	else if (line[0] == '#')
		lint_comment(l, line);
	else if (strspn(line, " \t") < n)
		lint_sample(l, line);
}

static int
compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c != 0 ? c : x->line - y->line;
}

static void
lint_duplicates(struct linter *l)
{
	if (l->n_seen > 0)
		qsort(l->seen, l->n_seen, sizeof(*l->seen), compare_seen);
	for (size_t i = 1; i < l->n_seen; i++)
		if (strcmp(l->seen[i].key, l->seen[i - 1].key) == 0)
			finding_at(l, l->seen[i].line,
			    "%s: stands twice (line %d)", l->seen[i].key,
			    l->seen[i - 1].line);
}

/* In OpenMetrics a counter a_total and a gauge a are both the family a. */
static void
lint_clashes(struct linter *l)
{
	for (size_t i = 0; i < l->n_families; i++) {
		const struct family *f = &l->families[i], *other;

		if (strcmp(f->type, "counter") != 0 ||
		    !ends_with(f->name, "_total"))
			continue;
		other = find_by_name(l, f->name,
		    strlen(f->name) - strlen("_total"));
		if (other != NULL && other->type_line > 0)
			finding_at(l, f->type_line,
			    "%s and %s are one family in OpenMetrics", f->name,
			    other->name);
	}
}

static void
lint_text(struct linter *l, char *text, size_t size)
{
	char *p = text, *end = text + size;

	while (p < end) {
		char *newline = memchr(p, '\n', (size_t)(end - p));

		l->line++;
		if (newline == NULL) {
			finding(l, "the last line has no line feed");
			newline = end;
		}
		*newline = '\0';
		lint_line(l, p, (size_t)(newline - p));
		p = newline + 1;
	}
	finish_buckets(l);
	if (l->is_openmetrics && !l->has_eof)
		finding(l, "does not end with # EOF");
	lint_clashes(l);
	lint_duplicates(l);
}

static void
free_linter(struct linter *l)
{
	for (size_t i = 0; i < l->n_families; i++)
		free(l->families[i].name);
	for (size_t i = 0; i < l->n_seen; i++)
		free(l->seen[i].key);
	free(l->families);
	free(l->seen);
}

int
lint_exposition(const char *source, char *text, size_t size,
    bool is_openmetrics)
{
	struct linter l = { .source = source,
		.is_openmetrics = is_openmetrics };

	lint_text(&l, text, size);
	free_linter(&l);
	return l.n_findings;
}

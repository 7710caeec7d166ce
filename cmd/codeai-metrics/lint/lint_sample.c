/*
 * lint_sample.c: one sample: its labels, its value, its exemplar.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linter.h"

#define EXEMPLAR_CHARACTERS 128

static int
compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct sample_label *)a)->name,
	    ((const struct sample_label *)b)->name);
}

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
		l->seen = lint_grow(l->seen, l->capacity, sizeof(*l->seen));
	}
	l->seen[l->n_seen++] =
	    (struct seen){ series_key(s->name, s, NULL), l->line };
}

void
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

static int
compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c != 0 ? c : x->line - y->line;
}

void
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

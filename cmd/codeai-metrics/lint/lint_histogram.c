/*
 * lint_histogram.c: the buckets of a histogram's series, line by line.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linter.h"

void
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

void
lint_histogram(struct linter *l, const struct family *f, const struct sample *s)
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

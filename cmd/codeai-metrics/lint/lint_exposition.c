/*
 * lint_exposition.c: what some consumer of an exposition would refuse.
 */
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_reader.h>

#include "linter.h"

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

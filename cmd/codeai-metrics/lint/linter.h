/*
 * linter.h: what the parts of lint share; lint_exposition.c walks the lines.
 */
#ifndef LINTER_H
#define LINTER_H

#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_base.h>

#include "../text.h"
#include "exposition_line.h"

/* A family, by the name in its TYPE line or by that of its first sample. */
struct family {
	char *name;
	char type[16];
	int type_line, help_line, unit_line;
	int n_samples;
	bool is_closed; /* samples of another family followed its own */
};

/* The buckets of one series, while its lines follow each other. */
struct buckets {
	char *series; /* all labels but le */
	int line;
	size_t n;
	double last_bound, last_count;
	bool has_sum, has_count;
	double count;
};

/* A series that was read, to find a second one. */
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

/* Print a finding about a given line; finding() is about the current line. */
void finding_at(struct linter *, int line, const char *fmt, ...)
    CMX_PRINTF(3, 4);
#define finding(l, ...) finding_at((l), (l)->line, __VA_ARGS__)

/* Allocate, or end the program. */
void *lint_grow(void *array, size_t n, size_t size);
char *lint_copy(const char *);

/* name{a="1",b="2"} with all labels but one; the caller frees it. */
char *series_key(const char *name, const struct sample *, const char *but);

/* lint_family.c */

/* Find or add the family of a name. */
struct family *family_of_name(struct linter *, const char *name);
/* Find the family of a name of n bytes; null where there is none. */
struct family *find_by_name(struct linter *, const char *name, size_t n);
/* Find the family of a sample, whose name may have a suffix. */
struct family *family_of_sample(struct linter *, const char *name);
/* The current line belongs to this family. */
void enter_family(struct linter *, struct family *);
/* Find names that are the same in OpenMetrics. */
void lint_clashes(struct linter *);

/* lint_metadata.c: check a line that begins with #. */
void lint_comment(struct linter *, char *line);

/* lint_sample.c: check a sample, and find series that stand twice. */
void lint_sample(struct linter *, char *line);
void lint_duplicates(struct linter *);

/* lint_histogram.c: check a sample of a histogram, and the end of a series. */
void lint_histogram(struct linter *, const struct family *,
    const struct sample *);
void finish_buckets(struct linter *);

#endif

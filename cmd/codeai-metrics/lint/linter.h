/*
 * linter.h: what the parts of lint share; lint_exposition.c walks the lines.
 */
#ifndef LINTER_H
#define LINTER_H

#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_base.h>

#include "exposition_line.h"

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

/* Print a finding about a line; finding() about the line that is read. */
void finding_at(struct linter *, int line, const char *fmt, ...)
    CMX_PRINTF(3, 4);
#define finding(l, ...) finding_at((l), (l)->line, __VA_ARGS__)

/* Memory, or the end of the program. */
void *lint_grow(void *array, size_t n, size_t size);
char *lint_copy(const char *);

bool ends_with(const char *s, const char *suffix);

/* lint_family.c */

/* The family of a name, which may be new. */
struct family *family_of_name(struct linter *, const char *name);
/* The family of a name of n bytes, or null. */
struct family *find_by_name(struct linter *, const char *name, size_t n);
/* The family that a sample belongs to: its name may have a suffix. */
struct family *family_of_sample(struct linter *, const char *name);
/* The line that is read belongs to this family. */
void enter_family(struct linter *, struct family *);
/* Names that are one name in OpenMetrics. */
void lint_clashes(struct linter *);

/* lint_metadata.c: a line that begins with #. */
void lint_comment(struct linter *, char *line);

/* lint_sample.c: a sample, and series that stand twice. */
void lint_sample(struct linter *, char *line);
void lint_duplicates(struct linter *);

/* lint_histogram.c: a sample of a histogram; the last one of a series. */
void lint_histogram(struct linter *, const struct family *,
    const struct sample *);
void finish_buckets(struct linter *);

/* name{a="1",b="2"} with all labels but one; malloc'd. */
char *series_key(const char *name, const struct sample *, const char *but);

#endif

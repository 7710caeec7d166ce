/*
 * dump.h: the parts of "codeai-metrics dump".
 *
 *	../cmd_dump.c	options; the formats of the library
 *	filter.c	only what selectors and labels want
 *	table.c		for people
 *	csv.c		for spreadsheets
 *	diff.c		what changes in an interval
 */
#ifndef DUMP_H
#define DUMP_H

#include "../selector.h"

/* What is printed: a series that one of the selectors wants, and every one. */
struct filter {
	size_t n_selectors; /* 0: any */
	struct selector *selectors;
	struct selector every; /* -l; it has no name */
	size_t n_globs;
	const char **globs; /* the names of the selectors */
};

/* Read operands and the arguments of -l.  Prints what is wrong. */
bool filter_parse(struct filter *, int n, char *operands[]);
void filter_free(struct filter *);
bool filter_wants_family(const struct filter *, const char *name);
bool filter_wants(const struct filter *, const char *family, value_fn *,
    const void *arg);
bool filter_wants_series(const struct filter *, const struct cmx_family_def *,
    const struct cmxr_series *);
/* Does it look at labels? */
bool filter_has_labels(const struct filter *);

/*
 * Take what is not wanted out of a text, or out of JSON (filter.c).
 * Returns false where memory ended.
 */
bool filter_text(const struct filter *, bool is_openmetrics,
    struct cmxr_buffer *);
bool filter_json(const struct filter *, struct cmxr_buffer *);

/* For people (table.c), and for spreadsheets (csv.c). */
void print_table(const struct cmxr_snapshot *, const struct filter *);
void print_csv(const struct cmxr_snapshot *, const struct filter *);
/* "a=\"b\",c=\"d\"" in a field of CSV, and a number (csv.c). */
void print_csv_labels(size_t n, const char *const *names,
    const char *const *values);
void print_csv_number(double v);

/*
 * dump --diff (diff.c): what has changed in so many seconds, as a table,
 * CSV or JSON.
 */
enum diff_form { DIFF_TABLE, DIFF_CSV, DIFF_JSON };
int print_diff(struct cmxr_reader *, const struct cmxr_snapshot *,
    const struct filter *, double seconds, enum diff_form);

#endif

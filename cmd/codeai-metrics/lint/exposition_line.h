/*
 * exposition_line.h: parse a line of an exposition.
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#define SAMPLE_LABELS_MAX 256

struct sample_label {
	char *name, *value; /* without escapes */
};

/*
 * A line that was parsed.  Its texts point into the line, which the parser
 * changes.
 */
struct sample {
	char *name;
	size_t n_labels;
	struct sample_label labels[SAMPLE_LABELS_MAX];
	bool has_trailing_comma;
	double value;
	const char *timestamp; /* or null */
	bool has_exemplar;
	size_t n_exemplar_characters;
};

/* Parse a line.  Returns null, or what is wrong with the line. */
const char *sample_parse(char *line, bool is_openmetrics, struct sample *);

/* The value of a label, or null. */
const char *sample_label(const struct sample *, const char *name);

/* Is the text a name of a metric, or of a label? */
bool is_metric_name(const char *);
bool is_label_name(const char *);

/*
 * Print each finding about an exposition on a line (lint_exposition.c), and
 * return their number.  The text is changed.
 */
int lint_exposition(const char *source, char *text, size_t size,
    bool is_openmetrics);

#endif

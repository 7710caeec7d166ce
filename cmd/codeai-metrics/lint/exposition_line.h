/*
 * exposition_line.h: a line of an exposition, taken to pieces (exposition.c).
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#define SAMPLE_LABELS_MAX 256

struct sample_label {
	char *name, *value; /* without escapes */
};

/* Its texts point into the line, which is cut up. */
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

/* Null, or what is wrong with the line. */
const char *sample_parse(char *line, bool is_openmetrics, struct sample *);

/* The value of a label, or null. */
const char *sample_label(const struct sample *, const char *name);

/* Is it a name of a metric, or of a label? */
bool is_metric_name(const char *);
bool is_label_name(const char *);

/*
 * Print what is wrong with an exposition, a line each (lint_exposition.c);
 * how many.  The text is cut up.
 */
int lint_exposition(const char *source, char *text, size_t size,
    bool is_openmetrics);

#endif

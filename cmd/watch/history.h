/*
 * history.h: what rows of numbers were at the last samples.
 *
 * Samples that are short are remembered together, as about a second, so that so
 * many samples are two thirds as many seconds at least.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>

struct history {
	size_t n;        /* samples that are remembered; 0: none */
	size_t n_so_far; /* samples since the beginning */
	double *seconds; /* how long each lasted */
	double before; /* what the last one had lasted, before it was put on */
	float *values; /* n of each row */
};

/* Returns false where memory ended. */
bool history_init(struct history *, size_t n);
void history_fini(struct history *);
/* Forget all, rows too. */
void history_clear(struct history *);
bool history_grow(struct history *, size_t n_rows);
void history_clear_row(struct history *, size_t row);
void history_move_row(struct history *, size_t from, size_t to);

/* A sample that lasted so long; then each row says what it was. */
void history_begin(struct history *, double seconds);
/* Growth in that time; NaN: not known. */
void history_put_growth(struct history *, size_t row, double growth);
void history_put_value(struct history *, size_t row, double value);

/*
 * i is 0 for the last sample: a value, or growth per second.  NaN: not known.
 */
double history_at(const struct history *, size_t row, size_t i);
/* Growth per second over so many seconds, at least the last sample's. */
double history_rate(const struct history *, size_t row, double seconds);

#endif

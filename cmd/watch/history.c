/*
 * history.c: a ring of samples for each row.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "watch/groups.h"
#include "watch/history.h"

/* Shorter samples are put together, unless that is further away from it. */
#define ONE_SECOND 1.0

bool
history_init(struct history *h, size_t n)
{
	memset(h, 0, sizeof(*h));
	h->n = n;
	h->seconds = n == 0 ? NULL : calloc(n, sizeof(*h->seconds));
	return n == 0 || h->seconds != NULL;
}

void
history_fini(struct history *h)
{
	free(h->seconds);
	free(h->values);
	memset(h, 0, sizeof(*h));
}

void
history_clear(struct history *h)
{
	free(h->values);
	h->values = NULL;
	h->n_so_far = 0;
}

bool
history_grow(struct history *h, size_t n_rows)
{
	return h->n == 0 ||
	    grow_array(&h->values, n_rows, h->n * sizeof(*h->values));
}

void
history_clear_row(struct history *h, size_t row)
{
	for (size_t i = 0; i < h->n; i++)
		h->values[row * h->n + i] = NAN;
}

void
history_move_row(struct history *h, size_t from, size_t to)
{
	if (h->n > 0)
		memcpy(h->values + to * h->n, h->values + from * h->n,
		    h->n * sizeof(*h->values));
}

/* Where sample i is in the ring. */
static size_t
place(const struct history *h, size_t i)
{
	return (h->n_so_far - 1 - i) % h->n;
}

static bool
is_there(const struct history *h, size_t i)
{
	return i < h->n_so_far && i < h->n;
}

void
history_begin(struct history *h, double seconds)
{
	if (h->n == 0)
		return;
	h->before = h->n_so_far > 0 ? h->seconds[place(h, 0)] : 0;
	if (!(h->before > 0 && h->before < ONE_SECOND - seconds / 2)) {
		h->before = 0;
		h->n_so_far++;
	}
	h->seconds[place(h, 0)] = h->before + seconds;
}

void
history_put_growth(struct history *h, size_t row, double growth)
{
	float *to;
	double was;

	if (h->n == 0)
		return;
	to = &h->values[row * h->n + place(h, 0)];
	was = h->before > 0 && !isnan(*to) ? (double)*to * h->before : 0;
	if (!isnan(growth))
		*to = (float)((was + growth) / h->seconds[place(h, 0)]);
	else if (!(h->before > 0))
		*to = NAN;
}

void
history_put_value(struct history *h, size_t row, double value)
{
	if (h->n > 0)
		h->values[row * h->n + place(h, 0)] = (float)value;
}

double
history_at(const struct history *h, size_t row, size_t i)
{
	return is_there(h, i) ? (double)h->values[row * h->n + place(h, i)] :
				(double)NAN;
}

double
history_rate(const struct history *h, size_t row, double seconds)
{
	double grown = 0, over = 0;

	for (size_t i = 0; is_there(h, i); i++) {
		double rate = history_at(h, row, i);
		double lasted = h->seconds[place(h, i)];

		if (i > 0 && over + lasted > seconds * 1.01)
			break;
		if (isnan(rate))
			continue;
		grown += rate * lasted;
		over += lasted;
	}
	return over > 0 ? grown / over : (double)NAN;
}

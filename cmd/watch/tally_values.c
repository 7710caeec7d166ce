/*
 * tally_values.c: what a tally has counted, and how much of it since the sample
 * before.
 */
#include <math.h>

#include "watch/quantile.h"
#include "watch/tally_parts.h"

static bool
is_histogram(const struct tally *t)
{
	return t->kept.family.def.type == CMX_HISTOGRAM;
}

const struct cmxr_family *
tally_family(const struct tally *t)
{
	return t->kept.family.def.name == NULL ? NULL : &t->kept.family;
}

size_t
tally_n_by(const struct tally *t)
{
	return t->n_by;
}

const char *
tally_by(const struct tally *t, size_t i)
{
	return t->query.by[i];
}

unsigned long
tally_generation(const struct tally *t)
{
	return t->generation;
}

size_t
tally_n_groups(const struct tally *t)
{
	return t->groups.n;
}

double
tally_seconds(const struct tally *t)
{
	return (double)(t->now_ns - t->before_ns) / 1e9;
}

size_t
tally_n_left_out(const struct tally *t)
{
	return t->n_left_out;
}

bool
tally_is_there(const struct tally *t, size_t group)
{
	return t->groups.at[group].n_series > 0;
}

bool
tally_is_rest(const struct tally *t, size_t group)
{
	return t->groups.at[group].is_rest;
}

const char *
tally_value(const struct tally *t, size_t group, size_t by)
{
	return groups_value(&t->groups, group, by);
}

void
tally_set_max_bytes(struct tally *t, uint64_t bytes)
{
	t->query.max_bytes = bytes;
}

size_t
tally_n_series(const struct tally *t, size_t group)
{
	return t->groups.at[group].n_series;
}

static double
count_of(const struct tally *t, const double *row)
{
	double n = 0;

	for (size_t i = 0; i + 1 < t->width; i++)
		n += row[i];
	return n;
}

double
tally_total(const struct tally *t, size_t group)
{
	const double *row = t->now + group * t->width;

	return is_histogram(t) ? count_of(t, row) : *row;
}

double
tally_sum(const struct tally *t, size_t group)
{
	return t->now[group * t->width + t->width - 1];
}

/*
 * The row to subtract from the last one.  A series that is new began at 0;
 * so did one whose total fell.
 */
static const double *
base_of(const struct tally *t, size_t group)
{
	static const double zero[1];
	const double *row = t->before + group * t->width;

	if (!is_histogram(t))
		return *row > tally_total(t, group) ? zero : row;
	return count_of(t, row) > tally_total(t, group) ? NULL : row;
}

/* Was there a sample to compare with, and time between? */
static bool
is_known(const struct tally *t, size_t group)
{
	return t->is_comparable && t->now_ns > t->before_ns &&
	    tally_is_there(t, group);
}

double
tally_growth(const struct tally *t, size_t group)
{
	const double *base = base_of(t, group);

	if (!is_known(t, group))
		return (double)NAN;
	if (is_histogram(t))
		return tally_total(t, group) -
		    (base == NULL ? 0 : count_of(t, base));
	return tally_total(t, group) - *base;
}

double
tally_rise(const struct tally *t, size_t group)
{
	return is_known(t, group) ?
	    t->now[group * t->width] - t->before[group * t->width] :
	    (double)NAN;
}

double
tally_sum_growth(const struct tally *t, size_t group)
{
	const double *base = base_of(t, group);

	if (!is_known(t, group) || !is_histogram(t))
		return (double)NAN;
	return tally_sum(t, group) - (base == NULL ? 0 : base[t->width - 1]);
}

bool
tally_counts_growth(const struct tally *t, size_t group, double *counts)
{
	const double *base = base_of(t, group);
	const double *row = t->now + group * t->width;

	if (!is_known(t, group) || !is_histogram(t))
		return false;
	for (size_t i = 0; i + 1 < t->width; i++)
		counts[i] = row[i] - (base == NULL ? 0 : base[i]);
	return true;
}

double
tally_quantile(const struct tally *t, size_t group, double q)
{
	const struct cmxr_family *f = &t->kept.family;

	return tally_counts_growth(t, group, t->counts) ?
	    quantile(f->n_bounds, f->bounds, t->counts, q) :
	    (double)NAN;
}

double
tally_history(const struct tally *t, size_t group, size_t i)
{
	return history_at(&t->history, group, i);
}

double
tally_rate(const struct tally *t, size_t group, double seconds)
{
	return history_rate(&t->history, group, seconds);
}

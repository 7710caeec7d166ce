/*
 * columns.c: what a row shows of the last interval, and of longer ones.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "top.h"

const char *
column_name(enum column column)
{
	static const char *const names[N_COLUMNS] = { "TOTAL", "RATE", "10S",
		"60S", "MEAN", "P50", "P95", "P99" };

	return names[column];
}

static double
histogram_value(const struct row *row, enum column column)
{
	const struct tally *t = row->tally;

	switch (column) {
	case MEAN:
		return tally_sum_growth(t, row->group) /
		    tally_growth(t, row->group);
	case P50:
		return tally_quantile(t, row->group, 0.5);
	case P95:
		return tally_quantile(t, row->group, 0.95);
	case P99:
		return tally_quantile(t, row->group, 0.99);
	default:
		return (double)NAN;
	}
}

double
column_value(const struct row *row, enum column column)
{
	const struct tally *t = row->tally;
	enum cmx_type type = tally_family(t)->def.type;

	if (column == TOTAL)
		return tally_total(t, row->group);
	if (type == CMX_GAUGE)
		return (double)NAN;
	if (column == RATE)
		return tally_growth(t, row->group) / tally_seconds(t);
	if (column == RATE_10)
		return tally_rate(t, row->group, 10);
	if (column == RATE_60)
		return tally_rate(t, row->group, 60);
	return type == CMX_HISTOGRAM ? histogram_value(row, column) :
				       (double)NAN;
}

static const char *
unit_of_column(const struct cmx_family_def *def, enum column column)
{
	bool is_histogram = def->type == CMX_HISTOGRAM;

	if (column >= MEAN)
		return unit_of(def);
	/* A count of observations has no unit; nor has a rate of seconds. */
	if (is_histogram ||
	    (column != TOTAL && strcmp(unit_of(def), "seconds") == 0))
		return "";
	return unit_of(def);
}

/* All digits. */
static void
raw_text(double v, char text[COLUMN_SIZE])
{
	char all[32];

	cmxr_number_to_text(v, all);
	snprintf(text, COLUMN_SIZE, "%s", all);
}

void
column_text(const struct row *row, enum column column, bool is_raw,
    char text[COLUMN_SIZE])
{
	const struct cmx_family_def *def = &tally_family(row->tally)->def;
	double v = column_value(row, column);

	/* How the values of the processes are combined. */
	if (def->type == CMX_GAUGE && column == RATE)
		snprintf(text, COLUMN_SIZE, "%s",
		    cmx_aggregate_name(def->aggregate));
	else if (is_raw && isfinite(v) && column == TOTAL)
		raw_text(v, text);
	else if (is_raw && isfinite(v))
		snprintf(text, COLUMN_SIZE, "%.6g", v);
	else
		number_text(v, unit_of_column(def, column), text);
}

void
row_name(const struct row *row, char *text, size_t size)
{
	const struct tally *t = row->tally;
	size_t n = tally_n_by(t),
	       used = (size_t)snprintf(text, size, "%s%s",
		   tally_family(t)->def.name, n > 0 ? "{" : "");

	for (size_t i = 0; i < n && used < size; i++) {
		used += (size_t)snprintf(text + used, size - used, "%s%s=\"",
		    i > 0 ? "," : "", tally_by(t, i));
		if (used < size)
			used += escape_value(tally_value(t, row->group, i),
			    text + used, size - used);
		if (used < size)
			used += (size_t)snprintf(text + used, size - used,
			    "\"%s", i + 1 == n ? "}" : "");
	}
}

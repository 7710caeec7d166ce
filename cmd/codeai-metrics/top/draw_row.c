/*
 * draw_row.c: one series, or one family: its numbers, its history, its buckets.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "top.h"

#define LABEL_WIDTH 12
#define GRAPH_LINES 6

/* Returns the next line. */
static int
draw_numbers(const struct top *t, int line, int width)
{
	char text[512] = "", value[COLUMN_SIZE];
	size_t used = 0;

	for (enum column c = TOTAL; c < N_COLUMNS; c++) {
		if (isnan(column_value(&t->one, c)) && c != RATE)
			continue;
		column_text(&t->one, c, t->is_raw, value);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s%s %s", used > 0 ? "   " : "", column_name(c), value);
	}
	screen_put(line, 0, width, STRONG, text);
	return line + 2;
}

static double
largest(const struct row *row, int width)
{
	double top = 0;

	for (int i = 0; i < width; i++) {
		double v = tally_history(row->tally, row->group, (size_t)i);

		top = v > top ? v : top;
	}
	return top;
}

/* The history as columns, the last sample on the right. */
static int
draw_graph(const struct top *t, int line, int n_columns)
{
	const struct cmx_family_def *def = &tally_family(t->one.tally)->def;
	int width = n_columns - LABEL_WIDTH - 1;
	double top;
	char text[COLUMN_SIZE];

	if (width > HISTORY)
		width = HISTORY;
	top = largest(&t->one, width);
	number_text(top, def->type == CMX_GAUGE ? unit_of(def) : "", text);
	screen_put(line, 0, LABEL_WIDTH, QUIET, text);
	screen_put(line + GRAPH_LINES - 1, 0, LABEL_WIDTH, QUIET, "0");
	for (int x = 0; x < width; x++) {
		double v = tally_history(t->one.tally, t->one.group,
		    (size_t)(width - 1 - x));
		double height = top > 0 && v > 0 ? v / top * GRAPH_LINES : 0;

		for (int y = 0; y < GRAPH_LINES; y++)
			screen_put(line + GRAPH_LINES - 1 - y, LABEL_WIDTH + x,
			    1, GOOD, spark(height - y));
	}
	return line + GRAPH_LINES + 1;
}

/* The first and the last bucket with an observation; false: there is none. */
static bool
find_range(const struct heat *h, int width, size_t *low, size_t *high,
    double *most)
{
	bool has_any = false;

	*most = 0;
	for (int i = 0; i < width; i++)
		for (size_t b = 0; b < h->n_buckets; b++) {
			double n = heat_count(h, (size_t)i, b);

			if (n <= 0)
				continue;
			*low = !has_any || b < *low ? b : *low;
			*high = !has_any || b > *high ? b : *high;
			*most = n > *most ? n : *most;
			has_any = true;
		}
	return has_any;
}

static const char *
shade(double part)
{
	static const char *const blocks[] = { " ", "\xe2\x96\x91",
		"\xe2\x96\x92", "\xe2\x96\x93", "\xe2\x96\x88" };
	static const char *const plain[] = { " ", ".", ":", "*", "#" };
	int i = part > 0 ? 1 + (int)(sqrt(part) * 3.999) : 0;

	if (i > 4)
		i = 4;
	return screen_is_utf8() ? blocks[i] : plain[i];
}

static void
draw_bucket(const struct top *t, size_t bucket, int line, int width,
    double most)
{
	const struct cmxr_family *f = tally_family(t->one.tally);
	char text[COLUMN_SIZE + 4], bound[COLUMN_SIZE] = "+Inf";

	if (bucket < f->n_bounds)
		number_text(f->bounds[bucket], unit_of(&f->def), bound);
	snprintf(text, sizeof(text), "<= %s", bound);
	screen_put(line, 0, LABEL_WIDTH, QUIET, text);
	for (int x = 0; x < width; x++)
		screen_put(line, LABEL_WIDTH + x, 1, WARN,
		    shade(
			heat_count(&t->heat, (size_t)(width - 1 - x), bucket) /
			most));
}

/* The heat map: as many buckets as have room, the largest on top. */
static int
draw_heat(const struct top *t, int line, int n_lines, int n_columns)
{
	int width = n_columns - LABEL_WIDTH - 1;
	size_t low = 0, high = 0;
	double most;

	if (width > HISTORY)
		width = HISTORY;
	if (!find_range(&t->heat, width, &low, &high, &most)) {
		screen_put(line, 0, n_columns, QUIET,
		    "no observation since this was opened");
		return line + 2;
	}
	for (size_t b = high + 1; b-- > low && line < n_lines - 2; line++)
		draw_bucket(t, b, line, width, most);
	return line + 1;
}

void
draw_row(struct top *t, int n_lines, int n_columns)
{
	const struct cmx_family_def *def = &tally_family(t->one.tally)->def;
	char name[4096];
	int line = FIRST_LINE;

	row_name(&t->one, name, sizeof(name));
	screen_put(2, 0, n_columns, HEAD, name);
	screen_put(line++, 0, n_columns, QUIET, def->help);
	line = draw_numbers(t, line, n_columns);
	line = draw_graph(t, line, n_columns);
	if (def->type == CMX_HISTOGRAM)
		line = draw_heat(t, line, n_lines, n_columns);
	for (size_t i = 0; i < t->heat.n_exemplars && line < n_lines - 1; i++)
		screen_put(line++, 0, n_columns, PLAIN, t->heat.exemplars[i]);
}

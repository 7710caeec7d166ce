/*
 * draw.c: the screen of rows, and what is above and below every screen.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top.h"

#define NAME_MIN   36
#define NAME_LEAST 10
#define WIDTH      9
#define RAW_WIDTH  20 /* of a total with all digits */
#define TREND_MIN  8
#define NAME_BYTES 4096
/* With less there is no line for the chosen row. */
#define FEW_LINES 7

/* Above */

static void
time_text(double wall, char text[16])
{
	time_t seconds = (time_t)wall;
	struct tm tm;

	text[0] = '\0';
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(text, 16, "%H:%M:%S", &tm);
}

static void
draw_title(const struct top *t, int width)
{
	char text[512], at[16], since[16];

	time_text(t->watch.wall, at);
	time_text(t->marked, since);
	snprintf(text, sizeof(text), "%s  %s  every %.3gs%s%s%s",
	    t->watch.reader != NULL   ? t->watch.info.path :
		t->watch.path != NULL ? t->watch.path :
					"the default segment",
	    at, t->pace > t->interval ? t->pace : t->interval,
	    t->is_paused ? "  PAUSED" : "", t->marked > 0 ? "  mark " : "",
	    t->marked > 0 ? since : "");
	screen_put(0, 0, width, HEAD, text);
}

/* How full it is, or what is wrong. */
static void
draw_state(const struct top *t, int width)
{
	const struct cmxr_info *i = &t->watch.info;
	char text[512];

	if (t->watch.state[0] != '\0') {
		screen_put(1, 0, width, BAD, t->watch.state);
		return;
	}
	snprintf(text, sizeof(text),
	    "processes: %llu, families: %llu, series: %llu of %llu%s",
	    (unsigned long long)i->n_live_slots,
	    (unsigned long long)i->n_families, (unsigned long long)i->n_series,
	    (unsigned long long)i->series_limit,
	    t->watch.seconds > 0 ? "" : "; collecting");
	screen_put(1, 0, width, PLAIN, text);
}

/* Rows */

/* The columns in the order in which they are left out: the last one first. */
static const enum column by_worth[] = { TOTAL, RATE, P99, RATE_10, P50, RATE_60,
	MEAN, P95 };

struct layout {
	int name, trend; /* widths */
	bool has[N_COLUMNS];
};

static int
width_of(const struct top *t, enum column column)
{
	return t->is_raw && column == TOTAL ? RAW_WIDTH : WIDTH;
}

/* A narrow terminal has the total and the rate, and what is left of the name.
 */
static struct layout
lay_out(const struct top *t, int width)
{
	struct layout l = { .name = NAME_MIN };
	int two = width_of(t, TOTAL) + width_of(t, RATE), left;

	if (l.name > width - two && width - two >= NAME_LEAST)
		l.name = width - two;
	left = width - l.name;
	for (size_t i = 0; i < N_COLUMNS && left >= width_of(t, by_worth[i]);
	     i++) {
		l.has[by_worth[i]] = true;
		left -= width_of(t, by_worth[i]);
	}
	if (left > TREND_MIN + 1) {
		l.trend = left / 3 > TREND_MIN ? left / 3 : TREND_MIN;
		if (l.trend > HISTORY)
			l.trend = HISTORY;
		left -= l.trend + 1;
	}
	l.name += left;
	return l;
}

static void
draw_heads(const struct top *t, const struct layout *l)
{
	static const enum sort sorts[N_COLUMNS] = { [TOTAL] = BY_VALUE,
		[RATE] = BY_RATE,
		[RATE_10] = N_SORTS,
		[RATE_60] = N_SORTS,
		[MEAN] = N_SORTS,
		[P50] = N_SORTS,
		[P95] = N_SORTS,
		[P99] = BY_P99 };
	char text[CMX_NAME_MAX + 16];
	int at = l->name;

	snprintf(text, sizeof(text), "%s%s",
	    !t->has_series        ? "FAMILY" :
		t->family != NULL ? t->family :
				    "SERIES",
	    t->order.by == BY_NAME ? "*" : "");
	screen_put(2, 0, l->name, HEAD, text);
	for (enum column c = TOTAL; c < N_COLUMNS; c++) {
		char name[32];

		if (!l->has[c])
			continue;
		snprintf(name, sizeof(name), "%s%s",
		    c == TOTAL && t->is_relative ? "SINCE" : column_name(c),
		    t->order.by == sorts[c] ? "*" : "");
		snprintf(text, sizeof(text), "%*s", width_of(t, c), name);
		screen_put(2, at, width_of(t, c), HEAD, text);
		at += width_of(t, c);
	}
	if (l->trend > 0)
		screen_put(2, at, l->trend + 1, HEAD, " TREND");
}

const char *
spark(double part)
{
	static const char *const blocks[] = { " ", "\xe2\x96\x81",
		"\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
		"\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88" };
	static const char *const plain[] = { " ", ".", ".", ":", "-", "=", "+",
		"*", "#" };
	int i = !(part > 0) ? 0 : part >= 1 ? 8 : 1 + (int)(part * 8 * 0.999);

	if (i > 8)
		i = 8;
	return screen_is_utf8() ? blocks[i] : plain[i];
}

static void
draw_trend(const struct row *row, int line, int column, int width,
    enum paint paint)
{
	char text[HISTORY * 4 + 1];
	size_t used = 0;
	double top = 0;

	for (int i = 0; i < width; i++) {
		double v = tally_history(row->tally, row->group, (size_t)i);

		top = v > top ? v : top;
	}
	for (int i = width; i-- > 0;) {
		double v = tally_history(row->tally, row->group, (size_t)i);
		const char *one = spark(top > 0 ? v / top : 0);

		memcpy(text + used, one, strlen(one));
		used += strlen(one);
	}
	text[used] = '\0';
	screen_put(line, column, width, paint, text);
}

/* The total, or what has come since the mark. */
static void
total_text(const struct top *t, const struct list *l, const struct row *row,
    char text[COLUMN_SIZE])
{
	const struct cmx_family_def *def = &tally_family(row->tally)->def;

	if (t->is_relative)
		number_text(column_value(row, TOTAL) - list_marked(l, row),
		    def->type == CMX_HISTOGRAM ? "" : unit_of(def), text);
	else
		column_text(row, TOTAL, t->is_raw, text);
}

static void
draw_one_row(const struct top *t, const struct list *l, size_t i, int line,
    const struct layout *layout)
{
	enum paint paint = i == t->at ? CHOSEN : PLAIN;
	const struct row *row = &l->rows[i];
	char name[NAME_BYTES], value[COLUMN_SIZE],
	    text[COLUMN_SIZE + RAW_WIDTH];
	int at = layout->name;

	/* Of one family, which the head has, only the labels. */
	row_name(row, name, sizeof(name));
	screen_put(line, 0, layout->name, paint,
	    t->has_series && t->family != NULL && tally_n_by(row->tally) > 0 ?
		name + strlen(t->family) :
		name);
	for (enum column c = TOTAL; c < N_COLUMNS; c++) {
		if (!layout->has[c])
			continue;
		if (c == TOTAL)
			total_text(t, l, row, value);
		else
			column_text(row, c, t->is_raw, value);
		/* A number is never cut: with less digits it fits. */
		if ((int)strlen(value) >= width_of(t, c))
			column_text(row, c, false, value);
		snprintf(text, sizeof(text), "%*s", width_of(t, c), value);
		screen_put(line, at, width_of(t, c), paint, text);
		at += width_of(t, c);
	}
	if (layout->trend > 0) {
		screen_put(line, at, 1, paint, " ");
		draw_trend(row, line, at + 1, layout->trend, paint);
	}
}

static void
draw_rows(struct top *t, int n_lines, int n_columns)
{
	const struct list *l = top_list(t);
	struct layout layout = lay_out(t, n_columns);
	int others = n_lines < FEW_LINES ? OTHER_LINES - 1 : OTHER_LINES;
	size_t n = n_lines > others ? (size_t)(n_lines - others) : 1;

	t->n_shown = n;
	if (t->at < t->first)
		t->first = t->at;
	if (t->at >= t->first + n)
		t->first = t->at - n + 1;
	draw_heads(t, &layout);
	for (size_t i = 0; i < n && t->first + i < l->n_rows; i++)
		draw_one_row(t, l, t->first + i, FIRST_LINE + (int)i, &layout);
}

/* Below */

static void
draw_chosen(const struct top *t, const struct list *l, int line, int width)
{
	char text[CMX_HELP_MAX + 256];
	const struct cmx_family_def *def;

	if (t->at >= l->n_rows)
		snprintf(text, sizeof(text),
		    l->n_unseen > 0 ? "%zu are 0; d shows them" : "nothing",
		    l->n_unseen);
	else {
		def = &tally_family(l->rows[t->at].tally)->def;
		snprintf(text, sizeof(text), "%zu-%zu/%zu  %s: %s",
		    t->first + 1,
		    t->first + t->n_shown < l->n_rows ? t->first + t->n_shown :
							l->n_rows,
		    l->n_rows, cmx_type_name(def->type), def->help);
	}
	screen_put(line, 0, width, QUIET, text);
}

static void
draw_keys(const struct top *t, int line, int width)
{
	char text[FILTER_MAX + 64];

	if (t->is_filtering || t->filter[0] != '\0') {
		snprintf(text, sizeof(text), "filter: %s%s", t->filter,
		    t->is_filtering ? "_" : "   (Esc: all)");
		screen_put(line, 0, width, STRONG, text);
		return;
	}
	screen_put(line, 0, width, PLAIN,
	    "? help  q quit  / filter  s sort  Enter in  Esc out  a series  Tab other screens");
}

void
draw(struct top *t)
{
	int n_lines, n_columns;

	screen_size(&n_lines, &n_columns);
	screen_clear();
	draw_title(t, n_columns);
	draw_state(t, n_columns);
	if (t->is_help)
		draw_help(n_lines, n_columns);
	else if (t->view == ROWS) {
		draw_rows(t, n_lines, n_columns);
		if (n_lines >= FEW_LINES)
			draw_chosen(t, top_list(t), n_lines - 2, n_columns);
	} else if (t->view == ONE)
		draw_row(t, n_lines, n_columns);
	else if (t->view == PROCESSES)
		draw_processes(t, n_lines, n_columns);
	else
		draw_segment(t, n_lines, n_columns);
	draw_keys(t, n_lines - 1, n_columns);
	screen_show();
}

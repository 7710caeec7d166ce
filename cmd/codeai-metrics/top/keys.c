/*
 * keys.c: what the keys do; those of varnishstat(1) where it has the same.
 */
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define CONTROL(letter) ((letter)&0x1f)
#define INTERVAL_MIN    0.1
#define INTERVAL_MAX    3600

/* Moving */

static size_t
clamp(long at, size_t n)
{
	if (at < 0 || n == 0)
		return 0;
	return (size_t)at >= n ? n - 1 : (size_t)at;
}

static void
choose(struct top *t, long at)
{
	const struct list *l = top_list(t);

	t->at = clamp(at, l->n_rows);
	t->has_moved = true;
	if (t->at < l->n_rows) {
		t->chosen = l->rows[t->at];
		t->chosen_generation = tally_generation(t->chosen.tally);
	}
}

static bool
move(struct top *t, int key)
{
	long at = (long)t->at, page = (long)t->n_shown;

	switch (key) {
	case GO_UP:
	case 'k':
		choose(t, at - 1);
		break;
	case GO_DOWN:
	case 'j':
		choose(t, at + 1);
		break;
	case GO_PAGE_UP:
	case 'b':
	case CONTROL('b'):
		choose(t, at - page);
		break;
	case GO_PAGE_DOWN:
	case ' ':
	case CONTROL('f'):
		choose(t, at + page);
		break;
	case GO_HOME:
	case 'g':
		choose(t, 0);
		break;
	case GO_END:
	case 'G':
		choose(t, (long)top_list(t)->n_rows - 1);
		break;
	default:
		return false;
	}
	return true;
}

/* In and out */

static void
forget_rows(struct top *t)
{
	t->at = t->first = 0;
	t->has_moved = false;
	t->chosen.tally = NULL;
	t->filter[0] = '\0';
}

void
top_show_series(struct top *t, const char *family)
{
	char *copy = family == NULL ? NULL : strdup(family);

	if (family != NULL && copy == NULL)
		return;
	list_clear(&t->series);
	free(t->family);
	t->family = copy;
	t->series.has_each = true;
	t->series.family = t->family;
	t->series.n_globs = t->families.n_globs;
	t->series.globs = t->families.globs;
	t->has_series = true;
	t->marks_series = t->marked > 0;
	forget_rows(t);
	t->wants_sample = true;
}

static void
show_families(struct top *t)
{
	t->has_series = false;
	list_clear(&t->series);
	forget_rows(t);
}

static void
show_one(struct top *t, const struct row *row)
{
	heat_clear(&t->heat);
	t->one = *row;
	t->one_generation = tally_generation(row->tally);
	t->view = ONE;
}

static void
go_in(struct top *t)
{
	const struct list *l = top_list(t);
	const struct row *row = t->at < l->n_rows ? &l->rows[t->at] : NULL;
	const struct cmx_family_def *def;

	if (t->view != ROWS || row == NULL)
		return;
	def = &tally_family(row->tally)->def;
	if (t->has_series || (def->n_labels == 0 && !def_is_each(def)))
		show_one(t, row);
	else
		top_show_series(t, def->name);
}

static void
go_back(struct top *t)
{
	if (t->view != ROWS)
		t->view = ROWS;
	else if (t->filter[0] != '\0')
		t->filter[0] = '\0';
	else if (t->has_series)
		show_families(t);
}

/* The filter */

static void
type(struct top *t, int key)
{
	size_t n = strlen(t->filter);

	if (key == GO_IN)
		t->is_filtering = false;
	else if (key == GO_BACK) {
		t->is_filtering = false;
		t->filter[0] = '\0';
	} else if (key == ERASE && n > 0) {
		/* A character, whatever its bytes. */
		while (
		    n > 1 && ((unsigned char)t->filter[n - 1] & 0xc0) == 0x80)
			n--;
		t->filter[n - 1] = '\0';
	} else if (key == CONTROL('u'))
		t->filter[0] = '\0';
	else if (key >= ' ' && key < 0x100 && n + 1 < FILTER_MAX) {
		t->filter[n] = (char)key;
		t->filter[n + 1] = '\0';
	} else {
		move(t, key);
		return;
	}
	t->at = t->first = 0;
	t->has_moved = false;
}

/* Switches */

static void
set_mark(struct top *t, bool is_set)
{
	list_mark(&t->families, is_set);
	list_mark(&t->series, is_set);
	/* While all series are shown the families rest: they have no total. */
	t->marks_families = is_set && t->has_series && t->family == NULL;
	t->marked = is_set ? t->watch.wall : 0;
	t->is_relative = is_set;
}

static void
sort_next(struct top *t, int step)
{
	t->order.by =
	    (enum sort)(((int)t->order.by + step + N_SORTS) % N_SORTS);
	t->order.is_reversed = false;
	t->at = t->first = 0;
	t->has_moved = false;
}

static void
change_interval(struct top *t, double factor)
{
	t->interval *= factor;
	if (t->interval < INTERVAL_MIN)
		t->interval = INTERVAL_MIN;
	if (t->interval > INTERVAL_MAX)
		t->interval = INTERVAL_MAX;
}

static bool
turn_switch(struct top *t, int key)
{
	switch (key) {
	case 'd':
		t->order.has_unseen = !t->order.has_unseen;
		break;
	case 'e':
		t->is_raw = !t->is_raw;
		break;
	case 'I':
		t->order.is_reversed = !t->order.is_reversed;
		break;
	case 'm':
		set_mark(t, true);
		break;
	case 'M':
		set_mark(t, false);
		break;
	case 'p':
		t->is_paused = !t->is_paused;
		break;
	case 'r':
		t->is_relative = !t->is_relative && t->marked > 0;
		break;
	case 's':
	case '>':
		sort_next(t, 1);
		break;
	case '<':
		sort_next(t, -1);
		break;
	case '+':
		change_interval(t, 2);
		break;
	case '-':
		change_interval(t, 0.5);
		break;
	default:
		return false;
	}
	return true;
}

/* They are asked about only while they are shown. */
static void
show_processes(struct top *t)
{
	t->view = PROCESSES;
	t->wants_sample = true;
}

static bool
change_view(struct top *t, int key)
{
	switch (key) {
	case '\t':
		if (t->view == PROCESSES)
			t->view = SEGMENT;
		else if (t->view == SEGMENT)
			t->view = ROWS;
		else
			show_processes(t);
		break;
	case '1':
		t->view = ROWS;
		break;
	case '2':
		show_processes(t);
		break;
	case '3':
		t->view = SEGMENT;
		break;
	case 'a':
		t->view = ROWS;
		if (t->has_series)
			show_families(t);
		else
			top_show_series(t, NULL);
		break;
	default:
		return false;
	}
	return true;
}

/* Averages begin anew. */
static void
reset(struct top *t)
{
	set_mark(t, false);
	list_clear(&t->families);
	list_clear(&t->series);
	t->view = t->view == ONE ? ROWS : t->view;
	t->chosen.tally = NULL;
	t->wants_sample = true;
}

void
key_do(struct top *t, int key)
{
	if (t->is_help) {
		t->is_help = false;
		return;
	}
	if (t->is_filtering) {
		type(t, key);
		return;
	}
	switch (key) {
	case 'q':
	case CONTROL('c'):
		t->wants_end = true;
		return;
	case 'h':
	case '?':
		t->is_help = true;
		return;
	case '/':
		t->view = ROWS;
		t->is_filtering = true;
		return;
	case '0':
		reset(t);
		return;
	case CONTROL('t'):
		t->wants_sample = true;
		return;
	case GO_IN:
		go_in(t);
		return;
	case GO_BACK:
	case ERASE:
		go_back(t);
		return;
	default:
		break;
	}
	if (!turn_switch(t, key) && !change_view(t, key))
		move(t, key);
}

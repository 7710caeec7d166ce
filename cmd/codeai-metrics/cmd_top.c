/*
 * top: what happens in the segment now, on a terminal or as lines.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "top/top.h"

/* How many of the rows are printed where each series is one. */
#define SERIES_PRINTED 50
/* Of a CPU, a screen takes one part of so many. */
#define COST_SHARE 20

struct options {
	bool is_batch, is_endless, is_json, has_each;
	long n_times; /* 0: until the end */
	size_t n_rows;
};

static volatile sig_atomic_t is_ending;

static void
end(int signal_number)
{
	(void)signal_number;
	is_ending = 1;
}

struct list *
top_list(struct top *t)
{
	return t->has_series ? &t->series : &t->families;
}

/* The chosen row stays chosen, wherever it is now; until one was, the first. */
static void
follow(struct top *t)
{
	const struct list *l = top_list(t);

	if (!t->has_moved || t->chosen.tally == NULL) {
		t->at = t->at < l->n_rows ? t->at : 0;
		return;
	}
	for (size_t i = 0; i < l->n_rows; i++)
		if (l->rows[i].tally == t->chosen.tally &&
		    l->rows[i].group == t->chosen.group &&
		    tally_generation(t->chosen.tally) == t->chosen_generation) {
			t->at = i;
			return;
		}
	if (t->at >= l->n_rows)
		t->at = l->n_rows > 0 ? l->n_rows - 1 : 0;
}

void
top_arrange(struct top *t)
{
	t->order.filter = t->filter;
	if (!list_arrange(top_list(t), &t->order)) {
		screen_end();
		errx(FAILED, "no memory for the rows");
	}
	follow(t);
}

bool
top_sample(struct top *t)
{
	uint64_t number = t->watch.number;

	t->wants_sample = false;
	watch_sample(&t->watch);
	/* Another file: what was chosen and marked was of the one before. */
	if (t->watch.number != number) {
		list_mark(&t->families, false);
		list_mark(&t->series, false);
		t->marks_families = t->marks_series = false;
		t->marked = 0;
		t->is_relative = false;
	}
	/* All series are as many again: the families rest meanwhile. */
	if (((!t->has_series || t->family != NULL) &&
		!list_sample(&t->families, &t->watch)) ||
	    (t->has_series && !list_sample(&t->series, &t->watch)) ||
	    (t->view == PROCESSES && !processes_sample(t)))
		return false;
	/* What is read first after the mark counts from then. */
	if (t->marks_series)
		list_mark(&t->series, true);
	if (t->marks_families && (!t->has_series || t->family != NULL))
		list_mark(&t->families, true);
	t->marks_series = false;
	t->marks_families =
	    t->marks_families && t->has_series && t->family == NULL;
	if (t->view == ONE &&
	    (tally_generation(t->one.tally) != t->one_generation ||
		tally_family(t->one.tally) == NULL))
		t->view = ROWS;
	return t->view != ONE || t->watch.snapshot == NULL ||
	    heat_sample(&t->heat, &t->one, t->watch.snapshot);
}

static void
sample(struct top *t)
{
	if (!top_sample(t)) {
		screen_end();
		errx(FAILED, "no memory for what is watched");
	}
}

static void
forget(struct top *t)
{
	heat_clear(&t->heat);
	list_clear(&t->families);
	list_clear(&t->series);
	processes_free(t->processes);
	free(t->family);
	watch_close(&t->watch);
}

/* On a terminal */

static int
milliseconds_left(uint64_t until)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	return now >= until ? 0 : (int)((until - now) / 1000000) + 1;
}

/* The interval; longer where reading takes long. */
static uint64_t
pace_ns(const struct top *t)
{
	double seconds = t->pace > t->interval ? t->pace : t->interval;

	return (uint64_t)(seconds * (double)NS_PER_SECOND);
}

/* Do what keys say until it is time to read again. */
static void
wait_for_keys(struct top *t, uint64_t begun)
{
	while (!is_ending && !t->wants_end && !t->wants_sample) {
		uint64_t until = begun + pace_ns(t);
		int key =
		    screen_key(t->is_paused ? 1000 : milliseconds_left(until));

		if (key == KEY_NOTHING) {
			if (!t->is_paused && clock_ns(CLOCK_MONOTONIC) >= until)
				return;
			continue;
		}
		/* Characters that come together are drawn once. */
		do
			key_do(t, key);
		while (t->is_filtering && (key = screen_key(0)) != KEY_NOTHING);
		if (t->wants_sample)
			return;
		top_arrange(t);
		draw(t);
	}
}

/*
 * Where a second's work takes more than a twentieth of it, seconds are longer;
 * but not where a shorter interval was asked for.
 */
static void
set_pace(struct top *t, double cpu_before)
{
	double used = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;

	t->pace = t->interval >= 1 ? used * COST_SHARE : 0;
}

static int
run_screen(struct top *t)
{
	const struct sigaction action = { .sa_handler = end };

	if (!screen_begin())
		return FAILED;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	while (!is_ending && !t->wants_end) {
		uint64_t begun = clock_ns(CLOCK_MONOTONIC);
		double cpu_before = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

		sample(t);
		top_arrange(t);
		draw(t);
		set_pace(t, cpu_before);
		wait_for_keys(t, begun);
	}
	screen_end();
	return DONE;
}

/* As lines */

static void
rest(const struct top *t, uint64_t begun)
{
	uint64_t until =
	    begun + (uint64_t)(t->interval * (double)NS_PER_SECOND);
	struct timespec when = { (time_t)(until / NS_PER_SECOND),
		(long)(until % NS_PER_SECOND) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) ==
	    EINTR)
		;
}

/* A block for each interval: the first sample alone has no rates. */
static int
run_batch(struct top *t, const struct options *o)
{
	int r = DONE, named = DONE;

	sample(t);
	if (t->watch.snapshot != NULL)
		named = check_globs(t->watch.snapshot, t->families.n_globs,
		    t->families.globs);
	for (long i = 0; r == DONE && (o->n_times == 0 || i < o->n_times);
	     i++) {
		rest(t, t->watch.now_ns);
		sample(t);
		top_arrange(t);
		if (o->is_json)
			plain_json(t, o->n_rows);
		else
			plain_print(t, o->n_rows);
		r = finish_output();
	}
	return r == DONE && t->watch.reader == NULL ? FAILED :
	    r == DONE                               ? named :
						      r;
}

/* Options */

static bool
parse_seconds(const char *text, double *seconds)
{
	if (parse_number(text, seconds) && *seconds >= 0.1 && *seconds <= 3600)
		return true;
	warnx("-i %s: allowed are 0.1 to 3600 seconds", text);
	return false;
}

static bool
parse_count(int letter, const char *text, long *n)
{
	char *rest_of;

	*n = strtol(text, &rest_of, 10);
	if (rest_of != text && *rest_of == '\0' && *n > 0 && *n < 1000000000)
		return true;
	warnx("-%c %s: is not a number above 0", letter, text);
	return false;
}

static bool
parse_output(const char *name, bool *is_json)
{
	*is_json = strcmp(name, "json") == 0;
	if (*is_json || strcmp(name, "text") == 0)
		return true;
	warnx("-o %s: is not a form; allowed are text, json", name);
	return false;
}

static bool
parse_sort(const char *name, enum sort *sort)
{
	*sort = sort_find(name);
	if (*sort != N_SORTS)
		return true;
	warnx(
	    "-k %s: is nothing to sort by; allowed are rate, value, name, p99",
	    name);
	return false;
}

static bool
set_option(struct top *t, struct options *o, int letter)
{
	long n;

	switch (letter) {
	case 'a':
		o->has_each = true;
		return true;
	case 'b':
		o->is_batch = o->is_endless = true;
		return true;
	case 'd':
		t->order.has_unseen = true;
		return true;
	case 'i':
		return parse_seconds(optarg, &t->interval);
	case 'k':
		return parse_sort(optarg, &t->order.by);
	case 'l':
		if (!parse_count('l', optarg, &n))
			return false;
		o->n_rows = (size_t)n;
		return true;
	case 'n':
		o->is_batch = true;
		return parse_count('n', optarg, &o->n_times);
	case 'o':
		o->is_batch = true;
		return parse_output(optarg, &o->is_json);
	case 'r':
		t->is_raw = true;
		return true;
	default:
		usage_of(&top_command);
		return false;
	}
}

static int
run_top(const struct globals *globals, int argc, char *argv[])
{
	struct options o = { .n_rows = 0 };
	static struct top t = { .interval = 1 };
	int ch, r;

	while ((ch = next_option(argc, argv, &top_command)) != -1)
		if (!set_option(&t, &o, ch))
			return USAGE;
	t.watch.path = globals->segment;
	t.families.n_globs = (size_t)(argc - optind);
	t.families.globs = (const char *const *)(argv + optind);
	if (o.has_each)
		top_show_series(&t, NULL);
	if (o.n_rows == 0)
		o.n_rows = o.has_each ? SERIES_PRINTED : SIZE_MAX;
	/* What is not watched ends, unless -b asks for more. */
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		if (o.n_times == 0 && !o.is_endless)
			o.n_times = 1;
		o.is_batch = true;
	}
	r = o.is_batch ? run_batch(&t, &o) : run_screen(&t);
	forget(&t);
	return r;
}

const struct command top_command = {
	.verb = "top",
	.operands = "[GLOB ...]",
	.summary = "watch what happens now",
	.options =
	    (const struct verb_option[]){ { 'a', "all-series", NULL,
					      "each series, not each family",
					      false },
		{ 'b', "batch", NULL, "plain rows, also on a terminal", false },
		{ 'd', "unseen", NULL, "also what is 0", false },
		{ 'i', "interval", "SECONDS", "how often (1)", false },
		{ 'k', "sort", "KEY", "rate, value, name, p99 (rate)", false },
		{ 'l', "limit", "N",
		    "rows that are printed (all; 50 of series)", false },
		{ 'n', "iterations", "N", "so many times, as plain rows",
		    false },
		{ 'o', "output", "FORM", "text, json: an object in a line",
		    false },
		{ 'r', "raw", NULL, "numbers with all digits", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_top,
};

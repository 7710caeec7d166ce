/*
 * draw_other.c: the processes, how the segment is, and help.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* Processes */

struct process {
	struct cmxr_process of;
	struct usage usage;
	bool has_usage;
	double cpu; /* of one CPU, in the last interval; NaN: not known */
};

struct processes {
	struct process *at;
	size_t n;
	double wall;
};

void
processes_free(struct processes *p)
{
	if (p == NULL)
		return;
	free(p->at);
	free(p);
}

static const struct process *
find(const struct processes *p, const struct cmxr_process *of)
{
	for (size_t i = 0; p != NULL && i < p->n; i++)
		if (p->at[i].of.slot == of->slot &&
		    p->at[i].of.pid == of->pid &&
		    p->at[i].of.claimed_ns == of->claimed_ns)
			return &p->at[i];
	return NULL;
}

static void
fill(struct process *p, const struct processes *earlier, double wall)
{
	const struct process *before = find(earlier, &p->of);

	p->has_usage = p->of.is_alive && usage_read(&p->of, &p->usage);
	p->cpu = (double)NAN;
	if (p->has_usage && before != NULL && before->has_usage &&
	    wall > earlier->wall)
		p->cpu = (p->usage.cpu_seconds - before->usage.cpu_seconds) /
		    (wall - earlier->wall);
}

static int
compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;
	double p = isnan(x->cpu) ? -1 : x->cpu, q = isnan(y->cpu) ? -1 : y->cpu;

	if (p != q)
		return p > q ? -1 : 1;
	return x->of.slot < y->of.slot ? -1 : 1;
}

bool
processes_sample(struct top *t)
{
	struct processes *now = calloc(1, sizeof(*now));
	struct cmxr_process of;
	size_t cursor = 0;

	if (now == NULL)
		return false;
	now->wall = t->watch.wall;
	while (t->watch.snapshot != NULL &&
	    cmxr_process_next(t->watch.snapshot, &cursor, &of)) {
		if (!of.is_alive)
			continue;
		if (!grow_array(&now->at, now->n + 1, sizeof(*now->at))) {
			processes_free(now);
			return false;
		}
		now->at[now->n] = (struct process){ .of = of };
		fill(&now->at[now->n++], t->processes, now->wall);
	}
	if (now->n > 1)
		qsort(now->at, now->n, sizeof(*now->at), compare);
	processes_free(t->processes);
	t->processes = now;
	return true;
}

static void
draw_process(const struct process *p, double wall, int line, int width)
{
	char age[COLUMN_SIZE], memory[COLUMN_SIZE] = "-", cpu[COLUMN_SIZE],
			       files[COLUMN_SIZE] = "-", text[256];

	number_text(wall - (double)p->of.claimed_ns / (double)NS_PER_SECOND,
	    "seconds", age);
	number_text(p->cpu, "ratio", cpu);
	if (p->has_usage) {
		number_text(p->usage.resident_bytes, "bytes", memory);
		number_text(p->usage.n_descriptors, "", files);
	}
	snprintf(text, sizeof(text), "%8u %8s %9s %7s %7u %8s  %-16s %s",
	    p->of.pid, cpu, memory, files, p->of.n_gauges, age, p->of.role,
	    p->of.command);
	screen_put(line, 0, width, PLAIN, text);
}

void
draw_processes(struct top *t, int n_lines, int n_columns)
{
	size_t n = t->processes == NULL ? 0 : t->processes->n;
	int line = FIRST_LINE;

	screen_put(2, 0, n_columns, HEAD,
	    "     PID      CPU    MEMORY     FDS  GAUGES      AGE  ROLE             COMMAND");
	for (size_t i = 0; i < n && line < n_lines - 2; i++, line++)
		draw_process(&t->processes->at[i], t->watch.wall, line,
		    n_columns);
	if (n == 0)
		screen_put(line, 0, n_columns, QUIET,
		    "no process uses the segment now");
}

/* The segment */

static void
draw_fill(int line, int width, const char *name, uint64_t used, uint64_t limit,
    const char *unit)
{
	char text[160], a[COLUMN_SIZE], b[COLUMN_SIZE], bar[21];
	double part = limit > 0 ? (double)used / (double)limit : 0;
	int n = part > 1 ? 20 : (int)ceil(part * 20);

	for (int i = 0; i < 20; i++)
		bar[i] = i < n ? '#' : '.';
	bar[20] = '\0';
	number_text((double)used, unit, a);
	number_text((double)limit, unit, b);
	snprintf(text, sizeof(text), "%-18s [%s] %5.1f%%  %s of %s", name, bar,
	    part * 100, a, b);
	screen_put(line, 0, width,
	    part >= 0.95    ? BAD :
		part >= 0.8 ? WARN :
			      PLAIN,
	    text);
}

static int
draw_fills(const struct cmxr_info *i, int line, int width)
{
	draw_fill(line++, width, "series", i->n_series, i->series_limit, "");
	draw_fill(line++, width, "families", i->n_families, i->families_limit,
	    "");
	draw_fill(line++, width, "process slots", i->n_live_slots, i->n_slots,
	    "");
	draw_fill(line++, width, "labels and names", i->arena_used_bytes,
	    i->arena_bytes, "bytes");
	draw_fill(line++, width, "cells", i->cell_used_bytes, i->stripe_bytes,
	    "bytes");
	return line + 1;
}

/* Counts of what went wrong, with what each means. */
static int
draw_failures(const struct watch *w, int line, int n_lines, int width)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;
	char text[512], grown[32];
	bool has_any = false;

	while ((of = cmxr_statistic_next(&cursor)) != NULL) {
		uint64_t n = cmxr_statistic_value(of, &w->info);
		uint64_t was =
		    w->has_before ? cmxr_statistic_value(of, &w->before) : n;

		if (of->type != CMX_COUNTER || n == 0 || line >= n_lines - 2)
			continue;
		grown[0] = '\0';
		if (n > was)
			snprintf(grown, sizeof(grown), "+%llu",
			    (unsigned long long)(n - was));
		snprintf(text, sizeof(text), "%-24s %8llu %-7s %s", of->name,
		    (unsigned long long)n, grown, of->help);
		screen_put(line++, 0, width, n > was ? BAD : WARN, text);
		has_any = true;
	}
	if (!has_any)
		screen_put(line++, 0, width, GOOD,
		    "nothing has gone wrong since it was made");
	return line;
}

void
draw_segment(struct top *t, int n_lines, int n_columns)
{
	const struct cmxr_info *i = &t->watch.info;
	char text[512], age[COLUMN_SIZE], size[COLUMN_SIZE];
	int line = FIRST_LINE;

	screen_put(2, 0, n_columns, HEAD, "SEGMENT");
	if (t->watch.reader == NULL)
		return;
	number_text(t->watch.wall -
		(double)i->created_ns / (double)NS_PER_SECOND,
	    "seconds", age);
	number_text((double)i->allocated_bytes, "bytes", size);
	snprintf(text, sizeof(text),
	    "%s, made %s ago, %s of memory, format %u, rseq %s, %llu predecessors",
	    i->path, age, size, i->version, i->rseq,
	    (unsigned long long)i->n_predecessors);
	screen_put(line++, 0, n_columns, PLAIN, text);
	line = draw_fills(i, line + 1, n_columns);
	draw_failures(&t->watch, line, n_lines, n_columns);
}

/* Help */

void
draw_help(int n_lines, int n_columns)
{
	static const char *const lines[] = {
		"Up k  Down j  PgUp b  PgDn Space  Home g  End G   move",
		"Enter Right    into: a family's series, a series' history and buckets",
		"Esc Left       out again",
		"a              each series of all families, or families",
		"1 2 3 Tab      rows, processes, the segment",
		"/              filter as you type: names and labels; a|b: either",
		"s < >          sort by rate, value, name, p99 (marked by *)",
		"I              the other way round",
		"d              show or hide what is 0",
		"e              numbers scaled, or with all digits",
		"m M            set a mark, take it away",
		"r              totals, or what has come since the mark",
		"p              pause",
		"+ -            a longer, a shorter interval",
		"0              averages begin anew",
		"Ctrl-T         read now",
		"q Ctrl-C       quit",
		"",
		"RATE: per second in the last interval; 10S, 60S: over so many seconds.",
		"MEAN, P50 ...: of the observations of the last interval.",
		"A gauge has its value as TOTAL, and how processes are combined as RATE.",
	};

	screen_put(2, 0, n_columns, HEAD, "HELP: any key ends it");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) &&
	     FIRST_LINE + (int)i < n_lines - 1;
	     i++)
		screen_put(FIRST_LINE + (int)i, 0, n_columns, PLAIN, lines[i]);
}

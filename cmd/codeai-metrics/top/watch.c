/*
 * watch.c: a segment that comes, goes and is replaced.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top.h"

static uint64_t
clock_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

uint64_t
clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

void
watch_close(struct watch *w)
{
	cmxr_close(w->reader);
	w->reader = NULL;
	w->snapshot = NULL;
	w->has_before = false;
}

static void
note(struct watch *w, const char *what, const char *more)
{
	snprintf(w->state, sizeof(w->state), "%s%s", what, more);
}

static bool
open_anew(struct watch *w)
{
	struct cmxr_reader *reader;
	struct cmx_error error;

	if (cmxr_open(w->path, &reader, &error) != 0) {
		note(w, error.text, "");
		return false;
	}
	watch_close(w);
	w->reader = reader;
	w->number++;
	return true;
}

/* The snapshot, or why there is none. */
static void
take(struct watch *w)
{
	struct cmx_error error;

	w->before = w->info;
	if (cmxr_snapshot_take(w->reader, &w->snapshot, &error) == 0 &&
	    cmxr_info_get(w->reader, &w->info, &error) == 0) {
		w->state[0] = '\0';
		return;
	}
	note(w, error.text, "");
	watch_close(w);
}

void
watch_sample(struct watch *w)
{
	bool has_reader = w->reader != NULL;

	if (has_reader)
		take(w);
	else if (open_anew(w))
		take(w);
	/* A segment that was removed is shown until another is there. */
	if (w->reader != NULL && !cmxr_is_current(w->reader)) {
		if (open_anew(w))
			take(w);
		else
			note(w, "was removed: this is what it has still", "");
	}
	w->has_before = has_reader && w->reader != NULL;
	w->now_ns = clock_ns();
	w->wall = (double)clock_of(CLOCK_REALTIME) / (double)NS;
}

/*
 * watch.c: a segment that comes, goes and is replaced.
 */
#include <stdio.h>
#include <time.h>

#include "top.h"

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

/* Numbers that no program of ours leaves in a segment. */
static bool
is_damaged(const struct cmxr_info *i)
{
	return i->n_series > i->series_limit ||
	    i->n_families > i->families_limit || i->invalid_entries > 0 ||
	    i->damaged_values > 0;
}

/* The snapshot, or why there is none. */
static void
take(struct watch *w)
{
	struct cmx_error error;

	w->before = w->info;
	if (cmxr_snapshot_take(w->reader, &w->snapshot, &error) == 0 &&
	    cmxr_info_get(w->reader, &w->info, &error) == 0) {
		note(w,
		    is_damaged(&w->info) ?
			"is damaged; \"codeai-metrics doctor\" says more" :
			"",
		    "");
		return;
	}
	note(w, error.text, "");
	watch_close(w);
}

void
watch_sample(struct watch *w)
{
	bool has_reader = w->reader != NULL;
	uint64_t number = w->number;

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
	w->has_before = has_reader && w->reader != NULL && w->number == number;
	w->seconds = w->now_ns == 0 ?
	    0 :
	    (double)(clock_ns(CLOCK_MONOTONIC) - w->now_ns) /
		(double)NS_PER_SECOND;
	w->now_ns = clock_ns(CLOCK_MONOTONIC);
	w->wall = clock_seconds(CLOCK_REALTIME);
}

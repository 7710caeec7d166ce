/*
 * source.c: one segment that is shown, whether it exists or not.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

bool
labels_add(struct labels *l, const char *name, const char *value)
{
	struct cmx_label label = { strdup(name), strdup(value) };

	if (l->n < CMX_LABELS_MAX && label.name != NULL &&
	    label.value != NULL) {
		l->at[l->n++] = label;
		return true;
	}
	free((void *)(uintptr_t)label.name);
	free((void *)(uintptr_t)label.value);
	return false;
}

void
labels_free(struct labels *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((void *)(uintptr_t)l->at[i].name);
		free((void *)(uintptr_t)l->at[i].value);
	}
	l->n = 0;
}

const char *
labels_find(const struct labels *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return l->at[i].value;
	return NULL;
}

bool
labels_are_same(const struct labels *a, const struct labels *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const char *value = labels_find(b, a->at[i].name);

		if (value == NULL || strcmp(value, a->at[i].value) != 0)
			return false;
	}
	return true;
}

/* The same for the same labels, in whatever order. */
static uint64_t
hash_labels(const struct labels *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint64_t hash = 14695981039346656037U; /* FNV-1a */
		const char *texts[] = { l->at[i].name, "=", l->at[i].value };

		for (int j = 0; j < 3; j++)
			for (const char *c = texts[j]; *c != '\0'; c++)
				hash =
				    (hash ^ (unsigned char)*c) * 1099511628211U;
		sum += hash;
	}
	return sum;
}

struct source *
source_new(const char *path, const struct labels *labels, bool is_default)
{
	struct source *s = calloc(1, sizeof(*s));
	bool ok;

	if (s == NULL)
		return NULL;
	s->path = strdup(path);
	s->name = strdup(path);
	s->is_default = is_default;
	ok = s->path != NULL && s->name != NULL;
	for (size_t i = 0; ok && i < labels->n; i++)
		ok = labels_add(&s->labels, labels->at[i].name,
		    labels->at[i].value);
	s->labels_hash = hash_labels(&s->labels);
	if (ok)
		return s;
	source_free(s);
	return NULL;
}

bool
source_free(struct source *s)
{
	if (s == NULL)
		return true;
	if (!reading_free(s->reading))
		return false;
	labels_free(&s->labels);
	free(s->path);
	free(s->name);
	free(s);
	return true;
}

bool
source_start(struct source *s, struct workers *workers, uint64_t limit)
{
	s->reading = reading_new(workers, s->path, s->is_default, limit);
	return s->reading != NULL;
}

/* Log once when a segment appears or disappears. */
static void
note_state(struct source *s, int state, const char *text)
{
	bool is_named;

	if (state == s->state)
		return;
	s->state = state;
	/* One that was found goes, and is not missed. */
	if (state == CMX_ERR_NOT_FOUND && s->is_found)
		return;
	if (state == CMX_OK) {
		log_info("%s: is there", s->path);
		return;
	}
	is_named = strstr(text, s->path) != NULL;
	log_warn("%s%s%s%s", is_named ? "" : s->path, is_named ? "" : ": ",
	    text,
	    state == CMX_ERR_PERMISSION ?
		"; or the sandbox forbids it, after its directory was mounted or made anew: start again" :
		"");
}

/*
 * Add to the counts what those of the segment have grown by.  A segment that
 * took the place of another one counts from 0: the counts go on.
 */
static void
count(struct source *s, const struct cmxr_info *info)
{
	const struct cmxr_statistic *statistic;
	size_t cursor = 0;

	for (size_t i = 0; (statistic = cmxr_statistic_next(&cursor)) != NULL &&
	     i < STATISTICS_MAX;
	     i++) {
		uint64_t now = cmxr_statistic_value(statistic, info);
		uint64_t before = cmxr_statistic_value(statistic, &s->info);

		if (statistic->type == CMX_GAUGE)
			s->statistics[i] = now;
		else
			s->statistics[i] += now >= before ? now - before : now;
	}
	s->info = *info;
}

static void
take_over(struct source *s, struct reading_result *result)
{
	if (result->was_dropped)
		memset(&s->info, 0, sizeof(s->info));
	result->was_dropped = false;
	s->snapshot = result->snapshot;
	s->seconds = result->seconds;
	count(s, &result->info);
	if (strcmp(s->path, result->path) != 0) {
		char *copy = strdup(result->path);

		if (copy == NULL)
			return;
		free(s->path);
		s->path = copy;
	}
}

void
source_begin(struct source *s)
{
	s->snapshot = NULL;
	reading_begin(s->reading);
}

void
source_finish(struct source *s, uint64_t deadline_ns)
{
	struct reading_result *result = reading_wait(s->reading, deadline_ns);

	if (result != NULL) {
		take_over(s, result);
		note_state(s, (int)result->code, result->error.text);
	} else if (reading_is_late(s->reading))
		note_state(s, SOURCE_IS_LATE,
		    "takes longer to read than --segment.timeout allows; it is left out until it is read");
}

/*
 * source.c: the segments named by -s, and what a scrape has of each.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* Cut "name=value" in two.  Returns false for a text that is no label. */
static bool
parse_label(char *text, struct source *s)
{
	char *equal = strchr(text, '=');

	if (equal == NULL || equal == text || s->n_labels == CMX_LABELS_MAX) {
		log_error("-s %s: \"%s\" is not LABEL=VALUE", s->path, text);
		return false;
	}
	*equal = '\0';
	s->labels[s->n_labels++] =
	    (struct cmx_label){ strdup(text), strdup(equal + 1) };
	return true;
}

bool
source_parse(const char *argument, struct source *s)
{
	struct cmx_error error;
	char path[4096], *copy, *rest, *label;
	bool ok = true;

	memset(s, 0, sizeof(*s));
	if (argument == NULL) {
		if (cmx_segment_path(path, sizeof(path), &error) != 0) {
			log_error("%s", error.text);
			return false;
		}
		argument = path;
		s->is_default = true;
	}
	rest = copy = strdup(argument);
	label = strsep(&rest, ",");
	s->path = label == NULL ? NULL : strdup(label);
	s->name = label == NULL ? NULL : strdup(label);
	if (s->path == NULL || s->name == NULL) {
		log_error("-s %s: no memory", argument);
		ok = false;
	} else if (s->path[0] == '\0') {
		log_error("-s %s: the path is empty", argument);
		ok = false;
	} else if (strlen(s->path) > CMX_LABEL_VALUE_MAX) {
		log_error("-s %s: the path has more than %d bytes", argument,
		    CMX_LABEL_VALUE_MAX);
		ok = false;
	}
	while (ok && (label = strsep(&rest, ",")) != NULL)
		ok = parse_label(label, s);
	free(copy);
	if (ok && cmxr_labels_check(s->n_labels, s->labels, &error) != 0) {
		log_error("-s %s: %s", s->path, error.text);
		ok = false;
	}
	return ok;
}

void
source_free(struct source *s)
{
	reading_free(s->reading);
	for (size_t i = 0; i < s->n_labels; i++) {
		free((void *)(uintptr_t)s->labels[i].name);
		free((void *)(uintptr_t)s->labels[i].value);
	}
	free(s->path);
	free(s->name);
	memset(s, 0, sizeof(*s));
}

/* The name of a segment: "metrics" for "/run/api/metrics.seg". */
static char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash == NULL ? path : slash + 1);
	char *dot = name == NULL ? NULL : strrchr(name, '.');

	if (dot != NULL && dot != name && strcmp(dot, ".seg") == 0)
		*dot = '\0';
	return name;
}

static bool
same_labels(const struct source *a, const struct source *b)
{
	if (a->n_labels != b->n_labels)
		return false;
	for (size_t i = 0; i < a->n_labels; i++) {
		size_t j = 0;

		while (j < b->n_labels &&
		    (strcmp(a->labels[i].name, b->labels[j].name) != 0 ||
			strcmp(a->labels[i].value, b->labels[j].value) != 0))
			j++;
		if (j == b->n_labels)
			return false;
	}
	return true;
}

bool
sources_make_distinct(struct source *sources, size_t n)
{
	for (size_t i = 0; n > 1 && i < n; i++)
		if (sources[i].n_labels == 0)
			sources[i].labels[sources[i].n_labels++] =
			    (struct cmx_label){ strdup("segment"),
				    name_of(sources[i].path) };
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (same_labels(&sources[i], &sources[j])) {
				log_error(
				    "%s and %s would expose the same series; tell them apart with a label: -s %s,service=NAME",
				    sources[j].path, sources[i].path,
				    sources[i].path);
				return false;
			}
	return true;
}

/* Log once when a segment appears or disappears. */
static void
note_state(struct source *s, int state, const char *text)
{
	bool is_named;

	if (state == s->state)
		return;
	s->state = state;
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
 * What the scrape before has added to our counters stays; the next segment
 * counts from 0.
 */
static void
take_over(struct source *s, struct reading_result *result)
{
	if (result->was_dropped)
		memset(&s->counted, 0, sizeof(s->counted));
	result->was_dropped = false;
	s->info = result->info;
	s->snapshot = result->snapshot;
	if (strcmp(s->path, result->path) != 0) {
		char *copy = strdup(result->path);

		if (copy == NULL)
			return;
		free(s->path);
		s->path = copy;
	}
}

bool
source_start(struct source *s, uint64_t limit)
{
	s->reading = reading_new(s->path, s->is_default, limit);
	return s->reading != NULL;
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

void
source_give_up(struct source *s)
{
	reading_give_up(s->reading);
}

/*
 * source.c: the segments named by -s, opened and opened again.
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
	if (copy == NULL)
		return false;
	label = strsep(&rest, ",");
	s->path = strdup(label);
	if (s->path == NULL || s->path[0] == '\0') {
		log_error("-s %s: the path is empty", argument);
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
	cmxr_close(s->reader);
	for (size_t i = 0; i < s->n_labels; i++) {
		free((void *)(uintptr_t)s->labels[i].name);
		free((void *)(uintptr_t)s->labels[i].value);
	}
	free(s->path);
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
note_state(struct source *s, enum cmx_err state, const char *text)
{
	if (state == s->state)
		return;
	s->state = state;
	if (state == CMX_OK)
		log_info("%s: is there", s->path);
	else if (strstr(text, s->path) != NULL)
		log_warn("%s", text);
	else
		log_warn("%s: %s", s->path, text);
}

static void
drop(struct source *s)
{
	cmxr_close(s->reader);
	s->reader = NULL;
	/*
	 * The next segment counts from 0, and has no totals before it is read.
	 */
	memset(&s->info, 0, sizeof(s->info));
	memset(&s->counted, 0, sizeof(s->counted));
}

/* A default segment may appear in another of its places. */
static void
look_again(struct source *s)
{
	char path[4096];
	char *copy;

	if (cmx_segment_path(path, sizeof(path), NULL) != 0 ||
	    strcmp(path, s->path) == 0 || (copy = strdup(path)) == NULL)
		return;
	log_info("%s: is the default segment now", copy);
	free(s->path);
	s->path = copy;
}

static int
take(struct source *s, struct cmx_error *error)
{
	int r;

	if (s->reader == NULL && s->is_default)
		look_again(s);
	r = s->reader == NULL ? cmxr_open(s->path, &s->reader, error) : 0;

	if (r == 0)
		r = cmxr_snapshot_take(s->reader, &s->snapshot, error);
	return r == 0 ? cmxr_info_get(s->reader, &s->info, error) : r;
}

/*
 * A reader goes over to the segments that replace its own, and keeps what it
 * knows of the processes that ended.  One that is still not current has a
 * segment that was removed: the path names another one, or none.
 */
void
source_refresh(struct source *s)
{
	struct cmx_error error = { .code = CMX_OK };
	int r;

	s->snapshot = NULL;
	/* An apply may come between the two looks: then look once more. */
	for (int i = 0; i < 2 && s->reader != NULL; i++) {
		if (cmxr_is_current(s->reader))
			break;
		if (cmxr_snapshot_take(s->reader, &s->snapshot, &error) != 0)
			break;
		if (i == 1 && !cmxr_is_current(s->reader))
			drop(s);
	}
	r = take(s, &error);
	if (r != 0) {
		s->snapshot = NULL;
		/* What is short now may be there at the next scrape. */
		if (r != CMX_ERR_SYSTEM && r != CMX_ERR_MEMORY)
			drop(s);
	}
	note_state(s, (enum cmx_err)r, error.text);
}

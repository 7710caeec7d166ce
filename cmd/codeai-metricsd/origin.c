/*
 * origin.c: what one -s names: a segment, or a pattern, and labels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* Cut "name=value" in two.  Returns false for a text that is no label. */
static bool
parse_label(struct origin *o, char *text)
{
	char *equal = strchr(text, '=');

	/* To Prometheus, a label without a value is none. */
	if (equal != NULL && equal != text && equal[1] != '\0') {
		*equal = '\0';
		if (labels_add(&o->labels, text, equal + 1))
			return true;
		*equal = '=';
	}
	log_error("-s %s: \"%s\" is not LABEL=VALUE", o->path, text);
	return false;
}

static bool
check_labels(const struct origin *o)
{
	struct cmx_error error;

	if (cmxr_labels_check(o->labels.n, o->labels.at, &error) != 0) {
		log_error("-s %s: %s", o->path, error.text);
		return false;
	}
	if (labels_find(&o->labels, "path") != NULL) {
		log_error(
		    "-s %s: the label path is that of codeai_metricsd_segment_up; use another name",
		    o->path);
		return false;
	}
	if (o->is_pattern && labels_find(&o->labels, "segment") != NULL) {
		log_error(
		    "-s %s: several segments cannot have one label segment; each gets it, with its name",
		    o->path);
		return false;
	}
	return true;
}

/* A directory stands for the segments in it. */
static bool
set_path(struct origin *o, const char *path)
{
	size_t n = strlen(path);
	bool is_directory =
	    n > 0 && (path[n - 1] == '/' || find_is_directory(path));

	if (!is_directory)
		o->path = strdup(path);
	else if (asprintf(&o->path, "%s%s*.seg", path,
		     path[n - 1] == '/' ? "" : "/") < 0)
		o->path = NULL;
	o->is_pattern = o->path != NULL && find_is_pattern(o->path);
	return o->path != NULL;
}

bool
origin_parse(struct origin *o, const char *argument)
{
	char *copy = strdup(argument), *rest = copy;
	char *label = strsep(&rest, ",");
	bool ok = false;

	if (label == NULL)
		log_error("-s %s: no memory", argument);
	else if (label[0] == '\0')
		log_error("-s %s: the path is empty", argument);
	else if (strlen(label) > CMX_LABEL_VALUE_MAX)
		log_error("-s %s: the path has more than %d bytes", argument,
		    CMX_LABEL_VALUE_MAX);
	else
		ok = set_path(o, label);
	while (ok && (label = strsep(&rest, ",")) != NULL)
		ok = parse_label(o, label);
	free(copy);
	return ok && check_labels(o);
}

bool
origin_default(struct origin *o)
{
	char path[4096];
	struct cmx_error error;

	o->is_default = true;
	if (cmx_segment_path(path, sizeof(path), &error) != 0) {
		log_error("%s", error.text);
		return false;
	}
	o->path = strdup(path);
	return o->path != NULL;
}

void
origin_free(struct origin *o)
{
	labels_free(&o->labels);
	free(o->path);
}

/* What stands for a path as the label segment: "a/m" for "/run/a/m.seg". */
static char *
name_of(const char *path, size_t skipped)
{
	char *name = strdup(path + skipped);
	size_t n = name == NULL ? 0 : strlen(name);

	if (n > 4 && strcmp(name + n - 4, ".seg") == 0)
		name[n - 4] = '\0';
	return name;
}

bool
origin_add_name(struct labels *labels, const char *path, size_t skipped)
{
	char *name = name_of(path, skipped);
	bool ok = name != NULL && labels_add(labels, "segment", name);

	free(name);
	return ok;
}

/* Would the series of both be the same, whatever is found? */
static bool
are_alike(const struct origin *a, const struct origin *b)
{
	return a->is_pattern == b->is_pattern &&
	    (!a->is_pattern || strcmp(a->path, b->path) == 0) &&
	    labels_are_same(&a->labels, &b->labels);
}

bool
origins_make_distinct(struct origin *o, size_t n)
{
	for (size_t i = 0; n > 1 && i < n; i++) {
		const char *slash = strrchr(o[i].path, '/');

		if (!o[i].is_pattern && o[i].labels.n == 0 &&
		    !origin_add_name(&o[i].labels, o[i].path,
			slash == NULL ? 0 : (size_t)(slash + 1 - o[i].path)))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (are_alike(&o[i], &o[j])) {
				log_error(
				    "%s and %s would expose the same series; tell them apart with a label: -s %s,service=NAME",
				    o[j].path, o[i].path, o[i].path);
				return false;
			}
	return true;
}

/*
 * filter.c: only the series that selectors and labels want.
 */
#include <err.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../cmd.h"
#include "../lint/exposition_line.h"
#include "dump.h"

bool
filter_parse(struct filter *f, int n, char *operands[])
{
	bool ok = true;

	f->selectors = calloc((size_t)n + 1, sizeof(*f->selectors));
	f->globs = calloc((size_t)n + 1, sizeof(*f->globs));
	if (f->selectors == NULL || f->globs == NULL)
		err(FAILED, "dump");
	for (int i = 0; ok && i < n; i++) {
		struct selector *s = &f->selectors[f->n_selectors++];

		ok = selector_parse(s, operands[i]);
		f->globs[f->n_globs++] = s->name != NULL ? s->name : "*";
	}
	return ok;
}

void
filter_free(struct filter *f)
{
	for (size_t i = 0; i < f->n_selectors; i++)
		selector_free(&f->selectors[i]);
	selector_free(&f->every);
	free(f->selectors);
	free(f->globs);
}

bool
filter_has_labels(const struct filter *f)
{
	for (size_t i = 0; i < f->n_selectors; i++)
		if (f->selectors[i].n > 0)
			return true;
	return f->every.n > 0;
}

bool
filter_wants_family(const struct filter *f, const char *name)
{
	return is_wanted(name, f->n_globs, f->globs);
}

bool
filter_wants(const struct filter *f, const char *family, value_fn *value_of,
    const void *arg)
{
	if (!selector_wants(&f->every, value_of, arg))
		return false;
	for (size_t i = 0; i < f->n_selectors; i++)
		if (fnmatch(f->globs[i], family, 0) == 0 &&
		    selector_wants(&f->selectors[i], value_of, arg))
			return true;
	return f->n_selectors == 0;
}

bool
filter_wants_series(const struct filter *f, const struct cmx_family_def *def,
    const struct cmxr_series *series)
{
	struct described d;

	describe(&d, def, series);
	return filter_wants(f, def->name, value_of_series, &d);
}

/* Text */

/* The family of the lines that follow, as the segment names it. */
struct heading {
	char name[CMX_NAME_MAX + 1];
	bool is_counter;
};

static void
read_heading(const char *line, struct heading *h)
{
	char type[32];

	if (sscanf(line, "# TYPE %200s %31s", h->name, type) == 2)
		h->is_counter = strcmp(type, "counter") == 0;
}

static const char *
value_of_sample(const void *arg, const char *label)
{
	return sample_label(arg, label);
}

/* In OpenMetrics a counter's family is named without its _total. */
static bool
wants_line(const struct filter *f, const struct heading *h, char *line,
    bool is_openmetrics)
{
	char total[CMX_NAME_MAX + 8];
	struct sample sample;

	if (sample_parse(line, is_openmetrics, &sample) != NULL)
		return true;
	snprintf(total, sizeof(total), "%s_total", h->name);
	return filter_wants(f, h->name, value_of_sample, &sample) ||
	    (is_openmetrics && h->is_counter &&
		filter_wants(f, total, value_of_sample, &sample));
}

/* Lines are moved to the front: what is wanted, and headings before them. */
bool
filter_text(const struct filter *f, bool is_openmetrics,
    struct cmxr_buffer *text)
{
	struct heading heading = { .is_counter = false };
	size_t to = 0, held = 0; /* headings that no sample has followed */

	for (size_t at = 0; at < text->size;) {
		const char *end =
		    memchr(text->data + at, '\n', text->size - at);
		size_t size = end == NULL ? text->size - at :
					    (size_t)(end - text->data) - at + 1;
		char *line = strndup(text->data + at, size - 1);
		bool is_comment;

		if (line == NULL)
			return false;
		is_comment = line[0] == '#' && strcmp(line, "# EOF") != 0;
		if (strncmp(line, "# HELP ", 7) == 0) {
			to -= held;
			held = 0;
		}
		read_heading(line, &heading);
		if (is_comment || line[0] == '#' ||
		    wants_line(f, &heading, line, is_openmetrics)) {
			if (strncmp(line, "# EOF", 5) == 0)
				to -= held;
			held = is_comment ? held + size : 0;
			memmove(text->data + to, text->data + at, size);
			to += size;
		}
		free(line);
		at += size;
	}
	text->size = to - held;
	return true;
}

/* JSON */

static const char *
value_of_object(const void *arg, const char *label)
{
	return json_string_value(json_object_get(arg, label));
}

static void
filter_family(const struct filter *f, json_t *family)
{
	const char *name = json_string_value(json_object_get(family, "name"));
	json_t *series = json_object_get(family, "series");

	for (size_t i = json_array_size(series); i-- > 0;) {
		const json_t *labels =
		    json_object_get(json_array_get(series, i), "labels");

		if (!filter_wants(f, name != NULL ? name : "", value_of_object,
			labels))
			json_array_remove(series, i);
	}
}

bool
filter_json(const struct filter *f, struct cmxr_buffer *text)
{
	json_t *all = json_loadb(text->data, text->size, 0, NULL);
	json_t *families = json_object_get(all, "families");
	char *filtered;

	if (all == NULL)
		return false;

	for (size_t i = json_array_size(families); i-- > 0;) {
		json_t *family = json_array_get(families, i);

		filter_family(f, family);
		if (json_array_size(json_object_get(family, "series")) == 0)
			json_array_remove(families, i);
	}
	filtered = json_dumps(all,
	    JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
	json_decref(all);
	if (filtered == NULL)
		return false;
	free(text->data);
	text->data = filtered;
	text->size = strlen(filtered);
	text->capacity = text->size + 1;
	text->data[text->size++] = '\n';
	return true;
}

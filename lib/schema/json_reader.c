/*
 * json_reader.c: what reading a schema's JSON stands on.
 */
#include "schema/json_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
cmxi_parse_diagnose(struct cmxi_parse *p, enum cmxi_place_of of,
    const char *path, const char *fmt, ...)
{
	struct cmxi_diagnosis d = {
		.d = { .is_warning = p->is_warning, .source = p->source },
		.order = p->diagnoses.size,
	};
	struct cmxi_json_place place;
	va_list ap;

	p->n_errors += !p->is_warning;
	/* Enough to work with; the rest is likely more of the same. */
	if (p->diagnoses.size >= CMXI_DIAGNOSES_MAX * sizeof(d))
		return;
	place = cmxi_json_positions_find(p->positions, path, of == CMXI_OF_KEY);
	d.d.line = place.line;
	d.d.column = place.column;
	snprintf(d.path, sizeof(d.path), "%s", path);
	va_start(ap, fmt);
	vsnprintf(d.text, sizeof(d.text), fmt, ap);
	va_end(ap);
	cmxi_buf_bytes(&p->diagnoses, &d, sizeof(d));
}

static int
compare_diagnoses(const void *a, const void *b)
{
	const struct cmxi_diagnosis *x = a, *y = b;

	if (x->d.line != y->d.line)
		return x->d.line < y->d.line ? -1 : 1;
	if (x->d.column != y->d.column)
		return x->d.column < y->d.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void
cmxi_parse_report(struct cmxi_parse *p, cmxi_diagnose_fn *report, void *arg)
{
	struct cmxi_diagnosis *d = (void *)p->diagnoses.data;
	size_t n = p->diagnoses.size / sizeof(*d);

	if (n > 0)
		qsort(d, n, sizeof(*d), compare_diagnoses);
	for (size_t i = 0; i < n; i++) {
		d[i].d.path = d[i].path;
		d[i].d.text = d[i].text;
		report(arg, &d[i].d);
	}
}

void *
cmxi_parse_allocate(struct cmxi_parse *p, size_t n, size_t size)
{
	void *memory = calloc(n > 0 ? n : 1, size);

	p->no_memory |= memory == NULL;
	return memory;
}

const char *
cmxi_json_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

void
cmxi_parse_keys(struct cmxi_parse *p, json_t *object, const char *path,
    const char *const *allowed, size_t n)
{
	char list[256] = "", key_path[CMXI_JSON_PATH_MAX];
	const char *key;
	json_t *value;

	for (size_t i = 0; i < n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", i > 0 ? ", " : "", allowed[i]);
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < n && strcmp(key, allowed[i]) != 0)
			i++;
		if (i < n)
			continue;
		snprintf(key_path, sizeof(key_path), "%s%s%s", path,
		    path[0] != '\0' ? "." : "", key);
		cmxi_parse_diagnose(p, CMXI_OF_KEY, key_path,
		    "unknown key; allowed are %s", list);
	}
}

const char *
cmxi_parse_string(struct cmxi_parse *p, json_t *object, const char *path,
    const char *key)
{
	json_t *value = json_object_get(object, key);
	char full[CMXI_JSON_PATH_MAX];

	if (value == NULL)
		return NULL;
	if (json_is_string(value))
		return json_string_value(value);
	snprintf(full, sizeof(full), "%s.%s", path, key);
	cmxi_parse_diagnose(p, CMXI_OF_VALUE, full, "must be a string, not %s",
	    cmxi_json_kind(value));
	return NULL;
}

uint64_t
cmxi_parse_integer(struct cmxi_parse *p, json_t *object, const char *path,
    const char *key, uint64_t min, uint64_t max, uint64_t fallback)
{
	json_t *value = json_object_get(object, key);
	char full[CMXI_JSON_PATH_MAX];

	if (value == NULL)
		return fallback;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) >= min &&
	    (uint64_t)json_integer_value(value) <= max)
		return (uint64_t)json_integer_value(value);
	snprintf(full, sizeof(full), "%s%s%s", path, path[0] != '\0' ? "." : "",
	    key);
	cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
	    "must be a whole number from %llu to %llu", (unsigned long long)min,
	    (unsigned long long)max);
	return fallback;
}

int
cmxi_parse_word(struct cmxi_parse *p, json_t *object, const char *path,
    const char *key, const char *const *words, size_t n)
{
	const char *value = cmxi_parse_string(p, object, path, key);
	char full[CMXI_JSON_PATH_MAX], list[128] = "";

	if (value == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, words[i]) == 0)
			return (int)i;
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", i > 0 ? ", " : "", words[i]);
	}
	snprintf(full, sizeof(full), "%s.%s", path, key);
	cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
	    "\"%.64s\" is unknown; allowed are %s", value, list);
	return -1;
}

const char **
cmxi_parse_strings(struct cmxi_parse *p, json_t *array, const char *path,
    size_t *n)
{
	char element[CMXI_JSON_PATH_MAX];
	const char **strings;
	size_t i;
	json_t *value;

	*n = 0;
	if (array == NULL)
		return NULL;
	if (!json_is_array(array)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
		    "must be an array of strings, not %s",
		    cmxi_json_kind(array));
		return NULL;
	}
	strings =
	    cmxi_parse_allocate(p, json_array_size(array), sizeof(*strings));
	if (strings == NULL)
		return NULL;
	json_array_foreach(array, i, value)
	{
		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		if (json_is_string(value))
			strings[(*n)++] = json_string_value(value);
		else
			cmxi_parse_diagnose(p, CMXI_OF_VALUE, element,
			    "must be a string, not %s", cmxi_json_kind(value));
	}
	return strings;
}

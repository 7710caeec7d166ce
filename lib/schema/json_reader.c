/*
 * json_reader.c: what reading a schema's JSON stands on.
 */
#include "schema/json_reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"

/* Where the parse stands */

static size_t enter(struct cmxi_parse *, const char *fmt, ...) CMX_PRINTF(2, 3);

static size_t
enter(struct cmxi_parse *p, const char *fmt, ...)
{
	size_t before = p->path_size;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->path + before, sizeof(p->path) - before, fmt, ap);
	va_end(ap);
	p->path_size += strlen(p->path + before);
	return before;
}

size_t
cmxi_parse_enter(struct cmxi_parse *p, const char *key)
{
	return enter(p, "%s%s", p->path_size > 0 ? "." : "", key);
}

size_t
cmxi_parse_enter_element(struct cmxi_parse *p, size_t index)
{
	return enter(p, "[%zu]", index);
}

void
cmxi_parse_leave(struct cmxi_parse *p, size_t before)
{
	REQUIRE(before <= p->path_size);
	p->path_size = before;
	p->path[before] = '\0';
}

/* Findings */

static void
diagnose(struct cmxi_parse *p, enum cmxi_place_of of, const char *fmt,
    va_list ap)
{
	struct cmxi_diagnosis d = {
		.d = { .is_warning = p->is_warning, .source = p->source },
		.order = p->diagnoses.size,
	};
	struct cmxi_json_place place;

	p->n_errors += !p->is_warning;
	/*
	 * The most findings that are kept; further ones are likely more of the
	 * same mistake.
	 */
	if (p->diagnoses.size >= CMXI_DIAGNOSES_MAX * sizeof(d))
		return;
	place =
	    cmxi_json_positions_find(p->positions, p->path, of == CMXI_OF_KEY);
	d.d.line = place.line;
	d.d.column = place.column;
	memcpy(d.path, p->path, sizeof(d.path));
	vsnprintf(d.text, sizeof(d.text), fmt, ap);
	cmxi_buf_bytes(&p->diagnoses, &d, sizeof(d));
}

void
cmxi_parse_diagnose(struct cmxi_parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diagnose(p, CMXI_OF_VALUE, fmt, ap);
	va_end(ap);
}

void
cmxi_parse_diagnose_member(struct cmxi_parse *p, enum cmxi_place_of of,
    const char *key, const char *fmt, ...)
{
	size_t before = cmxi_parse_enter(p, key);
	va_list ap;

	va_start(ap, fmt);
	diagnose(p, of, fmt, ap);
	va_end(ap);
	cmxi_parse_leave(p, before);
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

/* Values */

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

/* "a, b, c" into list; the index of word among them, or n. */
static size_t
find_word(const char *word, const char *const *words, size_t n, char *list,
    size_t size)
{
	size_t found = n;

	REQUIRE(size > 0);
	list[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(list);

		snprintf(list + used, size - used, "%s%s", i > 0 ? ", " : "",
		    words[i]);
		if (strcmp(word, words[i]) == 0)
			found = i;
	}
	return found;
}

void
cmxi_parse_keys(struct cmxi_parse *p, json_t *object,
    const char *const *allowed, size_t n)
{
	char list[256];
	const char *key;
	json_t *value;

	json_object_foreach(object, key,
	    value) if (find_word(key, allowed, n, list, sizeof(list)) == n)
	    cmxi_parse_diagnose_member(p, CMXI_OF_KEY, key,
		"unknown key; allowed are %s", list);
}

const char *
cmxi_parse_string(struct cmxi_parse *p, json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (value == NULL)
		return NULL;
	if (json_is_string(value))
		return json_string_value(value);
	cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, key,
	    "must be a string, not %s", cmxi_json_kind(value));
	return NULL;
}

uint64_t
cmxi_parse_integer(struct cmxi_parse *p, json_t *object, const char *key,
    uint64_t min, uint64_t max, uint64_t fallback)
{
	json_t *value = json_object_get(object, key);

	if (value == NULL)
		return fallback;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) >= min &&
	    (uint64_t)json_integer_value(value) <= max)
		return (uint64_t)json_integer_value(value);
	cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, key,
	    "must be a whole number from %" PRIu64 " to %" PRIu64, min, max);
	return fallback;
}

double
cmxi_parse_number(struct cmxi_parse *p, json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (json_is_number(value))
		return json_number_value(value);
	cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, key, "%s",
	    value == NULL ? "is missing; a number is needed" :
			    "must be a number");
	return (double)NAN;
}

bool
cmxi_parse_flag(struct cmxi_parse *p, json_t *object, const char *key)
{
	json_t *flag = json_object_get(object, key);

	if (flag != NULL && !json_is_boolean(flag))
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, key,
		    "must be true or false, not %s", cmxi_json_kind(flag));
	return json_is_true(flag);
}

int
cmxi_parse_word(struct cmxi_parse *p, json_t *object, const char *key,
    const char *const *words, size_t n)
{
	const char *value = cmxi_parse_string(p, object, key);
	char list[128];
	size_t found;

	if (value == NULL)
		return -1;
	found = find_word(value, words, n, list, sizeof(list));
	if (found < n)
		return (int)found;
	cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, key,
	    "\"%.64s\" is unknown; allowed are %s", value, list);
	return -1;
}

const char **
cmxi_parse_strings(struct cmxi_parse *p, json_t *array, size_t *n)
{
	const char **strings;
	size_t i;
	json_t *value;

	*n = 0;
	if (array == NULL)
		return NULL;
	if (!json_is_array(array)) {
		cmxi_parse_diagnose(p, "must be an array of strings, not %s",
		    cmxi_json_kind(array));
		return NULL;
	}
	strings =
	    cmxi_parse_allocate(p, json_array_size(array), sizeof(*strings));
	if (strings == NULL)
		return NULL;
	json_array_foreach(array, i, value)
	{
		size_t before = cmxi_parse_enter_element(p, i);

		/* Another kind keeps its place, so that the others have theirs.
		 */
		strings[(*n)++] =
		    json_is_string(value) ? json_string_value(value) : "";
		if (!json_is_string(value))
			cmxi_parse_diagnose(p, "must be a string, not %s",
			    cmxi_json_kind(value));
		cmxi_parse_leave(p, before);
	}
	return strings;
}

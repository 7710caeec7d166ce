/*
 * json_position.c: where in a JSON text a value stands.
 */
#include "schema/json_position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * The deepest level that is noted; a deeper value gets the place of its
 * parent.  A schema has six levels.
 */
#define DEPTH_MAX 16

struct position {
	size_t path; /* offset in paths */
	struct cmxi_json_place key, value;
};

struct cmxi_json_positions {
	struct cmxi_buf paths;     /* each with its NUL */
	struct cmxi_buf positions; /* of struct position */
};

struct walk {
	const char *p, *end;
	struct cmxi_json_place place;
	struct cmxi_json_positions *out;
	struct cmxi_buf path;
	int depth;
};

static void walk_value(struct walk *, struct cmxi_json_place key);

static void
step_character(struct walk *w)
{
	/* A UTF-8 continuation byte does not start a column. */
	if (*w->p == '\n') {
		w->place.line++;
		w->place.column = 1;
	} else if (((unsigned char)*w->p & 0xc0) != 0x80) {
		w->place.column++;
	}
	w->p++;
}

static void
skip_blank(struct walk *w)
{
	while (w->p < w->end && strchr(" \t\r\n", *w->p) != NULL && *w->p)
		step_character(w);
}

/* Step over a string; its bytes without quotes are [*from, *from + *n). */
static void
skip_string(struct walk *w, const char **from, size_t *n)
{
	step_character(w);
	*from = w->p;
	while (w->p < w->end && *w->p != '"') {
		if (*w->p == '\\' && w->p + 1 < w->end)
			step_character(w);
		step_character(w);
	}
	*n = (size_t)(w->p - *from);
	if (w->p < w->end)
		step_character(w);
}

static void
note_position(struct walk *w, struct cmxi_json_place key)
{
	struct position position = { .path = w->out->paths.size,
		.key = key,
		.value = w->place };

	cmxi_buf_bytes(&w->out->paths, w->path.data, w->path.size);
	cmxi_buf_char(&w->out->paths, '\0');
	cmxi_buf_bytes(&w->out->positions, &position, sizeof(position));
}

static void
walk_object(struct walk *w)
{
	size_t base = w->path.size, n;
	const char *name;

	step_character(w);
	for (skip_blank(w); w->p < w->end && *w->p != '}'; skip_blank(w)) {
		if (*w->p == ',') {
			step_character(w);
			continue;
		}
		struct cmxi_json_place key = w->place;
		skip_string(w, &name, &n);
		skip_blank(w);
		step_character(w); /* the colon */
		skip_blank(w);
		if (base > 0)
			cmxi_buf_char(&w->path, '.');
		cmxi_buf_bytes(&w->path, name, n);
		walk_value(w, key);
		w->path.size = base;
	}
	if (w->p < w->end)
		step_character(w);
}

static void
walk_array(struct walk *w)
{
	size_t base = w->path.size, index = 0;

	step_character(w);
	for (skip_blank(w); w->p < w->end && *w->p != ']'; skip_blank(w)) {
		if (*w->p == ',') {
			step_character(w);
			continue;
		}
		cmxi_buf_printf(&w->path, "[%zu]", index++);
		walk_value(w, w->place);
		w->path.size = base;
	}
	if (w->p < w->end)
		step_character(w);
}

/* Skip a value that is too deep to be noted. */
static void
skip_deep(struct walk *w)
{
	const char *from;
	size_t n;
	int open = 0;

	do {
		if (*w->p == '"') {
			skip_string(w, &from, &n);
			continue;
		}
		open += *w->p == '{' || *w->p == '[';
		open -= *w->p == '}' || *w->p == ']';
		step_character(w);
	} while (w->p < w->end && open > 0);
}

static void
walk_value(struct walk *w, struct cmxi_json_place key)
{
	const char *from;
	size_t n;

	if (w->p >= w->end)
		return;
	note_position(w, key);
	if (++w->depth > DEPTH_MAX && (*w->p == '{' || *w->p == '['))
		skip_deep(w);
	else if (*w->p == '{')
		walk_object(w);
	else if (*w->p == '[')
		walk_array(w);
	else if (*w->p == '"')
		skip_string(w, &from, &n);
	else
		/* One at least, so that a walk over no JSON ends too. */
		do
			step_character(w);
		while (w->p < w->end && strchr(",]} \t\r\n", *w->p) == NULL);
	w->depth--;
}

struct cmxi_json_positions *
cmxi_json_positions_build(const char *text, size_t size)
{
	struct cmxi_json_positions *positions = calloc(1, sizeof(*positions));
	struct walk w = { .p = text,
		.end = text + size,
		.place = { 1, 1 },
		.out = positions };

	if (positions == NULL)
		return NULL;
	skip_blank(&w);
	walk_value(&w, w.place);
	cmxi_buf_fini(&w.path);
	if (positions->paths.failed || positions->positions.failed) {
		cmxi_json_positions_free(positions);
		return NULL;
	}
	return positions;
}

void
cmxi_json_positions_free(struct cmxi_json_positions *positions)
{
	if (positions == NULL)
		return;
	cmxi_buf_fini(&positions->paths);
	cmxi_buf_fini(&positions->positions);
	free(positions);
}

static const struct position *
find_exact(const struct cmxi_json_positions *positions, const char *path,
    size_t n)
{
	const struct position *p = (const void *)positions->positions.data;
	size_t count = positions->positions.size / sizeof(*p);

	for (size_t i = 0; i < count; i++) {
		const char *candidate = positions->paths.data + p[i].path;

		if (strlen(candidate) == n && memcmp(candidate, path, n) == 0)
			return &p[i];
	}
	return NULL;
}

struct cmxi_json_place
cmxi_json_positions_find(const struct cmxi_json_positions *positions,
    const char *path, bool of_key)
{
	const struct position *found = NULL;
	size_t n = strlen(path), whole = n;

	if (positions == NULL)
		return (struct cmxi_json_place){ 0, 0 };
	while (found == NULL) {
		found = find_exact(positions, path, n);
		if (found != NULL || n == 0)
			break;
		while (n > 0 && path[n - 1] != '.' && path[n - 1] != '[')
			n--;
		if (n > 0)
			n--;
	}
	if (found == NULL)
		return (struct cmxi_json_place){ 0, 0 };
	return of_key && n == whole ? found->key : found->value;
}

/*
 * keys.c: strict reading of YAML: types, and where a mistake is.
 *
 * The types are those of YAML 1.1, as the exporter toolkit reads them.  Source:
 * yaml.org/type.
 */
#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "web.h"

#define PATH_SIZE 256
#define DEPTH_MAX 100

struct reader {
	const char *name; /* of the file */
	yaml_document_t document;
	struct complaints *complaints;
};

/* A value, and the keys that lead to it. */
struct place {
	struct reader *r;
	yaml_node_t *node;
	const char *path;
};

void
complain(struct complaints *c, const char *fmt, ...)
{
	va_list ap;
	char *line, *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text = realloc(c->text, c->size + (size_t)n + 2);
	if (text != NULL) {
		memcpy(text + c->size, line, (size_t)n);
		memcpy(text + c->size + n, "\n", 2);
		c->text = text;
		c->size += (size_t)n + 1;
	}
	free(line);
}

static void
wrong(const struct place *p, const char *what)
{
	complain(p->r->complaints, "%s:%zu:%zu: %s%s%s", p->r->name,
	    p->node->start_mark.line + 1, p->node->start_mark.column + 1,
	    p->path, p->path[0] != '\0' ? ": " : "", what);
}

static const char *
scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool
is_plain(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	    node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* A tag that was written down. */
static bool
has_own_tag(const yaml_node_t *node)
{
	const char *tag = (const char *)node->tag;

	return tag != NULL && strcmp(tag, YAML_STR_TAG) != 0 &&
	    strcmp(tag, YAML_SEQ_TAG) != 0 && strcmp(tag, YAML_MAP_TAG) != 0;
}

static bool
is_null(const yaml_node_t *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL",
		NULL };

	return is_plain(node) && is_one_of(scalar(node), words);
}

/* Scalars */

static char *
read_text(const struct place *p)
{
	char *copy;

	if (p->node->type != YAML_SCALAR_NODE) {
		wrong(p, "must be a text, not a list or a map");
		return NULL;
	}
	if (is_null(p->node))
		return strdup("");
	if (strlen(scalar(p->node)) != p->node->data.scalar.length) {
		wrong(p, "has a NUL byte");
		return NULL;
	}
	copy = strdup(scalar(p->node));
	if (copy == NULL)
		wrong(p, "no memory");
	return copy;
}

static void
read_bool(const struct place *p, bool *to)
{
	static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES",
		"true", "True", "TRUE", "on", "On", "ON", NULL };
	static const char *const no[] = { "n", "N", "no", "No", "NO", "false",
		"False", "FALSE", "off", "Off", "OFF", NULL };

	if (is_plain(p->node) && is_one_of(scalar(p->node), yes))
		*to = true;
	else if (is_plain(p->node) && is_one_of(scalar(p->node), no))
		*to = false;
	else
		wrong(p, "must be true or false");
}

static bool
parse_int(const char *text, int64_t *to)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (end == text || *end != '\0' || errno != 0)
		return false;
	*to = v;
	return true;
}

static void
read_int(const struct place *p, int64_t *to)
{
	if (!is_plain(p->node) || !parse_int(scalar(p->node), to))
		wrong(p, "must be a whole number");
}

/* "1h2m3.5s" in nanoseconds, as Go writes durations. */
static bool
parse_duration(const char *text, int64_t *to)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "\302\265s", 1e3 },
		{ "\316\274s", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
		{ "m", 60e9 }, { "h", 3600e9 } };
	double sign = *text == '-' ? -1 : 1, sum = 0;

	text += *text == '-' || *text == '+';
	if (strcmp(text, "0") == 0) {
		*to = 0;
		return true;
	}
	do {
		size_t digits = strspn(text, "0123456789."), unit, i;
		double v = strtod(text, NULL);

		unit = strcspn(text + digits, "0123456789.");
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].name) == unit &&
			    strncmp(text + digits, units[i].name, unit) == 0)
				break;
		if (digits == 0 || strcspn(text, "0123456789") == digits ||
		    i == sizeof(units) / sizeof(units[0]))
			return false;
		sum += v * units[i].ns;
		text += digits + unit;
	} while (*text != '\0');
	if (sum >= (double)INT64_MAX)
		return false;
	*to = (int64_t)(sign * sum);
	return true;
}

static void
read_duration(const struct place *p, int64_t *to)
{
	if (p->node->type == YAML_SCALAR_NODE &&
	    ((is_plain(p->node) && parse_int(scalar(p->node), to)) ||
		parse_duration(scalar(p->node), to)))
		return;
	wrong(p,
	    "must be a duration with a unit: ns, us, ms, s, m or h, as 100ms or 1m30s");
}

/* Lists and maps */

static void
read_texts(const struct place *p, struct texts *to)
{
	yaml_node_item_t *i;

	if (p->node->type != YAML_SEQUENCE_NODE) {
		wrong(p, "must be a list");
		return;
	}
	for (i = p->node->data.sequence.items.start;
	     i < p->node->data.sequence.items.top; i++) {
		const struct place item = { p->r,
			yaml_document_get_node(&p->r->document, *i), p->path };
		char **grown = reallocarray(to->at, to->n + 1, sizeof(*grown));
		char *text = grown == NULL ? NULL : read_text(&item);

		if (grown != NULL)
			to->at = grown;
		if (text != NULL)
			to->at[to->n++] = text;
	}
}

/*
 * The key of an entry of a map, which no entry before it has; null: told why.
 */
static const char *
read_key(const struct place *p, const yaml_node_pair_t *entry)
{
	const struct place key = { p->r,
		yaml_document_get_node(&p->r->document, entry->key), p->path };
	const yaml_node_pair_t *other = p->node->data.mapping.pairs.start;

	if (key.node->type != YAML_SCALAR_NODE) {
		wrong(&key, "a key must be a text");
		return NULL;
	}
	for (; other < entry; other++) {
		const yaml_node_t *node =
		    yaml_document_get_node(&p->r->document, other->key);
		char what[300];

		if (node->type != YAML_SCALAR_NODE ||
		    strcmp(scalar(node), scalar(key.node)) != 0)
			continue;
		snprintf(what, sizeof(what),
		    "the key %.200s is there already, in line %zu",
		    scalar(key.node), node->start_mark.line + 1);
		wrong(&key, what);
		return NULL;
	}
	return scalar(key.node);
}

static void
join_path(char path[PATH_SIZE], const char *above, const char *name)
{
	snprintf(path, PATH_SIZE, "%s%s%.100s", above,
	    above[0] != '\0' ? "." : "", name);
}

static bool
is_map(const struct place *p)
{
	if (p->node->type == YAML_MAPPING_NODE)
		return true;
	wrong(p, "must be a map");
	return false;
}

static void
read_pairs(const struct place *p, struct pairs *to)
{
	yaml_node_pair_t *i;

	if (!is_map(p))
		return;
	for (i = p->node->data.mapping.pairs.start;
	     i < p->node->data.mapping.pairs.top; i++) {
		const char *name = read_key(p, i);
		char path[PATH_SIZE];
		const struct place value = { p->r,
			yaml_document_get_node(&p->r->document, i->value),
			path };
		struct pair *grown;
		char *text;

		if (name == NULL)
			continue;
		join_path(path, p->path, name);
		grown = reallocarray(to->at, to->n + 1, sizeof(*grown));
		text = grown == NULL ? NULL : read_text(&value);
		if (grown != NULL)
			to->at = grown;
		if (text != NULL)
			to->at[to->n++] = (struct pair){ strdup(name), text };
	}
}

static void read_map(const struct place *, const struct key *, void *);

static void
read_value(const struct place *p, const struct key *key, void *base)
{
	void *to = (char *)base + key->offset;

	if (has_own_tag(p->node)) {
		wrong(p, "has a tag; none is allowed");
		return;
	}
	if (is_null(p->node))
		return;
	if (key->has_offset != 0)
		*(bool *)((char *)base + key->has_offset) = true;
	switch (key->kind) {
	case KEY_TEXT:
		free(*(char **)to);
		*(char **)to = read_text(p);
		break;
	case KEY_TEXTS:
		read_texts(p, to);
		break;
	case KEY_PAIRS:
		read_pairs(p, to);
		break;
	case KEY_BOOL:
		read_bool(p, to);
		break;
	case KEY_INT:
		read_int(p, to);
		break;
	case KEY_DURATION:
		read_duration(p, to);
		break;
	case KEY_MAP:
		read_map(p, key->keys, base);
		break;
	}
}

static void
unknown_key(const struct place *p, const char *name, const struct key *keys)
{
	char what[1024];

	snprintf(what, sizeof(what), "there is no key %.200s; allowed are",
	    name);
	for (; keys->name != NULL; keys++) {
		strlcat(what, " ", sizeof(what));
		strlcat(what, keys->name, sizeof(what));
	}
	wrong(p, what);
}

static void
read_map(const struct place *p, const struct key *keys, void *base)
{
	yaml_node_pair_t *i;

	if (!is_map(p))
		return;
	for (i = p->node->data.mapping.pairs.start;
	     i < p->node->data.mapping.pairs.top; i++) {
		const char *name = read_key(p, i);
		const struct key *key = keys;
		char path[PATH_SIZE];
		struct place value = { p->r,
			yaml_document_get_node(&p->r->document, i->value),
			path };

		if (name == NULL)
			continue;
		while (key->name != NULL && strcmp(key->name, name) != 0)
			key++;
		join_path(path, p->path, name);
		if (key->name != NULL) {
			read_value(&value, key, base);
			continue;
		}
		value.node = yaml_document_get_node(&p->r->document, i->key);
		value.path = p->path;
		unknown_key(&value, name, keys);
	}
}

static void
read_document(struct reader *r, const struct key *keys, void *to)
{
	const struct place root = { r,
		yaml_document_get_root_node(&r->document), "" };

	/* An empty file has no root. */
	if (root.node != NULL && has_own_tag(root.node))
		wrong(&root, "has a tag; none is allowed");
	else if (root.node != NULL && !is_null(root.node))
		read_map(&root, keys, to);
}

/*
 * Is a text nested deeper than any that is right?  The parser takes a time that
 * grows with the square of the depth.
 */
static bool
is_too_deep(const char *text, size_t size)
{
	size_t depth = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '[' || text[i] == '{')
			depth++;
		else if ((text[i] == ']' || text[i] == '}') && depth > 0)
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

void
keys_read(const char *name, const char *text, size_t size,
    const struct key *keys, void *to, struct complaints *complaints)
{
	struct reader r = { .name = name, .complaints = complaints };
	yaml_parser_t parser;

	if (is_too_deep(text, size)) {
		complain(complaints,
		    "%s: has more than %d brackets in each other", name,
		    DEPTH_MAX);
		return;
	}
	if (!yaml_parser_initialize(&parser)) {
		complain(complaints, "%s: no memory", name);
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text,
	    size);
	if (yaml_parser_load(&parser, &r.document)) {
		read_document(&r, keys, to);
		yaml_document_delete(&r.document);
	} else
		complain(complaints, "%s:%zu:%zu: is no YAML: %s", name,
		    parser.problem_mark.line + 1,
		    parser.problem_mark.column + 1,
		    parser.problem != NULL ? parser.problem : "no memory");
	yaml_parser_delete(&parser);
}

void
keys_free(const struct key *keys, void *from)
{
	for (; keys->name != NULL; keys++) {
		void *at = (char *)from + keys->offset;

		if (keys->kind == KEY_MAP)
			keys_free(keys->keys, from);
		if (keys->kind == KEY_TEXT)
			free(*(char **)at);
		if (keys->kind == KEY_TEXTS) {
			struct texts *texts = at;

			while (texts->n > 0)
				free(texts->at[--texts->n]);
			free(texts->at);
		}
		if (keys->kind == KEY_PAIRS) {
			struct pairs *pairs = at;

			while (pairs->n-- > 0) {
				free(pairs->at[pairs->n].name);
				free(pairs->at[pairs->n].value);
			}
			free(pairs->at);
		}
	}
}

/*
 * selector.c: series by the values of their labels.
 */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "expression.h"
#include "selector.h"

static bool
refuse(const char *text, const char *at, const char *what)
{
	warnx("%s: character %td: %s", text, at - text + 1, what);
	return false;
}

static struct matcher *
add(struct selector *s, const char *label, size_t size, enum comparison how)
{
	struct matcher *m;

	if (s->n == CMX_LABELS_MAX) {
		warnx("more than %d labels are compared", CMX_LABELS_MAX);
		return NULL;
	}
	m = &s->at[s->n];
	*m = (struct matcher){ .label = strndup(label, size), .how = how };
	if (m->label == NULL)
		err(FAILED, NULL);
	return m;
}

/* The value is there: compile what is an expression. */
static bool
finish(struct selector *s, struct matcher *m)
{
	char *whole, reason[128];
	int r;

	s->n++;
	if (m->how == EQUAL || m->how == UNEQUAL)
		return true;
	if (!expression_is_bounded(m->value)) {
		m->how = EQUAL;
		return false;
	}
	/* By itself first: a parenthesis must not end the group around it. */
	r = regcomp(&m->regex, m->value, REG_EXTENDED | REG_NOSUB);
	if (r == 0) {
		regfree(&m->regex);
		if (asprintf(&whole, "^(%s)$", m->value) < 0)
			err(FAILED, NULL);
		r = regcomp(&m->regex, whole, REG_EXTENDED | REG_NOSUB);
		free(whole);
	}
	if (r == 0)
		return true;
	regerror(r, &m->regex, reason, sizeof(reason));
	warnx("\"%s\": is not a regular expression: %s", m->value, reason);
	m->how = EQUAL;
	return false;
}

bool
selector_add(struct selector *s, const char *argument)
{
	const char *equal = strchr(argument, '=');
	struct matcher *m;

	if (equal == NULL || equal == argument) {
		warnx("%s: is not LABEL=VALUE", argument);
		return false;
	}
	m = add(s, argument, (size_t)(equal - argument), EQUAL);
	if (m == NULL)
		return false;
	m->value = strdup(equal + 1);
	if (m->value == NULL)
		err(FAILED, NULL);
	return finish(s, m);
}

/* Text */

static const char *
skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

static size_t
label_size(const char *at)
{
	size_t n = 0;

	while (at[n] == '_' || isalnum((unsigned char)at[n]))
		n++;
	return n;
}

/* The operator at a place; its size, or 0. */
static size_t
read_operator(const char *at, enum comparison *how)
{
	static const struct {
		const char *text;
		enum comparison how;
	} operators[] = { { "=~", LIKE }, { "!~", UNLIKE }, { "!=", UNEQUAL },
		{ "=", EQUAL } };

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (strncmp(at, operators[i].text, strlen(operators[i].text)) ==
		    0) {
			*how = operators[i].how;
			return strlen(operators[i].text);
		}
	return 0;
}

/* A text in double quotes, or null; *end is behind it. */
static char *
read_quoted(const char *at, const char **end)
{
	char *value, *to;

	if (*at++ != '"')
		return NULL;
	to = value = malloc(strlen(at) + 1);
	if (value == NULL)
		err(FAILED, NULL);
	for (; *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0')
			*to++ = *++at == 'n' ? '\n' : *at;
		else if (*at != '\0')
			*to++ = *at;
		if (*at == '\0') {
			free(value);
			return NULL;
		}
	}
	*to = '\0';
	*end = at + 1;
	return value;
}

/* One matcher at a place; *end is behind it. */
static bool
read_matcher(struct selector *s, const char *text, const char *at,
    const char **end)
{
	size_t size = label_size(at);
	const char *behind = skip_blanks(at + size);
	enum comparison how;
	size_t n = read_operator(behind, &how);
	struct matcher *m;

	if (size == 0)
		return refuse(text, at, "a label is expected");
	if (n == 0)
		return refuse(text, behind, "=, !=, =~ or !~ is expected");
	behind = skip_blanks(behind + n);
	m = add(s, at, size, how);
	if (m == NULL)
		return false;
	m->value = read_quoted(behind, end);
	if (m->value == NULL) {
		free(m->label);
		return refuse(text, behind,
		    "a value in double quotes is expected");
	}
	return finish(s, m);
}

static bool
read_matchers(struct selector *s, const char *text, const char *at)
{
	for (;;) {
		at = skip_blanks(at);
		if (*at == '}')
			break;
		if (!read_matcher(s, text, at, &at))
			return false;
		at = skip_blanks(at);
		if (*at != ',' && *at != '}')
			return refuse(text, at, "a comma or } is expected");
		at += *at == ',';
	}
	at = skip_blanks(at + 1);
	return *at == '\0' || refuse(text, at, "nothing is expected");
}

bool
selector_parse(struct selector *s, const char *text)
{
	const char *name = skip_blanks(text), *brace = strchr(name, '{');
	size_t size = brace == NULL ? strlen(name) : (size_t)(brace - name);

	while (size > 0 && isspace((unsigned char)name[size - 1]))
		size--;
	if (size > 0) {
		s->name = strndup(name, size);
		if (s->name == NULL)
			err(FAILED, NULL);
	}
	return brace == NULL || read_matchers(s, text, brace + 1);
}

void
selector_free(struct selector *s)
{
	free(s->name);
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].label);
		free(s->at[i].value);
		if (s->at[i].how == LIKE || s->at[i].how == UNLIKE)
			regfree(&s->at[i].regex);
	}
	memset(s, 0, sizeof(*s));
}

/* Comparing */

/* As values are stored: U+FFFD for each byte that was not UTF-8. */
static bool
is_value(const char *stored, const char *value)
{
	for (;;) {
		size_t n = cmxr_utf8_size(value, strlen(value));

		if (strncmp(stored, value, n) != 0)
			return false;
		stored += n;
		value += n;
		if (*value == '\0')
			return *stored == '\0';
		if (strncmp(stored, "\xef\xbf\xbd", 3) != 0)
			return false;
		stored += 3;
		value++;
	}
}

static bool
matches(const struct matcher *m, const char *stored)
{
	switch (m->how) {
	case EQUAL:
		return is_value(stored, m->value);
	case UNEQUAL:
		return !is_value(stored, m->value);
	case LIKE:
		return regexec(&m->regex, stored, 0, NULL, 0) == 0;
	default:
		return regexec(&m->regex, stored, 0, NULL, 0) != 0;
	}
}

bool
selector_wants(const struct selector *s, value_fn *value_of, const void *arg)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *value = value_of(arg, s->at[i].label);

		if (!matches(&s->at[i], value != NULL ? value : ""))
			return false;
	}
	return true;
}

const struct matcher *
selector_find(const struct selector *s, const char *label)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].label, label) == 0)
			return &s->at[i];
	return NULL;
}

void
describe(struct described *d, const struct cmx_family_def *def,
    const struct cmxr_series *series)
{
	d->def = def;
	d->series = series;
	pid_text(series, d->pid);
}

const char *
value_of_series(const void *arg, const char *label)
{
	const struct described *d = arg;

	for (size_t i = 0; i < d->def->n_labels; i++)
		if (strcmp(d->def->labels[i], label) == 0)
			return d->series->values[i];
	return d->series->pid != 0 && strcmp(label, TALLY_PID) == 0 ? d->pid :
								      NULL;
}

/*
 * exposition_line.c: parse a line of an exposition.
 */
#include "exposition_line.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is_name_char(char c, bool is_first, bool may_have_colon)
{
	if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return (c == ':' && may_have_colon) ||
	    (c >= '0' && c <= '9' && !is_first);
}

static bool
is_name(const char *s, bool may_have_colon)
{
	for (size_t i = 0; s[i] != '\0'; i++)
		if (!is_name_char(s[i], i == 0, may_have_colon))
			return false;
	return s[0] != '\0';
}

bool
is_metric_name(const char *s)
{
	return is_name(s, true);
}

bool
is_label_name(const char *s)
{
	return is_name(s, false);
}

static void
skip_blanks(char **p)
{
	while (**p == ' ' || **p == '\t')
		++*p;
}

/* Cut a name off at *p, and store the character after it in *behind. */
static char *
take_name(char **p, bool may_have_colon, char *behind)
{
	char *name = *p;

	while (is_name_char(**p, *p == name, may_have_colon))
		++*p;
	*behind = **p;
	if (**p != '\0')
		*(*p)++ = '\0';
	return name[0] == '\0' ? NULL : name;
}

/* Parse "value", and remove its escapes in place. */
static const char *
take_quoted(char **p, char **value)
{
	char *to;

	if (**p != '"')
		return "a label value must be in quotes";
	*value = to = ++*p;
	for (; **p != '"'; ++*p) {
		char c = **p;

		if (c == '\0')
			return "a label value has no closing quote";
		if (c == '\\') {
			c = *++*p;
			if (c != '\\' && c != '"' && c != 'n')
				return "a label value has an escape that is not \\\\, \\\" or \\n";
			c = c == 'n' ? '\n' : c;
		}
		*to++ = c;
	}
	++*p;
	*to = '\0';
	return NULL;
}

/* Parse name="value",... up to the closing brace; *p is then after it. */
static const char *
take_labels(char **p, struct sample_label *labels, size_t *n, bool *comma)
{
	*n = 0;
	*comma = false;
	for (;;) {
		const char *fault;
		char behind;

		skip_blanks(p);
		if (**p == '}') {
			++*p;
			return NULL;
		}
		if (*n == SAMPLE_LABELS_MAX)
			return "too many labels";
		labels[*n].name = take_name(p, false, &behind);
		while (behind == ' ' || behind == '\t')
			behind = *(*p)++;
		if (labels[*n].name == NULL || behind != '=')
			return "labels must be name=\"value\"";
		skip_blanks(p);
		fault = take_quoted(p, &labels[(*n)++].value);
		if (fault != NULL)
			return fault;
		skip_blanks(p);
		*comma = **p == ',';
		if (*comma)
			++*p;
		else if (**p != '}')
			return "labels must be separated by commas";
	}
}

/* Parse a number: digits, a point, an exponent; NaN and infinities. */
static bool
parse_number(const char *s, double *v)
{
	const char *body = s + (*s == '-' || *s == '+');

	*v = strtod(s, NULL);
	if (strcasecmp(body, "inf") == 0 || strcasecmp(body, "infinity") == 0 ||
	    strcasecmp(s, "nan") == 0)
		return true;
	return strpbrk(body, "0123456789") != NULL &&
	    strspn(body, "0123456789.eE+-") == strlen(body) &&
	    isdigit((unsigned char)body[0] == '.' ? (unsigned char)body[1] :
						    (unsigned char)body[0]);
}

/* Cut off a word, which ends at a blank or the end. */
static char *
take_word(char **p)
{
	char *word = *p;

	*p += strcspn(*p, " \t");
	if (**p != '\0')
		*(*p)++ = '\0';
	skip_blanks(p);
	return word;
}

static size_t
count_characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Parse " # {labels} value [timestamp]", after the #. */
static const char *
take_exemplar(char *p, struct sample *s)
{
	struct sample_label labels[SAMPLE_LABELS_MAX];
	const char *fault;
	bool comma;
	double value;
	size_t n;

	skip_blanks(&p);
	if (*p++ != '{')
		return "an exemplar begins with its labels in braces";
	fault = take_labels(&p, labels, &n, &comma);
	if (fault != NULL)
		return fault;
	skip_blanks(&p);
	if (!parse_number(take_word(&p), &value))
		return "an exemplar's value is not a number";
	s->has_exemplar = true;
	for (size_t i = 0; i < n; i++)
		s->n_exemplar_characters += count_characters(labels[i].name) +
		    count_characters(labels[i].value);
	return NULL;
}

const char *
sample_parse(char *line, bool is_openmetrics, struct sample *s)
{
	const char *fault;
	char *p = line, behind, *word;

	memset(s, 0, offsetof(struct sample, labels));
	s->has_trailing_comma = s->has_exemplar = false;
	s->timestamp = NULL;
	s->n_exemplar_characters = 0;
	if (!is_openmetrics)
		skip_blanks(&p);
	s->name = take_name(&p, true, &behind);
	if (s->name == NULL)
		return "a line must begin with a metric's name";
	while (!is_openmetrics && (behind == ' ' || behind == '\t') &&
	    (*p == '{' || *p == ' '))
		behind = *p++;
	if (behind == '{') {
		fault = take_labels(&p, s->labels, &s->n_labels,
		    &s->has_trailing_comma);
		if (fault != NULL)
			return fault;
	} else if (behind != ' ' && behind != '\t') {
		return "behind a metric's name comes a blank or {";
	}
	skip_blanks(&p);
	word = take_word(&p);
	if (!parse_number(word, &s->value))
		return "the value is not a number (hexadecimal and _ are not either)";
	if (*p != '\0' && *p != '#')
		s->timestamp = take_word(&p);
	if (*p == '#' && is_openmetrics)
		return take_exemplar(p + 1, s);
	return *p == '\0' ? NULL : "there is something behind the value";
}

const char *
sample_label(const struct sample *s, const char *name)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (strcmp(s->labels[i].name, name) == 0)
			return s->labels[i].value;
	return NULL;
}

/*
 * expression.c: the size of a POSIX extended regular expression.
 */
#include <err.h>
#include <stddef.h>

#include "expression.h"

#define SIZE_LIMIT  1000
#define DEPTH_LIMIT 64

/* What has been read of a group, and of the last thing in it. */
struct group {
	size_t size, last;
};

struct measure {
	struct group at[DEPTH_LIMIT];
	size_t depth;
	const char *wrong; /* null, or why it is refused */
};

static void
add(struct measure *m, size_t size)
{
	struct group *g = &m->at[m->depth];

	g->last = size;
	g->size += size;
	if (g->size > SIZE_LIMIT)
		m->wrong = "becomes too large when it is written out";
}

static void
begin_group(struct measure *m)
{
	if (m->depth + 1 == DEPTH_LIMIT) {
		m->wrong = "has too many parentheses in one another";
		return;
	}
	m->at[++m->depth] = (struct group){ 1, 0 };
}

/* The C library takes a ) without a beginning for a character. */
static void
end_group(struct measure *m)
{
	size_t size = m->at[m->depth].size;

	if (m->depth == 0) {
		m->wrong = "has a ) without a (; write \\) for the character";
		return;
	}
	m->depth--;
	add(m, size);
}

/* The character behind a list in brackets, of which this is the first. */
static const char *
skip_brackets(const char *c)
{
	c += c[1] == '^';
	/* A ] that comes first is one of the list. */
	c += c[1] == ']';
	while (*c != '\0' && *++c != ']')
		;
	return c;
}

/* One character, or a list; returns its last character. */
static const char *
measure_one(struct measure *m, const char *c)
{
	switch (*c) {
	case '(':
		begin_group(m);
		break;
	case ')':
		end_group(m);
		break;
	case '+':
		/* It is there once more. */
		add(m, m->at[m->depth].last);
		m->at[m->depth].last *= 2;
		break;
	case '{':
		m->wrong =
		    "has a {, which counts; write it out, or \\{ for a brace";
		break;
	case '[':
		c = skip_brackets(c);
		add(m, 1);
		break;
	case '\\':
		if (c[1] >= '1' && c[1] <= '9')
			m->wrong = "refers to an earlier part of it";
		c += c[1] != '\0';
		add(m, 1);
		break;
	default:
		add(m, 1);
	}
	return c;
}

bool
expression_is_bounded(const char *text)
{
	struct measure m = { .wrong = NULL };

	for (const char *c = text; *c != '\0' && m.wrong == NULL; c++) {
		c = measure_one(&m, c);
		if (*c == '\0')
			break;
	}
	if (m.wrong != NULL)
		warnx("\"%s\": %s", text, m.wrong);
	return m.wrong == NULL;
}

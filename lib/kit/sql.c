/*
 * sql.c: label values for SQL statements, from a bounded set.
 *
 * A statement is read word by word, as far as needed.  Comments, strings and
 * quoted names are skipped as a whole; parentheses are counted.
 */
#include "codeai/metrics_db.h"

#include <string.h>
#include <strings.h>

/* The most that is read of a statement, and the deepest parenthesis. */
struct lexer {
	const char *p, *end;
	int depth;
};

struct word {
	const char *s;
	size_t n;
};

static bool
is_word_char(char c)
{
	return c == '_' || c == '$' || (c >= '0' && c <= '9') ||
	    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (unsigned char)c >= 0x80;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
starts_with(const struct lexer *l, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, s, n) == 0;
}

/* Comments nest, as in PostgreSQL. */
static void
skip_comment(struct lexer *l)
{
	int depth = 0;

	do {
		if (starts_with(l, "/*")) {
			depth++;
			l->p += 2;
		} else if (starts_with(l, "*/")) {
			depth--;
			l->p += 2;
		} else {
			l->p++;
		}
	} while (depth > 0 && l->p < l->end);
	if (l->p > l->end)
		l->p = l->end;
}

static void
skip_blanks(struct lexer *l)
{
	while (l->p < l->end) {
		if (is_blank(*l->p)) {
			l->p++;
		} else if (starts_with(l, "--")) {
			while (l->p < l->end && *l->p != '\n')
				l->p++;
		} else if (starts_with(l, "/*")) {
			skip_comment(l);
		} else {
			return;
		}
	}
}

/* 'a string', "a name"; the quote doubled is a part of it. */
static struct word
take_quoted(struct lexer *l)
{
	char close = *l->p == '[' ? ']' : *l->p;
	struct word w = { ++l->p, 0 };

	while (l->p < l->end) {
		if (*l->p == close && l->p + 1 < l->end && l->p[1] == close &&
		    close != ']')
			l->p++;
		else if (*l->p == close)
			break;
		l->p++;
	}
	w.n = (size_t)(l->p - w.s);
	if (l->p < l->end)
		l->p++;
	return w;
}

static struct word
take_word(struct lexer *l)
{
	struct word w = { l->p, 0 };

	while (l->p < l->end && is_word_char(*l->p))
		l->p++;
	w.n = (size_t)(l->p - w.s);
	return w;
}

static bool
equals(struct word w, const char *text)
{
	return w.n == strlen(text) && strncasecmp(w.s, text, w.n) == 0;
}

static struct lexer
begin(const char *sql)
{
	return (struct lexer){ sql,
		sql == NULL ? sql : sql + strnlen(sql, CMX_DB_LOOK_MAX), 0 };
}

/*
 * Take the next word that is in no parenthesis opened since the given depth;
 * empty at the end.
 */
static struct word
next_word(struct lexer *l, int depth)
{
	for (skip_blanks(l); l->p < l->end; skip_blanks(l)) {
		struct word w;

		if (is_word_char(*l->p)) {
			w = take_word(l);
			if (l->depth <= depth)
				return w;
		} else if (*l->p == '\'' || *l->p == '"' || *l->p == '`') {
			take_quoted(l);
		} else {
			l->depth += *l->p == '(' ? 1 : *l->p == ')' ? -1 : 0;
			l->p++;
		}
	}
	return (struct word){ l->p, 0 };
}

enum operation { SELECT, INSERT, UPDATE, DELETE, REPLACE, OPERATIONS };

static const char *const keywords[] = { "select", "insert", "update", "delete",
	"replace" };
static const char *const names[] = { "select", "insert", "update", "delete",
	"insert" };

/* The operation that a word names, or -1. */
static int
operation_of(struct word w)
{
	for (int i = 0; i < OPERATIONS; i++)
		if (equals(w, keywords[i]))
			return i;
	return -1;
}

/* Find the operation of a statement; the lexer then is after its word. */
static int
find_operation(struct lexer *l)
{
	struct word w;
	int operation;

	if (l->p == NULL)
		return -1;
	for (skip_blanks(l); l->p < l->end && *l->p == '('; skip_blanks(l)) {
		l->p++;
		l->depth++;
	}
	if (l->p == l->end || !is_word_char(*l->p))
		return -1;
	w = take_word(l);
	if (!equals(w, "with"))
		return operation_of(w);
	for (int depth = l->depth; (w = next_word(l, depth)).n > 0;)
		if ((operation = operation_of(w)) >= 0)
			return operation;
	return -1;
}

const char *
cmx_db_operation(const char *sql)
{
	struct lexer l = begin(sql);
	int operation = find_operation(&l);

	return operation < 0 ? "other" : names[operation];
}

/* Take a name, quoted or not; empty where there is none. */
static struct word
take_name(struct lexer *l)
{
	skip_blanks(l);
	if (l->p < l->end && strchr("\"`[", *l->p) != NULL)
		return take_quoted(l);
	return take_word(l);
}

/* Take schema.table; the result is the last part. */
static struct word
take_table(struct lexer *l)
{
	struct word w = take_name(l);

	if (equals(w, "only"))
		w = take_name(l);
	for (skip_blanks(l); w.n > 0 && l->p < l->end && *l->p == '.';
	     skip_blanks(l)) {
		l->p++;
		w = take_name(l);
	}
	return w;
}

static struct word
find_table(const char *sql)
{
	struct lexer l = begin(sql);
	int operation = find_operation(&l), depth = l.depth;
	const char *before =
	    operation == INSERT || operation == REPLACE ? "into" : "from";
	struct word w;

	if (operation < 0)
		return (struct word){ NULL, 0 };
	if (operation == UPDATE) {
		struct lexer ahead = l;

		/* Skip the OR IGNORE of SQLite's UPDATE OR IGNORE t. */
		if (equals(take_name(&ahead), "or")) {
			take_name(&ahead);
			l = ahead;
		}
		return take_table(&l);
	}
	while ((w = next_word(&l, depth)).n > 0)
		if (equals(w, before))
			return take_table(&l);
	return w;
}

size_t
cmx_db_entity(const char *sql, char *buf, size_t size)
{
	struct word w = find_table(sql);

	if (buf == NULL || size == 0)
		return 0;
	if (w.n == 0 || w.n >= CMX_DB_ENTITY_MAX)
		w = (struct word){ "other", strlen("other") };
	if (w.n > size - 1)
		w.n = size - 1;
	memcpy(buf, w.s, w.n);
	buf[w.n] = '\0';
	return w.n;
}

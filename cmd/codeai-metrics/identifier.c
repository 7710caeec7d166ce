/*
 * identifier.c: names of metrics and labels as identifiers of C and C++.
 */
#include <bsd/string.h>
#include <ctype.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identifier.h"

struct identifier {
	char *name;
	unsigned int count; /* how often the name was asked for */
};

/* Keywords of C23 and C++20, and names that are macros where Linux is. */
static const char *const reserved[] = { "alignas", "alignof", "and", "and_eq",
	"asm", "assert", "auto", "bitand", "bitor", "bool", "break", "case",
	"catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await",
	"co_return", "co_yield", "compl", "concept", "const", "const_cast",
	"consteval", "constexpr", "constinit", "continue", "decltype",
	"default", "delete", "do", "double", "dynamic_cast", "else", "enum",
	"errno", "explicit", "export", "extern", "false", "float", "for",
	"friend", "goto", "i386", "if", "inline", "int", "linux", "long",
	"mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
	"offsetof", "operator", "or", "or_eq", "private", "protected", "public",
	"register", "reinterpret_cast", "requires", "restrict", "return",
	"short", "signed", "sizeof", "static", "static_assert", "static_cast",
	"stderr", "stdin", "stdout", "struct", "switch", "template", "this",
	"thread_local", "throw", "true", "try", "typedef", "typeid", "typename",
	"typeof", "typeof_unqual", "union", "unix", "unsigned", "using",
	"virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq" };

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

/* Names such as cmx_..., _Bool, __x and uint64_t. */
static bool
has_reserved_form(const char *name)
{
	return strncmp(name, "cmx", 3) == 0 || ends_in(name, "_t") ||
	    (name[0] == '_' &&
		(name[1] == '_' || isupper((unsigned char)name[1])));
}

/* Names such as INT_MAX and UINT_LEAST8_WIDTH. */
static bool
is_limit(const char *name)
{
	name += *name == 'U';
	return strncmp(name, "INT", 3) == 0 &&
	    (ends_in(name, "_MAX") || ends_in(name, "_MIN") ||
		ends_in(name, "_WIDTH"));
}

static bool
is_reserved(const char *name)
{
	bool has_small = false;

	if (has_reserved_form(name))
		return true;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	/* Names such as EOF and NULL. */
	for (const char *p = name; *p != '\0'; p++)
		has_small |= islower((unsigned char)*p) != 0;
	return !has_small;
}

static bool
is_word(char c)
{
	return c == '_' || (isascii((unsigned char)c) && isalnum(c));
}

bool
identifier_is_valid(const char *text)
{
	if (*text == '\0' || isdigit((unsigned char)*text))
		return false;
	while (is_word(*text))
		text++;
	return *text == '\0';
}

static void
make_words(const char *text, char buf[IDENTIFIER_MAX])
{
	size_t n = 0;

	if (isdigit((unsigned char)*text))
		buf[n++] = '_';
	/* A buffer with room for the suffix that a second claim appends. */
	while (*text != '\0' && n < IDENTIFIER_MAX - 16) {
		buf[n++] = is_word(*text) ? *text : '_';
		text++;
	}
	buf[n] = '\0';
}

void
identifier_from(const char *text, char buf[IDENTIFIER_MAX])
{
	make_words(text, buf);
	if (is_reserved(buf))
		strlcat(buf, "_", IDENTIFIER_MAX);
}

void
identifier_constant(const char *text, char buf[IDENTIFIER_MAX])
{
	make_words(text, buf);
	for (char *p = buf; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	if (is_limit(buf))
		strlcat(buf, "_", IDENTIFIER_MAX);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct identifier *)a)->name,
	    ((const struct identifier *)b)->name);
}

static void
free_identifier(void *arg)
{
	struct identifier *i = arg;

	free(i->name);
	free(i);
}

bool
identifier_claim(struct identifiers *used, char buf[IDENTIFIER_MAX])
{
	struct identifier *new = calloc(1, sizeof(*new)), **there;
	struct identifier *first = NULL;
	size_t length = strlen(buf);

	if (new == NULL)
		return false;
	new->count = 1;
	for (;;) {
		new->name = buf;
		there = tsearch(new, &used->root, compare);
		if (there == NULL || *there == new)
			break;
		if (first == NULL)
			first = *there;
		snprintf(buf + length, IDENTIFIER_MAX - length, "_%u",
		    ++first->count);
	}
	/* The copy compares like buf, so the tree stays in order. */
	new->name = there == NULL ? NULL : strdup(buf);
	if (new->name != NULL)
		return true;
	if (there != NULL) {
		new->name = buf;
		tdelete(new, &used->root, compare);
	}
	free(new);
	return false;
}

void
identifiers_free(struct identifiers *used)
{
	tdestroy(used->root, free_identifier);
}

/*
 * identifier.c: names of metrics and labels as identifiers of C and C++.
 */
#include <bsd/string.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identifier.h"

/* Keywords of C17 and C++17, and names that are macros where Linux is. */
static const char *const reserved[] = { "alignas", "alignof", "and", "and_eq",
	"asm", "assert", "auto", "bitand", "bitor", "bool", "break", "case",
	"catch", "char", "class", "compl", "concept", "const", "const_cast",
	"constexpr", "continue", "decltype", "default", "delete", "do",
	"double", "dynamic_cast", "else", "enum", "errno", "explicit", "export",
	"extern", "false", "float", "for", "friend", "goto", "i386", "if",
	"inline", "int", "linux", "long", "mutable", "namespace", "new",
	"noexcept", "not", "not_eq", "nullptr", "offsetof", "operator", "or",
	"or_eq", "private", "protected", "public", "register",
	"reinterpret_cast", "requires", "restrict", "return", "short", "signed",
	"sizeof", "static", "static_assert", "static_cast", "stderr", "stdin",
	"stdout", "struct", "switch", "template", "this", "thread_local",
	"throw", "true", "try", "typedef", "typeid", "typename", "union",
	"unix", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
	"while", "xor", "xor_eq" };

static bool
is_reserved(const char *name)
{
	bool has_small = false;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	/* EOF, NULL and their like. */
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
	/* Behind it is room for what claims append. */
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
}

static bool
is_used(const struct identifiers *used, const char *name)
{
	for (size_t i = 0; i < used->n; i++)
		if (strcmp(used->names[i], name) == 0)
			return true;
	return false;
}

bool
identifier_claim(struct identifiers *used, char buf[IDENTIFIER_MAX])
{
	size_t length = strlen(buf);
	char **names =
	    realloc(used->names, (used->n + 1) * sizeof(*used->names));

	if (names == NULL)
		return false;
	used->names = names;
	for (unsigned int i = 2; is_used(used, buf); i++)
		snprintf(buf + length, IDENTIFIER_MAX - length, "_%u", i);
	names[used->n] = strdup(buf);
	if (names[used->n] == NULL)
		return false;
	used->n++;
	return true;
}

void
identifiers_free(struct identifiers *used)
{
	for (size_t i = 0; i < used->n; i++)
		free(used->names[i]);
	free(used->names);
}

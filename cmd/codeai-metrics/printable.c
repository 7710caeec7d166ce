/*
 * printable.c: texts of strangers for a terminal, where none of their bytes
 * does anything, and for an exposition.
 */
#include <stdio.h>
#include <string.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

/* U+2028 to U+202E, U+2066 to U+2069, U+200E, U+200F: lines and directions. */
static bool
is_mark(const unsigned char *p)
{
	if (p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return (p[2] >= 0xa8 && p[2] <= 0xae) || p[2] == 0x8e ||
		    p[2] == 0x8f;
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

size_t
unprintable_size(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = strnlen(text, 4);

	if (p[0] < ' ' || p[0] == 0x7f)
		return 1;
	if (p[0] < 0x80)
		return 0;
	/* A character has at most four bytes: is the first one whole? */
	if (cmxr_utf8_size(text, n) == 0)
		return 1;
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 2;
	return is_mark(p) ? 3 : 0;
}

void
make_printable(char *text)
{
	char *to = text;

	while (*text != '\0') {
		size_t n = unprintable_size(text);

		*to++ = n > 0 ? '?' : *text;
		text += n > 0 ? n : 1;
		/* The rest of a character is none of its own. */
		while (n == 0 && ((unsigned char)*text & 0xc0) == 0x80)
			*to++ = *text++;
	}
	*to = '\0';
}

void
print_printable(const char *text)
{
	while (*text != '\0') {
		size_t n = unprintable_size(text);

		if (n == 0)
			do
				putchar(*text++);
			while (((unsigned char)*text & 0xc0) == 0x80);
		else {
			putchar(*text == '\n' || *text == '\t' ? ' ' : '?');
			text += n;
		}
	}
}

size_t
escape_value(const char *value, char *text, size_t size)
{
	size_t used = 0;

	for (; *value != '\0' && used + 2 < size; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			text[used++] = '\\';
		text[used++] = *value == '\n' ? 'n' : *value;
	}
	if (size > 0)
		text[used] = '\0';
	return used;
}

/*
 * c_source.c: texts and numbers as parts of a C source.
 */
#include "c_source.h"

#include <stdbool.h>
#include <string.h>

#include <codeai/metrics_reader.h>

/*
 * A character that changes the direction of the text after it (U+202A to
 * U+202E, U+2066 to U+2069): in a comment it could show other code than the
 * compiler reads, which gcc's -Wbidi-chars warns of.
 */
static bool
is_direction(const char *text)
{
	return (strncmp(text, "\xe2\x80", 2) == 0 && text[2] >= '\xaa' &&
		   text[2] <= '\xae') ||
	    (strncmp(text, "\xe2\x81", 2) == 0 && text[2] >= '\xa6' &&
		text[2] <= '\xa9');
}

void
put_comment(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (is_direction(text)) {
			fputs("...", out);
			text += 2;
			continue;
		}
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		if ((text[0] == '*' && text[1] == '/') ||
		    (text[0] == '/' && text[1] == '*') ||
		    (text[0] == '?' && text[1] == '?'))
			fputc(' ', out);
	}
}

void
put_string(FILE *out, const char *text)
{
	if (text == NULL) {
		fputs("NULL", out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c == '?')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void
put_strings(FILE *out, size_t n, const char *const *strings)
{
	for (size_t i = 0; i < n; i++) {
		fputs(i % 4 == 0 ? "\n\t\t" : " ", out);
		put_string(out, strings[i]);
		fputc(',', out);
	}
}

void
put_number(FILE *out, double v)
{
	char text[32];

	cmxr_number_to_text(v, text);
	fputs(text, out);
}

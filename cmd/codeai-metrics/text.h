/*
 * text.h: what the verbs ask of texts.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <string.h>

/* Does the text end with the suffix, and is it longer? */
static inline bool
ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n > m && strcmp(text + n - m, suffix) == 0;
}

#endif

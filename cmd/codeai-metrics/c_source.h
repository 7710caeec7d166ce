/*
 * c_source.h: texts and numbers as parts of a C source.
 */
#ifndef C_TEXT_H
#define C_TEXT_H

#include <stddef.h>
#include <stdio.h>

/*
 * Text in a comment: it neither ends nor breaks it, has no trigraphs and is
 * what it looks like.
 */
void put_comment(FILE *, const char *text);

/* A string, or NULL; '?' is escaped because of trigraphs. */
void put_string(FILE *, const char *text);

/* Strings as elements, a comma behind each. */
void put_strings(FILE *, size_t n, const char *const *strings);

void put_number(FILE *, double v);

#endif

/*
 * c_source.h: texts and numbers as parts of a C source.
 */
#ifndef C_TEXT_H
#define C_TEXT_H

#include <stddef.h>
#include <stdio.h>

/*
 * Write a text into a comment.  It cannot end the comment, has no trigraphs,
 * and no characters that hide other code.
 */
void put_comment(FILE *, const char *text);

/* Write a string, or NULL.  '?' is escaped because of trigraphs. */
void put_string(FILE *, const char *text);

/* Write strings as elements of an array, each with a comma. */
void put_strings(FILE *, size_t n, const char *const *strings);

void put_number(FILE *, double v);

#endif

/*
 * expression.h: how large a regular expression becomes when it is compiled.
 */
#ifndef EXPRESSION_H
#define EXPRESSION_H

#include <stdbool.h>

/*
 * May it be given to regcomp(3)?  The C library writes out what is repeated:
 * "a++++" is sixteen times as large as "a", and counts in braces multiply; what
 * refers to an earlier part takes time without an end.  Prints why not.
 */
bool expression_is_bounded(const char *text);

#endif

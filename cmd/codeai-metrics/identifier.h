/*
 * identifier.h: names of metrics and labels as identifiers of C and C++.
 */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>

/* The size of a buffer for any identifier, with its NUL. */
#define IDENTIFIER_MAX 1024

/* The identifiers that were given out: a tree.  Zeroed memory has none. */
struct identifiers {
	void *root; /* of tsearch(3) */
};

/* Is the text an identifier, or the begin of one? */
bool identifier_is_valid(const char *text);

/*
 * Turn a text into an identifier: a character that cannot be in one becomes
 * '_', a first digit gets '_' in front, and a word that is reserved by C, C++,
 * their libraries or ours gets '_' at its end.
 */
void identifier_from(const char *text, char buf[IDENTIFIER_MAX]);

/* Turn a text into an identifier in capitals, for constants. */
void identifier_constant(const char *text, char buf[IDENTIFIER_MAX]);

/*
 * Make an identifier unique among those given out: the second "a" becomes
 * "a_2".  Returns false without memory.
 */
bool identifier_claim(struct identifiers *, char buf[IDENTIFIER_MAX]);

void identifiers_free(struct identifiers *);

#endif

/*
 * identifier.h: names of metrics and labels as identifiers of C and C++.
 */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

/* Room for every identifier, with its NUL. */
#define IDENTIFIER_MAX 1024

/* Identifiers that were given out: a hash table.  Zeroed is empty. */
struct identifiers {
	size_t n, n_places;
	struct identifier *places;
};

/* Is it an identifier, or the beginning of one? */
bool identifier_is_valid(const char *text);

/*
 * A text as an identifier: what cannot stand in one becomes '_', a first digit
 * gets '_' before it, and a word that C, C++, their libraries or ours keep for
 * themselves gets '_' behind it.
 */
void identifier_from(const char *text, char buf[IDENTIFIER_MAX]);

/* The same in capitals, for constants. */
void identifier_constant(const char *text, char buf[IDENTIFIER_MAX]);

/*
 * Make an identifier one that was not given out yet: the second "a" becomes
 * "a_2".  False without memory.
 */
bool identifier_claim(struct identifiers *, char buf[IDENTIFIER_MAX]);

void identifiers_free(struct identifiers *);

#endif

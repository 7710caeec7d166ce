/*
 * utf8.h: validate UTF-8, and repair what is not.
 */
#ifndef CMXI_UTF8_H
#define CMXI_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Length of the UTF-8 sequence at s (1 to 4), or 0 where the bytes are no
 * sequence: overlong, a surrogate, above U+10FFFF, or cut off.  Requires: n >=
 * 1.
 */
size_t cmxi_utf8_sequence(const unsigned char *s, size_t n);

/* The number of bytes from the beginning that are whole, valid sequences. */
size_t cmxi_utf8_valid_size(const char *s, size_t n);

static inline bool
cmxi_utf8_is_valid(const char *s, size_t n)
{
	return cmxi_utf8_valid_size(s, n) == n;
}

/*
 * Copy n bytes of s to buf and replace each byte that belongs to no sequence by
 * U+FFFD (3 bytes).  Returns the length of the whole result.  The copy stops
 * before the first character that does not fit into size bytes.
 */
size_t cmxi_utf8_repair(const char *s, size_t n, char *buf, size_t size);

#endif

/*
 * bytes.h: small things with bytes, sizes and strings.
 */
#ifndef CMXI_BYTES_H
#define CMXI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/require.h"

/* The next multiple of unit, which need not be a power of two. */
static inline uint64_t
cmxi_round_up(uint64_t n, uint64_t unit)
{
	REQUIRE(unit > 0);
	return (n + unit - 1) / unit * unit;
}

/* A null string counts as the empty one. */
static inline const char *
cmxi_or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* Are n bytes zero? */
static inline bool
cmxi_is_zero(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Load eight bytes from any address. */
static inline uint64_t
cmxi_word_at(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Same result as memcmp() == 0, without a call; for a few bytes. */
static inline bool
cmxi_bytes_equal(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	if (n > 16)
		return memcmp(p, q, n) == 0;
	if (n >= 8)
		return ((cmxi_word_at(p) ^ cmxi_word_at(q)) |
			   (cmxi_word_at(p + n - 8) ^
			       cmxi_word_at(q + n - 8))) == 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] != q[i])
			return false;
	return true;
}

#endif

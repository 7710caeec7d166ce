/*
 * utf8.c: validate UTF-8, and repair what is not.
 */
#include "base/utf8.h"

#include <string.h>

#include "base/require.h"

#define REPLACEMENT        "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_LENGTH 3

static bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The second byte's range depends on the first (Unicode table 3-7). */
static bool
second_is_valid(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return is_continuation(second);
	}
}

static size_t
length_from_first(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t
cmxi_utf8_sequence(const unsigned char *s, size_t n)
{
	size_t length;

	REQUIRE(n >= 1);
	length = length_from_first(s[0]);
	if (length <= 1)
		return length;
	if (length > n || !second_is_valid(s[0], s[1]))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!is_continuation(s[i]))
			return 0;
	return length;
}

size_t
cmxi_utf8_valid_size(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, step;

	while (i < n && (step = cmxi_utf8_sequence(p + i, n - i)) > 0)
		i += step;
	return i;
}

size_t
cmxi_utf8_repair(const char *s, size_t n, char *buf, size_t size)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t used = 0;

	REQUIRE(buf != NULL || size == 0);
	for (size_t i = 0; i < n;) {
		size_t step = cmxi_utf8_sequence(p + i, n - i);
		const char *from = step > 0 ? s + i : REPLACEMENT;
		size_t length = step > 0 ? step : REPLACEMENT_LENGTH;

		if (used + length <= size)
			memcpy(buf + used, from, length);
		used += length;
		i += step > 0 ? step : 1;
	}
	return used;
}

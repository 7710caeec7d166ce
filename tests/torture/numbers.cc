/*
 * numbers.cc: bucket bounds and values beside the C++ library's.
 *
 *	numbers N	N random bit patterns, and every power of two and ten
 */
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
#include "base/number.h"
}

static bool
is_same(double d)
{
	char ours[CMXI_NUMBER_MAX], theirs[64];
	size_t n = cmxi_double_to_general(d, ours);
	auto end = std::to_chars(theirs, theirs + sizeof(theirs), d,
	    std::chars_format::general);

	if (n == (size_t)(end.ptr - theirs) && memcmp(ours, theirs, n) == 0)
		return true;
	printf("%.17g: %.*s, std::to_chars %.*s\n", d, (int)n, ours,
	    (int)(end.ptr - theirs), theirs);
	return false;
}

static double
from_bits(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

int
main(int argc, char *argv[])
{
	uint64_t state = 88172645463325252u;
	long n = argc == 2 ? atol(argv[1]) : 0, n_compared = 0;

	for (int e = -1074; e < 1024; e++, n_compared += 3)
		if (!is_same(std::ldexp(1, e)) ||
		    !is_same(std::nextafter(std::ldexp(1, e), 0)) ||
		    !is_same(std::nextafter(std::ldexp(1, e), HUGE_VAL)))
			return 1;
	for (int e = -323; e < 309; e++, n_compared++)
		if (!is_same(std::pow(10, e)))
			return 1;
	for (long i = 0; i < n; i++) {
		double d;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		d = from_bits(state);
		if (!std::isfinite(d))
			continue;
		if (!is_same(d))
			return 1;
		n_compared++;
	}
	printf("%ld numbers as std::to_chars writes them\n", n_compared);
	return 0;
}

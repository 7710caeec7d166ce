/*
 * number.h: numbers to text, without locale and without loss.
 */
#ifndef CMXI_NUMBER_H
#define CMXI_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/*
 * A buffer of this size is enough for every function here; the longest text has
 * 24 bytes.
 */
#define CMXI_NUMBER_MAX 32

/* Decimal text of v, no NUL.  Returns its length, at most 20. */
size_t cmxi_u64_to_text(uint64_t v, char *buf);

/*
 * The shortest text that reads back as d, in the form of C's %g: 0.1, 1e+06,
 * 2.5e-07, -0; and NaN, +Inf, -Inf.  This is how bucket bounds (the label
 * le) are written.  No NUL.  Returns the length.
 */
size_t cmxi_double_to_general(double d, char *buf);

/*
 * The same for the value of a sample, where whole numbers below 2^53 are
 * written with all their digits: 1234567, not 1.234567e+06.
 */
size_t cmxi_double_to_text(double d, char *buf);

/*
 * struct cmxi_decimal: d = digits * 10^exponent, with the fewest digits that
 * read back as d, the nearest to d among those, without trailing zeros.
 */
struct cmxi_decimal {
	uint64_t digits;
	int exponent;
};

/* Requires: d is finite and not zero; its sign is ignored. */
struct cmxi_decimal cmxi_double_to_decimal(double d);

/* 128-bit powers of ten, 10^k scaled to [2^127, 2^128), rounded up. */
#define CMXI_POW10_MIN (-292)
#define CMXI_POW10_MAX 324

struct cmxi_u128 {
	uint64_t hi, lo;
};

extern const struct cmxi_u128 cmxi_pow10[CMXI_POW10_MAX - CMXI_POW10_MIN + 1];

#endif

/*
 * number.c: numbers to text, without locale and without loss.
 *
 * The shortest decimal of a double is found as described by Raffaello
 * Giulietti, "The Schubfach way to render doubles" (2021): the interval of
 * reals that round to the double is scaled by one 128-bit power of ten, so
 * that at most two candidates of one digit less and two of full length need
 * to be looked at.  The names c, q, k, h, s are the paper's.
 */
#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/atomic.h"
#include "base/require.h"

#define FRACTION_BITS 52
#define EXPONENT_MASK 0x7ff
#define EXPONENT_BIAS (1023 + FRACTION_BITS)
#define HIDDEN_BIT    (UINT64_C(1) << FRACTION_BITS)

/* C's %g prints with an exponent below 10^-4 and from 10^6 (6 digits). */
#define GENERAL_MIN_EXPONENT (-4)
#define GENERAL_MAX_EXPONENT 6

static const char two_digits[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

static size_t
n_digits(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

size_t
cmxi_u64_to_text(uint64_t v, char *buf)
{
	size_t length = n_digits(v);
	char *p = buf + length;

	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, two_digits + v % 100 * 2, 2);
	}
	if (v >= 10)
		memcpy(p - 2, two_digits + v * 2, 2);
	else
		p[-1] = (char)('0' + v);
	return length;
}

/* floor(log2(10^e)), exact for |e| <= 1233. */
static int
floor_log2_pow10(int e)
{
	return (e * 1741647) >> 19;
}

/*
 * floor(log10(2^e)), or floor(log10(3/4 * 2^e)) for the doubles whose lower
 * neighbour is nearer; exact for |e| <= 1500.
 */
static int
floor_log10_pow2(int e, bool lower_is_nearer)
{
	return (e * 1262611 - (lower_is_nearer ? 524031 : 0)) >> 22;
}

static uint64_t
multiply_high(uint64_t a, uint64_t b, uint64_t *low)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	*low = (uint64_t)product;
	return (uint64_t)(product >> 64);
}

/* g * cp / 2^128, its last bit set where anything was cut off. */
static uint64_t
round_to_odd(struct cmxi_u128 g, uint64_t cp)
{
	uint64_t x_low, y_low;
	uint64_t x_high = multiply_high(g.lo, cp, &x_low);
	uint64_t y_high = multiply_high(g.hi, cp, &y_low);

	y_low += x_high;
	y_high += y_low < x_high;
	return y_high | (y_low > 1);
}

/* The shortest decimal of c * 2^q. */
static struct cmxi_decimal
shortest(uint64_t c, int q, bool lower_is_nearer)
{
	bool is_odd = c & 1;
	int k = floor_log10_pow2(q, lower_is_nearer);
	int h = q + floor_log2_pow10(-k) + 1;

	REQUIRE(-k >= CMXI_POW10_MIN && -k <= CMXI_POW10_MAX);
	struct cmxi_u128 g = cmxi_pow10[-k - CMXI_POW10_MIN];
	uint64_t left = round_to_odd(g, (4 * c - 2 + lower_is_nearer) << h);
	uint64_t value = round_to_odd(g, (4 * c) << h);
	uint64_t right = round_to_odd(g, (4 * c + 2) << h);
	uint64_t lowest = left + is_odd;
	uint64_t highest = right - is_odd;
	uint64_t s = value / 4;

	if (s >= 10) {
		uint64_t tens = s / 10;
		bool below = lowest <= 40 * tens;
		bool above = 40 * tens + 40 <= highest;

		if (below != above)
			return (struct cmxi_decimal){ tens + above, k + 1 };
	}
	bool below = lowest <= 4 * s;
	bool above = 4 * s + 4 <= highest;
	if (below != above)
		return (struct cmxi_decimal){ s + above, k };
	uint64_t middle = 4 * s + 2;
	bool up = value > middle || (value == middle && (s & 1));
	return (struct cmxi_decimal){ s + up, k };
}

static struct cmxi_decimal
without_trailing_zeros(struct cmxi_decimal d)
{
	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	return d;
}

struct cmxi_decimal
cmxi_double_to_decimal(double d)
{
	uint64_t bits = cmxi_double_to_bits(d);
	uint64_t fraction = bits & (HIDDEN_BIT - 1);
	int exponent = (int)(bits >> FRACTION_BITS) & EXPONENT_MASK;

	REQUIRE(isfinite(d) && d != 0);
	REQUIRE(isfinite(d) && d != 0);
	if (exponent == 0)
		return without_trailing_zeros(
		    shortest(fraction, 1 - EXPONENT_BIAS, false));

	uint64_t c = fraction | HIDDEN_BIT;
	int q = exponent - EXPONENT_BIAS;
	if (q <= 0 && q > -FRACTION_BITS - 1 &&
	    (c & ((UINT64_C(1) << -q) - 1)) == 0)
		return without_trailing_zeros(
		    (struct cmxi_decimal){ c >> -q, 0 });
	return without_trailing_zeros(
	    shortest(c, q, fraction == 0 && exponent > 1));
}

/* Write 1.5e-07: the digits with a point after the first, then the exponent. */
static size_t
scientific_to_text(const char *digits, size_t n, int exponent, char *buf)
{
	char *p = buf;
	unsigned int e = (unsigned int)(exponent < 0 ? -exponent : exponent);

	*p++ = digits[0];
	if (n > 1) {
		*p++ = '.';
		memcpy(p, digits + 1, n - 1);
		p += n - 1;
	}
	*p++ = 'e';
	*p++ = exponent < 0 ? '-' : '+';
	if (e >= 100)
		*p++ = (char)('0' + e / 100);
	memcpy(p, two_digits + e % 100 * 2, 2);
	return (size_t)(p + 2 - buf);
}

/* Write 0.00015, 12.5 or 1200: the digits with the point at its place. */
static size_t
positional_to_text(const char *digits, size_t n, int exponent, char *buf)
{
	size_t whole = exponent < 0 ? 0 : (size_t)exponent + 1;
	char *p = buf;

	if (exponent < 0) {
		size_t zeros = (size_t)(-exponent - 1);

		memcpy(p, "0.", 2);
		memset(p + 2, '0', zeros);
		memcpy(p + 2 + zeros, digits, n);
		return 2 + zeros + n;
	}
	if (whole >= n) {
		memcpy(p, digits, n);
		memset(p + n, '0', whole - n);
		return whole;
	}
	memcpy(p, digits, whole);
	p[whole] = '.';
	memcpy(p + whole + 1, digits + whole, n - whole);
	return n + 1;
}

static size_t
special_to_text(double d, char *buf)
{
	if (isnan(d)) {
		memcpy(buf, "NaN", 3);
		return 3;
	}
	if (d == 0) {
		size_t sign = signbit(d) != 0;

		buf[0] = '-';
		buf[sign] = '0';
		return sign + 1;
	}
	memcpy(buf, d > 0 ? "+Inf" : "-Inf", 4);
	return 4;
}

size_t
cmxi_double_to_general(double d, char *buf)
{
	char digits[CMXI_NUMBER_MAX];
	size_t sign = 0;

	if (!isfinite(d) || d == 0)
		return special_to_text(d, buf);
	if (d < 0)
		buf[sign++] = '-';

	struct cmxi_decimal decimal = cmxi_double_to_decimal(d);
	size_t n = cmxi_u64_to_text(decimal.digits, digits);
	int exponent = decimal.exponent + (int)n - 1;
	if (exponent < GENERAL_MIN_EXPONENT || exponent >= GENERAL_MAX_EXPONENT)
		return sign +
		    scientific_to_text(digits, n, exponent, buf + sign);
	return sign + positional_to_text(digits, n, exponent, buf + sign);
}

size_t
cmxi_double_to_text(double d, char *buf)
{
	const double whole_max = 9007199254740992.0; /* 2^53 */

	if (d >= 1 && d < whole_max && d == (double)(uint64_t)d)
		return cmxi_u64_to_text((uint64_t)d, buf);
	if (d <= -1 && d > -whole_max && d == -(double)(uint64_t)-d) {
		buf[0] = '-';
		return 1 + cmxi_u64_to_text((uint64_t)-d, buf + 1);
	}
	return cmxi_double_to_general(d, buf);
}

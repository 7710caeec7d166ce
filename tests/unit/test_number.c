#include "test.h"

#include <math.h>

#include "base/number.h"

static const char *
general(double d)
{
	static char buf[CMXI_NUMBER_MAX + 1];

	buf[cmxi_double_to_general(d, buf)] = '\0';
	return buf;
}

static const char *
value(double d)
{
	static char buf[CMXI_NUMBER_MAX + 1];

	buf[cmxi_double_to_text(d, buf)] = '\0';
	return buf;
}

TEST(general_form_is_that_of_the_reference_encoder)
{
	static const struct {
		double d;
		const char *text;
	} cases[] = {
		{ 0.1, "0.1" },
		{ 100000, "100000" },
		{ 999999, "999999" },
		{ 1000000, "1e+06" },
		{ 1234567, "1.234567e+06" },
		{ 123456789, "1.23456789e+08" },
		{ 0.0001, "0.0001" },
		{ 0.00001, "1e-05" },
		{ 5e-324, "5e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 0.0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -1, "-1" },
		{ 2.5, "2.5" },
		{ 0.005, "0.005" },
		{ 1e100, "1e+100" },
		{ 12.5, "12.5" },
		{ 9007199254740993.0, "9.007199254740992e+15" },
		{ 0.3, "0.3" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ HUGE_VAL, "+Inf" },
		{ -HUGE_VAL, "-Inf" },
		{ NAN, "NaN" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(general(cases[i].d), cases[i].text);
}

TEST(whole_values_keep_all_their_digits)
{
	assert_string_equal(value(1234567), "1234567");
	assert_string_equal(value(-1234567), "-1234567");
	assert_string_equal(value(9007199254740991.0), "9007199254740991");
	assert_string_equal(value(9007199254740992.0), "9.007199254740992e+15");
	assert_string_equal(value(0.5), "0.5");
	assert_string_equal(value(-0.0), "-0");
	assert_string_equal(value(NAN), "NaN");
}

TEST(whole_numbers_are_written_at_every_power_of_ten)
{
	char buf[CMXI_NUMBER_MAX + 1], wanted[32];
	uint64_t power = 1;

	for (int i = 0; i < 20; i++, power *= 10)
		for (int64_t near = -1; near <= 1; near++) {
			uint64_t v = power + (uint64_t)near;

			buf[cmxi_u64_to_text(v, buf)] = '\0';
			snprintf(wanted, sizeof(wanted), "%llu",
			    (unsigned long long)v);
			assert_string_equal(buf, wanted);
		}
	buf[cmxi_u64_to_text(UINT64_MAX, buf)] = '\0';
	assert_string_equal(buf, "18446744073709551615");
}

/* Fewer digits than ours would not read back as d. */
static void
assert_shortest(double d)
{
	struct cmxi_decimal decimal = cmxi_double_to_decimal(d);
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%llu",
	    (unsigned long long)decimal.digits);

	assert_double(strtod(general(d), NULL), d);
	if (n == 1)
		return;
	snprintf(buf, sizeof(buf), "%.*e", n - 2, d);
	assert_true(bits_of(strtod(buf, NULL)) != bits_of(d));
}

TEST(every_double_reads_back_and_no_shorter_text_does)
{
	uint64_t random = 42;
	double d;

	for (int i = 0; i < test_rounds(300000); i++) {
		uint64_t bits = test_random(&random);

		if (i % 3 == 1) /* powers of two: uneven neighbours */
			bits = (bits % 2046 + 1) << 52;
		if (i % 3 == 2) /* denormals */
			bits &= (UINT64_C(1) << 52) - 1;
		memcpy(&d, &bits, sizeof(d));
		if (isfinite(d) && d != 0)
			assert_shortest(d);
	}
}

/* A big number, least significant word first. */
#define WORDS 40
struct big {
	uint32_t w[WORDS];
};

static void
multiply(struct big *b, uint32_t by)
{
	uint64_t carry = 0;

	for (int i = 0; i < WORDS; i++) {
		carry += (uint64_t)b->w[i] * by;
		b->w[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static int
bit_length(const struct big *b)
{
	for (int i = WORDS - 1; i >= 0; i--)
		if (b->w[i] != 0)
			return 32 * i + 32 - __builtin_clz(b->w[i]);
	return 0;
}

static bool
bit(const struct big *b, int i)
{
	return i >= 0 && (b->w[i / 32] >> i % 32 & 1);
}

/* The 128 bits from the top of b, rounded up. */
static void
top_bits(const struct big *b, uint64_t *hi, uint64_t *lo)
{
	int n = bit_length(b);
	bool is_exact = true;

	*hi = *lo = 0;
	for (int i = 0; i < 64; i++) {
		*hi = *hi << 1 | bit(b, n - 1 - i);
		*lo = *lo << 1 | bit(b, n - 65 - i);
	}
	for (int i = 0; i < n - 128; i++)
		is_exact &= !bit(b, i);
	if (!is_exact && ++*lo == 0)
		++*hi;
}

TEST(positive_powers_of_ten_are_those_of_long_arithmetic)
{
	struct big b = { { 1 } };
	uint64_t hi, lo;

	for (int k = 0; k <= CMXI_POW10_MAX; k++) {
		top_bits(&b, &hi, &lo);
		assert_int_equal(cmxi_pow10[k - CMXI_POW10_MIN].hi, hi);
		assert_int_equal(cmxi_pow10[k - CMXI_POW10_MIN].lo, lo);
		multiply(&b, 10);
	}
}

/* b -= other where it is not less; whether it was not. */
static bool
subtract(struct big *b, const struct big *other)
{
	struct big result;
	int64_t borrow = 0;

	for (int i = 0; i < WORDS; i++) {
		int64_t d = (int64_t)b->w[i] - other->w[i] + borrow;

		result.w[i] = (uint32_t)d;
		borrow = d >> 32;
	}
	if (borrow == 0)
		*b = result;
	return borrow == 0;
}

TEST(negative_powers_of_ten_are_those_of_long_division)
{
	struct big ten = { { 1 } };

	for (int k = -1; k >= CMXI_POW10_MIN; k--) {
		struct big rest = { { 0 } };
		uint64_t hi = 0, lo = 0;
		int n;

		multiply(&ten, 10);
		n = bit_length(&ten);
		/* 2^n / 10^-k has its first bit at once: 10^-k < 2^n */
		rest.w[n / 32] = 1u << n % 32;
		for (int i = 0; i < 128; i++) {
			bool digit = subtract(&rest, &ten);

			hi = hi << 1 | lo >> 63;
			lo = lo << 1 | digit;
			multiply(&rest, 2);
		}
		if (bit_length(&rest) != 0 && ++lo == 0)
			hi++;
		assert_int_equal(cmxi_pow10[k - CMXI_POW10_MIN].hi, hi);
		assert_int_equal(cmxi_pow10[k - CMXI_POW10_MIN].lo, lo);
	}
}

TEST(nothing_is_written_behind_the_text)
{
	static const double values[] = { 0, -0.0, 1, 0.5, 1e300, 123456, NAN };
	char buf[CMXI_NUMBER_MAX];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(buf[cmxi_double_to_general(values[i], buf)],
		    '#');
	}
}

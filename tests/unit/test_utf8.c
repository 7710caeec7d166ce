#include "test.h"

#include "base/utf8.h"

/* The encoding of a code point, by the book. */
static size_t
encode(uint32_t c, unsigned char out[4])
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (unsigned char)(0xe0 | c >> 12);
		out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | c >> 18);
	out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

TEST(every_code_point_but_surrogates_is_valid)
{
	unsigned char s[4];

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		size_t n = encode(c, s);
		bool is_surrogate = c >= 0xd800 && c <= 0xdfff;

		assert_int_equal(cmxi_utf8_sequence(s, n),
		    is_surrogate ? 0 : n);
		if (n > 1)
			assert_int_equal(cmxi_utf8_sequence(s, n - 1), 0);
	}
}

TEST(valid_sequences_of_three_bytes_are_counted_exactly)
{
	int n_valid = 0;

	for (int a = 0x80; a < 0x100; a++)
		for (int b = 0; b < 0x100; b++)
			for (int c = 0; c < 0x100; c++) {
				unsigned char s[] = { (unsigned char)a,
					(unsigned char)b, (unsigned char)c };

				n_valid += cmxi_utf8_sequence(s, 3) == 3;
			}
	/* U+0800 to U+FFFF without the 2,048 surrogates */
	assert_int_equal(n_valid, 0x10000 - 0x800 - 2048);
}

TEST(repair_replaces_each_bad_byte_and_nothing_else)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "\xc3\xa9", "\xc3\xa9" },
		{ "a\xff"
		  "b",
		    "a\xef\xbf\xbd"
		    "b" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = cmxi_utf8_repair(cases[i].in, strlen(cases[i].in),
		    buf, sizeof(buf));

		assert_int_equal(n, strlen(cases[i].out));
		assert_memory_equal(buf, cases[i].out, n);
		assert_true(cmxi_utf8_is_valid(buf, n));
	}
}

TEST(repair_tells_the_whole_length_and_writes_within_its_room)
{
	char buf[8] = "........";

	assert_int_equal(cmxi_utf8_repair("\xff\xff\xff", 3, buf, 7), 9);
	assert_int_equal(buf[7], '.');
	assert_int_equal(buf[6], '.');
}

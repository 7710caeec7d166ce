/*
 * http_path.c: label values for HTTP requests, from a bounded set.
 */
#include "codeai/metrics_http.h"

#include <string.h>

#include "base/compiler.h"
#include "base/require.h"

/* A longer segment is a token, whatever its characters. */
#define SEGMENT_MAX 64

#define HEX_MIN   8
#define TOKEN_MIN 16
#define UUID_SIZE 36
#define ULID_SIZE 26
#define DATE_SIZE 10

/* The classes of characters, as bits. */
enum {
	DIGIT = 1,
	HEX = 2, /* a-f A-F */
	UPPER = 4,
	LOWER = 8,
	DASH = 16,
	BASE64 = 32, /* + _ = */
	AT = 64,
	DOT = 128,
	PERCENT = 256,
	OTHER = 512,
	END = 1024,        /* of a segment */
	BEYOND_HEX = 2048, /* g-z G-Z */
};

static const uint16_t classes[256] = {
	['\0'] = END,
	[1 ... '"'] = OTHER,
	['#'] = END,
	['$'] = OTHER,
	['%'] = PERCENT,
	['&' ... '*'] = OTHER,
	['+'] = BASE64,
	[','] = OTHER,
	['-'] = DASH,
	['.'] = DOT,
	['/'] = END,
	['0' ... '9'] = DIGIT,
	[':' ... '<'] = OTHER,
	['='] = BASE64,
	['>'] = OTHER,
	['?'] = END,
	['@'] = AT,
	['A' ... 'F'] = UPPER | HEX,
	['G' ... 'Z'] = UPPER | BEYOND_HEX,
	['[' ... '^'] = OTHER,
	['_'] = BASE64,
	['`'] = OTHER,
	['a' ... 'f'] = LOWER | HEX,
	['g' ... 'z'] = LOWER | BEYOND_HEX,
	['{' ... 255] = OTHER,
};

static inline unsigned int
class_of(char c)
{
	return classes[(unsigned char)c];
}

/* The classes of n characters. */
static unsigned int
classes_of(const char *s, size_t n)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= class_of(s[i]);
	return seen;
}

/* Are all seen classes those of hexadecimal digits, or in others? */
static bool
is_hex(unsigned int seen, unsigned int others)
{
	return !(seen & ~(DIGIT | HEX | LOWER | UPPER | others));
}

static bool
is_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static bool
is_uuid(const char *s, size_t n, unsigned int seen)
{
	size_t n_dashes = 0;

	if (n != UUID_SIZE || !is_hex(seen, DASH))
		return false;
	for (size_t i = 0; i < UUID_SIZE; i++)
		n_dashes += s[i] == '-';
	return n_dashes == 4 && s[8] == '-' && s[13] == '-' && s[18] == '-' &&
	    s[23] == '-';
}

/* Is it a date such as 2024-02-29, perhaps with T and a time? */
static bool
is_date(const char *s, size_t n)
{
	if (n < DATE_SIZE || !is_digits(s, 4) || s[4] != '-' ||
	    !is_digits(s + 5, 2) || s[7] != '-' || !is_digits(s + 8, 2))
		return false;
	if (s[5] > '1' || s[8] > '3')
		return false;
	return n == DATE_SIZE || s[DATE_SIZE] == 'T' || s[DATE_SIZE] == 't';
}

static bool
is_ulid(const char *s, size_t n, unsigned int seen)
{
	if (n != ULID_SIZE || s[0] > '7' || !(seen & DIGIT) ||
	    !is_hex(seen, BEYOND_HEX))
		return false;
	for (size_t i = 0; i < n; i++)
		if (memchr("ILOUilou", s[i], 8) != NULL)
			return false;
	return true;
}

static bool
is_email(const char *s, size_t n)
{
	const char *at = memchr(s, '@', n), *end = s + n, *dot;

	if (at == NULL || at == s)
		return false;
	dot = memchr(at, '.', (size_t)(end - at));
	return dot != NULL && dot > at + 1 && dot + 1 < end;
}

/* What stands for an identifier of any kind: one route has one path. */
#define ID "{id}"

/* The placeholder for a segment, or null where the segment is kept. */
static const char *
placeholder(const char *s, size_t n, unsigned int seen)
{
	if (n > SEGMENT_MAX)
		return ID;
	/* The fast answer for most segments: words without a digit or @. */
	if (!(seen & (DIGIT | AT)))
		return NULL;
	if (seen == DIGIT)
		return ID;
	if (is_uuid(s, n, seen))
		return ID;
	if (is_date(s, n))
		return ID;
	if ((seen & AT) && is_email(s, n))
		return ID;
	if (is_ulid(s, n, seen))
		return ID;
	if (n >= HEX_MIN && is_hex(seen, 0))
		return ID;
	if (n >= TOKEN_MIN && (seen & UPPER) && (seen & LOWER) &&
	    !(seen & (AT | DOT | PERCENT | OTHER)))
		return ID;
	return NULL;
}

/* The index of an extension of one to five letters, or n. */
static size_t
extension(const char *s, size_t n)
{
	for (size_t i = n; i > 0 && n - i <= 5; i--) {
		char c = s[i - 1];

		if (c == '.')
			return n - i >= 1 && i > 1 ? i - 1 : n;
		if (!(class_of(c) & (UPPER | LOWER)))
			return n;
	}
	return n;
}

/* The output buffer; it takes what it has room for. */
struct output {
	char *buf;
	size_t n, size;
};

static void
put(struct output *o, const char *s, size_t n)
{
	size_t room = o->size - o->n - 1;

	REQUIRE(o->n < o->size);
	n = n < room ? n : room;
	memcpy(o->buf + o->n, s, n);
	o->n += n;
}

static void
put_segment(struct output *o, const char *s, size_t n, unsigned int seen)
{
	const char *whole = placeholder(s, n, seen);
	size_t stem = n;

	if (whole == NULL && (seen & DOT) && (seen & (DIGIT | AT))) {
		stem = extension(s, n);
		if (stem < n)
			whole = placeholder(s, stem, classes_of(s, stem));
	}
	put(o, "/", 1);
	if (whole == NULL) {
		put(o, s, n);
		return;
	}
	put(o, whole, strlen(whole));
	put(o, s + stem, n - stem);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Does the character mean the same with and without %? */
static bool
is_unreserved(int c)
{
	return (class_of((char)c) & (DIGIT | UPPER | LOWER | DASH)) ||
	    c == '.' || c == '_' || c == '~';
}

/*
 * Copy a segment and decode %XX where the meaning stays the same, at most
 * SEGMENT_MAX + 1 bytes.
 */
static size_t
decode(const char *s, size_t n, char *buf)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used <= SEGMENT_MAX; i++) {
		int high = -1, low = -1;

		if (s[i] == '%' && i + 2 < n) {
			high = hex_value(s[i + 1]);
			low = hex_value(s[i + 2]);
		}
		if (high >= 0 && low >= 0 && is_unreserved(high * 16 + low)) {
			buf[used++] = (char)(high * 16 + low);
			i += 2;
		} else {
			buf[used++] = s[i];
		}
	}
	return used;
}

/* The path of a request target, after scheme and host if it has them. */
static const char *
skip_authority(const char *target)
{
	const char *slashes;

	if (target[0] == '/')
		return target;
	slashes = strstr(target, "://");
	if (slashes == NULL ||
	    strcspn(target, "/?#") != (size_t)(slashes - target) + 1)
		return target;
	return slashes + 3 + strcspn(slashes + 3, "/?#");
}

/* A segment of the path, decoded where the meaning stays the same. */
struct segment {
	const char *s;
	size_t n;
	unsigned int seen; /* classes of its characters */
	char decoded[SEGMENT_MAX + 1];
};

/* Take the next segment, after its slashes. */
static bool
next_segment(const char **path, struct segment *segment)
{
	const char *p = *path;
	unsigned int seen = 0, c;
	size_t n = 0;

	while (*p == '/')
		p++;
	while (!((c = class_of(p[n])) & END)) {
		seen |= c;
		n++;
	}
	*path = p + n;
	if (seen & PERCENT) {
		n = decode(p, n, segment->decoded);
		p = segment->decoded;
		seen = classes_of(p, n);
	}
	segment->s = p;
	segment->n = n;
	segment->seen = seen;
	return n > 0;
}

static bool
is_dots(const struct segment *segment, size_t n)
{
	return segment->n == n && segment->s[0] == '.' &&
	    segment->s[n - 1] == '.';
}

/* A stack of the segments in the output, so that ".." can remove one. */
struct walk {
	struct output out;
	size_t ends[CMX_HTTP_PATH_DEPTH + 1];
	int depth;
};

/*
 * Append a segment; "." and ".." are obeyed instead.  Returns false where the
 * path is too deep.
 */
static bool
apply_segment(struct walk *w, const struct segment *segment)
{
	if (is_dots(segment, 1))
		return true;
	if (is_dots(segment, 2)) {
		w->depth -= w->depth > 0;
		w->out.n = w->ends[w->depth];
		return true;
	}
	if (w->depth == CMX_HTTP_PATH_DEPTH) {
		put(&w->out, "/{more}", strlen("/{more}"));
		return false;
	}
	put_segment(&w->out, segment->s, segment->n, segment->seen);
	w->ends[++w->depth] = w->out.n;
	return true;
}

size_t
cmx_http_normalize_path(const char *path, char *buf, size_t size)
{
	struct segment segment;
	struct walk w;

	if (buf == NULL || size == 0)
		return 0;
	/* Zeroing all of w would take as long as a short path. */
	w.out = (struct output){ buf, 0, size };
	w.ends[0] = 0;
	w.depth = 0;
	path = path == NULL ? "" : skip_authority(path);
	if (path[0] == '*' && path[1] == '\0') {
		put(&w.out, "*", 1);
		path++;
	}
	while (next_segment(&path, &segment) && apply_segment(&w, &segment))
		;
	if (w.out.n == 0)
		put(&w.out, "/", 1);
	buf[w.out.n] = '\0';
	return w.out.n;
}

const char *
cmx_http_method(const char *method)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "HEAD",
		"DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE" };

	for (size_t i = 0; i < CMXI_ARRAY_LEN(methods); i++)
		if (method != NULL && strcmp(method, methods[i]) == 0)
			return methods[i];
	return "other";
}

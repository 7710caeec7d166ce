/*
 * buf.h: a growing byte buffer with one sticky error.
 *
 * Appending never fails at the call: when memory ends, the buffer keeps what
 * it has, sets failed, and ignores the rest; the caller asks once, at the
 * end.  Zeroed memory is an empty buffer.
 */
#ifndef CMXI_BUF_H
#define CMXI_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "codeai/metrics_base.h"

#include "base/compiler.h"
#include "base/require.h"

struct cmxi_buf {
	char *data;
	size_t size;
	size_t capacity;
	bool failed;
};

void cmxi_buf_fini(struct cmxi_buf *);

/*
 * Make room for n more bytes.  Returns false and sets failed where there is no
 * memory.
 */
bool cmxi_buf_grow(struct cmxi_buf *, size_t n);

void cmxi_buf_printf(struct cmxi_buf *, const char *fmt, ...) CMX_PRINTF(2, 3);

static inline bool
cmxi_buf_reserve(struct cmxi_buf *b, size_t n)
{
	return cmxi_likely(b->capacity - b->size >= n) || cmxi_buf_grow(b, n);
}

static inline void
cmxi_buf_bytes(struct cmxi_buf *b, const void *bytes, size_t n)
{
	REQUIRE(n == 0 || bytes != NULL);
	if (n > 0 && cmxi_buf_reserve(b, n)) {
		memcpy(b->data + b->size, bytes, n);
		b->size += n;
	}
}

static inline void
cmxi_buf_char(struct cmxi_buf *b, char c)
{
	if (cmxi_buf_reserve(b, 1))
		b->data[b->size++] = c;
}

static inline void
cmxi_buf_string(struct cmxi_buf *b, const char *s)
{
	cmxi_buf_bytes(b, s, strlen(s));
}

/*
 * A label value as all text formats write it: a backslash before \, " and a
 * line feed (as n).
 */
void cmxi_buf_escaped(struct cmxi_buf *, const char *value, size_t n);

void cmxi_buf_u64(struct cmxi_buf *, uint64_t);

/* The value of a sample: cmxi_double_to_text(). */
void cmxi_buf_double(struct cmxi_buf *, double);

#endif

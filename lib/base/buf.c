/*
 * buf.c: a growing byte buffer with one sticky error.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/require.h"

void
cmxi_buf_fini(struct cmxi_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

bool
cmxi_buf_grow(struct cmxi_buf *b, size_t n)
{
	size_t capacity = b->capacity < 256 ? 256 : b->capacity;
	char *data;

	REQUIRE(b->size <= b->capacity);
	if (b->failed || n > SIZE_MAX / 4 - b->size)
		goto fail;
	while (capacity - b->size < n)
		capacity *= 2;
	data = realloc(b->data, capacity);
	if (data == NULL)
		goto fail;
	b->data = data;
	b->capacity = capacity;
	return true;
fail:
	b->failed = true;
	return false;
}

void
cmxi_buf_printf(struct cmxi_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !cmxi_buf_reserve(b, (size_t)n + 1)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->size += (size_t)n;
}

void
cmxi_buf_escaped(struct cmxi_buf *b, const char *value, size_t n)
{
	for (const char *end = value + n; value < end; value++) {
		if (*value == '\\' || *value == '"')
			cmxi_buf_char(b, '\\');
		if (*value == '\n')
			cmxi_buf_string(b, "\\n");
		else
			cmxi_buf_char(b, *value);
	}
}

void
cmxi_buf_u64(struct cmxi_buf *b, uint64_t v)
{
	if (cmxi_buf_reserve(b, CMXI_NUMBER_MAX))
		b->size += cmxi_u64_to_text(v, b->data + b->size);
}

void
cmxi_buf_double(struct cmxi_buf *b, double v)
{
	if (cmxi_buf_reserve(b, CMXI_NUMBER_MAX))
		b->size += cmxi_double_to_text(v, b->data + b->size);
}

/*
 * error.c: filling the caller's struct cmx_error.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut ends with "...". */
static void
mark_cut(char *text, size_t size, int wanted)
{
	if (wanted >= 0 && (size_t)wanted >= size)
		memcpy(text + size - 4, "...", 4);
}

static void
fill_error(struct cmx_error *err, enum cmx_err code, int saved, const char *fmt,
    va_list ap)
{
	int n;

	memset(err, 0, sizeof(*err));
	err->code = code;
	err->sys_errno = saved;
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	mark_cut(err->text, sizeof(err->text), n);
}

int
cmxi_error(struct cmx_error *err, enum cmx_err code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		fill_error(err, code, 0, fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return code;
}

int
cmxi_error_system(struct cmx_error *err, enum cmx_err code, int saved,
    const char *fmt, ...)
{
	char reason[128] = "";
	size_t used;
	va_list ap;
	int n;

	if (err == NULL) {
		errno = saved;
		return code;
	}
	va_start(ap, fmt);
	fill_error(err, code, saved, fmt, ap);
	va_end(ap);
	/*
	 * The GNU strerror_r() returns the text, which need not be in the
	 * buffer.
	 */
	const char *text = strerror_r(saved, reason, sizeof(reason));
	used = strlen(err->text);
	n = snprintf(err->text + used, sizeof(err->text) - used, ": %s", text);
	mark_cut(err->text + used, sizeof(err->text) - used, n);
	errno = saved;
	return code;
}

void
cmxi_error_join(struct cmx_error *to, const struct cmx_error *from,
    bool is_first)
{
	size_t used;

	if (to == NULL)
		return;
	if (is_first) {
		*to = *from;
		return;
	}
	used = strlen(to->text);
	if (used + 1 + strlen(from->text) >= sizeof(to->text))
		return;
	to->text[used] = '\n';
	strcpy(to->text + used + 1, from->text);
}

void
cmxi_error_clear(struct cmx_error *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

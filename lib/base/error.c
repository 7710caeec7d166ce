/*
 * error.c: filling the caller's struct cmx_error; names of codes.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const error_names[] = {
	[CMX_OK] = "ok",
	[-CMX_ERR_ARGUMENT] = "argument",
	[-CMX_ERR_SYSTEM] = "system",
	[-CMX_ERR_MEMORY] = "memory",
	[-CMX_ERR_SCHEMA] = "schema",
	[-CMX_ERR_NOT_FOUND] = "not found",
	[-CMX_ERR_EXISTS] = "exists",
	[-CMX_ERR_FORMAT] = "format",
	[-CMX_ERR_MISMATCH] = "mismatch",
	[-CMX_ERR_PERMISSION] = "permission",
	[-CMX_ERR_FILESYSTEM] = "filesystem",
	[-CMX_ERR_CONFLICT] = "conflict",
	[-CMX_ERR_TYPE] = "type",
	[-CMX_ERR_LABELS] = "labels",
	[-CMX_ERR_FULL] = "full",
	[-CMX_ERR_NO_SPACE] = "no space",
};

static const char *const type_names[] = {
	[0] = "unknown",
	[CMX_COUNTER] = "counter",
	[CMX_GAUGE] = "gauge",
	[CMX_HISTOGRAM] = "histogram",
};

static const char *const aggregate_names[] = {
	[CMX_SUM] = "sum",
	[CMX_MIN] = "min",
	[CMX_MAX] = "max",
	[CMX_AVG] = "avg",
	[CMX_LAST] = "last",
	[CMX_EACH] = "each",
};

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
cmxi_error_clear(struct cmx_error *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

const char *
cmx_err_name(enum cmx_err code)
{
	size_t i = code > 0 ? 0 : (size_t) - (int)code;

	return i < CMXI_ARRAY_LEN(error_names) ? error_names[i] : "unknown";
}

const char *
cmx_type_name(enum cmx_type type)
{
	size_t i = (size_t)type;

	return type_names[i < CMXI_ARRAY_LEN(type_names) ? i : 0];
}

const char *
cmx_aggregate_name(enum cmx_aggregate aggregate)
{
	size_t i = (size_t)aggregate;

	return aggregate_names[i < CMXI_ARRAY_LEN(aggregate_names) ? i : 0];
}

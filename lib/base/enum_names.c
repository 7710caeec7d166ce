/*
 * enum_names.c: the words for codes, types and aggregations.
 */
#include "base/enum_names.h"

#include "base/compiler.h"

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
	[-CMX_ERR_TOO_LARGE] = "too large",
};

const char *const cmxi_type_names[CMXI_TYPES] = {
	[0] = "unknown",
	[CMX_COUNTER] = "counter",
	[CMX_GAUGE] = "gauge",
	[CMX_HISTOGRAM] = "histogram",
};

const char *const cmxi_aggregate_names[CMXI_AGGREGATES] = {
	[CMX_SUM] = "sum",
	[CMX_MIN] = "min",
	[CMX_MAX] = "max",
	[CMX_AVG] = "avg",
	[CMX_LAST] = "last",
	[CMX_EACH] = "each",
};

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

	return cmxi_type_names[i < CMXI_TYPES ? i : 0];
}

const char *
cmx_aggregate_name(enum cmx_aggregate aggregate)
{
	size_t i = (size_t)aggregate;

	return cmxi_aggregate_names[i < CMXI_AGGREGATES ? i : 0];
}

/*
 * statistics.c: the list of a segment's statistics.
 */
#include "segment/statistics.h"

#include <assert.h>
#include <string.h>

#include "codeai/metrics_reader.h"

#include "base/compiler.h"

#define STATISTIC(type, member, name, help) \
	{ name, help, type, offsetof(struct cmxr_info, member) },

static const struct cmxr_statistic statistics[] = {
#define X(enumerator, member, name, help) \
	STATISTIC(CMX_COUNTER, member, name, help)
	CMXI_HEADER_STATISTICS(X)
#undef X
#define X(type, member, name, help) STATISTIC(CMX_##type, member, name, help)
	    CMXI_READER_STATISTICS(X)
#undef X
};

/* Every member that the table names is a uint64_t. */
#define IS_U64(member) \
	static_assert(sizeof(((struct cmxr_info *)0)->member) == 8, #member);
#define X(first, member, name, help) IS_U64(member)
CMXI_HEADER_STATISTICS(X)
CMXI_READER_STATISTICS(X)
#undef X

const struct cmxr_statistic *
cmxr_statistic_next(size_t *cursor)
{
	return *cursor < CMXI_ARRAY_LEN(statistics) ? &statistics[(*cursor)++] :
						      NULL;
}

uint64_t
cmxr_statistic_value(const struct cmxr_statistic *statistic,
    const struct cmxr_info *info)
{
	uint64_t value;

	memcpy(&value, (const char *)info + statistic->offset, sizeof(value));
	return value;
}

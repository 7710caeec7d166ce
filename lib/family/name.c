/*
 * name.c: what a metric or label may be called.
 */
#include "family/name.h"

#include <string.h>

#include "codeai/metrics_base.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not isalpha(3): its answer depends on the locale. */
static bool
is_name(const char *s, const char *also)
{
	size_t n = strlen(s);

	if (n == 0 || n > CMX_NAME_MAX || is_digit(s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter(s[i]) && !is_digit(s[i]) &&
		    strchr(also, s[i]) == NULL)
			return false;
	return true;
}

bool
cmxi_metric_name_is_valid(const char *s)
{
	return is_name(s, ":");
}

bool
cmxi_label_name_is_valid(const char *s)
{
	return is_name(s, "");
}

bool
cmxi_name_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

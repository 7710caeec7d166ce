/*
 * compare.c: two family definitions beside each other.
 */
#include "family/compare.h"

#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/number.h"
#include "base/require.h"
#include "family/exposed.h"

bool
cmxi_def_clash(const struct cmx_family_def *a, const struct cmx_family_def *b,
    char *buf, size_t size)
{
	struct cmxi_exposed_name x = { .base = a->name,
		.n = cmxi_exposed_base(a) };
	struct cmxi_exposed_name y = { .base = b->name,
		.n = cmxi_exposed_base(b) };

	REQUIRE(size >= CMXI_CLASH_SIZE);
	/*
	 * Two exposed names can only be equal if one base name is a prefix of
	 * the other: a cheap first test.
	 */
	if (memcmp(x.base, y.base, x.n < y.n ? x.n : y.n) != 0)
		return false;
	for (const char *const *i = cmxi_exposed_suffixes(a); *i != NULL; i++)
		for (const char *const *j = cmxi_exposed_suffixes(b);
		     *j != NULL; j++) {
			x.suffix = *i;
			y.suffix = *j;
			if (cmxi_exposed_equal(&x, &y)) {
				snprintf(buf, size, "%.*s%s", (int)x.n, x.base,
				    x.suffix);
				return true;
			}
		}
	return false;
}

static bool
same_native(const struct cmx_family_def *a, const struct cmx_family_def *b)
{
	if (!a->is_native || !b->is_native)
		return a->is_native == b->is_native;
	return a->native_schema == b->native_schema &&
	    a->native_min == b->native_min && a->native_max == b->native_max;
}

bool
cmxi_def_same_cells(const struct cmx_family_def *a,
    const struct cmx_family_def *b)
{
	if (strcmp(a->name, b->name) != 0 || a->type != b->type ||
	    a->is_double != b->is_double || a->n_labels != b->n_labels ||
	    a->n_bounds != b->n_bounds || !same_native(a, b))
		return false;
	for (size_t i = 0; i < a->n_labels; i++)
		if (strcmp(a->labels[i], b->labels[i]) != 0)
			return false;
	for (size_t i = 0; i < a->n_bounds; i++)
		if (a->bounds[i] != b->bounds[i])
			return false;
	return true;
}

bool
cmxi_def_compatible(const struct cmx_family_def *a,
    const struct cmx_family_def *b)
{
	return cmxi_def_same_cells(a, b) && a->aggregate == b->aggregate;
}

bool
cmxi_def_equal(const struct cmx_family_def *a, const struct cmx_family_def *b)
{
	return cmxi_def_compatible(a, b) &&
	    a->has_exemplars == b->has_exemplars &&
	    strcmp(cmxi_or_empty(a->help), cmxi_or_empty(b->help)) == 0 &&
	    strcmp(cmxi_or_empty(a->unit), cmxi_or_empty(b->unit)) == 0;
}

static void append_text(char *buf, size_t size, const char *fmt, ...)
    CMX_PRINTF(3, 4);

static void
append_text(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

void
cmxi_def_describe(const struct cmx_family_def *def, char *buf, size_t size)
{
	char number[CMXI_NUMBER_MAX + 1];

	REQUIRE(size > 0);
	snprintf(buf, size, "%s%s %s{", def->is_double ? "double " : "",
	    cmx_type_name(def->type), def->name);
	for (size_t i = 0; i < def->n_labels; i++)
		append_text(buf, size, "%s%s", i > 0 ? "," : "",
		    def->labels[i]);
	append_text(buf, size, "}");
	if (def->unit != NULL && def->unit[0] != '\0')
		append_text(buf, size, " unit %s", def->unit);
	if (def->type == CMX_GAUGE)
		append_text(buf, size, " aggregate %s",
		    cmx_aggregate_name(def->aggregate));
	for (size_t i = 0; i < def->n_bounds; i++) {
		number[cmxi_double_to_general(def->bounds[i], number)] = '\0';
		append_text(buf, size, "%s%s", i > 0 ? "," : " buckets ",
		    number);
	}
	append_text(buf, size, " help \"%.80s\"", cmxi_or_empty(def->help));
}

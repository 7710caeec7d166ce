/*
 * schema_check.c: the rules that concern several families of a schema.
 */
#include <inttypes.h>
#include <string.h>

#include "base/require.h"
#include "family/compare.h"
#include "family/exposed.h"
#include "family/name.h"
#include "schema/schema_parts.h"

/* Does a family have all parts that a comparison with others needs? */
static bool
is_comparable(const struct cmx_family_def *def)
{
	return def->name != NULL && cmxi_metric_name_is_valid(def->name) &&
	    def->type >= CMX_COUNTER && def->type <= CMX_HISTOGRAM;
}

/* Report that metrics[i] clashes with metrics[j]. */
static void
report_clash(struct cmxi_parse *p, size_t i, size_t j)
{
	const struct cmx_family_def *def = &p->schema->families[i].def;
	const struct cmx_family_def *other = &p->schema->families[j].def;
	char name[CMXI_CLASH_SIZE];

	REQUIRE(j < i);
	if (!cmxi_def_clash(other, def, name, sizeof(name)))
		return;
	if (strcmp(def->name, other->name) == 0)
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "name",
		    "\"%s\" is metrics[%zu] already", def->name, j);
	else
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "name",
		    "\"%s\" clashes with metrics[%zu] \"%s\": both would expose \"%s\"",
		    def->name, j, other->name, name);
}

void
cmxi_schema_check_clashes(struct cmxi_parse *p)
{
	size_t metrics = cmxi_parse_enter(p, "metrics");
	struct cmxi_exposed_set names = { .n = 0 };

	for (size_t i = 0; i < p->schema->n_families; i++) {
		const struct cmx_family_def *def = &p->schema->families[i].def;
		size_t before = cmxi_parse_enter_element(p, i);
		uint32_t j = is_comparable(def) ?
		    cmxi_exposed_find(&names, def) :
		    CMXI_HASH_INDEX_NONE;

		if (j != CMXI_HASH_INDEX_NONE)
			report_clash(p, i, j);
		else if (is_comparable(def) &&
		    !cmxi_exposed_add(&names, def, (uint32_t)i))
			p->no_memory = true;
		cmxi_parse_leave(p, before);
	}
	cmxi_exposed_fini(&names);
	cmxi_parse_leave(p, metrics);
}

bool
cmxi_schema_family_has_values(const struct cmxi_schema_family *family)
{
	for (size_t i = 0; i < family->def.n_labels; i++)
		if (family->values[i].n == 0)
			return false;
	return family->def.n_labels > 0;
}

/*
 * The number of series that exist from the start: one for a family without
 * labels, the product of the lists where all values are known.
 */
static uint64_t
n_initial_series(const struct cmxi_schema_family *family)
{
	uint64_t n = 1;

	if (family->def.n_labels == 0)
		return 1;
	if (!cmxi_schema_family_has_values(family))
		return 0;
	for (size_t i = 0; i < family->def.n_labels; i++) {
		n *= family->values[i].n;
		if (n > 1u << 24)
			return n;
	}
	return n;
}

/*
 * Count the series that the schema creates, and report a family that has too
 * many.
 */
static uint64_t
count_initial_series(struct cmxi_parse *p)
{
	size_t metrics = cmxi_parse_enter(p, "metrics");
	uint64_t n_series = 0;

	for (size_t i = 0; i < p->schema->n_families; i++) {
		const struct cmxi_schema_family *f = &p->schema->families[i];
		uint64_t n = n_initial_series(f);
		size_t before = cmxi_parse_enter_element(p, i);

		n_series += n + (f->def.n_labels > 0);
		if (f->def.max_series != 0 && n > f->def.max_series)
			cmxi_parse_diagnose_member(p, CMXI_OF_VALUE,
			    "max_series",
			    "%u is below the %" PRIu64
			    " series that \"values\" creates",
			    f->def.max_series, n);
		cmxi_parse_leave(p, before);
	}
	cmxi_parse_leave(p, metrics);
	return n_series;
}

void
cmxi_schema_check_limits(struct cmxi_parse *p)
{
	const struct cmxi_limits *limits = &p->schema->limits;
	uint64_t n_series = count_initial_series(p);
	size_t before = cmxi_parse_enter(p, "limits");

	if (p->schema->n_families > limits->families)
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "families",
		    "%" PRIu64 ", but the schema has %zu metrics",
		    limits->families, p->schema->n_families);
	if (n_series > limits->series)
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "series",
		    "%" PRIu64 ", but the schema creates %" PRIu64
		    " series at the start (overflow series counted)",
		    limits->series, n_series);
	cmxi_parse_leave(p, before);
}

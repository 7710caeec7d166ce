/*
 * plan.c: what an apply would do, and what it would not carry, before it is
 * done.
 */
#include "codeai/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codeai/metrics_reader.h"

#include "base/call.h"
#include "base/error.h"
#include "family/compare.h"
#include "schema/schema.h"
#include "segment/segment_path.h"

/* A segment as it is, and the schema that it may get. */
struct plan {
	const struct cmxr_snapshot *snapshot;
	const struct cmxi_schema *old, *schema;
	struct cmx_apply_result *result;
	struct cmx_error *said;
	bool has_said;
	uint64_t n_series;   /* that are carried */
	uint64_t n_families; /* that the new segment gets */
};

static void
say(struct plan *p, const struct cmx_error *line)
{
	cmxi_error_join(p->said, line, !p->has_said);
	p->has_said = true;
}

static const struct cmx_family_def *
find_def(const struct cmxi_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_families; i++)
		if (strcmp(schema->families[i].def.name, name) == 0)
			return &schema->families[i].def;
	return NULL;
}

/* Series beside the overflow series. */
static uint64_t
count_series(const struct plan *p, size_t family)
{
	struct cmxr_series series;
	size_t cursor = 0;
	uint64_t n = 0;

	while (cmxr_series_next(p->snapshot, family, &cursor, &series))
		n += !series.is_overflow;
	return n;
}

/* Does a gauge that has one value for all become one of each process? */
static bool
loses_last(const struct cmx_family_def *next, const struct cmx_family_def *def)
{
	return def->type == CMX_GAUGE && def->aggregate == CMX_LAST &&
	    next->aggregate != CMX_LAST;
}

/* A family of the segment whose totals the new one would not get whole. */
static void
plan_family(struct plan *p, size_t i, const struct cmx_family_def *def)
{
	const struct cmx_family_def *next = find_def(p->schema, def->name);
	struct cmx_error line;
	uint64_t n;

	/* A family that only processes registered goes along. */
	if (next == NULL && find_def(p->old, def->name) == NULL) {
		p->n_series += count_series(p, i);
		p->n_families++;
		return;
	}
	if (next == NULL || !cmxi_def_same_cells(next, def) ||
	    loses_last(next, def)) {
		p->result->n_uncarried++;
		cmxi_error(&line, CMX_OK,
		    "family %s: the schema %s; its totals end with the processes that write it now",
		    def->name,
		    next == NULL ? "leaves it out" : "defines it otherwise");
		say(p, &line);
		return;
	}
	/* The values of other gauges end with their processes. */
	if (def->type == CMX_GAUGE && def->aggregate != CMX_LAST)
		return;
	n = count_series(p, i);
	p->n_series += n;
	if (next->max_series == 0 || n <= next->max_series)
		return;
	p->result->n_overflowed += (unsigned int)(n - next->max_series);
	cmxi_error(&line, CMX_OK,
	    "family %s: has %u series, and the schema's max_series is %u; the others are counted in its overflow series from then on",
	    def->name, (unsigned int)n, next->max_series);
	say(p, &line);
}

/* Is a family of the schema another one in the segment? */
static bool
differs(const struct plan *p, const struct cmx_family_def *def, bool *is_new)
{
	*is_new = true;
	for (size_t i = 0; i < cmxr_snapshot_n_families(p->snapshot); i++) {
		struct cmxr_family family;

		cmxr_snapshot_family(p->snapshot, i, &family);
		if (strcmp(family.def.name, def->name) != 0)
			continue;
		*is_new = false;
		return !cmxi_def_equal(&family.def, def) ||
		    family.def.max_series != def->max_series;
	}
	return false;
}

/* What the limits of the schema have no room for. */
static void
plan_limits(struct plan *p)
{
	const struct cmxi_limits *limits = &p->schema->limits;
	uint64_t n_families = p->schema->n_families + p->n_families;
	struct cmx_error line;

	if (p->n_series > limits->series) {
		p->result->n_overflowed +=
		    (unsigned int)(p->n_series - limits->series);
		cmxi_error(&line, CMX_OK,
		    "limits.series: the segment has %llu series, and the schema's limit is %llu; the others are counted in overflow series from then on",
		    (unsigned long long)p->n_series,
		    (unsigned long long)limits->series);
		say(p, &line);
	}
	if (n_families > limits->families) {
		p->result->n_uncarried +=
		    (unsigned int)(n_families - limits->families);
		cmxi_error(&line, CMX_OK,
		    "limits.families: the segment has %llu families with those that processes registered, and the schema's limit is %llu; the totals of the others end with the processes that write them now",
		    (unsigned long long)n_families,
		    (unsigned long long)limits->families);
		say(p, &line);
	}
}

static void
make_plan(struct plan *p)
{
	struct cmxr_family family;
	bool is_new;

	p->result->is_replaced = memcmp(&p->old->limits, &p->schema->limits,
				     sizeof(p->old->limits)) != 0;
	for (size_t i = 0; i < p->schema->n_families; i++) {
		p->result->is_replaced |=
		    differs(p, &p->schema->families[i].def, &is_new);
		p->result->n_added += is_new;
	}
	for (size_t i = 0; p->result->is_replaced &&
	     i < cmxr_snapshot_n_families(p->snapshot);
	     i++) {
		cmxr_snapshot_family(p->snapshot, i, &family);
		plan_family(p, i, &family.def);
	}
	if (p->result->is_replaced)
		plan_limits(p);
}

static int
plan_segment(const char *path, const struct cmxi_schema *schema,
    struct cmx_apply_result *result, struct cmx_error *said,
    struct cmx_error *err)
{
	struct plan p = { .schema = schema, .result = result, .said = said };
	struct cmxi_schema *old = NULL;
	struct cmxr_reader *reader;
	const char *text;
	int r = cmxr_open(path, &reader, err);

	if (r != 0) {
		result->is_created = r == CMX_ERR_NOT_FOUND;
		return result->is_created ? 0 : r;
	}
	cmxr_show_processes(reader, false);
	r = cmxr_snapshot_take(reader, &p.snapshot, err);
	text = r == 0 ? cmxr_schema_text(reader) : "";
	if (r == 0)
		r = cmxi_schema_parse_text(&(struct cmxi_schema_text){ .data =
									   text,
					       .size = strlen(text),
					       .source = path },
		    &old, err);
	p.old = old;
	if (r == 0)
		make_plan(&p);
	cmxi_schema_free(old);
	cmxr_close(reader);
	return r;
}

int
cmx_apply_check(const char *segment, const char *schema,
    struct cmx_apply_result *result, struct cmx_error *err)
{
	struct cmx_apply_result ignored;
	struct cmx_error said = { .code = CMX_OK };
	char path[CMXI_PATH_MAX];
	struct cmxi_schema *loaded = NULL;
	struct cmxi_call call = cmxi_call_begin();
	int r = cmxi_path_choose(segment, false, path, sizeof(path), err);

	if (result == NULL)
		result = &ignored;
	memset(result, 0, sizeof(*result));
	if (r == 0)
		r = cmxi_schema_load(schema, &loaded, err);
	if (r == 0)
		r = plan_segment(path, loaded, result, &said, err);
	if (r == 0)
		cmxi_error_join(err, &said, true);
	cmxi_schema_free(loaded);
	cmxi_call_end(&call);
	return r;
}

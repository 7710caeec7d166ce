/*
 * schema_family.c: one element of a schema's "metrics" -> a definition.
 *
 * A value that is wrong is reported once and then left out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/enum_names.h"
#include "family/native_buckets.h"
#include "family/rules.h"
#include "schema/schema_parts.h"

/* Buckets */

static const double *
read_bounds(struct cmxi_parse *p, json_t *array, size_t *n)
{
	double *bounds =
	    cmxi_parse_allocate(p, json_array_size(array), sizeof(*bounds));
	json_t *value;
	size_t i;

	if (bounds == NULL)
		return NULL;
	json_array_foreach(array, i, value)
	{
		size_t before = cmxi_parse_enter_element(p, i);

		if (json_is_number(value))
			bounds[(*n)++] = json_number_value(value);
		else
			cmxi_parse_diagnose(p, "must be a number, not %s",
			    cmxi_json_kind(value));
		cmxi_parse_leave(p, before);
	}
	return bounds;
}

/* How generated bounds grow: each is the one before it plus or times grow. */
struct generator {
	bool is_linear;
	double start, grow;
	uint64_t count;
};

static void
read_generator(struct cmxi_parse *p, json_t *spec, struct generator *g)
{
	static const char *const exponential_keys[] = { "start", "factor",
		"count" };
	static const char *const linear_keys[] = { "start", "width", "count" };

	cmxi_parse_keys(p, spec, g->is_linear ? linear_keys : exponential_keys,
	    CMXI_ARRAY_LEN(linear_keys));
	g->start = cmxi_parse_number(p, spec, "start");
	g->grow = cmxi_parse_number(p, spec, g->is_linear ? "width" : "factor");
	g->count = cmxi_parse_integer(p, spec, "count", 1, CMX_BOUNDS_MAX, 0);
	if (json_object_get(spec, "count") == NULL)
		cmxi_parse_diagnose(p, "count is missing");
}

static bool
generator_is_right(struct cmxi_parse *p, const struct generator *g)
{
	if (!g->is_linear && g->start <= 0) {
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "start",
		    "must be above 0");
		return false;
	}
	if (g->is_linear ? g->grow <= 0 : g->grow <= 1) {
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE,
		    g->is_linear ? "width" : "factor", "must be above %d",
		    !g->is_linear);
		return false;
	}
	return !isnan(g->start) && !isnan(g->grow);
}

static const double *
generate_bounds(struct cmxi_parse *p, const struct generator *g, size_t *n)
{
	double *bounds = cmxi_parse_allocate(p, g->count, sizeof(*bounds));
	double bound = g->start;

	for (; bounds != NULL && *n < g->count; (*n)++) {
		bounds[*n] = bound;
		/*
		 * Same order of operations as client_golang's, so the same
		 * rounding.
		 */
		bound = g->is_linear ? bound + g->grow : bound * g->grow;
	}
	return bounds;
}

/* {"exponential": {start, factor, count}}, {"linear": {start, width, count}} */
static const double *
read_generated(struct cmxi_parse *p, json_t *object, size_t *n)
{
	static const char *const kinds[] = { "exponential", "linear" };
	struct generator g = { .is_linear =
				   json_object_get(object, "linear") != NULL };
	json_t *spec = json_object_get(object, kinds[g.is_linear]);
	const double *bounds = NULL;
	size_t before;

	cmxi_parse_keys(p, object, kinds, CMXI_ARRAY_LEN(kinds));
	if (!json_is_object(spec) || json_object_size(object) != 1) {
		cmxi_parse_diagnose(p,
		    "must be an array of numbers, or an object with \"exponential\" or \"linear\"");
		return NULL;
	}
	before = cmxi_parse_enter(p, kinds[g.is_linear]);
	read_generator(p, spec, &g);
	if (generator_is_right(p, &g))
		bounds = generate_bounds(p, &g, n);
	cmxi_parse_leave(p, before);
	return bounds;
}

static void
read_buckets(struct cmxi_parse *p, json_t *metric, struct cmx_family_def *def)
{
	json_t *buckets = json_object_get(metric, "buckets");
	size_t before = cmxi_parse_enter(p, "buckets");

	if (json_is_array(buckets))
		def->bounds = read_bounds(p, buckets, &def->n_bounds);
	else if (json_is_object(buckets))
		def->bounds = read_generated(p, buckets, &def->n_bounds);
	else if (buckets != NULL)
		cmxi_parse_diagnose(p,
		    "must be an array of numbers, or an object with \"exponential\" or \"linear\"");
	cmxi_parse_leave(p, before);
}

/* {"schema": 3, "min": 1e-6, "max": 1e3} */
static void
read_native(struct cmxi_parse *p, json_t *native, struct cmx_family_def *def)
{
	static const char *const keys[] = { "schema", "min", "max" };
	json_t *schema = json_object_get(native, "schema");
	size_t before = cmxi_parse_enter(p, "native");

	/*
	 * Valid numbers in place of those that could not be read, so that the
	 * other checks go on.
	 */
	def->is_native = true;
	def->native_min = 1;
	def->native_max = 2;
	if (json_is_object(native) && json_is_integer(schema)) {
		cmxi_parse_keys(p, native, keys, CMXI_ARRAY_LEN(keys));
		def->native_min = cmxi_parse_number(p, native, "min");
		def->native_max = cmxi_parse_number(p, native, "max");
		def->native_schema = (int)json_integer_value(schema);
		if (json_integer_value(schema) != def->native_schema)
			def->native_schema = CMXI_NATIVE_SCHEMA_MAX + 1;
	} else {
		cmxi_parse_diagnose(p,
		    "must be an object with the whole number \"schema\" and the numbers \"min\" and \"max\"");
	}
	cmxi_parse_leave(p, before);
}

/* Values of labels that are known beforehand */

/* The list of known values of one label. */
static void
read_label_values(struct cmxi_parse *p, json_t *list,
    struct cmx_label_values *values)
{
	json_t *seen = json_object();

	p->no_memory |= seen == NULL;
	values->values = cmxi_parse_strings(p, list, &values->n);
	for (size_t i = 0; i < values->n; i++) {
		const char *value = values->values[i];
		size_t length = strlen(value);
		size_t before = cmxi_parse_enter_element(p, i);

		if (length > CMX_LABEL_VALUE_MAX)
			cmxi_parse_diagnose(p,
			    "%zu bytes; at most %d are allowed", length,
			    CMX_LABEL_VALUE_MAX);
		if (json_object_get(seen, value) != NULL)
			cmxi_parse_diagnose(p, "\"%.64s\" stands twice", value);
		else if (json_object_set_new(seen, value, json_true()) != 0)
			p->no_memory = true;
		cmxi_parse_leave(p, before);
	}
	json_decref(seen);
}

static void
read_label(struct cmxi_parse *p, const char *label, json_t *list,
    struct cmxi_schema_family *family)
{
	size_t i = 0, before;

	while (i < family->def.n_labels &&
	    strcmp(family->def.labels[i], label) != 0)
		i++;
	if (i == family->def.n_labels) {
		cmxi_parse_diagnose_member(p, CMXI_OF_KEY, label,
		    "the family has no label of this name");
		return;
	}
	before = cmxi_parse_enter(p, label);
	read_label_values(p, list, &family->values[i]);
	cmxi_parse_leave(p, before);
}

static void
read_values(struct cmxi_parse *p, json_t *metric,
    struct cmxi_schema_family *family)
{
	json_t *values = json_object_get(metric, "values"), *list;
	size_t before = cmxi_parse_enter(p, "values");
	const char *label;

	family->values = cmxi_parse_allocate(p, family->def.n_labels,
	    sizeof(*family->values));
	if (values != NULL && !json_is_object(values))
		cmxi_parse_diagnose(p, "must be an object of arrays, not %s",
		    cmxi_json_kind(values));
	else if (family->values != NULL)
		json_object_foreach(values, label, list)
		    read_label(p, label, list, family);
	cmxi_parse_leave(p, before);
}

/* The family */

static void
read_enumerations(struct cmxi_parse *p, json_t *metric,
    struct cmx_family_def *def)
{
	static const char *const values[] = { "integer", "double" };
	int i;

	if (json_object_get(metric, "type") == NULL)
		cmxi_parse_diagnose(p,
		    "type is missing; allowed are counter, gauge, histogram");
	i = cmxi_parse_word(p, metric, "type", cmxi_type_names + 1,
	    CMXI_TYPES - 1);
	def->type = (enum cmx_type)(i + 1);
	i = cmxi_parse_word(p, metric, "aggregate", cmxi_aggregate_names,
	    CMXI_AGGREGATES);
	def->aggregate = (enum cmx_aggregate)(i < 0 ? 0 : i);
	i = cmxi_parse_word(p, metric, "value", values, CMXI_ARRAY_LEN(values));
	def->is_double = i == 1;
}

/* Reports the findings of rules.c and lint.c at their places in the text. */
struct judgement {
	struct cmxi_parse *p;
	size_t n_unreadable; /* diagnoses of what could not be read */
};

/*
 * Was a diagnosis made at the current value, or below it?  Below an element of
 * a list only its own counts.
 */
static bool
is_unreadable(const struct judgement *j)
{
	const struct cmxi_diagnosis *d = (const void *)j->p->diagnoses.data;
	const char *path = j->p->path;
	size_t n = j->p->path_size;

	for (size_t i = 0; i < j->n_unreadable; i++)
		if (!d[i].d.is_warning && strncmp(d[i].path, path, n) == 0 &&
		    strchr(".[", d[i].path[n]) != NULL)
			return true;
	return false;
}

/*
 * Report a finding of rules.c or lint.c.  A part that could not be read has a
 * diagnosis already; so has an element of the labels, but the others of them
 * are judged.
 */
static void
diagnose_finding(void *arg, const struct cmxi_finding *finding)
{
	const struct judgement *j = arg;
	size_t before = cmxi_parse_enter(j->p, finding->part);
	bool is_element =
	    finding->index >= 0 && strcmp(finding->part, "labels") == 0;
	bool is_known = !is_element && is_unreadable(j);

	if (finding->index >= 0)
		cmxi_parse_enter_element(j->p, (size_t)finding->index);
	if (is_element)
		is_known = is_unreadable(j);
	if (!is_known)
		cmxi_parse_diagnose(j->p, "%s", finding->text);
	cmxi_parse_leave(j->p, before);
}

/* What a family most likely is whose type could not be read. */
static enum cmx_type
likely_type(const json_t *metric)
{
	if (json_object_get(metric, "buckets") != NULL ||
	    json_object_get(metric, "native") != NULL)
		return CMX_HISTOGRAM;
	return json_object_get(metric, "aggregate") != NULL ? CMX_GAUGE :
							      CMX_COUNTER;
}

/*
 * Check what could be read, so that one run finds every mistake: a missing name
 * or an unknown type hides no other one.
 */
static void
judge(struct cmxi_parse *p, const json_t *metric,
    const struct cmx_family_def *def)
{
	struct judgement j = { p,
		p->diagnoses.size / sizeof(struct cmxi_diagnosis) };
	struct cmx_family_def whole = *def;
	bool is_whole = def->name != NULL && def->type != 0;

	if (def->name == NULL) {
		whole.name = "unnamed";
		whole.unit = NULL;
	}
	if (def->type == 0)
		whole.type = likely_type(metric);
	cmxi_def_check(&whole, diagnose_finding, &j);
	if (!is_whole)
		return;
	p->is_warning = true;
	cmxi_def_lint(&whole, diagnose_finding, &j);
	p->is_warning = false;
}

void
cmxi_schema_read_family(struct cmxi_parse *p, json_t *metric,
    struct cmxi_schema_family *family)
{
	static const char *const keys[] = { "name", "type", "help", "unit",
		"labels", "buckets", "native", "exemplars", "aggregate",
		"value", "values", "max_series" };
	struct cmx_family_def *def = &family->def;
	json_t *native = json_object_get(metric, "native");
	size_t before;

	if (!json_is_object(metric)) {
		cmxi_parse_diagnose(p, "must be an object, not %s",
		    cmxi_json_kind(metric));
		return;
	}
	cmxi_parse_keys(p, metric, keys, CMXI_ARRAY_LEN(keys));
	def->name = cmxi_parse_string(p, metric, "name");
	if (json_object_get(metric, "name") == NULL)
		cmxi_parse_diagnose(p, "name is missing");
	def->help = cmxi_parse_string(p, metric, "help");
	def->unit = cmxi_parse_string(p, metric, "unit");
	before = cmxi_parse_enter(p, "labels");
	def->labels = cmxi_parse_strings(p, json_object_get(metric, "labels"),
	    &def->n_labels);
	cmxi_parse_leave(p, before);
	def->max_series = (uint32_t)cmxi_parse_integer(p, metric, "max_series",
	    1, 1u << 24, 0);
	read_enumerations(p, metric, def);
	read_buckets(p, metric, def);
	if (native != NULL)
		read_native(p, native, def);
	def->has_exemplars = cmxi_parse_flag(p, metric, "exemplars");
	read_values(p, metric, family);
	judge(p, metric, def);
}

/*
 * schema.c: schema text -> checked definitions.
 *
 * Everything wrong is reported, with its place, before anything is refused;
 * a value that is wrong is reported once and then left out.
 */
#include "schema/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family/compare.h"
#include "family/name.h"
#include "family/native_buckets.h"
#include "family/rules.h"
#include "schema/json_reader.h"

static const double *
explicit_bounds(struct cmxi_parse *p, json_t *array, const char *path,
    size_t *n)
{
	double *bounds =
	    cmxi_parse_allocate(p, json_array_size(array), sizeof(*bounds));
	char element[CMXI_JSON_PATH_MAX];
	json_t *value;
	size_t i;

	if (bounds == NULL)
		return NULL;
	json_array_foreach(array, i, value)
	{
		if (json_is_number(value)) {
			bounds[(*n)++] = json_number_value(value);
			continue;
		}
		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, element,
		    "must be a number, not %s", cmxi_json_kind(value));
	}
	return bounds;
}

/* "start", "factor", ...: a finite number that is there, or NaN. */
static double
number_member(struct cmxi_parse *p, json_t *object, const char *path,
    const char *key)
{
	json_t *value = json_object_get(object, key);
	char full[CMXI_JSON_PATH_MAX];

	if (json_is_number(value))
		return json_number_value(value);
	snprintf(full, sizeof(full), "%s.%s", path, key);
	cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
	    value == NULL ? "is missing; a number is needed" :
			    "must be a number");
	return NAN;
}

/* {"exponential": {start, factor, count}} or {"linear": {start, width, count}}
 */
static const double *
generated_bounds(struct cmxi_parse *p, json_t *object, const char *path,
    size_t *n)
{
	static const char *const kinds[] = { "exponential", "linear" };
	static const char *const exponential_keys[] = { "start", "factor",
		"count" };
	static const char *const linear_keys[] = { "start", "width", "count" };
	bool is_linear = json_object_get(object, "linear") != NULL;
	json_t *spec = json_object_get(object, kinds[is_linear]);
	char full[CMXI_JSON_PATH_MAX], part[CMXI_JSON_PATH_MAX + 8];

	cmxi_parse_keys(p, object, path, kinds, CMXI_ARRAY_LEN(kinds));
	snprintf(full, sizeof(full), "%.*s.%s", CMXI_JSON_PATH_MAX - 16, path,
	    kinds[is_linear]);
	if (!json_is_object(spec) || json_object_size(object) != 1) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
		    "must be an array of numbers, or an object with \"exponential\" or \"linear\"");
		return NULL;
	}
	cmxi_parse_keys(p, spec, full,
	    is_linear ? linear_keys : exponential_keys,
	    CMXI_ARRAY_LEN(linear_keys));
	double start = number_member(p, spec, full, "start");
	double grow =
	    number_member(p, spec, full, is_linear ? "width" : "factor");
	uint64_t count =
	    cmxi_parse_integer(p, spec, full, "count", 1, CMX_BOUNDS_MAX, 0);
	if (json_object_get(spec, "count") == NULL)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, full, "count is missing");
	if (!is_linear && start <= 0) {
		snprintf(part, sizeof(part), "%s.start", full);
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, part, "must be above 0");
		return NULL;
	}
	if (is_linear ? grow <= 0 : grow <= 1) {
		snprintf(part, sizeof(part), "%s.%s", full,
		    is_linear ? "width" : "factor");
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, part, "must be above %d",
		    !is_linear);
		return NULL;
	}
	double *bounds = cmxi_parse_allocate(p, count, sizeof(*bounds));
	if (bounds == NULL || isnan(start) || isnan(grow)) {
		free(bounds);
		return NULL;
	}
	for (double bound = start; *n < count; (*n)++) {
		bounds[*n] = bound;
		/* client_golang's order of operations, and its rounding */
		bound = is_linear ? bound + grow : bound * grow;
	}
	return bounds;
}

static void
read_buckets(struct cmxi_parse *p, json_t *metric, const char *path,
    struct cmx_family_def *def)
{
	json_t *buckets = json_object_get(metric, "buckets");
	char full[CMXI_JSON_PATH_MAX];

	snprintf(full, sizeof(full), "%.*s.buckets", CMXI_JSON_PATH_MAX - 16,
	    path);
	if (buckets == NULL)
		return;
	if (json_is_array(buckets))
		def->bounds = explicit_bounds(p, buckets, full, &def->n_bounds);
	else if (json_is_object(buckets))
		def->bounds =
		    generated_bounds(p, buckets, full, &def->n_bounds);
	else
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
		    "must be an array of numbers, or an object with \"exponential\" or \"linear\"");
}

/* {"schema": 3, "min": 1e-6, "max": 1e3} */
static void
read_native(struct cmxi_parse *p, json_t *metric, const char *path,
    struct cmx_family_def *def)
{
	static const char *const keys[] = { "schema", "min", "max" };
	json_t *native = json_object_get(metric, "native"), *schema;
	char full[CMXI_JSON_PATH_MAX];

	if (native == NULL)
		return;
	/* Numbers that are allowed, where those of the text cannot be read. */
	def->is_native = true;
	def->native_min = 1;
	def->native_max = 2;
	snprintf(full, sizeof(full), "%.*s.native", CMXI_JSON_PATH_MAX - 16,
	    path);
	schema = json_object_get(native, "schema");
	if (!json_is_object(native) || !json_is_integer(schema)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
		    "must be an object with the whole number \"schema\" and the numbers \"min\" and \"max\"");
		return;
	}
	cmxi_parse_keys(p, native, full, keys, CMXI_ARRAY_LEN(keys));
	def->native_min = number_member(p, native, full, "min");
	def->native_max = number_member(p, native, full, "max");
	def->native_schema = (int)json_integer_value(schema);
	if (json_integer_value(schema) != def->native_schema)
		def->native_schema = CMXI_NATIVE_SCHEMA_MAX + 1;
}

/* true or false, or absent. */
static bool
read_flag(struct cmxi_parse *p, json_t *metric, const char *path,
    const char *key)
{
	json_t *flag = json_object_get(metric, key);
	char full[CMXI_JSON_PATH_MAX];

	if (flag != NULL && !json_is_boolean(flag)) {
		snprintf(full, sizeof(full), "%s.%s", path, key);
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
		    "must be true or false, not %s", cmxi_json_kind(flag));
	}
	return json_is_true(flag);
}

/* One label's list of known values. */
static void
read_label_values(struct cmxi_parse *p, json_t *list, const char *path,
    struct cmx_label_values *values)
{
	json_t *seen = json_object();

	p->no_memory |= seen == NULL;
	values->values = cmxi_parse_strings(p, list, path, &values->n);
	for (size_t i = 0; i < values->n; i++) {
		char element[CMXI_JSON_PATH_MAX + 16];
		const char *value = values->values[i];
		size_t length = strlen(value);

		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		if (length > CMX_LABEL_VALUE_MAX)
			cmxi_parse_diagnose(p, CMXI_OF_VALUE, element,
			    "%zu bytes; at most %d are allowed", length,
			    CMX_LABEL_VALUE_MAX);
		if (json_object_get(seen, value) != NULL)
			cmxi_parse_diagnose(p, CMXI_OF_VALUE, element,
			    "\"%.64s\" stands twice", value);
		else if (json_object_set_new(seen, value, json_true()) != 0)
			p->no_memory = true;
	}
	json_decref(seen);
}

static void
read_values(struct cmxi_parse *p, json_t *metric, const char *path,
    struct cmxi_schema_family *family)
{
	json_t *values = json_object_get(metric, "values"), *list;
	char full[CMXI_JSON_PATH_MAX];
	const char *label;

	family->values = cmxi_parse_allocate(p, family->def.n_labels,
	    sizeof(*family->values));
	if (values == NULL || family->values == NULL)
		return;
	if (!json_is_object(values)) {
		snprintf(full, sizeof(full), "%s.values", path);
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, full,
		    "must be an object of arrays, not %s",
		    cmxi_json_kind(values));
		return;
	}
	json_object_foreach(values, label, list)
	{
		size_t i = 0;

		snprintf(full, sizeof(full), "%s.values.%s", path, label);
		while (i < family->def.n_labels &&
		    strcmp(family->def.labels[i], label) != 0)
			i++;
		if (i < family->def.n_labels)
			read_label_values(p, list, full, &family->values[i]);
		else
			cmxi_parse_diagnose(p, CMXI_OF_KEY, full,
			    "the family has no label of this name");
	}
}

/* Could something at this path, or below it, not be read? */
static bool
is_unreadable(const struct cmxi_parse *p, const char *path)
{
	const struct cmxi_diagnosis *d = (const void *)p->diagnoses.data;
	size_t n = strlen(path);

	for (size_t i = 0; i < p->n_read_diagnoses; i++)
		if (!d[i].d.is_warning && strncmp(d[i].path, path, n) == 0 &&
		    strchr(".[", d[i].path[n]) != NULL)
			return true;
	return false;
}

/*
 * A finding of name.c or lint.c, put at its place in the text.  A part that
 * could not be read is not judged a second time.
 */
static void
diagnose_finding(void *arg, const struct cmxi_finding *finding)
{
	struct cmxi_parse *p = arg;
	char path[CMXI_JSON_PATH_MAX];

	snprintf(path, sizeof(path), "metrics[%zu].%s", p->index,
	    finding->part);
	if (is_unreadable(p, path))
		return;
	if (finding->index >= 0)
		snprintf(path, sizeof(path), "metrics[%zu].%s[%d]", p->index,
		    finding->part, finding->index);
	cmxi_parse_diagnose(p, CMXI_OF_VALUE, path, "%s", finding->text);
}

static void
read_enumerations(struct cmxi_parse *p, json_t *metric, const char *path,
    struct cmx_family_def *def)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	static const char *const aggregates[] = { "sum", "min", "max", "avg",
		"last", "each" };
	static const char *const values[] = { "integer", "double" };
	int i;

	if (json_object_get(metric, "type") == NULL)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
		    "type is missing; allowed are counter, gauge, histogram");
	i = cmxi_parse_word(p, metric, path, "type", types,
	    CMXI_ARRAY_LEN(types));
	def->type = (enum cmx_type)(i + 1);
	i = cmxi_parse_word(p, metric, path, "aggregate", aggregates,
	    CMXI_ARRAY_LEN(aggregates));
	def->aggregate = (enum cmx_aggregate)(i < 0 ? 0 : i);
	i = cmxi_parse_word(p, metric, path, "value", values,
	    CMXI_ARRAY_LEN(values));
	def->is_double = i == 1;
}

static void
read_family(struct cmxi_parse *p, json_t *metric,
    struct cmxi_schema_family *family)
{
	static const char *const keys[] = { "name", "type", "help", "unit",
		"labels", "buckets", "native", "exemplars", "aggregate",
		"value", "values", "max_series" };
	struct cmx_family_def *def = &family->def;
	char path[64], full[CMXI_JSON_PATH_MAX];

	snprintf(path, sizeof(path), "metrics[%zu]", p->index);
	if (!json_is_object(metric)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
		    "must be an object, not %s", cmxi_json_kind(metric));
		return;
	}
	cmxi_parse_keys(p, metric, path, keys, CMXI_ARRAY_LEN(keys));
	def->name = cmxi_parse_string(p, metric, path, "name");
	if (json_object_get(metric, "name") == NULL)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path, "name is missing");
	def->help = cmxi_parse_string(p, metric, path, "help");
	def->unit = cmxi_parse_string(p, metric, path, "unit");
	snprintf(full, sizeof(full), "%s.labels", path);
	def->labels = cmxi_parse_strings(p, json_object_get(metric, "labels"),
	    full, &def->n_labels);
	def->max_series = (uint32_t)cmxi_parse_integer(p, metric, path,
	    "max_series", 1, 1u << 24, 0);
	read_enumerations(p, metric, path, def);
	read_buckets(p, metric, path, def);
	read_native(p, metric, path, def);
	def->has_exemplars = read_flag(p, metric, path, "exemplars");
	read_values(p, metric, path, family);
	if (def->name == NULL || def->type == 0)
		return;
	p->n_read_diagnoses = p->diagnoses.size / sizeof(struct cmxi_diagnosis);
	cmxi_def_check(def, diagnose_finding, p);
	p->is_warning = true;
	cmxi_def_lint(def, diagnose_finding, p);
	p->is_warning = false;
}

/* A family is complete enough to be compared with others. */
static bool
is_comparable(const struct cmx_family_def *def)
{
	return def->name != NULL && cmxi_metric_name_is_valid(def->name) &&
	    def->type >= CMX_COUNTER && def->type <= CMX_HISTOGRAM;
}

static void
check_clashes(struct cmxi_parse *p)
{
	const struct cmxi_schema_family *f = p->schema->families;
	char name[CMXI_CLASH_SIZE], path[64];

	for (size_t i = 0; i < p->schema->n_families; i++)
		for (size_t j = 0; j < i && is_comparable(&f[i].def); j++) {
			if (!is_comparable(&f[j].def) ||
			    !cmxi_def_clash(&f[j].def, &f[i].def, name,
				sizeof(name)))
				continue;
			snprintf(path, sizeof(path), "metrics[%zu].name", i);
			if (strcmp(f[i].def.name, f[j].def.name) == 0) {
				cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
				    "\"%s\" is metrics[%zu] already",
				    f[i].def.name, j);
				break;
			}
			cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
			    "\"%s\" clashes with metrics[%zu] \"%s\": both would expose \"%s\"",
			    f[i].def.name, j, f[j].def.name, name);
			break;
		}
}

/* Series that exist from the start: no labels, or all values known. */
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

static void
check_limits(struct cmxi_parse *p)
{
	const struct cmxi_limits *limits = &p->schema->limits;
	uint64_t n_series = 0;
	char path[64];

	for (size_t i = 0; i < p->schema->n_families; i++) {
		const struct cmxi_schema_family *f = &p->schema->families[i];
		uint64_t n = n_initial_series(f);

		n_series += n + (f->def.n_labels > 0);
		if (f->def.max_series == 0 || n <= f->def.max_series)
			continue;
		snprintf(path, sizeof(path), "metrics[%zu].max_series", i);
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, path,
		    "%u is below the %llu series that \"values\" creates",
		    f->def.max_series, (unsigned long long)n);
	}
	if (p->schema->n_families > limits->families)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "limits.families",
		    "%llu, but the schema has %zu metrics",
		    (unsigned long long)limits->families,
		    p->schema->n_families);
	if (n_series > limits->series)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "limits.series",
		    "%llu, but the schema creates %llu series at the start (overflow series counted)",
		    (unsigned long long)limits->series,
		    (unsigned long long)n_series);
}

static void
read_limits(struct cmxi_parse *p, json_t *limits)
{
	static const char *const keys[] = { "series", "families", "processes",
		"label_bytes" };
	struct cmxi_limits *l = &p->schema->limits;

	*l = cmxi_limits_default();
	if (limits == NULL)
		return;
	if (!json_is_object(limits)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "limits",
		    "must be an object, not %s", cmxi_json_kind(limits));
		return;
	}
	cmxi_parse_keys(p, limits, "limits", keys, CMXI_ARRAY_LEN(keys));
	l->series = cmxi_parse_integer(p, limits, "limits", "series", 1,
	    1u << 24, l->series);
	l->families = cmxi_parse_integer(p, limits, "limits", "families", 1,
	    1u << 14, l->families);
	l->processes = cmxi_parse_integer(p, limits, "limits", "processes", 1,
	    1u << 16, l->processes);
	l->label_bytes = cmxi_parse_integer(p, limits, "limits", "label_bytes",
	    1u << 12, UINT64_C(1) << 34, l->label_bytes);
}

static void
read_metrics(struct cmxi_parse *p, json_t *metrics)
{
	json_t *metric;

	if (metrics == NULL) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "",
		    "metrics is missing; an array of metrics is needed");
		return;
	}
	if (!json_is_array(metrics)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "metrics",
		    "must be an array, not %s", cmxi_json_kind(metrics));
		return;
	}
	p->schema->families = cmxi_parse_allocate(p, json_array_size(metrics),
	    sizeof(*p->schema->families));
	if (p->schema->families == NULL)
		return;
	p->schema->n_families = json_array_size(metrics);
	json_array_foreach(metrics, p->index, metric)
	    read_family(p, metric, &p->schema->families[p->index]);
	check_clashes(p);
}

static void
read_document(struct cmxi_parse *p, json_t *document)
{
	static const char *const keys[] = { "version", "limits", "metrics" };
	json_t *version;

	if (!json_is_object(document)) {
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "",
		    "a schema is an object, not %s", cmxi_json_kind(document));
		return;
	}
	cmxi_parse_keys(p, document, "", keys, CMXI_ARRAY_LEN(keys));
	version = json_object_get(document, "version");
	if (version == NULL)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "",
		    "version is missing; this program reads version 1");
	else if (!json_is_integer(version) || json_integer_value(version) != 1)
		cmxi_parse_diagnose(p, CMXI_OF_VALUE, "version", "must be 1");
	read_limits(p, json_object_get(document, "limits"));
	read_metrics(p, json_object_get(document, "metrics"));
	check_limits(p);
}

/* What jansson itself refuses: one error, at jansson's place. */
static void
diagnose_syntax(struct cmxi_parse *p, const json_error_t *error)
{
	struct cmxi_diagnosis d = {
		.d = { .source = p->source,
		    .line = error->line,
		    .column = error->column > 0 ? error->column : 1 },
	};

	snprintf(d.text, sizeof(d.text), "not JSON: %s", error->text);
	cmxi_buf_bytes(&p->diagnoses, &d, sizeof(d));
	p->n_errors++;
}

static int
finish_parse(struct cmxi_parse *p, cmxi_diagnose_fn *report, void *arg,
    struct cmxi_schema **schemap)
{
	int n = p->n_errors;

	if (p->no_memory || p->diagnoses.failed)
		n = CMX_ERR_MEMORY;
	else
		cmxi_parse_report(p, report, arg);
	cmxi_json_positions_free(p->positions);
	cmxi_buf_fini(&p->diagnoses);
	if (n == 0)
		*schemap = p->schema;
	else
		cmxi_schema_free(p->schema);
	return n;
}

int
cmxi_schema_parse(const char *text, size_t size, const char *source,
    cmxi_diagnose_fn *report, void *arg, struct cmxi_schema **schemap)
{
	struct cmxi_parse p = { .source = source };
	json_error_t error;
	json_t *document;

	p.schema = cmxi_parse_allocate(&p, 1, sizeof(*p.schema));
	if (p.schema == NULL)
		return CMX_ERR_MEMORY;
	document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL) {
		diagnose_syntax(&p, &error);
		return finish_parse(&p, report, arg, schemap);
	}
	p.schema->document = document;
	p.schema->text = cmxi_parse_allocate(&p, size + 1, 1);
	p.positions = cmxi_json_positions_build(text, size);
	p.no_memory |= p.positions == NULL;
	if (!p.no_memory) {
		memcpy(p.schema->text, text, size);
		p.schema->text_size = size;
		read_document(&p, document);
	}
	return finish_parse(&p, report, arg, schemap);
}

struct cmxi_limits
cmxi_limits_default(void)
{
	return (struct cmxi_limits){ .series = 65536,
		.families = 512,
		.processes = 1024,
		.label_bytes = 16777216 };
}

bool
cmxi_schema_family_has_values(const struct cmxi_schema_family *family)
{
	for (size_t i = 0; i < family->def.n_labels; i++)
		if (family->values[i].n == 0)
			return false;
	return family->def.n_labels > 0;
}

/* Allocated here as non-const; the definition only borrows. */
static void
free_family(struct cmxi_schema_family *family)
{
	for (size_t i = 0; family->values && i < family->def.n_labels; i++)
		free((void *)(uintptr_t)family->values[i].values);
	free(family->values);
	free((void *)(uintptr_t)family->def.labels);
	free((void *)(uintptr_t)family->def.bounds);
}

void
cmxi_schema_free(struct cmxi_schema *schema)
{
	if (schema == NULL)
		return;
	for (size_t i = 0; i < schema->n_families; i++)
		free_family(&schema->families[i]);
	free(schema->families);
	free(schema->text);
	json_decref(schema->document);
	free(schema);
}

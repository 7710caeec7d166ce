/*
 * schema.c: schema text -> checked definitions.  Level 2, and the only file
 * that knows jansson.
 *
 * Everything wrong is reported, with its place, before anything is refused;
 * a value that is wrong is reported once and then left out.
 */
#include "schema.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "name.h"
#include "position.h"

#define PATH_SIZE 384

/* An error or warning, kept until all are known and sorted by place. */
struct diagnosis {
	struct cmx_diagnostic d;
	size_t order;
	char path[PATH_SIZE];
	char text[512];
};

struct parse {
	const char *source;
	struct cmxi_positions *positions;
	struct cmxi_buf diagnoses; /* of struct diagnosis */
	int n_errors;
	struct cmxi_schema *schema;
	/* the family being looked at */
	size_t index;
	size_t n_read_diagnoses;
	bool is_warning;
	bool no_memory;
};

enum place_of { OF_VALUE, OF_KEY };

static void diagnose(struct parse *, enum place_of, const char *path,
    const char *fmt, ...) CMXI_PRINTF(4, 5);

static void
diagnose(struct parse *p, enum place_of of, const char *path, const char *fmt,
    ...)
{
	struct cmxi_place place =
	    cmxi_positions_find(p->positions, path, of == OF_KEY);
	struct diagnosis d = {
		.d = { .is_warning = p->is_warning, .source = p->source,
		    .line = place.line, .column = place.column },
		.order = p->diagnoses.size,
	};
	va_list ap;

	snprintf(d.path, sizeof(d.path), "%s", path);
	va_start(ap, fmt);
	vsnprintf(d.text, sizeof(d.text), fmt, ap);
	va_end(ap);
	cmxi_buf_bytes(&p->diagnoses, &d, sizeof(d));
	p->n_errors += !p->is_warning;
}

static int
compare_diagnoses(const void *a, const void *b)
{
	const struct diagnosis *x = a, *y = b;

	if (x->d.line != y->d.line)
		return x->d.line < y->d.line ? -1 : 1;
	if (x->d.column != y->d.column)
		return x->d.column < y->d.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
report_all(struct parse *p, cmxi_diagnose_fn *report, void *arg)
{
	struct diagnosis *d = (void *)p->diagnoses.data;
	size_t n = p->diagnoses.size / sizeof(*d);

	if (n > 0)
		qsort(d, n, sizeof(*d), compare_diagnoses);
	for (size_t i = 0; i < n; i++) {
		d[i].d.path = d[i].path;
		d[i].d.text = d[i].text;
		report(arg, &d[i].d);
	}
}

static void *
allocate(struct parse *p, size_t n, size_t size)
{
	void *memory = calloc(n > 0 ? n : 1, size);

	p->no_memory |= memory == NULL;
	return memory;
}

static const char *
kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

/* Say every key of object that is not among allowed. */
static void
check_keys(struct parse *p, json_t *object, const char *path,
    const char *const *allowed, size_t n)
{
	char list[256] = "", key_path[PATH_SIZE];
	const char *key;
	json_t *value;

	for (size_t i = 0; i < n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", i > 0 ? ", " : "", allowed[i]);
	json_object_foreach(object, key, value) {
		size_t i = 0;

		while (i < n && strcmp(key, allowed[i]) != 0)
			i++;
		if (i < n)
			continue;
		snprintf(key_path, sizeof(key_path), "%s%s%s", path,
		    path[0] != '\0' ? "." : "", key);
		diagnose(p, OF_KEY, key_path,
		    "unknown key; allowed are %s", list);
	}
}

/* A member that must be a string where it is; null where it is not. */
static const char *
string_member(struct parse *p, json_t *object, const char *path,
    const char *key)
{
	json_t *value = json_object_get(object, key);
	char full[PATH_SIZE];

	if (value == NULL)
		return NULL;
	if (json_is_string(value))
		return json_string_value(value);
	snprintf(full, sizeof(full), "%s.%s", path, key);
	diagnose(p, OF_VALUE, full, "must be a string, not %s",
	    kind_of(value));
	return NULL;
}

/* A whole number between min and max, or fallback where it is absent. */
static uint64_t
integer_member(struct parse *p, json_t *object, const char *path,
    const char *key, uint64_t min, uint64_t max, uint64_t fallback)
{
	json_t *value = json_object_get(object, key);
	char full[PATH_SIZE];

	if (value == NULL)
		return fallback;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) >= min &&
	    (uint64_t)json_integer_value(value) <= max)
		return (uint64_t)json_integer_value(value);
	snprintf(full, sizeof(full), "%s%s%s", path,
	    path[0] != '\0' ? "." : "", key);
	diagnose(p, OF_VALUE, full, "must be a whole number from %llu to %llu",
	    (unsigned long long)min, (unsigned long long)max);
	return fallback;
}

/* Index of value in words, or -1 after saying what is allowed. */
static int
word_member(struct parse *p, json_t *object, const char *path, const char *key,
    const char *const *words, size_t n)
{
	const char *value = string_member(p, object, path, key);
	char full[PATH_SIZE], list[128] = "";

	if (value == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, words[i]) == 0)
			return (int)i;
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", i > 0 ? ", " : "", words[i]);
	}
	snprintf(full, sizeof(full), "%s.%s", path, key);
	diagnose(p, OF_VALUE, full, "\"%.64s\" is unknown; allowed are %s",
	    value, list);
	return -1;
}

/* An array of strings; *n of them.  Null where there are none. */
static const char **
string_array(struct parse *p, json_t *array, const char *path, size_t *n)
{
	char element[PATH_SIZE];
	const char **strings;
	size_t i;
	json_t *value;

	*n = 0;
	if (array == NULL)
		return NULL;
	if (!json_is_array(array)) {
		diagnose(p, OF_VALUE, path, "must be an array of strings, not "
		    "%s", kind_of(array));
		return NULL;
	}
	strings = allocate(p, json_array_size(array), sizeof(*strings));
	if (strings == NULL)
		return NULL;
	json_array_foreach(array, i, value) {
		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		if (json_is_string(value))
			strings[(*n)++] = json_string_value(value);
		else
			diagnose(p, OF_VALUE, element, "must be a string, not "
			    "%s", kind_of(value));
	}
	return strings;
}

static const double *
explicit_bounds(struct parse *p, json_t *array, const char *path, size_t *n)
{
	double *bounds = allocate(p, json_array_size(array), sizeof(*bounds));
	char element[PATH_SIZE];
	json_t *value;
	size_t i;

	if (bounds == NULL)
		return NULL;
	json_array_foreach(array, i, value) {
		if (json_is_number(value)) {
			bounds[(*n)++] = json_number_value(value);
			continue;
		}
		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		diagnose(p, OF_VALUE, element, "must be a number, not %s",
		    kind_of(value));
	}
	return bounds;
}

/* "start", "factor", ...: a finite number that is there, or NaN. */
static double
number_member(struct parse *p, json_t *object, const char *path,
    const char *key)
{
	json_t *value = json_object_get(object, key);
	char full[PATH_SIZE];

	if (json_is_number(value))
		return json_number_value(value);
	snprintf(full, sizeof(full), "%s.%s", path, key);
	diagnose(p, OF_VALUE, full, value == NULL ? "is missing; a number is "
	    "needed" : "must be a number");
	return NAN;
}

/* {"exponential": {start, factor, count}} or {"linear": {start, width, count}} */
static const double *
generated_bounds(struct parse *p, json_t *object, const char *path, size_t *n)
{
	static const char *const kinds[] = { "exponential", "linear" };
	static const char *const exponential_keys[] = { "start", "factor",
		"count" };
	static const char *const linear_keys[] = { "start", "width", "count" };
	bool is_linear = json_object_get(object, "linear") != NULL;
	json_t *spec = json_object_get(object, kinds[is_linear]);
	char full[PATH_SIZE], part[PATH_SIZE + 8];

	check_keys(p, object, path, kinds, CMXI_ARRAY_LEN(kinds));
	snprintf(full, sizeof(full), "%.*s.%s", PATH_SIZE - 16, path,
	    kinds[is_linear]);
	if (!json_is_object(spec) || json_object_size(object) != 1) {
		diagnose(p, OF_VALUE, path, "must be an array of numbers, or "
		    "an object with \"exponential\" or \"linear\"");
		return NULL;
	}
	check_keys(p, spec, full, is_linear ? linear_keys : exponential_keys,
	    CMXI_ARRAY_LEN(linear_keys));
	double start = number_member(p, spec, full, "start");
	double grow = number_member(p, spec, full,
	    is_linear ? "width" : "factor");
	uint64_t count = integer_member(p, spec, full, "count", 1,
	    CMX_BOUNDS_MAX, 0);
	if (json_object_get(spec, "count") == NULL)
		diagnose(p, OF_VALUE, full, "count is missing");
	if (!is_linear && start <= 0) {
		snprintf(part, sizeof(part), "%s.start", full);
		diagnose(p, OF_VALUE, part, "must be above 0");
		return NULL;
	}
	if (is_linear ? grow <= 0 : grow <= 1) {
		snprintf(part, sizeof(part), "%s.%s", full,
		    is_linear ? "width" : "factor");
		diagnose(p, OF_VALUE, part, "must be above %d", !is_linear);
		return NULL;
	}
	double *bounds = allocate(p, count, sizeof(*bounds));
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
read_buckets(struct parse *p, json_t *metric, const char *path,
    struct cmx_family_def *def)
{
	json_t *buckets = json_object_get(metric, "buckets");
	char full[PATH_SIZE];

	snprintf(full, sizeof(full), "%.*s.buckets", PATH_SIZE - 16, path);
	if (buckets == NULL)
		return;
	if (json_is_array(buckets))
		def->bounds = explicit_bounds(p, buckets, full, &def->n_bounds);
	else if (json_is_object(buckets))
		def->bounds =
		    generated_bounds(p, buckets, full, &def->n_bounds);
	else
		diagnose(p, OF_VALUE, full, "must be an array of numbers, or "
		    "an object with \"exponential\" or \"linear\"");
}

/* One label's list of known values. */
static void
read_label_values(struct parse *p, json_t *list, const char *path,
    struct cmxi_label_values *values)
{
	values->values = string_array(p, list, path, &values->n);
	for (size_t i = 0; i < values->n; i++) {
		char element[PATH_SIZE + 16];
		size_t length = strlen(values->values[i]);

		snprintf(element, sizeof(element), "%s[%zu]", path, i);
		if (length > CMX_LABEL_VALUE_MAX)
			diagnose(p, OF_VALUE, element, "%zu bytes; at most %d "
			    "are allowed", length, CMX_LABEL_VALUE_MAX);
		for (size_t j = 0; j < i; j++)
			if (strcmp(values->values[i], values->values[j]) == 0)
				diagnose(p, OF_VALUE, element,
				    "\"%.64s\" stands twice",
				    values->values[i]);
	}
}

static void
read_values(struct parse *p, json_t *metric, const char *path,
    struct cmxi_schema_family *family)
{
	json_t *values = json_object_get(metric, "values"), *list;
	char full[PATH_SIZE];
	const char *label;

	family->values = allocate(p, family->def.n_labels,
	    sizeof(*family->values));
	if (values == NULL || family->values == NULL)
		return;
	if (!json_is_object(values)) {
		snprintf(full, sizeof(full), "%s.values", path);
		diagnose(p, OF_VALUE, full, "must be an object of arrays, not "
		    "%s", kind_of(values));
		return;
	}
	json_object_foreach(values, label, list) {
		size_t i = 0;

		snprintf(full, sizeof(full), "%s.values.%s", path, label);
		while (i < family->def.n_labels &&
		    strcmp(family->def.labels[i], label) != 0)
			i++;
		if (i < family->def.n_labels)
			read_label_values(p, list, full, &family->values[i]);
		else
			diagnose(p, OF_KEY, full, "the family has no label of "
			    "this name");
	}
}

/* Could something at this path, or below it, not be read? */
static bool
is_unreadable(const struct parse *p, const char *path)
{
	const struct diagnosis *d = (const void *)p->diagnoses.data;
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
	struct parse *p = arg;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "metrics[%zu].%s", p->index,
	    finding->part);
	if (is_unreadable(p, path))
		return;
	if (finding->index >= 0)
		snprintf(path, sizeof(path), "metrics[%zu].%s[%d]", p->index,
		    finding->part, finding->index);
	diagnose(p, OF_VALUE, path, "%s", finding->text);
}

static void
read_enumerations(struct parse *p, json_t *metric, const char *path,
    struct cmx_family_def *def)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	static const char *const aggregates[] = { "sum", "min", "max", "avg",
		"last", "each" };
	static const char *const values[] = { "integer", "double" };
	int i;

	if (json_object_get(metric, "type") == NULL)
		diagnose(p, OF_VALUE, path, "type is missing; allowed are "
		    "counter, gauge, histogram");
	i = word_member(p, metric, path, "type", types, CMXI_ARRAY_LEN(types));
	def->type = (enum cmx_type)(i + 1);
	i = word_member(p, metric, path, "aggregate", aggregates,
	    CMXI_ARRAY_LEN(aggregates));
	def->aggregate = (enum cmx_aggregate)(i < 0 ? 0 : i);
	i = word_member(p, metric, path, "value", values,
	    CMXI_ARRAY_LEN(values));
	def->is_double = i == 1;
}

static void
read_family(struct parse *p, json_t *metric,
    struct cmxi_schema_family *family)
{
	static const char *const keys[] = { "name", "type", "help", "unit",
		"labels", "buckets", "aggregate", "value", "values",
		"max_series" };
	struct cmx_family_def *def = &family->def;
	char path[64], full[PATH_SIZE];

	snprintf(path, sizeof(path), "metrics[%zu]", p->index);
	if (!json_is_object(metric)) {
		diagnose(p, OF_VALUE, path, "must be an object, not %s",
		    kind_of(metric));
		return;
	}
	check_keys(p, metric, path, keys, CMXI_ARRAY_LEN(keys));
	def->name = string_member(p, metric, path, "name");
	if (json_object_get(metric, "name") == NULL)
		diagnose(p, OF_VALUE, path, "name is missing");
	def->help = string_member(p, metric, path, "help");
	def->unit = string_member(p, metric, path, "unit");
	snprintf(full, sizeof(full), "%s.labels", path);
	def->labels = string_array(p, json_object_get(metric, "labels"), full,
	    &def->n_labels);
	def->max_series = (uint32_t)integer_member(p, metric, path,
	    "max_series", 1, 1u << 24, 0);
	read_enumerations(p, metric, path, def);
	read_buckets(p, metric, path, def);
	read_values(p, metric, path, family);
	if (def->name == NULL || def->type == 0)
		return;
	p->n_read_diagnoses = p->diagnoses.size / sizeof(struct diagnosis);
	cmxi_family_check(def, diagnose_finding, p);
	p->is_warning = true;
	cmxi_family_lint(def, diagnose_finding, p);
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
check_clashes(struct parse *p)
{
	const struct cmxi_schema_family *f = p->schema->families;
	char name[CMX_NAME_MAX + 16], path[64];

	for (size_t i = 0; i < p->schema->n_families; i++)
		for (size_t j = 0; j < i && is_comparable(&f[i].def); j++) {
			if (!is_comparable(&f[j].def) ||
			    !cmxi_family_clash(&f[j].def, &f[i].def, name,
				sizeof(name)))
				continue;
			snprintf(path, sizeof(path), "metrics[%zu].name", i);
			diagnose(p, OF_VALUE, path, "\"%s\" clashes with "
			    "metrics[%zu] \"%s\": both would expose \"%s\"",
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
check_limits(struct parse *p)
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
		diagnose(p, OF_VALUE, path, "%u is below the %llu series that "
		    "\"values\" creates", f->def.max_series,
		    (unsigned long long)n);
	}
	if (p->schema->n_families > limits->families)
		diagnose(p, OF_VALUE, "limits.families", "%llu, but the schema "
		    "has %zu metrics", (unsigned long long)limits->families,
		    p->schema->n_families);
	if (n_series > limits->series)
		diagnose(p, OF_VALUE, "limits.series", "%llu, but the schema "
		    "creates %llu series at the start (overflow series "
		    "counted)", (unsigned long long)limits->series,
		    (unsigned long long)n_series);
}

static void
read_limits(struct parse *p, json_t *limits)
{
	static const char *const keys[] = { "series", "families", "processes",
		"label_bytes" };
	struct cmxi_limits *l = &p->schema->limits;

	*l = cmxi_limits_default();
	if (limits == NULL)
		return;
	if (!json_is_object(limits)) {
		diagnose(p, OF_VALUE, "limits", "must be an object, not %s",
		    kind_of(limits));
		return;
	}
	check_keys(p, limits, "limits", keys, CMXI_ARRAY_LEN(keys));
	l->series = integer_member(p, limits, "limits", "series", 1, 1u << 24,
	    l->series);
	l->families = integer_member(p, limits, "limits", "families", 1,
	    1u << 14, l->families);
	l->processes = integer_member(p, limits, "limits", "processes", 1,
	    1u << 16, l->processes);
	l->label_bytes = integer_member(p, limits, "limits", "label_bytes",
	    1u << 12, UINT64_C(1) << 34, l->label_bytes);
}

static void
read_metrics(struct parse *p, json_t *metrics)
{
	json_t *metric;

	if (metrics == NULL) {
		diagnose(p, OF_VALUE, "", "metrics is missing; an array of "
		    "metrics is needed");
		return;
	}
	if (!json_is_array(metrics)) {
		diagnose(p, OF_VALUE, "metrics", "must be an array, not %s",
		    kind_of(metrics));
		return;
	}
	p->schema->families = allocate(p, json_array_size(metrics),
	    sizeof(*p->schema->families));
	if (p->schema->families == NULL)
		return;
	p->schema->n_families = json_array_size(metrics);
	json_array_foreach(metrics, p->index, metric)
		read_family(p, metric, &p->schema->families[p->index]);
	check_clashes(p);
}

static void
read_document(struct parse *p, json_t *document)
{
	static const char *const keys[] = { "version", "limits", "metrics" };
	json_t *version;

	if (!json_is_object(document)) {
		diagnose(p, OF_VALUE, "", "a schema is an object, not %s",
		    kind_of(document));
		return;
	}
	check_keys(p, document, "", keys, CMXI_ARRAY_LEN(keys));
	version = json_object_get(document, "version");
	if (version == NULL)
		diagnose(p, OF_VALUE, "", "version is missing; this program "
		    "reads version 1");
	else if (!json_is_integer(version) || json_integer_value(version) != 1)
		diagnose(p, OF_VALUE, "version", "must be 1");
	read_limits(p, json_object_get(document, "limits"));
	read_metrics(p, json_object_get(document, "metrics"));
	check_limits(p);
}

/* What jansson itself refuses: one error, at jansson's place. */
static void
diagnose_syntax(struct parse *p, const json_error_t *error)
{
	struct diagnosis d = {
		.d = { .source = p->source, .line = error->line,
		    .column = error->column > 0 ? error->column : 1 },
	};

	snprintf(d.text, sizeof(d.text), "not JSON: %s", error->text);
	cmxi_buf_bytes(&p->diagnoses, &d, sizeof(d));
	p->n_errors++;
}

static int
finish(struct parse *p, cmxi_diagnose_fn *report, void *arg,
    struct cmxi_schema **schemap)
{
	int n = p->n_errors;

	if (p->no_memory || p->diagnoses.failed)
		n = CMX_ERR_MEMORY;
	else
		report_all(p, report, arg);
	cmxi_positions_free(p->positions);
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
	struct parse p = { .source = source };
	json_error_t error;
	json_t *document;

	p.schema = allocate(&p, 1, sizeof(*p.schema));
	if (p.schema == NULL)
		return CMX_ERR_MEMORY;
	document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL) {
		diagnose_syntax(&p, &error);
		return finish(&p, report, arg, schemap);
	}
	p.schema->document = document;
	p.schema->text = allocate(&p, size + 1, 1);
	p.positions = cmxi_positions_build(text, size);
	p.no_memory |= p.positions == NULL;
	if (!p.no_memory) {
		memcpy(p.schema->text, text, size);
		p.schema->text_size = size;
		read_document(&p, document);
	}
	return finish(&p, report, arg, schemap);
}

struct cmxi_limits
cmxi_limits_default(void)
{
	return (struct cmxi_limits){ .series = 65536, .families = 512,
		.processes = 1024, .label_bytes = 16777216 };
}

bool
cmxi_schema_family_has_values(const struct cmxi_schema_family *family)
{
	for (size_t i = 0; i < family->def.n_labels; i++)
		if (family->values[i].n == 0)
			return false;
	return family->def.n_labels > 0;
}

static void
free_family(struct cmxi_schema_family *family)
{
	for (size_t i = 0; family->values && i < family->def.n_labels; i++)
		free(family->values[i].values);
	free(family->values);
	/* Allocated here as non-const; the definition only borrows. */
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

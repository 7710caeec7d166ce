/*
 * schema.c: schema text -> checked definitions.
 *
 * Everything wrong is reported, with its place, before anything is refused.
 */
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/json_reader.h"
#include "schema/schema_parts.h"

static void
read_limits(struct cmxi_parse *p, json_t *limits)
{
	static const char *const keys[] = { "series", "families", "processes",
		"label_bytes" };
	struct cmxi_limits *l = &p->schema->limits;
	size_t before;

	*l = cmxi_limits_default();
	if (limits == NULL)
		return;
	if (!json_is_object(limits)) {
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "limits",
		    "must be an object, not %s", cmxi_json_kind(limits));
		return;
	}
	before = cmxi_parse_enter(p, "limits");
	cmxi_parse_keys(p, limits, keys, CMXI_ARRAY_LEN(keys));
	l->series =
	    cmxi_parse_integer(p, limits, "series", 1, 1u << 24, l->series);
	l->families =
	    cmxi_parse_integer(p, limits, "families", 1, 1u << 14, l->families);
	l->processes = cmxi_parse_integer(p, limits, "processes", 1, 1u << 16,
	    l->processes);
	l->label_bytes = cmxi_parse_integer(p, limits, "label_bytes", 1u << 12,
	    UINT64_C(1) << 34, l->label_bytes);
	cmxi_parse_leave(p, before);
}

static void
read_metrics(struct cmxi_parse *p, json_t *metrics)
{
	struct cmxi_schema *schema = p->schema;
	size_t before, i;
	json_t *metric;

	if (metrics == NULL) {
		cmxi_parse_diagnose(p,
		    "metrics is missing; an array of metrics is needed");
		return;
	}
	if (!json_is_array(metrics)) {
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "metrics",
		    "must be an array, not %s", cmxi_json_kind(metrics));
		return;
	}
	schema->families = cmxi_parse_allocate(p, json_array_size(metrics),
	    sizeof(*schema->families));
	if (schema->families == NULL)
		return;
	schema->n_families = json_array_size(metrics);
	before = cmxi_parse_enter(p, "metrics");
	json_array_foreach(metrics, i, metric)
	{
		size_t here = cmxi_parse_enter_element(p, i);

		cmxi_schema_read_family(p, metric, &schema->families[i]);
		cmxi_parse_leave(p, here);
	}
	cmxi_parse_leave(p, before);
	/* Half a definition, where memory ended, is not looked at. */
	if (!p->no_memory)
		cmxi_schema_check_clashes(p);
}

static void
read_document(struct cmxi_parse *p, json_t *document)
{
	static const char *const keys[] = { "version", "limits", "metrics" };
	json_t *version;

	if (!json_is_object(document)) {
		cmxi_parse_diagnose(p, "a schema is an object, not %s",
		    cmxi_json_kind(document));
		return;
	}
	cmxi_parse_keys(p, document, keys, CMXI_ARRAY_LEN(keys));
	version = json_object_get(document, "version");
	if (version == NULL)
		cmxi_parse_diagnose(p,
		    "version is missing; this program reads version 1");
	else if (!json_is_integer(version) || json_integer_value(version) != 1)
		cmxi_parse_diagnose_member(p, CMXI_OF_VALUE, "version",
		    "must be 1");
	read_limits(p, json_object_get(document, "limits"));
	read_metrics(p, json_object_get(document, "metrics"));
	if (!p->no_memory)
		cmxi_schema_check_limits(p);
}

/*
 * A text that jansson refuses: one error, at the place that jansson names.
 * Without a reason it had no memory.
 */
static void
diagnose_syntax(struct cmxi_parse *p, const json_error_t *error)
{
	struct cmxi_diagnosis d = {
		.d = { .source = p->source,
		    .line = error->line,
		    .column = error->column > 0 ? error->column : 1 },
	};

	p->no_memory |= error->text[0] == '\0' ||
	    json_error_code(error) == json_error_out_of_memory;
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

/* cmx_family_def borrows const memory; the schema that owns it frees it. */
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

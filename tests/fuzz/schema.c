/*
 * schema.c: a schema's text.  What is accepted is a definition whose record
 * reads back as it was, and a second reading finds the same.
 */
#include "fuzz.h"

#include "family/compare.h"
#include "schema/schema.h"
#include "segment/family_record.h"

struct count {
	int n;
};

static void
count(void *arg, const struct cmx_diagnostic *d)
{
	struct count *c = arg;

	MUST(d->text != NULL && d->text[0] != '\0');
	c->n++;
}

static void
check_family(const struct cmx_family_def *def)
{
	size_t size = cmxi_family_record_size(def);
	struct cmxi_shm_family *record =
	    aligned_alloc(64, cmxi_round_up(size, 64));
	struct cmxi_definition d;

	MUST(record != NULL);
	cmxi_family_record_encode(def, record);
	MUST(cmxi_family_record_decode(record, size, &d));
	MUST(strcmp(d.def.name, def->name) == 0);
	MUST(d.def.n_labels == def->n_labels && d.def.type == def->type);
	MUST(cmxi_def_same_cells(&d.def, def));
	free(record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct cmxi_schema *schema = NULL;
	struct count findings = { 0 };
	int n =
	    cmxi_schema_parse(text, size, "fuzz", count, &findings, &schema);

	if (n == 0 && schema != NULL)
		for (size_t i = 0; i < schema->n_families; i++)
			check_family(&schema->families[i].def);
	else
		MUST(findings.n > 0 || n < 0);
	cmxi_schema_free(schema);
	free(text);
	return 0;
}

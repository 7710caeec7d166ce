/*
 * lookup.c: the application API's slow half: register, look up.
 */
#include <assert.h>
#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "codeai/metrics_inline.h"

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/error.h"
#include "family/rules.h"
#include "segment/family_record.h"
#include "write/family_table.h"
#include "write/registry.h"
#include "write/series.h"
#include "write/slot.h"

static_assert(sizeof(struct cmx_family) <= CMX_HANDLE_SIZE &&
	sizeof(struct cmx_counter) <= CMX_HANDLE_SIZE &&
	sizeof(struct cmx_gauge) <= CMX_HANDLE_SIZE &&
	sizeof(struct cmx_histogram) <= CMX_HANDLE_SIZE,
    "the ABI promises so");

void
cmx_set_role(struct cmx_registry *reg, const char *role)
{
	if (reg != NULL)
		cmxi_slot_set_role(&reg->segment, reg->own, role);
}

/* Families */

struct first_finding {
	char text[640];
};

static void
keep_first(void *arg, const struct cmxi_finding *finding)
{
	struct first_finding *first = arg;

	if (first->text[0] != '\0')
		return;
	strlcpy(first->text, finding->part, sizeof(first->text));
	strlcat(first->text, ": ", sizeof(first->text));
	strlcat(first->text, finding->text, sizeof(first->text));
}

static bool
definition_has_nulls(const struct cmx_family_def *def)
{
	if (def->name == NULL || (def->n_labels > 0 && def->labels == NULL) ||
	    (def->n_bounds > 0 && def->bounds == NULL))
		return true;
	/* A count that is too large is told by the rules; nothing is read. */
	for (size_t i = 0; def->n_labels <= CMX_LABELS_MAX && i < def->n_labels;
	     i++)
		if (def->labels[i] == NULL)
			return true;
	return false;
}

static int
check_definition(const struct cmx_registry *reg,
    const struct cmx_family_def *def, struct cmx_error *err)
{
	struct first_finding first = { "" };

	if (reg == NULL || def == NULL || definition_has_nulls(def))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_register: the registry, the definition, its name or one of its arrays is null");
	if (!cmxi_is_zero(def->reserved, sizeof(def->reserved)))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "family %.64s: its reserved members are not 0: zero the definition first, or use the library that the program was compiled for",
		    def->name);
	if (cmxi_def_check(def, keep_first, &first) != 0)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "family %.64s: %s",
		    def->name, first.text);
	return 0;
}

int
cmx_register(struct cmx_registry *reg, const struct cmx_family_def *def,
    struct cmx_family *familyp, struct cmx_error *err)
{
	struct cmx_family ignored;
	uint32_t entry;
	int saved = errno, r;

	if (familyp == NULL)
		familyp = &ignored;
	memset(familyp, 0, sizeof(*familyp));
	r = check_definition(reg, def, err);
	if (r == 0)
		r = cmxi_family_append(reg, def, &entry, err);
	errno = saved;
	if (r != 0)
		return r;
	*familyp = (struct cmx_family){ .registry = reg,
		.entry = entry,
		.type = (uint32_t)def->type };
	return 0;
}

int
cmx_family_definition(const struct cmx_family *family,
    struct cmx_family_def *def, const char *labels[], struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	struct cmxi_definition d;

	if (family == NULL || family->registry == NULL || def == NULL ||
	    labels == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_family_definition: the family is a sink, or a pointer is null");
	record = cmxi_registry_family(family->registry, family->entry);
	if (!cmxi_family_record_decode(record, record->size, &d))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "cmx_family_definition: the segment holds a family record that no program writes; it is damaged");
	memcpy(labels, d.labels, d.def.n_labels * sizeof(labels[0]));
	*def = d.def;
	def->labels = labels;
	return 0;
}

/* Does a schema of this process define the family differently? */
static bool
is_conflict(const struct cmx_registry *reg, uint32_t entry)
{
	for (size_t i = 0; i < CMXI_CONFLICTS; i++) {
		/* relaxed: it publishes nothing */
		uint32_t there = cmxi_load32_relaxed(&reg->conflicts[i]);

		if (there == 0 || there == entry)
			return there == entry;
	}
	return false;
}

int
cmx_family_find(struct cmx_registry *reg, const char *name,
    struct cmx_family *familyp, struct cmx_error *err)
{
	uint32_t entry;

	if (familyp != NULL)
		memset(familyp, 0, sizeof(*familyp));
	if (reg == NULL || name == NULL || familyp == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_family_find: the registry, the name or the family is null");
	entry = cmxi_family_find(reg, name);
	if (entry == 0) {
		cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
		return cmxi_error(err, CMX_ERR_NOT_FOUND,
		    "family %.64s: the segment has none of this name; add it to the schema, or register it",
		    name);
	}
	if (is_conflict(reg, entry)) {
		cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
		return cmxi_error(err, CMX_ERR_CONFLICT,
		    "family %.64s: a schema that this process opened the segment with defines it in another way than the segment; \"codeai-metrics apply\" changes a live segment's definitions",
		    name);
	}
	*familyp = (struct cmx_family){ .registry = reg,
		.entry = entry,
		.type = cmxi_registry_family(reg, entry)->type };
	return 0;
}

/* Series */

static int
lookup_error(const struct cmx_family *family, enum cmx_type type,
    size_t n_labels, struct cmx_error *err)
{
	const struct cmxi_shm_family *record =
	    cmxi_registry_family(family->registry, family->entry);
	const char *name = (const char *)record + record->text_offset;

	cmxi_segment_count(&family->registry->segment, CMXI_STAT_FAILED_LOOKUPS,
	    1);
	if (record->type != type)
		return cmxi_error(err, CMX_ERR_TYPE,
		    "family %s: is a %s, not a %s", name,
		    cmx_type_name((enum cmx_type)record->type),
		    cmx_type_name(type));
	return cmxi_error(err, CMX_ERR_LABELS,
	    "family %s: has %u labels, %zu values were given", name,
	    record->n_labels, n_labels);
}

/* The checks and the search that the three kinds of series share. */
static int
find_series(const struct cmx_family *family, enum cmx_type type,
    size_t n_labels, const char *const *values,
    const struct cmxi_shm_series **entry, struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	int r;

	if (family == NULL || family->registry == NULL ||
	    (n_labels > 0 && values == NULL))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "the family is a sink, or the label values are null");
	cmxi_slot_ensure(&family->registry->segment, family->registry->own);
	record = cmxi_registry_family(family->registry, family->entry);
	if (cmxi_unlikely(record->type != type || record->n_labels != n_labels))
		return lookup_error(family, type, n_labels, err);
	r = cmxi_series_find(family->registry, family->entry, n_labels, values,
	    entry);
	if (cmxi_unlikely(r != 0))
		cmxi_error(err, CMX_OK,
		    "family %s: its overflow series was given: the family has max_series, the segment or its file system is full, or a label value is longer than %d bytes",
		    (const char *)record + record->text_offset,
		    CMX_LABEL_VALUE_MAX);
	return r;
}

static unsigned char *
first_cell(const struct cmx_registry *reg, uint64_t cell_offset)
{
	return cmxi_segment_stripe(&reg->segment, 0) + cell_offset;
}

int
cmx_counter_find_layout(unsigned int layout, const struct cmx_family *family,
    size_t n_labels, const char *const *values, struct cmx_counter *counter,
    struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	const struct cmxi_shm_series *entry = NULL;
	bool is_double;
	int r;

	if (counter == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "counter is null");
	/* A zeroed handle is a sink in every layout, and all have this size. */
	memset(counter, 0, sizeof(*counter));
	if (layout != CMX_HANDLE_LAYOUT)
		return cmxi_error(err, CMX_ERR_MISMATCH,
		    "the program was compiled for handles of layout %u, the library has %d; compile it again",
		    layout, CMX_HANDLE_LAYOUT);
	r = find_series(family, CMX_COUNTER, n_labels, values, &entry, err);
	if (r < 0)
		return r;
	record = cmxi_registry_family(family->registry, family->entry);
	is_double = record->is_double;
	*counter = (struct cmx_counter){
		.cell = first_cell(family->registry, entry->cell_offset),
		.registry = family->registry,
		/* Inlined updates are those of whole numbers. */
		.n_cpus = is_double ? 0 : family->registry->n_cpus,
		.stripe_shift = family->registry->stripe_shift,
		.is_double = is_double,
		.rseq_offset = family->registry->rseq_offset,
		.exemplars =
		    cmxi_series_exemplars(family->registry, record, entry),
	};
	return r;
}

int
cmx_counter_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_counter *counter,
    struct cmx_error *err)
{
	return cmx_counter_find_layout(CMX_HANDLE_LAYOUT, family, n_labels,
	    values, counter, err);
}

int
cmx_gauge_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_gauge *gauge, struct cmx_error *err)
{
	const struct cmxi_shm_series *entry = NULL;
	int r;

	if (gauge == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "gauge is null");
	memset(gauge, 0, sizeof(*gauge));
	r = find_series(family, CMX_GAUGE, n_labels, values, &entry, err);
	if (r < 0)
		return r;
	*gauge = (struct cmx_gauge){
		.registry = family->registry,
		.offset = entry->cell_offset,
		.is_shared =
		    cmxi_registry_family(family->registry, family->entry)
			->aggregate == CMX_LAST,
	};
	return r;
}

int
cmx_histogram_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_histogram *histogram,
    struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	const struct cmxi_shm_series *entry = NULL;
	int r;

	if (histogram == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "histogram is null");
	memset(histogram, 0, sizeof(*histogram));
	r = find_series(family, CMX_HISTOGRAM, n_labels, values, &entry, err);
	if (r < 0)
		return r;
	record = cmxi_registry_family(family->registry, family->entry);
	*histogram = (struct cmx_histogram){
		.cell = first_cell(family->registry, entry->cell_offset),
		.registry = family->registry,
		.n_cpus = family->registry->n_cpus,
		.stripe_shift = family->registry->stripe_shift,
		.rseq_offset = family->registry->rseq_offset,
		.is_native = record->is_native,
		.exemplars =
		    cmxi_series_exemplars(family->registry, record, entry),
		.n_bounds = record->n_bounds,
		.bounds = cmxi_family_record_bounds(record),
	};
	return r;
}

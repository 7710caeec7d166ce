/*
 * family_record.c: a family's definition <-> the bytes of its record.
 */
#include "segment/family_record.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/require.h"
#include "family/native_buckets.h"
#include "family/rules.h"
#include "segment/layout.h"

static size_t
text_size(const struct cmx_family_def *def)
{
	size_t n = strlen(def->name) + 1 + strlen(cmxi_or_empty(def->help)) +
	    1 + strlen(cmxi_or_empty(def->unit)) + 1;

	for (size_t i = 0; i < def->n_labels; i++)
		n += strlen(def->labels[i]) + 1;
	return n;
}

/* A family without native buckets shows the bounds of its cells. */
static size_t
text_offset(size_t n_bounds, size_t n_shown, bool is_native)
{
	return sizeof(struct cmxi_shm_family) +
	    (cmxi_family_record_padded(n_bounds) + (is_native ? n_shown : 0)) *
	    sizeof(double);
}

size_t
cmxi_family_record_size(const struct cmx_family_def *def)
{
	size_t n = text_offset(cmxi_cell_bounds(def, NULL),
		       cmxi_shown_bounds(def, NULL), def->is_native) +
	    text_size(def);

	return cmxi_round_up(n, CMXI_ENTRY_UNIT);
}

static char *
put_text(char *p, const char *text)
{
	size_t n = strlen(text) + 1;

	memcpy(p, text, n);
	return p + n;
}

void
cmxi_family_record_encode(const struct cmx_family_def *def,
    struct cmxi_shm_family *record)
{
	size_t size = cmxi_family_record_size(def);
	double *bounds = (double *)(void *)(record + 1);
	size_t n_bounds = cmxi_cell_bounds(def, NULL);
	size_t n_shown = cmxi_shown_bounds(def, NULL);
	char *text =
	    (char *)record + text_offset(n_bounds, n_shown, def->is_native);

	REQUIRE((uintptr_t)record % sizeof(double) == 0);
	memset(record, 0, size);
	record->size = (uint32_t)size;
	record->type = (uint8_t)def->type;
	record->aggregate = (uint8_t)def->aggregate;
	record->is_double = def->is_double;
	record->n_labels = (uint16_t)def->n_labels;
	record->n_bounds = (uint16_t)n_bounds;
	record->n_declared = (uint16_t)def->n_bounds;
	record->n_shown = (uint16_t)n_shown;
	record->is_native = def->is_native;
	record->has_exemplars = def->has_exemplars;
	if (def->is_native) {
		record->native_schema = (int8_t)def->native_schema;
		record->native_min = def->native_min;
		record->native_max = def->native_max;
	}
	record->max_series = def->max_series;
	record->cell_size = (uint32_t)cmxi_layout_cell_size(def);
	record->text_offset = (uint32_t)(text - (char *)record);
	cmxi_cell_bounds(def, bounds);
	for (size_t i = n_bounds; i < cmxi_family_record_padded(n_bounds); i++)
		bounds[i] = HUGE_VAL;
	if (def->is_native)
		cmxi_shown_bounds(def,
		    bounds + cmxi_family_record_padded(n_bounds));
	text = put_text(text, def->name);
	text = put_text(text, cmxi_or_empty(def->help));
	text = put_text(text, cmxi_or_empty(def->unit));
	for (size_t i = 0; i < def->n_labels; i++)
		text = put_text(text, def->labels[i]);
}

/* Take the next text; null where none ends before end. */
static const char *
take_text(const char **p, const char *end)
{
	const char *text = *p;
	const char *nul =
	    text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul == NULL)
		return NULL;
	*p = nul + 1;
	return text;
}

static bool
decode_texts(const struct cmxi_shm_family *record, struct cmxi_definition *d)
{
	const char *p = (const char *)record + record->text_offset;
	const char *end = (const char *)record + record->size;

	d->def.name = take_text(&p, end);
	d->def.help = take_text(&p, end);
	d->def.unit = take_text(&p, end);
	for (size_t i = 0; i < record->n_labels; i++) {
		d->labels[i] = take_text(&p, end);
		if (d->labels[i] == NULL)
			return false;
	}
	d->def.labels = d->labels;
	return d->def.unit != NULL;
}

static void
ignore(void *arg, const struct cmxi_finding *finding)
{
	(void)arg;
	(void)finding;
}

/* Check the sizes in a record, before anything after it is read. */
static bool
sizes_are_sane(const struct cmxi_shm_family *record, size_t available)
{
	return available >= sizeof(*record) && record->size <= available &&
	    record->n_labels <= CMX_LABELS_MAX &&
	    record->n_bounds <= CMXI_CELL_BOUNDS_MAX &&
	    record->n_declared <= CMX_BOUNDS_MAX &&
	    record->n_shown <= CMXI_CELL_BOUNDS_MAX && record->is_native <= 1 &&
	    record->has_exemplars <= 1 &&
	    record->text_offset ==
	    text_offset(record->n_bounds, record->n_shown, record->is_native) &&
	    record->text_offset <= record->size;
}

/* Are the record's bounds those that its definition gives? */
static bool
bounds_are_right(const struct cmxi_definition *d)
{
	return cmxi_cell_bounds(&d->def, NULL) == d->n_cell_bounds &&
	    cmxi_shown_bounds(&d->def, NULL) == d->n_shown &&
	    cmxi_bounds_are(&d->def, d->cell_bounds, d->shown);
}

static void
decode_bounds(const struct cmxi_shm_family *record, struct cmxi_definition *d)
{
	d->n_cell_bounds = record->n_bounds;
	d->cell_bounds = cmxi_family_record_bounds(record);
	d->n_shown = record->n_shown;
	d->shown = cmxi_family_record_shown(record);
	/* Declared bounds are the ones that are shown. */
	d->def.n_bounds = record->n_declared;
	d->def.bounds = d->shown;
	d->def.is_native = record->is_native;
	d->def.native_schema = record->native_schema;
	d->def.native_min = record->native_min;
	d->def.native_max = record->native_max;
}

bool
cmxi_family_record_decode(const struct cmxi_shm_family *record,
    size_t available, struct cmxi_definition *d)
{
	if (!sizes_are_sane(record, available))
		return false;
	memset(d, 0, sizeof(*d));
	d->def.type = (enum cmx_type)record->type;
	d->def.aggregate = (enum cmx_aggregate)record->aggregate;
	d->def.is_double = record->is_double != 0;
	d->def.max_series = record->max_series;
	d->def.n_labels = record->n_labels;
	d->def.has_exemplars = record->has_exemplars;
	decode_bounds(record, d);
	/* Check how many bounds there are, before they are read. */
	return record->n_declared <= record->n_shown &&
	    (record->is_native || record->n_shown == record->n_bounds) &&
	    decode_texts(record, d) &&
	    cmxi_def_check(&d->def, ignore, NULL) == 0 &&
	    (!d->def.is_native || bounds_are_right(d)) &&
	    record->n_bounds == cmxi_cell_bounds(&d->def, NULL) &&
	    record->cell_size == cmxi_layout_cell_size(&d->def) &&
	    record->size == cmxi_family_record_size(&d->def);
}

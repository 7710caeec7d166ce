/*
 * definition.c: a family's definition <-> the bytes of its record.  Level 4.
 */
#include "definition.h"

#include <math.h>
#include <string.h>

#include "layout.h"
#include "name.h"

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static size_t
n_padded_bounds(size_t n_bounds)
{
	return (n_bounds + CMXI_BOUNDS_PAD - 1) / CMXI_BOUNDS_PAD *
	    CMXI_BOUNDS_PAD;
}

static size_t
text_size(const struct cmx_family_def *def)
{
	size_t n = strlen(def->name) + 1 + strlen(or_empty(def->help)) + 1 +
	    strlen(or_empty(def->unit)) + 1;

	for (size_t i = 0; i < def->n_labels; i++)
		n += strlen(def->labels[i]) + 1;
	return n;
}

static size_t
text_offset(size_t n_bounds)
{
	return sizeof(struct cmxi_shm_family) +
	    n_padded_bounds(n_bounds) * sizeof(double);
}

size_t
cmxi_definition_size(const struct cmx_family_def *def)
{
	size_t n = text_offset(def->n_bounds) + text_size(def);

	return (n + CMXI_ENTRY_UNIT - 1) / CMXI_ENTRY_UNIT * CMXI_ENTRY_UNIT;
}

static char *
put_text(char *p, const char *text)
{
	size_t n = strlen(text) + 1;

	memcpy(p, text, n);
	return p + n;
}

void
cmxi_definition_encode(const struct cmx_family_def *def,
    struct cmxi_shm_family *record)
{
	size_t size = cmxi_definition_size(def);
	double *bounds = (double *)(void *)(record + 1);
	char *text = (char *)record + text_offset(def->n_bounds);

	memset(record, 0, size);
	record->size = (uint32_t)size;
	record->type = (uint8_t)def->type;
	record->aggregate = (uint8_t)def->aggregate;
	record->is_double = def->is_double;
	record->n_labels = (uint16_t)def->n_labels;
	record->n_bounds = (uint16_t)def->n_bounds;
	record->max_series = def->max_series;
	record->cell_size = (uint32_t)cmxi_layout_cell_size(def);
	record->text_offset = (uint32_t)text_offset(def->n_bounds);
	for (size_t i = 0; i < n_padded_bounds(def->n_bounds); i++)
		bounds[i] = i < def->n_bounds ? def->bounds[i] : HUGE_VAL;
	text = put_text(text, def->name);
	text = put_text(text, or_empty(def->help));
	text = put_text(text, or_empty(def->unit));
	for (size_t i = 0; i < def->n_labels; i++)
		text = put_text(text, def->labels[i]);
}

/* The next text, or null where none ends before end. */
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

bool
cmxi_definition_decode(const struct cmxi_shm_family *record, size_t available,
    struct cmxi_definition *d)
{
	if (available < sizeof(*record) || record->size > available ||
	    record->n_labels > CMX_LABELS_MAX ||
	    record->n_bounds > CMX_BOUNDS_MAX ||
	    record->text_offset != text_offset(record->n_bounds) ||
	    record->text_offset > record->size)
		return false;
	memset(d, 0, sizeof(*d));
	d->def.type = (enum cmx_type)record->type;
	d->def.aggregate = (enum cmx_aggregate)record->aggregate;
	d->def.is_double = record->is_double != 0;
	d->def.max_series = record->max_series;
	d->def.n_labels = record->n_labels;
	d->def.n_bounds = record->n_bounds;
	d->def.bounds = cmxi_definition_bounds(record);
	return decode_texts(record, d) &&
	    cmxi_family_check(&d->def, ignore, NULL) == 0 &&
	    record->cell_size == cmxi_layout_cell_size(&d->def);
}

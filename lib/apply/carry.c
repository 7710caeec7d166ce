/*
 * carry.c: the totals of a segment that was replaced, into the one that
 * replaced it.
 *
 * A segment without writers does not change.  Its totals are stored (not
 * added) in the carry stripe of its successor, and then one word says that
 * they count there and no more in their own file.  Killed before that word,
 * they count in the file, and whoever comes next stores the same again;
 * killed after it, only the file's name is left to be taken away.
 *
 * The old segment is read as every reader reads it, through the public API.
 */
#include "apply/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codeai/metrics_reader.h"

#include "base/atomic.h"
#include "base/error.h"
#include "base/require.h"
#include "family/compare.h"
#include "schema/schema.h"
#include "segment/family_record.h"
#include "segment/gauge_cell.h"
#include "segment/segment_file.h"
#include "segment/segment_lock.h"
#include "segment/segment_name.h"
#include "segment/segment_path.h"
#include "segment/words.h"
#include "write/family_table.h"
#include "write/open.h"
#include "write/series.h"

/* The future bytes of the carry stripe. */
struct totals {
	unsigned char *bytes;
	uint64_t size, capacity;
};

/* The place of a cell of n bytes, zeroed when it is new; null: no memory. */
static void *
cell_at(struct totals *t, uint64_t offset, uint64_t n)
{
	REQUIRE(n > 0);
	if (offset + n > t->capacity) {
		uint64_t capacity = 2 * (offset + n);
		unsigned char *grown = realloc(t->bytes, capacity);

		if (grown == NULL)
			return NULL;
		memset(grown + t->capacity, 0, capacity - t->capacity);
		t->bytes = grown;
		t->capacity = capacity;
	}
	if (offset + n > t->size)
		t->size = offset + n;
	return t->bytes + offset;
}

static bool
add_total(struct totals *t, const struct cmx_family_def *def, uint64_t offset,
    const struct cmxr_series *series)
{
	size_t n = def->type == CMX_HISTOGRAM ?
	    series->n_cells * sizeof(struct cmxi_pair) :
	    sizeof(uint64_t);
	void *cell = cell_at(t, offset, n);
	struct cmxi_pair *pairs = cell;

	if (cell == NULL)
		return false;
	if (def->type == CMX_HISTOGRAM)
		for (size_t i = 0; i < series->n_cells; i++) {
			pairs[i].count += series->cells[i].count;
			pairs[i].sum += series->cells[i].sum;
		}
	else if (def->is_double)
		*(double *)cell += series->value;
	else
		*(uint64_t *)cell += series->whole;
	return true;
}

/*
 * Set a gauge of CMX_LAST to its old value, unless a process has set the new
 * one.
 */
static void
set_last(const struct cmx_registry *to, uint64_t offset, double v)
{
	uint64_t *cell =
	    (uint64_t *)(void *)(cmxi_segment_gauge_stripe(&to->segment,
				     to->segment.fixed.n_slots) +
		offset);
	uint64_t unset = 0;

	cmxi_cas64_relaxed(cell, &unset, cmxi_gauge_bits(v));
}

static int
carry_series(const struct cmx_registry *to, uint32_t entry,
    const struct cmx_family_def *def, const struct cmxr_snapshot *snapshot,
    size_t family, struct totals *t, struct cmx_error *err)
{
	struct cmxr_series series;
	size_t cursor = 0;

	while (cmxr_series_next(snapshot, family, &cursor, &series)) {
		const struct cmxi_shm_series *found;

		cmxi_series_find(to, entry, def->n_labels, series.values,
		    &found);
		if (def->type == CMX_GAUGE)
			set_last(to, found->cell_offset, series.value);
		else if (!add_total(t, def, found->cell_offset, &series))
			return cmxi_error(err, CMX_ERR_MEMORY,
			    "no memory for the totals of the replaced segment");
	}
	return 0;
}

static bool
is_in_schema(const struct cmxi_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_families; i++)
		if (strcmp(schema->families[i].def.name, name) == 0)
			return true;
	return false;
}

/* Has the segment a family that the totals of a definition can be added to? */
static bool
has_family(const struct cmx_registry *reg, const struct cmx_family_def *def,
    struct cmxi_definition *d)
{
	uint32_t entry = cmxi_family_find(reg, def->name);
	const struct cmxi_shm_family *record;

	if (entry == 0)
		return false;
	record = cmxi_registry_family(reg, entry);
	return cmxi_family_record_decode(record, record->size, d) &&
	    cmxi_def_same_cells(&d->def, def);
}

/*
 * Find the entry of a family in the new segment; *entry is 0 where its totals
 * are not carried, because the cells have another shape or the new schema
 * dropped the family.  A family that the old schema did not have was registered
 * by an application, and is added to the new segment.  So is one that a schema
 * in the middle dropped and the newest has again: readers show its totals with
 * the newest one's, and they must not fall when they are carried.
 */
static int
successor(const struct cmx_registry *to, const struct cmx_registry *newest,
    const struct cmx_family_def *def, const struct cmxi_schema *old_schema,
    uint32_t *entry, struct cmx_error *err)
{
	struct cmxi_definition d;
	int r;

	*entry = cmxi_family_find(to, def->name);
	if (*entry == 0 && is_in_schema(old_schema, def->name) &&
	    (newest == to || !has_family(newest, def, &d)))
		return 0;
	if (*entry == 0) {
		r = cmxi_family_append(to, def, entry, err);
		/* Another try may have what is short now. */
		if (r == CMX_ERR_MEMORY || r == CMX_ERR_NO_SPACE)
			return r;
		if (r != 0)
			*entry = 0;
	}
	/*
	 * Only gauges of CMX_LAST are carried: the others end with their
	 * process.
	 */
	if (*entry == 0 || !has_family(to, def, &d) ||
	    (def->type == CMX_GAUGE &&
		(def->aggregate != CMX_LAST || d.def.aggregate != CMX_LAST)))
		*entry = 0;
	return 0;
}

static int
collect_totals(const struct cmx_registry *to, const struct cmx_registry *newest,
    struct cmxr_reader *reader, const struct cmxi_schema *old_schema,
    struct totals *t, struct cmx_error *err)
{
	const struct cmxr_snapshot *snapshot;
	int r;

	cmxr_show_processes(reader, false);
	r = cmxr_snapshot_take(reader, &snapshot, err);
	for (size_t i = 0; r == 0 && i < cmxr_snapshot_n_families(snapshot);
	     i++) {
		struct cmxr_family family;
		uint32_t entry;

		cmxr_snapshot_family(snapshot, i, &family);
		r = successor(to, newest, &family.def, old_schema, &entry, err);
		if (r == 0 && entry != 0)
			r = carry_series(to, entry, &family.def, snapshot, i, t,
			    err);
	}
	return r;
}

/* Store the totals, and then the word that says so. */
static int
publish_totals(const struct cmx_registry *to, const struct totals *t,
    struct cmx_error *err)
{
	const struct cmxi_segment *s = &to->segment;
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	unsigned char *stripe = cmxi_segment_carry_stripe(s);

	REQUIRE(!cmxi_segment_is_carried(&to->segment));
	if (t->size > 0) {
		int r = cmxi_segment_reserve(s, (uint64_t)(stripe - s->base),
		    t->size);

		if (r != 0)
			return cmxi_error(err, r,
			    "%s: its file system has no room for the totals of the segment that it replaced; that one goes on being read",
			    s->path);
		memcpy(stripe, t->bytes, t->size);
	}
	cmxi_store64_relaxed(&h->carry_size, t->size);
	/*
	 * (Q) release, pairs with (R).
	 * Orders the totals and their size before the word.  Without it a
	 * reader could miss totals that it no longer reads in the old file.
	 */
	cmxi_store64_release(&h->carried, 1);
	return 0;
}

static int
carry_totals(const struct cmx_registry *to, const struct cmx_registry *newest,
    const char *old_path, struct cmx_error *err)
{
	struct totals t = { .bytes = NULL };
	struct cmxi_schema *old_schema = NULL;
	struct cmxr_reader *reader;
	const char *text;
	int r = cmxr_open(old_path, &reader, err);

	if (r != 0)
		return r;
	text = cmxr_schema_text(reader);
	r = cmxi_schema_parse_text(&(struct cmxi_schema_text){ .data = text,
				       .size = strlen(text),
				       .source = old_path },
	    &old_schema, err);
	if (r == 0)
		r = collect_totals(to, newest, reader, old_schema, &t, err);
	if (r == 0)
		r = publish_totals(to, &t, err);
	free(t.bytes);
	cmxi_schema_free(old_schema);
	cmxr_close(reader);
	return r;
}

/*
 * Is every predecessor carried?  There is none, or its totals are in the carry
 * stripe.
 */
static bool
is_carried(const struct cmx_registry *reg)
{
	return reg->segment.fixed.predecessor_seed == 0 ||
	    cmxi_segment_is_carried(&reg->segment);
}

static int carry_chain(const struct cmx_registry *to,
    const struct cmx_registry *newest, const char *path,
    unsigned int *n_carried, unsigned int *n_waiting, struct cmx_error *err);

/* Carry an opened predecessor, after the predecessors of its own. */
static int
carry_opened(const struct cmx_registry *to, const struct cmx_registry *newest,
    const struct cmx_registry *old, const char *path, const char *old_path,
    unsigned int *n_carried, unsigned int *n_waiting, struct cmx_error *err)
{
	int r = carry_chain(old, newest, path, n_carried, n_waiting, err);

	if (r != 0)
		return r;
	if (!is_carried(old) || cmxi_segment_has_writers(&old->segment) != 0) {
		++*n_waiting;
		return 0;
	}
	r = carry_totals(to, newest, old_path, err);
	if (r == 0)
		++*n_carried;
	return r;
}

/* Carry the predecessor behind its second name, if it has one. */
static int
carry_named(const struct cmx_registry *to, const struct cmx_registry *newest,
    const char *path, const char *old_path, unsigned int *n_carried,
    unsigned int *n_waiting, struct cmx_error *err)
{
	struct cmx_registry *old = cmxi_registry_new(err);
	int r;

	if (old == NULL)
		return CMX_ERR_MEMORY;
	r = cmxi_segment_open(&old->segment, old_path, CMXI_WRITE,
	    CMXI_ANY_FILESYSTEM, err);
	if (r == 0) {
		cmxi_registry_set_stripes(old);
		r = carry_opened(to, newest, old, path, old_path, n_carried,
		    n_waiting, err);
	} else if (r == CMX_ERR_NOT_FOUND) {
		/* It was removed by name, and its totals with it. */
		r = publish_totals(to, &(struct totals){ .size = 0 }, err);
	}
	cmx_close(old);
	return r;
}

/* Carry what comes before a segment; newest is the one that has the name. */
static int
carry_chain(const struct cmx_registry *to, const struct cmx_registry *newest,
    const char *path, unsigned int *n_carried, unsigned int *n_waiting,
    struct cmx_error *err)
{
	uint64_t seed = to->segment.fixed.predecessor_seed;
	char *old_path;
	int r = 0;

	if (seed == 0)
		return 0;
	old_path = cmxi_segment_predecessor_path(path, seed, err);
	if (old_path == NULL)
		return CMX_ERR_MEMORY;
	if (!is_carried(to))
		r = carry_named(to, newest, path, old_path, n_carried,
		    n_waiting, err);
	if (r == 0 && is_carried(to) && unlink(old_path) != 0 &&
	    errno != ENOENT)
		r = cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot remove it; its totals are carried over",
		    old_path);
	free(old_path);
	return r;
}

int
cmxi_carry_totals(const struct cmx_registry *to, const char *path,
    unsigned int *n_carried, unsigned int *n_waiting, struct cmx_error *err)
{
	return carry_chain(to, to, path, n_carried, n_waiting, err);
}

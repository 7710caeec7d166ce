/*
 * family_table.c: the append-only table of families.
 *
 * A word changes once, from 0 to a record.  A writer that appends compares its
 * definition with every family before the first free word, so two writers with
 * one name compete for the same word, as in the index.
 */
#include "write/family_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/require.h"
#include "family/compare.h"
#include "segment/family_record.h"
#include "segment/words.h"
#include "write/series.h"

/* Records are aligned to a cache line, so that their bounds are too. */
#define RECORD_ALIGN 64

static uint32_t
name_tag(const struct cmxi_segment *s, const char *name)
{
	return (uint32_t)(cmxi_hash(name, strlen(name), s->fixed.seed) >> 32);
}

static const char *
record_name(const struct cmxi_shm_family *record)
{
	return (const char *)record + record->text_offset;
}

/* The record of a word, or null where the word is free. */
static struct cmxi_shm_family *
record_at(const struct cmx_registry *reg, uint64_t i, uint64_t *word)
{
	*word = cmxi_family_word_load(&reg->segment, i);
	return *word == 0 ? NULL : cmxi_registry_family(reg, (uint32_t)*word);
}

uint32_t
cmxi_family_find(const struct cmx_registry *reg, const char *name)
{
	uint32_t tag = name_tag(&reg->segment, name);
	const struct cmxi_shm_family *record;
	uint64_t word;

	/* Bound: the number of words of the table. */
	for (uint64_t i = 0; i < reg->segment.fixed.n_family_words; i++) {
		record = record_at(reg, i, &word);
		if (record == NULL)
			return 0;
		if ((uint32_t)(word >> 32) == tag &&
		    strcmp(record_name(record), name) == 0)
			return (uint32_t)word;
	}
	return 0;
}

/*
 * The table has a family of this name: can a program that wants a definition
 * count in it?
 */
static int
compare_with_record(const struct cmxi_shm_family *record,
    const struct cmx_family_def *def, struct cmx_error *err)
{
	char there[320], wanted[320];
	struct cmxi_definition d;

	if (!cmxi_family_record_decode(record, record->size, &d))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "the segment holds a family record that no program writes; it is damaged");
	if (cmxi_def_compatible(&d.def, def))
		return 0;
	cmxi_def_describe(&d.def, there, sizeof(there));
	cmxi_def_describe(def, wanted, sizeof(wanted));
	return cmxi_error(err, CMX_ERR_CONFLICT,
	    "family %s is defined differently in the segment: there %s; here %s; \"codeai-metrics apply\" changes a live segment's definitions, or give it another name",
	    def->name, there, wanted);
}

/* Would a new family expose a name that a family of the table exposes? */
static int
check_clash(const struct cmxi_shm_family *record,
    const struct cmx_family_def *def, struct cmx_error *err)
{
	const struct cmx_family_def other = { .name = record_name(record),
		.type = (enum cmx_type)record->type };
	char clash[CMXI_CLASH_SIZE];

	if (!cmxi_def_clash(&other, def, clash, sizeof(clash)))
		return 0;
	return cmxi_error(err, CMX_ERR_CONFLICT,
	    "%s %s clashes with the %s %s of the segment: both would expose \"%s\"; rename one of them",
	    cmx_type_name(def->type), def->name, cmx_type_name(other.type),
	    other.name, clash);
}

static int
take_error(int r, const char *name, struct cmx_error *err)
{
	if (r == CMX_ERR_NO_SPACE)
		return cmxi_error(err, r,
		    "family %s: the file system has no page left for it", name);
	return cmxi_error(err, r,
	    "family %s: the segment has no room left for it (limits.label_bytes of its schema)",
	    name);
}

/* The result of a search for a definition. */
struct place {
	enum { NAME_IS_THERE, NAME_CLASHES, WORD_IS_FREE, TABLE_IS_FULL } what;
	uint64_t word;
	uint32_t entry; /* of the family that has the name */
};

/* Search the table from a word on; a clash fills err. */
static struct place
look_for(const struct cmx_registry *reg, const struct cmx_family_def *def,
    uint64_t from, struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	uint64_t word;

	/* Bound: the number of words of the table. */
	for (uint64_t i = from; i < reg->segment.fixed.n_family_words; i++) {
		record = record_at(reg, i, &word);
		if (record == NULL)
			return (struct place){ WORD_IS_FREE, i, 0 };
		if (strcmp(record_name(record), def->name) == 0)
			return (
			    struct place){ NAME_IS_THERE, i, (uint32_t)word };
		if (check_clash(record, def, err) != 0)
			return (struct place){ NAME_CLASHES, i, 0 };
	}
	return (struct place){ .what = TABLE_IS_FULL };
}

/* A record that is not published yet, and its overflow series. */
struct new_family {
	struct cmxi_space record, overflow;
};

/* Give the space of a lost race to the next insert of this process. */
static void
keep_space(const struct cmx_registry *reg, const struct new_family *family)
{
	if (family->record.ref == 0)
		return;
	cmxi_space_keep_entry(reg, &family->record);
	cmxi_space_keep(reg, &family->overflow);
}

static int
make_family(const struct cmx_registry *reg, const struct cmx_family_def *def,
    struct new_family *family, struct cmx_error *err)
{
	struct cmxi_shm_family *record;
	int r = cmxi_space_take_aligned(reg, cmxi_family_record_size(def),
	    RECORD_ALIGN, &family->record);

	if (r != 0)
		return take_error(r, def->name, err);
	record = cmxi_registry_family(reg, family->record.ref);
	cmxi_family_record_encode(def, record);
	record->created_ns = cmxi_wall_clock_ns();
	r = cmxi_series_make_overflow(reg, record, family->record.ref,
	    &family->overflow);
	if (r == 0)
		return 0;
	cmxi_space_keep_entry(reg, &family->record);
	return take_error(r, def->name, err);
}

/* Publish a record.  Returns false where another writer took the word. */
static bool
append_at(const struct cmx_registry *reg, uint64_t at, const char *name,
    uint32_t entry)
{
	uint64_t free_word = 0;
	uint64_t word = (uint64_t)name_tag(&reg->segment, name) << 32 | entry;

	REQUIRE(entry != 0);
	/*
	 * (G) release, pairs with (H).
	 * Orders the bytes of the record and of its overflow series before the
	 * word.  Without it a look-up could find half a record.
	 */
	return cmxi_cas64_release(cmxi_family_word(&reg->segment, at),
	    &free_word, word);
}

static int
full_error(const struct cmx_registry *reg, const char *name,
    struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_FULL,
	    "family %s: the segment has %" PRIu64
	    " families, its limit (limits.families of its schema)",
	    name, reg->segment.fixed.n_family_words);
}

/* The family that has the name: does it have the same definition? */
static int
settle_with(const struct cmx_registry *reg, uint32_t there,
    const struct cmx_family_def *def, uint32_t *entry, struct cmx_error *err)
{
	*entry = there;
	return compare_with_record(cmxi_registry_family(reg, there), def, err);
}

int
cmxi_family_append(const struct cmx_registry *reg,
    const struct cmx_family_def *def, uint32_t *entry, struct cmx_error *err)
{
	struct new_family ours = { .record = { .ref = 0 } };
	struct place place = { .word = 0 };
	uint32_t there = cmxi_family_find(reg, def->name);
	int r = 0;

	REQUIRE(def->name != NULL);
	/* Fast path: the family nearly always exists. */
	if (there != 0)
		return settle_with(reg, there, def, entry, err);
	/*
	 * Bound: the number of words of the table; a word that was lost is
	 * examined once more.
	 */
	for (;;) {
		place = look_for(reg, def, place.word, err);
		if (place.what != WORD_IS_FREE)
			break;
		if (ours.record.ref == 0)
			r = make_family(reg, def, &ours, err);
		if (r != 0)
			return r;
		if (append_at(reg, place.word, def->name, ours.record.ref)) {
			*entry = ours.record.ref;
			return 0;
		}
	}
	keep_space(reg, &ours);
	if (place.what == NAME_IS_THERE)
		return settle_with(reg, place.entry, def, entry, err);
	return place.what == NAME_CLASHES ? CMX_ERR_CONFLICT :
					    full_error(reg, def->name, err);
}

enum cmxi_family_fit
cmxi_family_fits(const struct cmx_registry *reg,
    const struct cmx_family_def *def)
{
	struct place place = look_for(reg, def, 0, NULL);
	const struct cmxi_shm_family *record;
	struct cmxi_definition d;

	if (place.what == WORD_IS_FREE)
		return CMXI_FAMILY_IS_NEW;
	if (place.what != NAME_IS_THERE)
		return CMXI_FAMILY_CONFLICTS;
	record = cmxi_registry_family(reg, place.entry);
	return record->max_series == def->max_series &&
		cmxi_family_record_decode(record, record->size, &d) &&
		cmxi_def_equal(&d.def, def) ?
	    CMXI_FAMILY_IS_THERE :
	    CMXI_FAMILY_CONFLICTS;
}

/*
 * family_table.c: the append-only table of families.
 *
 * A word goes from 0 to a record once.  Whoever appends compares with every
 * family on its way to the first free word, so that two writers with one name
 * meet in one word, exactly as in the index.
 */
#include "write/family_table.h"

#include <string.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "family/compare.h"
#include "segment/family_record.h"
#include "write/arena.h"
#include "write/series.h"

/* Records begin on a cache line, so that their bounds do. */
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

uint32_t
cmxi_family_find(const struct cmxi_segment *s, const char *name)
{
	const uint64_t *words = cmxi_segment_family_words(s);
	uint32_t tag = name_tag(s, name);

	for (uint64_t i = 0; i < s->fixed.n_family_words; i++) {
		/*
		 * (I) acquire, pairs with (H) in append_at().
		 * Orders this load before the loads of the record (O1).
		 */
		uint64_t word = cmxi_load64_acquire(&words[i]);

		if (word == 0)
			return 0;
		if ((uint32_t)(word >> 32) == tag &&
		    strcmp(record_name(cmxi_segment_entry(s, (uint32_t)word)),
			name) == 0)
			return (uint32_t)word;
	}
	return 0;
}

/* A family of this name is there: is it the same? */
static int
compare_with_record(const struct cmxi_shm_family *record,
    const struct cmx_family_def *def, struct cmx_error *err)
{
	char there[320], wanted[320];
	struct cmxi_definition d;

	if (!cmxi_family_record_decode(record, record->size, &d))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "the segment holds a family record that no program writes; it is damaged");
	if (cmxi_def_equal(&d.def, def))
		return 0;
	cmxi_def_describe(&d.def, there, sizeof(there));
	cmxi_def_describe(def, wanted, sizeof(wanted));
	return cmxi_error(err, CMX_ERR_CONFLICT,
	    "family %s is defined differently in the segment: there %s; here %s; \"codeai-metrics apply\" changes a live segment's definitions, or give it another name",
	    def->name, there, wanted);
}

/* Would a new family expose a name of one that is there? */
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

/* A record with its overflow series, not published yet. */
static int
make_record(const struct cmxi_segment *s, const struct cmx_family_def *def,
    uint32_t *entry, struct cmx_error *err)
{
	struct cmxi_shm_family *record;
	int r = cmxi_arena_take_entry(s, cmxi_family_record_size(def),
	    RECORD_ALIGN, entry);

	if (r != 0)
		return take_error(r, def->name, err);
	record = cmxi_segment_entry(s, *entry);
	cmxi_family_record_encode(def, record);
	record->created_ns = cmxi_wall_clock_ns();
	r = cmxi_series_make_overflow(s, record, *entry);
	return r == 0 ? 0 : take_error(r, def->name, err);
}

int
cmxi_family_append(const struct cmxi_segment *s,
    const struct cmx_family_def *def, uint32_t *entry, struct cmx_error *err)
{
	uint64_t *words = cmxi_segment_family_words(s);
	uint64_t tag = name_tag(s, def->name);
	uint32_t ours = 0, there = cmxi_family_find(s, def->name);
	int r;

	/* Nearly always it is there, and nothing else has to be looked at. */
	if (there != 0) {
		*entry = there;
		return compare_with_record(cmxi_segment_entry(s, there), def,
		    err);
	}
	/* Bound: the table; a word that was lost is looked at again. */
	for (uint64_t i = 0; i < s->fixed.n_family_words; i++) {
		uint64_t word = cmxi_load64_acquire(&words[i]); /* (I) */

		if (word == 0) {
			if (ours == 0 &&
			    (r = make_record(s, def, &ours, err)) != 0)
				return r;
			/*
			 * (H) release, pairs with (I) above and with the pread
			 * of the table in catalog.c.  Orders the record's
			 * bytes before the word.
			 */
			if (cmxi_cas64_release(&words[i], &word,
				tag << 32 | ours)) {
				*entry = ours;
				return 0;
			}
		}
		*entry = (uint32_t)word;
		if (strcmp(record_name(cmxi_segment_entry(s, *entry)),
			def->name) == 0) {
			/* Another process was faster. */
			if (ours != 0)
				cmxi_segment_count(s, CMXI_STAT_LEAKED_BYTES,
				    cmxi_family_record_size(def));
			return compare_with_record(cmxi_segment_entry(s,
						       *entry),
			    def, err);
		}
		r = check_clash(cmxi_segment_entry(s, *entry), def, err);
		if (r != 0)
			return r;
	}
	return cmxi_error(err, CMX_ERR_FULL,
	    "family %s: the segment has %llu families, its limit (limits.families of its schema)",
	    def->name, (unsigned long long)s->fixed.n_family_words);
}

int
cmxi_family_fits(const struct cmxi_segment *s, const struct cmx_family_def *def,
    struct cmx_error *err)
{
	uint64_t *words = cmxi_segment_family_words(s);
	uint32_t there = cmxi_family_find(s, def->name);
	const struct cmxi_shm_family *record;

	if (there != 0) {
		record = cmxi_segment_entry(s, there);
		if (record->max_series != def->max_series)
			return cmxi_error(err, CMX_ERR_CONFLICT,
			    "family %s: its max_series is %u there, %u here",
			    def->name, record->max_series, def->max_series);
		return compare_with_record(record, def, err);
	}
	for (uint64_t i = 0; i < s->fixed.n_family_words; i++) {
		uint64_t word = cmxi_load64_acquire(&words[i]); /* (I) */
		int r;

		if (word == 0)
			return 1;
		r = check_clash(cmxi_segment_entry(s, (uint32_t)word), def,
		    err);
		if (r != 0)
			return r;
	}
	return cmxi_error(err, CMX_ERR_CONFLICT,
	    "family %s: the segment has no room for another family", def->name);
}

/*
 * series.c: family and label values -> cells.
 *
 * protocols.h argues the protocol ("Insert a series").
 */
#include "write/series.h"

#include <errno.h>
#include <string.h>

#include "base/require.h"
#include "base/utf8.h"
#include "write/index.h"
#include "write/own_page.h"

static bool
family_is_full(const struct cmx_registry *reg,
    const struct cmxi_shm_family *family)
{
	const struct cmxi_shm_header *h = cmxi_segment_header(&reg->segment);

	/*
	 * relaxed: the limits are bounds, not reservations.  The inserts that
	 * are under way at this instant may pass a limit.  Groups of helpers
	 * are no series: a quarter as many fit beside them.
	 */
	return (family->max_series != 0 &&
		   cmxi_load64_relaxed(&family->n_series) >=
		       family->max_series) ||
	    cmxi_load64_relaxed(&h->inserts_done) >=
	    reg->segment.fixed.series_limit + cmxi_load64_relaxed(&h->n_groups);
}

/* Insert a key that cmxi_index_walk() did not find; its entry, or 0: overflow.
 */
static uint32_t
insert_key(const struct cmx_registry *reg, struct cmxi_shm_family *family,
    const struct cmxi_key *key, struct cmxi_probe *p)
{
	struct cmxi_space space;
	uint32_t there;

	if (p->n >= CMXI_PROBE_MAX || family_is_full(reg, family) ||
	    cmxi_space_take(reg, family, key->size, &space) != 0)
		return 0;
	cmxi_entry_fill(cmxi_segment_entry(&reg->segment, space.ref), key,
	    space.cell_offset);
	there = cmxi_index_publish(&reg->segment, key, p, space.ref);
	if (there == space.ref)
		cmxi_add64_relaxed(&family->n_series, 1);
	else
		cmxi_space_keep(reg, &space);
	return there;
}

static int
give_overflow(const struct cmx_registry *reg, struct cmxi_shm_family *family,
    const struct cmxi_shm_series **entry)
{
	*entry = cmxi_segment_entry(&reg->segment, family->overflow);
	if (family->n_labels == 0)
		return 0;
	cmxi_add64_relaxed(&family->overflow_lookups, 1);
	cmxi_segment_count(&reg->segment, CMXI_STAT_OVERFLOW_LOOKUPS, 1);
	return 1;
}

static bool
all_are_overflow(size_t n_labels, const char *const *values)
{
	for (size_t i = 0; i < n_labels; i++)
		if (values[i] == NULL ||
		    strcmp(values[i], CMXI_OVERFLOW_VALUE) != 0)
			return false;
	return true;
}

static bool
all_are_valid(size_t n_labels, const char *const *values)
{
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = cmxi_or_empty(values[i]);

		if (!cmxi_utf8_is_valid(value, strlen(value)))
			return false;
	}
	return true;
}

/*
 * The cells of a key of valid UTF-8: found, inserted, or the overflow series'.
 */
static int
find_or_insert(const struct cmx_registry *reg, const struct cmxi_key *key,
    const struct cmxi_shm_series **entry)
{
	struct cmxi_shm_family *family = cmxi_registry_family(reg, key->family);
	struct cmxi_probe p = cmxi_probe_start(&reg->segment, key);
	uint32_t ref;

	cmxi_index_walk(&reg->segment, key, &p);
	ref = p.found != 0 ? p.found : insert_key(reg, family, key, &p);
	if (ref == 0)
		return give_overflow(reg, family, entry);
	*entry = cmxi_segment_entry(&reg->segment, ref);
	return 0;
}

static int
give_overflow_of_long(const struct cmx_registry *reg, uint32_t family,
    const struct cmxi_shm_series **entry)
{
	cmxi_segment_count(&reg->segment, CMXI_STAT_LONG_LABELS, 1);
	return give_overflow(reg, cmxi_registry_family(reg, family), entry);
}

/* Repaired texts that are no larger stay on the stack, others get pages. */
#define REPAIR_ON_STACK 1280

/*
 * The bytes that the repaired values take, each with its NUL; 0 where one is
 * longer than the limit.
 */
static size_t
repaired_size(const struct cmxi_key *broken)
{
	size_t size = 0;

	for (uint32_t i = 0; i < broken->n_labels; i++) {
		size_t n = cmxi_utf8_repair(cmxi_or_empty(broken->values[i]),
		    broken->lengths[i], NULL, 0);

		if (n > CMX_LABEL_VALUE_MAX)
			return 0;
		size += n + 1;
	}
	return size;
}

/* Look up the values of a key as the repaired texts, which text has room for.
 */
static CMXI_NOINLINE int
find_repaired_in(const struct cmx_registry *reg, const struct cmxi_key *broken,
    char *text, size_t size, const struct cmxi_shm_series **entry)
{
	const char *values[CMX_LABELS_MAX];
	struct cmxi_key key;

	for (uint32_t i = 0; i < broken->n_labels; i++) {
		size_t n = cmxi_utf8_repair(cmxi_or_empty(broken->values[i]),
		    broken->lengths[i], text, size);

		if (n > broken->lengths[i])
			cmxi_segment_count(&reg->segment,
			    CMXI_STAT_REPAIRED_LABELS, 1);
		REQUIRE(n < size);
		values[i] = text;
		text[n] = '\0';
		text += n + 1;
		size -= n + 1;
	}
	cmxi_key_build(&key, broken->family, broken->n_labels, values,
	    reg->segment.fixed.seed);
	return find_or_insert(reg, &key, entry);
}

static CMXI_NOINLINE int
find_repaired_on_stack(const struct cmx_registry *reg,
    const struct cmxi_key *broken, const struct cmxi_shm_series **entry)
{
	char text[REPAIR_ON_STACK];

	return find_repaired_in(reg, broken, text, sizeof(text), entry);
}

/*
 * Look up values that are not UTF-8 by their repaired form.  A request can
 * bring them, on the stack of a fiber or of a signal handler: so what is large
 * is put into pages of its own, which takes two system calls.
 */
static int
find_repaired(const struct cmx_registry *reg, const struct cmxi_key *broken,
    const struct cmxi_shm_series **entry)
{
	size_t size = repaired_size(broken);
	char *text;
	int r;

	if (size == 0)
		return give_overflow_of_long(reg, broken->family, entry);
	if (size <= REPAIR_ON_STACK)
		return find_repaired_on_stack(reg, broken, entry);
	text = cmxi_scratch_map(size);
	if (text == NULL)
		return give_overflow(reg,
		    cmxi_registry_family(reg, broken->family), entry);
	r = find_repaired_in(reg, broken, text, size, entry);
	cmxi_scratch_unmap(text, size);
	return r;
}

/* The slow path: the series is new, or its values are not UTF-8. */
static CMXI_NOINLINE int
find_missing(const struct cmx_registry *reg, const struct cmxi_key *key,
    const struct cmxi_shm_series **entry)
{
	int saved = errno, r;

	if (!all_are_valid(key->n_labels, key->values))
		r = find_repaired(reg, key, entry);
	else if (all_are_overflow(key->n_labels, key->values))
		r = give_overflow(reg, cmxi_registry_family(reg, key->family),
		    entry);
	else
		r = find_or_insert(reg, key, entry);
	errno = saved;
	return r;
}

int
cmxi_series_find(const struct cmx_registry *reg, uint32_t family,
    size_t n_labels, const char *const *values,
    const struct cmxi_shm_series **entry)
{
	struct cmxi_key key;
	uint32_t ref;

	REQUIRE(n_labels == cmxi_registry_family(reg, family)->n_labels);
	if (n_labels == 0)
		return give_overflow(reg, cmxi_registry_family(reg, family),
		    entry);
	if (!cmxi_key_build(&key, family, n_labels, values,
		reg->segment.fixed.seed))
		return give_overflow_of_long(reg, family, entry);
	ref = cmxi_index_find(&reg->segment, &key);
	if (cmxi_unlikely(ref == 0))
		return find_missing(reg, &key, entry);
	*entry = cmxi_segment_entry(&reg->segment, ref);
	return 0;
}

uint32_t
cmxi_series_exemplars(const struct cmx_registry *reg,
    const struct cmxi_shm_family *family, const struct cmxi_shm_series *entry)
{
	const struct cmxi_segment *s = &reg->segment;
	const unsigned char *arena = s->base + s->fixed.arena_offset;
	uint64_t at = (uint64_t)((const unsigned char *)entry - arena);
	uint32_t ref = (uint32_t)(at / CMXI_ENTRY_UNIT);

	if (!family->has_exemplars)
		return 0;
	return (uint32_t)(cmxi_exemplars_offset(ref, entry->key_size) /
	    CMXI_ENTRY_UNIT);
}

int
cmxi_series_make_overflow(const struct cmx_registry *reg,
    struct cmxi_shm_family *record, uint32_t family, struct cmxi_space *space)
{
	const char *values[CMX_LABELS_MAX];
	struct cmxi_key key;
	int r;

	for (size_t i = 0; i < record->n_labels; i++)
		values[i] = CMXI_OVERFLOW_VALUE;
	cmxi_key_build(&key, family, record->n_labels, values,
	    reg->segment.fixed.seed);
	r = cmxi_space_take(reg, record, key.size, space);
	if (r != 0)
		return r;
	cmxi_entry_fill(cmxi_segment_entry(&reg->segment, space->ref), &key,
	    space->cell_offset);
	record->overflow = space->ref;
	return 0;
}

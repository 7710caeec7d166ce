/*
 * series.c: family and label values -> cells.  Level 8w.
 *
 * The protocol and its guarantees stand in format.h ("Insert a series").
 */
#include "series.h"

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "check.h"
#include "index.h"
#include "space.h"
#include "utf8.h"

/* The longest key: 70 KiB, for which find_long() has the stack. */
#define LONG_KEY            \
	(sizeof(uint32_t) + \
	    CMX_LABELS_MAX * (sizeof(uint16_t) + CMX_LABEL_VALUE_MAX))

static bool
family_is_full(const struct cmx_registry *reg,
    const struct cmxi_shm_family *family)
{
	const struct cmxi_shm_header *h = cmxi_segment_header(&reg->segment);

	/*
	 * relaxed: bounds, not reservations.  As many series as processes
	 * insert at this instant may pass them, and none is refused wrongly.
	 */
	return (family->max_series != 0 &&
		   cmxi_load64_relaxed(&family->n_series) >=
		       family->max_series) ||
	    cmxi_load64_relaxed(&h->inserts_done) >=
	    reg->segment.fixed.series_limit;
}

/* Insert a key that cmxi_index_walk() did not find; its entry, or 0: overflow.
 */
static uint32_t
insert(const struct cmx_registry *reg, struct cmxi_shm_family *family,
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
    uint64_t *cell_offset)
{
	const struct cmxi_shm_series *entry =
	    cmxi_segment_entry(&reg->segment, family->overflow);

	*cell_offset = entry->cell_offset;
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

/* The key of these values once they are UTF-8; count what was wrong. */
static enum cmxi_key_result
repair_key(const struct cmx_registry *reg, struct cmxi_key *key, size_t room,
    size_t n_labels, const char *const *values)
{
	unsigned char *p = key->bytes + sizeof(uint32_t);
	unsigned char *end = key->bytes + room;
	uint64_t n_repaired = 0;

	for (size_t i = 0; i < n_labels; i++) {
		const char *value = cmxi_value_or_empty(values[i]);
		size_t n = strlen(value);
		uint16_t length;

		if (end - p < (ptrdiff_t)sizeof(length))
			return CMXI_KEY_TOO_LARGE;
		n_repaired += !cmxi_utf8_is_valid(value, n);
		n = cmxi_utf8_repair(value, n, (char *)p + sizeof(length),
		    (size_t)(end - p) - sizeof(length));
		if (n > CMX_LABEL_VALUE_MAX)
			return CMXI_KEY_LABEL_TOO_LONG;
		if (n > (size_t)(end - p) - sizeof(length))
			return CMXI_KEY_TOO_LARGE;
		length = (uint16_t)n;
		memcpy(p, &length, sizeof(length));
		p += sizeof(length) + n;
	}
	key->size = (size_t)(p - key->bytes);
	key->hash = cmxi_hash(key->bytes, key->size, reg->segment.fixed.seed);
	cmxi_segment_count(&reg->segment, CMXI_STAT_REPAIRED_LABELS,
	    n_repaired);
	return CMXI_KEY_READY;
}

static bool
all_are_valid(size_t n_labels, const char *const *values)
{
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = cmxi_value_or_empty(values[i]);

		if (!cmxi_utf8_is_valid(value, strlen(value)))
			return false;
	}
	return true;
}

/* The cells of a key that is valid UTF-8: found, inserted, or overflow. */
static int
find_or_insert(const struct cmx_registry *reg, uint32_t family_ref,
    const struct cmxi_key *key, uint64_t *cell_offset)
{
	struct cmxi_shm_family *family = cmxi_registry_family(reg, family_ref);
	struct cmxi_probe p = cmxi_probe_start(&reg->segment, key);
	const struct cmxi_shm_series *entry;
	uint32_t ref;

	cmxi_index_walk(&reg->segment, key, &p);
	ref = p.found != 0 ? p.found : insert(reg, family, key, &p);
	if (ref == 0)
		return give_overflow(reg, family, cell_offset);
	entry = cmxi_segment_entry(&reg->segment, ref);
	*cell_offset = entry->cell_offset;
	return 0;
}

/*
 * The slow path, with a buffer of the caller's for the key: the series is
 * new, or its values are not UTF-8, or they are long.  Returns -1 where the
 * buffer is too small.
 */
static int
find_slow(const struct cmx_registry *reg, uint32_t family, size_t n_labels,
    const char *const *values, unsigned char *bytes, size_t room,
    uint64_t *cell_offset)
{
	struct cmxi_key key = { .bytes = bytes };
	enum cmxi_key_result r = cmxi_key_build(&key, room, family, n_labels,
	    values, reg->segment.fixed.seed);

	if (r == CMXI_KEY_READY && !all_are_valid(n_labels, values))
		r = repair_key(reg, &key, room, n_labels, values);
	if (r == CMXI_KEY_TOO_LARGE)
		return -1;
	if (r == CMXI_KEY_LABEL_TOO_LONG)
		cmxi_segment_count(&reg->segment, CMXI_STAT_LONG_LABELS, 1);
	if (r == CMXI_KEY_LABEL_TOO_LONG || all_are_overflow(n_labels, values))
		return give_overflow(reg, cmxi_registry_family(reg, family),
		    cell_offset);
	return find_or_insert(reg, family, &key, cell_offset);
}

/* 70 KiB of stack, so this is a function of its own. */
static CMXI_NOINLINE int
find_long(const struct cmx_registry *reg, uint32_t family, size_t n_labels,
    const char *const *values, uint64_t *cell_offset)
{
	unsigned char bytes[LONG_KEY];

	return find_slow(reg, family, n_labels, values, bytes, sizeof(bytes),
	    cell_offset);
}

static CMXI_NOINLINE int
find_missing(const struct cmx_registry *reg, uint32_t family, size_t n_labels,
    const char *const *values, uint64_t *cell_offset)
{
	unsigned char bytes[CMXI_SHORT_KEY];
	int saved = errno;
	int r = find_slow(reg, family, n_labels, values, bytes, sizeof(bytes),
	    cell_offset);

	if (r == -1)
		r = find_long(reg, family, n_labels, values, cell_offset);
	errno = saved;
	return r;
}

int
cmxi_series_find(const struct cmx_registry *reg, uint32_t family,
    size_t n_labels, const char *const *values, uint64_t *cell_offset)
{
	unsigned char bytes[CMXI_SHORT_KEY];
	struct cmxi_key key = { .bytes = bytes };

	REQUIRE(n_labels == cmxi_registry_family(reg, family)->n_labels);
	if (n_labels == 0)
		return give_overflow(reg, cmxi_registry_family(reg, family),
		    cell_offset);
	if (cmxi_key_build(&key, sizeof(bytes), family, n_labels, values,
		reg->segment.fixed.seed) == CMXI_KEY_READY) {
		struct cmxi_probe p = cmxi_probe_start(&reg->segment, &key);

		cmxi_index_walk(&reg->segment, &key, &p);
		if (cmxi_likely(p.found != 0)) {
			const struct cmxi_shm_series *entry =
			    cmxi_segment_entry(&reg->segment, p.found);

			*cell_offset = entry->cell_offset;
			return 0;
		}
	}
	return find_missing(reg, family, n_labels, values, cell_offset);
}

int
cmxi_series_make_overflow(const struct cmxi_segment *s,
    struct cmxi_shm_family *record, uint32_t family)
{
	static const char *const value = CMXI_OVERFLOW_VALUE;
	unsigned char bytes[sizeof(uint32_t) +
	    CMX_LABELS_MAX * (sizeof(uint16_t) + sizeof(CMXI_OVERFLOW_VALUE))];
	struct cmxi_key key = { .bytes = bytes };
	const char *values[CMX_LABELS_MAX];
	uint64_t cell_offset;
	uint32_t ref;
	int r;

	for (size_t i = 0; i < record->n_labels; i++)
		values[i] = value;
	cmxi_key_build(&key, sizeof(bytes), family, record->n_labels, values,
	    s->fixed.seed);
	r = cmxi_arena_take_entry(s, cmxi_entry_size(key.size), CMXI_ENTRY_UNIT,
	    &ref);
	if (r == 0)
		r = record->type == CMX_GAUGE ?
		    cmxi_arena_take_gauge(s, &cell_offset) :
		    cmxi_arena_take_cells(s, record->cell_size, &cell_offset);
	if (r != 0)
		return r;
	cmxi_entry_fill(cmxi_segment_entry(s, ref), &key, cell_offset);
	record->overflow = ref;
	return 0;
}

/*
 * series.c: the index: family and label values -> cells.  Level 5w.
 *
 * The protocol and its guarantees stand in format.h ("Insert a series").
 */
#include "series.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "arena.h"
#include "atomic.h"
#include "check.h"
#include "hash.h"
#include "utf8.h"

/* A key of this many bytes is the rule; others take a LONG_KEY of stack. */
#define SHORT_KEY 512
#define LONG_KEY            \
	(sizeof(uint32_t) + \
	    CMX_LABELS_MAX * (sizeof(uint16_t) + CMX_LABEL_VALUE_MAX))

struct key {
	unsigned char *bytes; /* family, then for each label length, bytes */
	size_t size;
	uint64_t hash;
};

enum key_result { KEY_READY, KEY_TOO_LARGE, KEY_LABEL_TOO_LONG };

/* A null value is the empty one. */
static const char *
value_or_empty(const char *value)
{
	return value == NULL ? "" : value;
}

/* Write the key of these values into key->bytes, which has room bytes. */
static enum key_result
build_key(struct key *key, size_t room, uint32_t family, size_t n_labels,
    const char *const *values, uint64_t seed)
{
	unsigned char *p = key->bytes;
	unsigned char *end = key->bytes + room;

	memcpy(p, &family, sizeof(family));
	p += sizeof(family);
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = value_or_empty(values[i]);
		size_t n = strnlen(value, CMX_LABEL_VALUE_MAX + 1);
		uint16_t length = (uint16_t)n;

		if (n > CMX_LABEL_VALUE_MAX)
			return KEY_LABEL_TOO_LONG;
		if ((size_t)(end - p) < sizeof(length) + n)
			return KEY_TOO_LARGE;
		memcpy(p, &length, sizeof(length));
		memcpy(p + sizeof(length), value, n);
		p += sizeof(length) + n;
	}
	key->size = (size_t)(p - key->bytes);
	key->hash = cmxi_hash(key->bytes, key->size, seed);
	return KEY_READY;
}

static bool
entry_has_key(const struct cmxi_segment *s, uint32_t ref, const struct key *key)
{
	const struct cmxi_shm_series *entry = cmxi_segment_entry(s, ref);

	return entry->key_size == key->size &&
	    memcmp(&entry->key_family, key->bytes, key->size) == 0;
}

/* Where a probe stands. */
struct probe {
	uint64_t slot;  /* index word */
	uint32_t n;     /* words looked at so far */
	uint32_t found; /* entry, or 0 */
};

static uint64_t *
index_word(const struct cmxi_segment *s, uint64_t slot)
{
	return (uint64_t *)(void *)(s->base + s->fixed.index_offset) + slot;
}

static uint64_t *
page_bits(const struct cmxi_segment *s, uint64_t slot, uint64_t *bit)
{
	uint64_t page = slot * sizeof(uint64_t) / s->fixed.page_size;

	*bit = UINT64_C(1) << page % 64;
	return (uint64_t *)(void *)(s->base + s->fixed.bitmap_offset) +
	    page / 64;
}

static bool
page_exists(const struct cmxi_segment *s, uint64_t slot)
{
	uint64_t bit;
	const uint64_t *bits = page_bits(s, slot, &bit);

	/*
	 * (D) acquire, pairs with (C) in make_page().
	 * Orders this load before every load of the page.  Without it a load
	 * could reach a page that is not there yet, and allocate it here.
	 */
	return (cmxi_load64_acquire(bits) & bit) != 0;
}

/*
 * Walk the key's probe sequence from p on until its entry or a free word.
 * Bound: CMXI_PROBE_MAX words; then p->n says so.
 */
static void
walk(const struct cmxi_segment *s, const struct key *key, struct probe *p)
{
	uint32_t tag = (uint32_t)(key->hash >> 32);
	uint64_t mask = s->fixed.n_index_words - 1;

	for (; p->n < CMXI_PROBE_MAX; p->n++, p->slot = (p->slot + 1) & mask) {
		uint64_t word;

		if (!page_exists(s, p->slot))
			return;
		/*
		 * (B) acquire, pairs with (A) in publish().
		 * Orders this load before the loads of the entry (O1).
		 * Without it a look-up could read half an entry.
		 */
		word = cmxi_load64_acquire(index_word(s, p->slot));
		if (word == 0)
			return;
		if ((uint32_t)(word >> 32) == tag &&
		    entry_has_key(s, (uint32_t)word, key)) {
			p->found = (uint32_t)word;
			return;
		}
	}
}

static struct probe
probe_start(const struct cmxi_segment *s, const struct key *key)
{
	return (
	    struct probe){ .slot = key->hash & (s->fixed.n_index_words - 1) };
}

/* The slow path: a series that is not there yet. */

/* Give the index page of a word its memory, and say so. */
static int
make_page(const struct cmxi_segment *s, uint64_t slot)
{
	uint64_t bit;
	uint64_t *bits = page_bits(s, slot, &bit);
	int r;

	if (page_exists(s, slot))
		return 0;
	r = cmxi_segment_reserve(s,
	    s->fixed.index_offset + slot * sizeof(uint64_t), sizeof(uint64_t));
	if (r == 0)
		/* (C) release, pairs with (D) in page_exists(). */
		cmxi_or64_release(bits, bit);
	return r;
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t
entry_size(size_t key_size)
{
	uint64_t n = CMXI_KEY_OFFSET + key_size;

	return (n + CMXI_ENTRY_UNIT - 1) / CMXI_ENTRY_UNIT * CMXI_ENTRY_UNIT;
}

static void
fill_entry(struct cmxi_shm_series *entry, const struct key *key,
    uint64_t cell_offset)
{
	entry->hash = key->hash;
	entry->cell_offset = cell_offset;
	entry->created_ns = now_ns();
	entry->key_size = (uint32_t)key->size;
	memcpy(&entry->key_family, key->bytes, key->size);
}

/* Space of an insert that is not published yet. */
struct space {
	uint32_t ref;
	uint64_t entry_units;
	enum cmxi_spare_kind cell_kind;
	uint64_t cell_offset;
	uint64_t cell_size;
};

static void
keep_spare(const struct cmx_registry *reg, enum cmxi_spare_kind kind,
    uint64_t size, uint64_t place, uint64_t bytes)
{
	if (!cmxi_process_give_spare(reg->process, kind, size, place))
		cmxi_segment_count(&reg->segment, CMXI_STAT_LEAKED_BYTES,
		    bytes);
}

static void
keep_entry(const struct cmx_registry *reg, const struct space *space)
{
	keep_spare(reg, CMXI_SPARE_ENTRY, space->entry_units, space->ref,
	    space->entry_units * CMXI_ENTRY_UNIT);
}

static void
keep_space(const struct cmx_registry *reg, const struct space *space)
{
	keep_entry(reg, space);
	keep_spare(reg, space->cell_kind, space->cell_size, space->cell_offset,
	    space->cell_size);
}

static int
take_entry(const struct cmx_registry *reg, uint64_t size, struct space *space)
{
	uint64_t place;

	space->entry_units = size / CMXI_ENTRY_UNIT;
	if (cmxi_process_take_spare(reg->process, CMXI_SPARE_ENTRY,
		space->entry_units, 2 * space->entry_units, &place)) {
		space->ref = (uint32_t)place;
		return 0;
	}
	return cmxi_arena_take_entry(&reg->segment, size, CMXI_ENTRY_UNIT,
	    &space->ref);
}

static int
take_cells(const struct cmx_registry *reg, const struct cmxi_shm_family *family,
    struct space *space)
{
	space->cell_size = family->cell_size;
	space->cell_kind =
	    family->type == CMX_GAUGE ? CMXI_SPARE_GAUGE : CMXI_SPARE_CELL;
	if (cmxi_process_take_spare(reg->process, space->cell_kind,
		space->cell_size, space->cell_size, &space->cell_offset))
		return 0;
	if (family->type == CMX_GAUGE)
		return cmxi_arena_take_gauge(&reg->segment,
		    &space->cell_offset);
	return cmxi_arena_take_cells(&reg->segment, space->cell_size,
	    &space->cell_offset);
}

static int
take_space(const struct cmx_registry *reg, const struct cmxi_shm_family *family,
    size_t key_size, struct space *space)
{
	int r = take_entry(reg, entry_size(key_size), space);

	if (r != 0)
		return r;
	r = take_cells(reg, family, space);
	if (r != 0)
		keep_entry(reg, space);
	return r;
}

/*
 * Put a filled entry into the index.  Returns the entry that is there in the
 * end: ours, another's of the same key, or 0 where the probe ran out.
 */
static uint32_t
publish(const struct cmx_registry *reg, const struct key *key, struct probe *p,
    uint32_t ref)
{
	const struct cmxi_segment *s = &reg->segment;
	uint64_t word = (key->hash >> 32) << 32 | ref;

	/* Bound: each turn moves on one word, or finds the key. */
	while (p->n < CMXI_PROBE_MAX) {
		uint64_t seen = 0;

		if (make_page(s, p->slot) != 0)
			return 0;
		/*
		 * (A) release, pairs with (B) in walk() and with the pread of
		 * the index in catalog.c.  Orders the entry's bytes and its
		 * cells' pages before the word (O1).
		 */
		if (cmxi_cas64_release(index_word(s, p->slot), &seen, word))
			return ref;
		/* Lost: the winner may have inserted the same key. */
		walk(s, key, p);
		if (p->found != 0)
			return p->found;
	}
	return 0;
}

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

/* Insert a key that walk() did not find; its entry, or 0: overflow. */
static uint32_t
insert(const struct cmx_registry *reg, struct cmxi_shm_family *family,
    const struct key *key, struct probe *p)
{
	struct cmxi_shm_header *h = cmxi_segment_header(&reg->segment);
	struct space space;
	uint32_t there;

	if (p->n >= CMXI_PROBE_MAX || family_is_full(reg, family) ||
	    take_space(reg, family, key->size, &space) != 0)
		return 0;
	fill_entry(cmxi_segment_entry(&reg->segment, space.ref), key,
	    space.cell_offset);
	/*
	 * (E) acq_rel twice around (A), pairs with catalog.c:needs_scan(): a
	 * reader that sees done == begun sees all the words before.
	 */
	cmxi_add64_acq_rel(&h->inserts_begun, 1);
	there = publish(reg, key, p, space.ref);
	if (there == space.ref) {
		cmxi_add64_relaxed(&family->n_series, 1);
		cmxi_add64_acq_rel(&h->inserts_done, 1);
		return there;
	}
	/* Nothing was published: the two counts are equal again. */
	cmxi_add64_acq_rel(&h->inserts_begun, (uint64_t)-1);
	keep_space(reg, &space);
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
static enum key_result
repair_key(const struct cmx_registry *reg, struct key *key, size_t room,
    size_t n_labels, const char *const *values)
{
	unsigned char *p = key->bytes + sizeof(uint32_t);
	unsigned char *end = key->bytes + room;
	uint64_t n_repaired = 0;

	for (size_t i = 0; i < n_labels; i++) {
		const char *value = value_or_empty(values[i]);
		size_t n = strlen(value);
		uint16_t length;

		if (end - p < (ptrdiff_t)sizeof(length))
			return KEY_TOO_LARGE;
		n_repaired += !cmxi_utf8_is_valid(value, n);
		n = cmxi_utf8_repair(value, n, (char *)p + sizeof(length),
		    (size_t)(end - p) - sizeof(length));
		if (n > CMX_LABEL_VALUE_MAX)
			return KEY_LABEL_TOO_LONG;
		if (n > (size_t)(end - p) - sizeof(length))
			return KEY_TOO_LARGE;
		length = (uint16_t)n;
		memcpy(p, &length, sizeof(length));
		p += sizeof(length) + n;
	}
	key->size = (size_t)(p - key->bytes);
	key->hash = cmxi_hash(key->bytes, key->size, reg->segment.fixed.seed);
	cmxi_segment_count(&reg->segment, CMXI_STAT_REPAIRED_LABELS,
	    n_repaired);
	return KEY_READY;
}

static bool
all_are_valid(size_t n_labels, const char *const *values)
{
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = value_or_empty(values[i]);

		if (!cmxi_utf8_is_valid(value, strlen(value)))
			return false;
	}
	return true;
}

/* The cells of a key that is valid UTF-8: found, inserted, or overflow. */
static int
find_or_insert(const struct cmx_registry *reg, uint32_t family_ref,
    const struct key *key, uint64_t *cell_offset)
{
	struct cmxi_shm_family *family = cmxi_registry_family(reg, family_ref);
	struct probe p = probe_start(&reg->segment, key);
	const struct cmxi_shm_series *entry;
	uint32_t ref;

	walk(&reg->segment, key, &p);
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
	struct key key = { .bytes = bytes };
	enum key_result r = build_key(&key, room, family, n_labels, values,
	    reg->segment.fixed.seed);

	if (r == KEY_READY && !all_are_valid(n_labels, values))
		r = repair_key(reg, &key, room, n_labels, values);
	if (r == KEY_TOO_LARGE)
		return -1;
	if (r == KEY_LABEL_TOO_LONG)
		cmxi_segment_count(&reg->segment, CMXI_STAT_LONG_LABELS, 1);
	if (r == KEY_LABEL_TOO_LONG || all_are_overflow(n_labels, values))
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
	unsigned char bytes[SHORT_KEY];
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
	unsigned char bytes[SHORT_KEY];
	struct key key = { .bytes = bytes };

	REQUIRE(n_labels == cmxi_registry_family(reg, family)->n_labels);
	if (n_labels == 0)
		return give_overflow(reg, cmxi_registry_family(reg, family),
		    cell_offset);
	if (build_key(&key, sizeof(bytes), family, n_labels, values,
		reg->segment.fixed.seed) == KEY_READY) {
		struct probe p = probe_start(&reg->segment, &key);

		walk(&reg->segment, &key, &p);
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
	struct key key = { .bytes = bytes };
	const char *values[CMX_LABELS_MAX];
	uint64_t cell_offset;
	uint32_t ref;
	int r;

	for (size_t i = 0; i < record->n_labels; i++)
		values[i] = value;
	build_key(&key, sizeof(bytes), family, record->n_labels, values,
	    s->fixed.seed);
	r = cmxi_arena_take_entry(s, entry_size(key.size), CMXI_ENTRY_UNIT,
	    &ref);
	if (r == 0)
		r = record->type == CMX_GAUGE ?
		    cmxi_arena_take_gauge(s, &cell_offset) :
		    cmxi_arena_take_cells(s, record->cell_size, &cell_offset);
	if (r != 0)
		return r;
	fill_entry(cmxi_segment_entry(s, ref), &key, cell_offset);
	record->overflow = ref;
	return 0;
}

/*
 * index.h: keys, and the lock-free table that finds their entries.  Level 6w.
 *
 * The inline functions are the path of every look-up.  The protocol and its
 * guarantees stand in format.h ("Insert a series").
 */
#ifndef CMXI_INDEX_H
#define CMXI_INDEX_H

#include <string.h>

#include "atomic.h"
#include "hash.h"
#include "segment.h"

/* A key of this many bytes is the rule; longer ones take another path. */
#define CMXI_SHORT_KEY 512
struct cmxi_key {
	unsigned char *bytes; /* family, then for each label length, bytes */
	size_t size;
	uint64_t hash;
};

enum cmxi_key_result {
	CMXI_KEY_READY,
	CMXI_KEY_TOO_LARGE,
	CMXI_KEY_LABEL_TOO_LONG
};

/* A null value is the empty one. */
static inline const char *
cmxi_value_or_empty(const char *value)
{
	return value == NULL ? "" : value;
}

/* memcpy() of a few bytes, without the call. */
static inline void
cmxi_copy_short(unsigned char *to, const char *from, size_t n)
{
	uint64_t a, b;
	uint32_t c, d;

	if (n > 16) {
		memcpy(to, from, n);
	} else if (n >= 8) {
		memcpy(&a, from, 8);
		memcpy(&b, from + n - 8, 8);
		memcpy(to, &a, 8);
		memcpy(to + n - 8, &b, 8);
	} else if (n >= 4) {
		memcpy(&c, from, 4);
		memcpy(&d, from + n - 4, 4);
		memcpy(to, &c, 4);
		memcpy(to + n - 4, &d, 4);
	} else if (n > 0) {
		to[0] = (unsigned char)from[0];
		to[n / 2] = (unsigned char)from[n / 2];
		to[n - 1] = (unsigned char)from[n - 1];
	}
}

/* Write the key of these values into key->bytes, which has room bytes. */
static inline enum cmxi_key_result
cmxi_key_build(struct cmxi_key *key, size_t room, uint32_t family,
    size_t n_labels, const char *const *values, uint64_t seed)
{
	unsigned char *p = key->bytes;
	unsigned char *end = key->bytes + room;

	memcpy(p, &family, sizeof(family));
	p += sizeof(family);
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = cmxi_value_or_empty(values[i]);
		size_t n = strnlen(value, CMX_LABEL_VALUE_MAX + 1);
		uint16_t length = (uint16_t)n;

		if (n > CMX_LABEL_VALUE_MAX)
			return CMXI_KEY_LABEL_TOO_LONG;
		if ((size_t)(end - p) < sizeof(length) + n)
			return CMXI_KEY_TOO_LARGE;
		memcpy(p, &length, sizeof(length));
		cmxi_copy_short(p + sizeof(length), value, n);
		p += sizeof(length) + n;
	}
	key->size = (size_t)(p - key->bytes);
	key->hash = cmxi_hash(key->bytes, key->size, seed);
	return CMXI_KEY_READY;
}

static inline bool
cmxi_entry_has_key(const struct cmxi_segment *s, uint32_t ref,
    const struct cmxi_key *key)
{
	const struct cmxi_shm_series *entry = cmxi_segment_entry(s, ref);

	return entry->key_size == key->size &&
	    memcmp(&entry->key_family, key->bytes, key->size) == 0;
}

/*
 * Where a probe stands: buckets of words, one cache line each, a step apart
 * that the hash chooses too; an odd step meets every bucket of 2^n.
 */
struct cmxi_probe {
	uint64_t bucket;
	uint64_t step;
	uint32_t n;     /* words looked at so far */
	uint32_t found; /* entry, or 0 */
};

static inline uint64_t
cmxi_probe_slot(const struct cmxi_probe *p)
{
	return p->bucket * CMXI_BUCKET_WORDS + p->n % CMXI_BUCKET_WORDS;
}

static inline uint64_t
cmxi_bucket_mask(const struct cmxi_segment *s)
{
	return s->fixed.n_index_words / CMXI_BUCKET_WORDS - 1;
}

/* To the next word, or to the first one of the next bucket. */
static inline void
cmxi_probe_next(const struct cmxi_segment *s, struct cmxi_probe *p)
{
	if (++p->n % CMXI_BUCKET_WORDS == 0)
		p->bucket = (p->bucket + p->step) & cmxi_bucket_mask(s);
}

static inline struct cmxi_probe
cmxi_probe_start(const struct cmxi_segment *s, const struct cmxi_key *key)
{
	return (struct cmxi_probe){ .bucket = key->hash & cmxi_bucket_mask(s),
		.step = key->hash >> 40 | 1 };
}

static inline uint64_t *
cmxi_index_word(const struct cmxi_segment *s, uint64_t slot)
{
	return (uint64_t *)(void *)(s->base + s->fixed.index_offset) + slot;
}

static inline uint64_t *
cmxi_index_page_bits(const struct cmxi_segment *s, uint64_t slot, uint64_t *bit)
{
	uint64_t page = slot * sizeof(uint64_t) / s->fixed.page_size;

	*bit = UINT64_C(1) << page % 64;
	return (uint64_t *)(void *)(s->base + s->fixed.bitmap_offset) +
	    page / 64;
}

static inline bool
cmxi_index_page_exists(const struct cmxi_segment *s, uint64_t slot)
{
	uint64_t bit;
	const uint64_t *bits = cmxi_index_page_bits(s, slot, &bit);

	/*
	 * (D) acquire, pairs with (C) in index.c:make_page().
	 * Orders this load before every load of the page.  Without it a load
	 * could reach a page that is not there yet, and allocate it here.
	 */
	return (cmxi_load64_acquire(bits) & bit) != 0;
}

/*
 * Walk the key's probe sequence from p on until its entry or a free word.
 * Bound: CMXI_PROBE_MAX words; then p->n says so.
 */
static inline void
cmxi_index_walk(const struct cmxi_segment *s, const struct cmxi_key *key,
    struct cmxi_probe *p)
{
	uint32_t tag = (uint32_t)(key->hash >> 32);

	for (; p->n < CMXI_PROBE_MAX; cmxi_probe_next(s, p)) {
		uint64_t slot = cmxi_probe_slot(p), word;

		/* A bucket lies in one page. */
		if (p->n % CMXI_BUCKET_WORDS == 0 &&
		    !cmxi_index_page_exists(s, slot))
			return;
		/*
		 * (B) acquire, pairs with (A) in index.c:publish().
		 * Orders this load before the loads of the entry (O1).
		 * Without it a look-up could read half an entry.
		 */
		word = cmxi_load64_acquire(cmxi_index_word(s, slot));
		if (word == 0)
			return;
		if ((uint32_t)(word >> 32) == tag &&
		    cmxi_entry_has_key(s, (uint32_t)word, key)) {
			p->found = (uint32_t)word;
			return;
		}
	}
}

/*
 * Fill an entry that is not published yet: its key and its cells.  size is
 * that of an entry with a key.
 */
uint64_t cmxi_entry_size(size_t key_size);
void cmxi_entry_fill(struct cmxi_shm_series *, const struct cmxi_key *,
    uint64_t cell_offset);

/*
 * Put a filled entry into the index, from where a walk ended.  Returns the
 * entry that is there in the end: ref, another's of the same key, or 0 where
 * the probe ran out or the index got no page.
 */
uint32_t cmxi_index_publish(const struct cmxi_segment *,
    const struct cmxi_key *, struct cmxi_probe *, uint32_t ref);

#endif

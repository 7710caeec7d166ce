/*
 * index.h: keys, and the lock-free table that finds their entries.
 *
 * The inline functions are the path of every look-up.  The protocol and its
 * guarantees stand in protocols.h ("Insert a series").
 */
#ifndef CMXI_INDEX_H
#define CMXI_INDEX_H

#include <string.h>

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/require.h"
#include "segment/segment.h"
#include "segment/words.h"

/*
 * A key to look up.  Its values stay in the caller's strings; only an entry has
 * them as bytes.
 */
struct cmxi_key {
	uint32_t family;
	uint32_t n_labels;
	const char *const *values;
	size_t size; /* of the bytes in an entry */
	uint64_t hash;
	uint16_t lengths[CMX_LABELS_MAX];
};

/*
 * Measure and hash the values.  Returns false where a value is longer than the
 * limit.
 */
static inline bool
cmxi_key_build(struct cmxi_key *key, uint32_t family, size_t n_labels,
    const char *const *values, uint64_t seed)
{
	uint64_t hash = cmxi_hash_begin(family, seed);
	size_t size = sizeof(family);

	REQUIRE(n_labels <= CMX_LABELS_MAX);
	for (size_t i = 0; i < n_labels; i++) {
		const char *value = cmxi_or_empty(values[i]);
		size_t n = strnlen(value, CMX_LABEL_VALUE_MAX + 1);

		if (n > CMX_LABEL_VALUE_MAX)
			return false;
		key->lengths[i] = (uint16_t)n;
		size += sizeof(uint16_t) + n;
		hash = cmxi_hash_label(hash, value, n, seed);
	}
	key->family = family;
	key->n_labels = (uint32_t)n_labels;
	key->values = values;
	key->size = size;
	key->hash = hash;
	return true;
}

static inline bool
cmxi_entry_has_key(const struct cmxi_segment *s, uint32_t ref,
    const struct cmxi_key *key)
{
	const struct cmxi_shm_series *entry = cmxi_segment_entry(s, ref);
	const unsigned char *p = (const unsigned char *)(entry + 1);

	if (entry->key_size != key->size || entry->key_family != key->family)
		return false;
	/*
	 * Both sizes are equal, so the walk over the labels stays inside of the
	 * key.
	 */
	for (uint32_t i = 0; i < key->n_labels; i++) {
		size_t n = key->lengths[i];
		uint16_t length;

		memcpy(&length, p, sizeof(length));
		p += sizeof(length);
		if (length != n ||
		    !cmxi_bytes_equal(p, cmxi_or_empty(key->values[i]), n))
			return false;
		p += n;
	}
	return true;
}

/*
 * The position of a probe.  A bucket has 64 bytes.  The hash chooses the first
 * bucket and the step to the next; the step is odd, so it reaches every bucket
 * of 2^n.
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

/* Go to the next word of the bucket, or to the first one of the next bucket. */
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

/*
 * Walk the key's probe sequence from p on until its entry or a free word.
 * Bound: CMXI_PROBE_MAX words; then p->n says so.
 */
static inline __attribute__((always_inline)) void
cmxi_index_walk(const struct cmxi_segment *s, const struct cmxi_key *key,
    struct cmxi_probe *p)
{
	uint32_t tag = (uint32_t)(key->hash >> 32);

	for (; p->n < CMXI_PROBE_MAX; cmxi_probe_next(s, p)) {
		uint64_t slot = cmxi_probe_slot(p), word;

		/* A bucket lies within one page. */
		if (p->n % CMXI_BUCKET_WORDS == 0 &&
		    !cmxi_index_page_exists(s, slot))
			return;
		word = cmxi_index_word_load(s, slot);
		if (word == 0)
			return;
		if ((uint32_t)(word >> 32) == tag &&
		    cmxi_entry_has_key(s, (uint32_t)word, key)) {
			p->found = (uint32_t)word;
			return;
		}
	}
}

/* The entry of a key, or 0. */
static inline __attribute__((always_inline)) uint32_t
cmxi_index_find(const struct cmxi_segment *s, const struct cmxi_key *key)
{
	struct cmxi_probe p = cmxi_probe_start(s, key);

	cmxi_index_walk(s, key, &p);
	return p.found;
}

/* Fill an unpublished entry: its key and its cells. */
void cmxi_entry_fill(struct cmxi_shm_series *, const struct cmxi_key *,
    uint64_t cell_offset);

/*
 * Publish a filled entry at the place where a walk ended.  Returns the entry
 * that the index has then: ref, another writer's entry of the same key, or 0
 * where the probe ran out or the index got no page.
 */
uint32_t cmxi_index_publish(const struct cmxi_segment *,
    const struct cmxi_key *, struct cmxi_probe *, uint32_t ref);

#endif

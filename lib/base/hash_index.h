/*
 * hash_index.h: from the hash of a key to a number.
 *
 * Open addressing, at most half full.  The keys stay with the caller, who
 * says whether a number is that of a key.  Zeroed memory is an empty index.
 */
#ifndef CMXI_HASH_INDEX_H
#define CMXI_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

#define CMXI_HASH_INDEX_NONE UINT32_MAX

struct cmxi_hash_index {
	uint64_t *slots; /* half of the hash, and number + 1; 0 is free */
	size_t n, capacity;
	uint64_t seed; /* 0: not drawn yet */
};

/*
 * The seed for the hashes of an index.  It is random, because the keys are from
 * files and clients: nobody can choose keys that lie in one place.
 */
static inline uint64_t
cmxi_hash_index_seed(struct cmxi_hash_index *index)
{
	if (index->seed == 0)
		index->seed = cmxi_random64() | 1;
	return index->seed;
}

/* Is number that of key?  arg is what find was given. */
typedef bool cmxi_hash_equal_fn(const void *arg, uint32_t number,
    const void *key);

/* The number of a key, or CMXI_HASH_INDEX_NONE. */
uint32_t cmxi_hash_index_find(const struct cmxi_hash_index *, uint64_t hash,
    cmxi_hash_equal_fn *, const void *arg, const void *key);

/* Add the number of a key that is not there; false where memory ended. */
bool cmxi_hash_index_add(struct cmxi_hash_index *, uint64_t hash,
    uint32_t number);

/* Forget all numbers; the memory stays. */
void cmxi_hash_index_clear(struct cmxi_hash_index *);
void cmxi_hash_index_fini(struct cmxi_hash_index *);

#endif

/*
 * hash_set.h: a set of 64-bit hashes.
 *
 * Open addressing, at most half full.  Zeroed memory is an empty set.
 */
#ifndef CMXI_HASH_SET_H
#define CMXI_HASH_SET_H

#include <stddef.h>
#include <stdint.h>

struct cmxi_hash_set {
	uint64_t *slots; /* 0 is free */
	size_t n, capacity;
	uint64_t key; /* random: a file can choose the hashes */
};

/*
 * Returns 1 where the hash is new and now in the set, 0 where it was there, -1
 * where there is no memory.
 */
int cmxi_hash_set_add(struct cmxi_hash_set *, uint64_t hash);

void cmxi_hash_set_fini(struct cmxi_hash_set *);

#endif

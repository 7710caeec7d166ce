/*
 * hash.h: the hash of label values and of layouts.  Level 0, and the only
 * place that names xxHash.
 */
#ifndef CMXI_HASH_H
#define CMXI_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * XXH3, 64 bits.  A segment's seed is random, so that whoever chooses label
 * values (paths of requests) cannot build one long probe chain.
 */
static inline uint64_t
cmxi_hash(const void *bytes, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, n, seed);
}

#endif

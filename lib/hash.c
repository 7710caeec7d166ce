/*
 * hash.c: the hash of label values and of layouts.  Level 0.
 */
#define XXH_INLINE_ALL
#include "hash.h"

#include <xxhash.h>

uint64_t
cmxi_hash(const void *bytes, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, n, seed);
}

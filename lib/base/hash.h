/*
 * hash.h: the hash of label values and of layouts.  Level 0, and the only
 * place that names xxHash.
 */
#ifndef CMXI_HASH_H
#define CMXI_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Read n <= 8 bytes, from both ends, as one word. */
static inline uint64_t
cmxi_hash_word(const unsigned char *p, size_t n)
{
	uint32_t a, b;

	if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
		return (uint64_t)a << 32 | b;
	}
	if (n == 0)
		return 0;
	return (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
}

/* The two halves of a product, folded: every bit depends on every bit. */
static inline uint64_t
cmxi_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * The hash of a label.  Most are of at most 16 bytes: for those one
 * multiplication of both halves, each under a secret of the segment's seed,
 * and no call; a look-up of three takes a tenth less time than with XXH3,
 * which is for the longer ones.
 */
static inline uint64_t
cmxi_hash_value(const void *bytes, size_t n, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t a, b;

	if (n > 16)
		return cmxi_hash(bytes, n, seed);
	if (n > 8) {
		memcpy(&a, p, 8);
		memcpy(&b, p + n - 8, 8);
	} else {
		a = cmxi_hash_word(p, n);
		b = n;
	}
	return cmxi_hash_fold(a ^ seed ^ n * UINT64_C(0xa0761d6478bd642f),
	    b ^ (seed << 32 | seed >> 32) ^ UINT64_C(0xe7037ed1a0b428db));
}

/*
 * The hash of a key: begun with its family, then each label in turn.  The
 * labels are hashed where they stand, one beside the other, and only the
 * mixing is a chain.
 */
static inline uint64_t
cmxi_hash_begin(uint32_t family, uint64_t seed)
{
	return seed ^ family * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t
cmxi_hash_label(uint64_t hash, const void *bytes, size_t n, uint64_t seed)
{
	hash = (hash ^ cmxi_hash_value(bytes, n, seed)) *
	    UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 32;
}

#endif

/*
 * hash.h: the hash of label values and of layouts.
 *
 * The only place that names xxHash.
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

/*
 * Multiply to 128 bits and XOR the two halves: every bit of the result depends
 * on every bit of both factors.
 */
static inline uint64_t
cmxi_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * Multipliers.  The first two are those of wyhash (its secret, final version
 * 3), the third is 2^64 divided by the golden ratio (Knuth, TAOCP vol. 3,
 * 6.4), the last is of MurmurHash3's finalizer.
 */
#define CMXI_HASH_A      UINT64_C(0xa0761d6478bd642f)
#define CMXI_HASH_B      UINT64_C(0xe7037ed1a0b428db)
#define CMXI_HASH_GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define CMXI_HASH_MIX    UINT64_C(0xff51afd7ed558ccd)

/*
 * The hash of a label.  Most have at most 16 bytes: for those one
 * multiplication of both halves, each under a secret of the segment's seed,
 * and no call.  Longer ones go to XXH3.  With XXH3 for all, a look-up of three
 * labels takes a tenth more time (37.1 ns at best, not 33.5, on an EPYC).
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
	return cmxi_hash_fold(a ^ seed ^ n * CMXI_HASH_A,
	    b ^ (seed << 32 | seed >> 32) ^ CMXI_HASH_B);
}

/*
 * The hash of a key: begun with its family, then each label in turn.  The
 * labels are hashed where they stand, one beside the other, and only the
 * mixing is a chain.
 */
static inline uint64_t
cmxi_hash_begin(uint32_t family, uint64_t seed)
{
	return seed ^ family * CMXI_HASH_GOLDEN;
}

static inline uint64_t
cmxi_hash_label(uint64_t hash, const void *bytes, size_t n, uint64_t seed)
{
	hash = (hash ^ cmxi_hash_value(bytes, n, seed)) * CMXI_HASH_MIX;
	return hash ^ hash >> 32;
}

#endif

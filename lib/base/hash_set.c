/*
 * hash_set.c: a set of 64-bit hashes.
 */
#include "base/hash_set.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "base/require.h"

#define CAPACITY_MIN 256

/* The slot that has the hash, or the free slot where it belongs. */
static size_t
slot_of_hash(const struct cmxi_hash_set *s, uint64_t hash)
{
	size_t at =
	    cmxi_hash_fold(hash ^ s->key, CMXI_HASH_B) & (s->capacity - 1);

	REQUIRE(s->n < s->capacity);
	while (s->slots[at] != 0 && s->slots[at] != hash)
		at = (at + 1) & (s->capacity - 1);
	return at;
}

static bool
grow_set(struct cmxi_hash_set *s)
{
	struct cmxi_hash_set grown = { .n = s->n,
		.capacity = s->capacity == 0 ? CAPACITY_MIN : s->capacity * 2,
		.key = s->capacity == 0 ? cmxi_random64() : s->key };

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < s->capacity; i++)
		if (s->slots[i] != 0)
			grown.slots[slot_of_hash(&grown, s->slots[i])] =
			    s->slots[i];
	free(s->slots);
	*s = grown;
	return true;
}

int
cmxi_hash_set_add(struct cmxi_hash_set *s, uint64_t hash)
{
	size_t at;

	hash = hash == 0 ? 1 : hash;
	if (s->n * 2 >= s->capacity && !grow_set(s))
		return -1;
	at = slot_of_hash(s, hash);
	if (s->slots[at] == hash)
		return 0;
	s->slots[at] = hash;
	s->n++;
	return 1;
}

void
cmxi_hash_set_fini(struct cmxi_hash_set *s)
{
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

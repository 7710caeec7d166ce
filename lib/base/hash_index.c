/*
 * hash_index.c: from the hash of a key to a number.
 */
#include "base/hash_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/require.h"

#define CAPACITY_MIN 64

/* The half of the hash that a slot stores also chooses the slot. */
static uint64_t
half_of(uint64_t slot_or_hash)
{
	return slot_or_hash >> 32;
}

uint32_t
cmxi_hash_index_find(const struct cmxi_hash_index *index, uint64_t hash,
    cmxi_hash_equal_fn *is_equal, const void *arg, const void *key)
{
	size_t mask = index->capacity - 1;

	if (index->n == 0)
		return CMXI_HASH_INDEX_NONE;
	/* Bound: at least half of the slots are free. */
	for (size_t at = half_of(hash) & mask; index->slots[at] != 0;
	     at = (at + 1) & mask) {
		uint64_t slot = index->slots[at];

		if (half_of(slot) == half_of(hash) &&
		    is_equal(arg, (uint32_t)slot - 1, key))
			return (uint32_t)slot - 1;
	}
	return CMXI_HASH_INDEX_NONE;
}

static void
put_slot(struct cmxi_hash_index *index, uint64_t slot)
{
	size_t mask = index->capacity - 1, at = half_of(slot) & mask;

	REQUIRE(index->n < index->capacity);
	while (index->slots[at] != 0)
		at = (at + 1) & mask;
	index->slots[at] = slot;
}

static bool
grow_index(struct cmxi_hash_index *index)
{
	struct cmxi_hash_index grown = { .n = index->n,
		.seed = index->seed,
		.capacity =
		    index->capacity == 0 ? CAPACITY_MIN : index->capacity * 2 };

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < index->capacity; i++)
		if (index->slots[i] != 0)
			put_slot(&grown, index->slots[i]);
	free(index->slots);
	*index = grown;
	return true;
}

bool
cmxi_hash_index_add(struct cmxi_hash_index *index, uint64_t hash,
    uint32_t number)
{
	REQUIRE(number != CMXI_HASH_INDEX_NONE);
	if (index->n * 2 >= index->capacity && !grow_index(index))
		return false;
	put_slot(index, half_of(hash) << 32 | ((uint64_t)number + 1));
	index->n++;
	return true;
}

void
cmxi_hash_index_clear(struct cmxi_hash_index *index)
{
	if (index->n > 0)
		memset(index->slots, 0,
		    index->capacity * sizeof(*index->slots));
	index->n = 0;
}

void
cmxi_hash_index_fini(struct cmxi_hash_index *index)
{
	free(index->slots);
	memset(index, 0, sizeof(*index));
}

/*
 * groups.c: a hash table of texts, which are numbered in their order.
 */
#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "watch/groups.h"

#define GROUPS_FIRST 16

bool
grow_array(void *array, size_t n, size_t size)
{
	void *old, *grown;

	memcpy(&old, array, sizeof(old));
	grown = reallocarray(old, n, size);
	if (grown == NULL)
		return false;
	memcpy(array, &grown, sizeof(grown));
	return true;
}

void
groups_fini(struct groups *g)
{
	free(g->at);
	free(g->slots);
	free(g->texts);
	memset(g, 0, sizeof(*g));
}

uint64_t
groups_hash(struct groups *g, const char *key, size_t size)
{
	if (g->seed == 0)
		g->seed = ((uint64_t)arc4random() << 32) | arc4random() | 1;
	return XXH3_64bits_withSeed(key, size, g->seed);
}

static void
put_slot(struct groups *g, uint32_t group)
{
	size_t i = g->at[group].hash & (g->n_slots - 1);

	while (g->slots[i] != NO_GROUP)
		i = (i + 1) & (g->n_slots - 1);
	g->slots[i] = group;
}

static void
index_anew(struct groups *g)
{
	memset(g->slots, 0xff, g->n_slots * sizeof(*g->slots));
	for (uint32_t i = 0; i < g->n; i++)
		put_slot(g, i);
}

static bool
grow_slots(struct groups *g)
{
	size_t n = g->n_slots == 0 ? 2 * GROUPS_FIRST : g->n_slots * 2;

	if (!grow_array(&g->slots, n, sizeof(*g->slots)))
		return false;
	g->n_slots = n;
	index_anew(g);
	return true;
}

static bool
grow_entries(struct groups *g)
{
	size_t n = g->capacity == 0 ? GROUPS_FIRST : g->capacity * 2;

	if (!grow_array(&g->at, n, sizeof(*g->at)))
		return false;
	g->capacity = n;
	return true;
}

static bool
add_text(struct groups *g, const char *key, size_t size)
{
	size_t n = g->text_capacity;

	while (n < g->text_size + size)
		n = n == 0 ? 1024 : n * 2;
	if (n != g->text_capacity && !grow_array(&g->texts, n, 1))
		return false;
	g->text_capacity = n;
	memcpy(g->texts + g->text_size, key, size);
	g->text_size += size;
	return true;
}

uint32_t
groups_add(struct groups *g, const char *key, size_t size, uint64_t hash)
{
	uint32_t group = (uint32_t)g->n;
	size_t text = g->text_size;

	if (g->n == NO_GROUP - 1 || (g->n == g->capacity && !grow_entries(g)) ||
	    (2 * (g->n + 1) > g->n_slots && !grow_slots(g)) ||
	    !add_text(g, key, size))
		return NO_GROUP;
	g->at[group] = (struct group){ .hash = hash, .text = text };
	g->n++;
	put_slot(g, group);
	return group;
}

uint32_t
groups_find(const struct groups *g, const char *key, size_t size, uint64_t hash)
{
	for (size_t i = hash & (g->n_slots - 1);
	     g->n_slots > 0 && g->slots[i] != NO_GROUP;
	     i = (i + 1) & (g->n_slots - 1)) {
		const struct group *at = &g->at[g->slots[i]];

		if (at->hash == hash && groups_is(g, g->slots[i], key, size))
			return g->slots[i];
	}
	return NO_GROUP;
}

/* Its text may be the last one, and shorter: the NUL tells. */
bool
groups_is(const struct groups *g, uint32_t group, const char *key, size_t size)
{
	const struct group *at = group < g->n ? &g->at[group] : NULL;

	return at != NULL && !at->is_rest && g->text_size - at->text >= size &&
	    memcmp(g->texts + at->text, key, size) == 0;
}

uint32_t
groups_number(struct groups *g, const char *text, bool *is_new)
{
	size_t size = strlen(text) + 1;
	uint64_t hash = groups_hash(g, text, size);
	uint32_t number = groups_find(g, text, size, hash);

	*is_new = number == NO_GROUP;
	return *is_new ? groups_add(g, text, size, hash) : number;
}

uint32_t
groups_rest(struct groups *g, size_t n_values)
{
	static const char empty[256];

	if (!g->has_rest) {
		g->rest = groups_add(g, empty, n_values, 0);
		g->has_rest = g->rest != NO_GROUP;
		if (g->has_rest)
			g->at[g->rest].is_rest = true;
	}
	return g->rest;
}

const char *
groups_value(const struct groups *g, size_t group, size_t i)
{
	const char *value = g->texts + g->at[group].text;

	while (i-- > 0)
		value += strlen(value) + 1;
	return value;
}

uint64_t
groups_bytes(const struct groups *g)
{
	return g->capacity * sizeof(struct group) +
	    g->n_slots * sizeof(uint32_t) + g->text_capacity;
}

/* The texts stand in the order of the groups: each ends where the next begins.
 */
static void
move_text(struct groups *g, struct group *at, size_t end, size_t *used)
{
	size_t size = end - at->text;

	memmove(g->texts + *used, g->texts + at->text, size);
	at->text = *used;
	*used += size;
}

void
groups_drop_gone(struct groups *g,
    void (*moved)(void *arg, size_t from, size_t to), void *arg)
{
	size_t n = 0, used = 0;

	g->has_rest = false;
	for (size_t i = 0; i < g->n; i++) {
		size_t end = i + 1 < g->n ? g->at[i + 1].text : g->text_size;

		if (g->at[i].n_series == 0)
			continue;
		move_text(g, &g->at[i], end, &used);
		if (g->at[i].is_rest) {
			g->has_rest = true;
			g->rest = (uint32_t)n;
		}
		if (n != i) {
			g->at[n] = g->at[i];
			moved(arg, i, n);
		}
		n++;
	}
	g->n = n;
	g->text_size = used;
	index_anew(g);
}

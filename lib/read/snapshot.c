/*
 * snapshot.c: what a reader shows at one scrape.
 */
#include "read/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/require.h"

bool
cmxi_snapshot_init(struct cmxr_snapshot *s)
{
	s->room = calloc(1, sizeof(*s->room));
	cmxi_hash_index_seed(&s->names);
	return s->room != NULL;
}

void
cmxi_snapshot_fini(struct cmxr_snapshot *s)
{
	free(s->families);
	cmxi_hash_index_fini(&s->names);
	cmxi_buf_fini(&s->processes);
	if (s->room != NULL)
		cmxi_buf_fini(&s->room->values);
	free(s->room);
	memset(s, 0, sizeof(*s));
}

void
cmxi_snapshot_clear(struct cmxr_snapshot *s)
{
	s->n_families = 0;
	cmxi_hash_index_clear(&s->names);
}

static uint64_t
hash_name(const struct cmxr_snapshot *s, const char *name)
{
	return cmxi_hash(name, strlen(name), s->names.seed);
}

static bool
has_name(const void *arg, uint32_t number, const void *key)
{
	const struct cmxr_snapshot *s = arg;

	return strcmp(s->families[number]->def->name, key) == 0;
}

bool
cmxi_snapshot_show(struct cmxr_snapshot *s, const struct cmxi_values *v)
{
	uint64_t hash = hash_name(s, v->def->name);

	REQUIRE(v->def != NULL);
	if (cmxi_hash_index_find(&s->names, hash, has_name, s, v->def->name) !=
	    CMXI_HASH_INDEX_NONE)
		return true;
	if (!cmxi_array_reserve(&s->families, &s->capacity, s->n_families + 1,
		sizeof(struct cmxi_values *)) ||
	    !cmxi_hash_index_add(&s->names, hash, (uint32_t)s->n_families))
		return false;
	s->families[s->n_families++] = v;
	return true;
}

size_t
cmxi_snapshot_place(const struct cmxr_snapshot *s, const char *name)
{
	uint32_t i = cmxi_hash_index_find(&s->names, hash_name(s, name),
	    has_name, s, name);

	return i == CMXI_HASH_INDEX_NONE ? s->n_families : i;
}

const struct cmxi_values *
cmxi_snapshot_find(const struct cmxr_snapshot *s, const char *name)
{
	size_t i = cmxi_snapshot_place(s, name);

	return i == s->n_families ? NULL : s->families[i];
}

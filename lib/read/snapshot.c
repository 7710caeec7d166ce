/*
 * snapshot.c: what a reader shows at one scrape.
 */
#include "read/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/require.h"
#include "family/rules.h"

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
	/* The room for labels is there before a series is asked for. */
	if (!cmxi_buf_reserve(&s->room->values, v->family->text_max + 1) ||
	    !cmxi_array_reserve(&s->families, &s->capacity, s->n_families + 1,
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

/*
 * The most bytes of a line beside the family's name and the series' labels:
 * "_bucket", the le or pid, blanks, braces and the number.
 */
#define LINE_MAX_REST 160
/* HELP and TYPE beside the name and the text. */
#define META_MAX_REST 64

/* Each sample of a process repeats the labels of its series. */
static uint64_t
each_text_bytes(const struct cmxi_values *v)
{
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(v, &n);
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += v->family->series[each[i].series].text_size;
	return bytes + n * (strlen(v->def->name) + LINE_MAX_REST);
}

uint64_t
cmxi_snapshot_text_bytes(const struct cmxr_snapshot *s)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < s->n_families; i++) {
		const struct cmxi_values *v = s->families[i];
		uint64_t n = strlen(v->def->name), lines = 1;

		/* An escape makes two bytes of one. */
		bytes += 2 * (n + strlen(v->def->help)) + META_MAX_REST;
		if (cmxi_def_is_each(v->def)) {
			bytes += each_text_bytes(v);
			continue;
		}
		/* The buckets, _sum and _count. */
		if (cmxi_values_is_histogram(v))
			lines = v->family->buckets.n_shown + 2;
		bytes += lines *
		    (v->n_series * (n + LINE_MAX_REST) + v->family->text_bytes);
	}
	return bytes;
}

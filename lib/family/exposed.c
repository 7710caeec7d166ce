/*
 * exposed.c: the names that families appear under, and a set of them.
 */
#include "family/exposed.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/require.h"
#include "family/name.h"

size_t
cmxi_exposed_base(const struct cmx_family_def *def)
{
	size_t n = strlen(def->name);

	if (def->type == CMX_COUNTER &&
	    cmxi_name_ends_with(def->name, "_total"))
		n -= strlen("_total");
	return n;
}

const char *const *
cmxi_exposed_suffixes(const struct cmx_family_def *def)
{
	static const char *const of_counter[] = { "", "_total", "_created",
		NULL };
	static const char *const of_gauge[] = { "", NULL };
	static const char *const of_histogram[] = { "", "_bucket", "_sum",
		"_count", "_created", NULL };

	return def->type == CMX_COUNTER ? of_counter :
	    def->type == CMX_HISTOGRAM  ? of_histogram :
					  of_gauge;
}

static size_t
name_size(const struct cmxi_exposed_name *name)
{
	return name->n + strlen(name->suffix);
}

static char
byte_at(const struct cmxi_exposed_name *name, size_t i)
{
	return i < name->n ? name->base[i] : name->suffix[i - name->n];
}

bool
cmxi_exposed_equal(const struct cmxi_exposed_name *a,
    const struct cmxi_exposed_name *b)
{
	size_t size = name_size(a);

	if (size != name_size(b))
		return false;
	for (size_t i = 0; i < size; i++)
		if (byte_at(a, i) != byte_at(b, i))
			return false;
	return true;
}

static bool
has_name(const void *arg, uint32_t number, const void *key)
{
	const struct cmxi_exposed_set *s = arg;

	return cmxi_exposed_equal(&s->names[number], key);
}

/* The hash of both parts as one text. */
static uint64_t
hash_name(struct cmxi_exposed_set *s, const struct cmxi_exposed_name *name)
{
	char text[CMX_NAME_MAX + 16];
	size_t size = name_size(name);

	REQUIRE(size <= sizeof(text));
	memcpy(text, name->base, name->n);
	memcpy(text + name->n, name->suffix, size - name->n);
	return cmxi_hash(text, size, cmxi_hash_index_seed(&s->index));
}

static uint32_t
find_name(struct cmxi_exposed_set *s, const struct cmxi_exposed_name *name)
{
	return cmxi_hash_index_find(&s->index, hash_name(s, name), has_name, s,
	    name);
}

uint32_t
cmxi_exposed_find(struct cmxi_exposed_set *s, const struct cmx_family_def *def)
{
	struct cmxi_exposed_name name = { .base = def->name,
		.n = cmxi_exposed_base(def) };

	for (const char *const *i = cmxi_exposed_suffixes(def); *i != NULL;
	     i++) {
		uint32_t found;

		name.suffix = *i;
		found = find_name(s, &name);
		if (found != CMXI_HASH_INDEX_NONE)
			return s->names[found].family;
	}
	return CMXI_HASH_INDEX_NONE;
}

bool
cmxi_exposed_add(struct cmxi_exposed_set *s, const struct cmx_family_def *def,
    uint32_t family)
{
	struct cmxi_exposed_name name = { .base = def->name,
		.n = cmxi_exposed_base(def),
		.family = family };

	for (const char *const *i = cmxi_exposed_suffixes(def); *i != NULL;
	     i++) {
		name.suffix = *i;
		if (!cmxi_array_reserve(&s->names, &s->capacity, s->n + 1,
			sizeof(name)))
			return false;
		s->names[s->n] = name;
		if (!cmxi_hash_index_add(&s->index, hash_name(s, &name),
			(uint32_t)s->n))
			return false;
		s->n++;
	}
	return true;
}

void
cmxi_exposed_fini(struct cmxi_exposed_set *s)
{
	cmxi_hash_index_fini(&s->index);
	free(s->names);
	memset(s, 0, sizeof(*s));
}

/*
 * groups.h: from values of labels to a number, and back.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_GROUP UINT32_MAX

struct group {
	uint64_t hash;
	size_t text;       /* offset of its values, each with a NUL */
	uint32_t n_series; /* in the last sample */
	bool is_rest;      /* it has what there is no room for */
};

/* Zeroed memory has no group. */
struct groups {
	struct group *at;
	size_t n, capacity;
	uint32_t *slots; /* open addressing, at most half full */
	size_t n_slots;
	bool has_rest;
	uint32_t rest;
	uint64_t seed; /* nobody can choose values that lie in one place */
	char *texts;
	size_t text_size, text_capacity;
};

void groups_fini(struct groups *);
uint64_t groups_hash(struct groups *, const char *key, size_t size);
/* NO_GROUP: there is none. */
uint32_t groups_find(const struct groups *, const char *key, size_t size,
    uint64_t hash);
/* Is it the group of this key?  The number may be any. */
bool groups_is(const struct groups *, uint32_t group, const char *key,
    size_t size);
/* NO_GROUP: no memory. */
uint32_t groups_add(struct groups *, const char *key, size_t size,
    uint64_t hash);
/*
 * The number of a text, which may be new: for groups that are used as a list of
 * names.  NO_GROUP: no memory.
 */
uint32_t groups_number(struct groups *, const char *text, bool *is_new);
/*
 * The group of what there is no room for: n empty values.  Once it is there, it
 * has all that is new, so that what it has does not change to other groups.
 */
uint32_t groups_rest(struct groups *, size_t n_values);
const char *groups_value(const struct groups *, size_t group, size_t i);
uint64_t groups_bytes(const struct groups *);
/*
 * Drop the groups without a series: the others get the numbers that @moved is
 * told, which are not above those that they had.
 */
void groups_drop_gone(struct groups *,
    void (*moved)(void *arg, size_t from, size_t to), void *arg);

/* Make room in an array; @array is the address of a pointer, whatever to. */
bool grow_array(void *array, size_t n, size_t size);

#endif

/*
 * exposed.h: the names that families appear under in an exposition, and a set
 * of them: does one more family clash with any before it?
 */
#ifndef CMXI_EXPOSED_H
#define CMXI_EXPOSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codeai/metrics_base.h"

#include "base/hash_index.h"

/* The length of a name without the suffix that OpenMetrics removes. */
size_t cmxi_exposed_base(const struct cmx_family_def *);

/*
 * What follows the base in the names under which a family appears: its samples
 * in either text format, and its OpenMetrics family name (a counter without
 * _total).  Null ends the list.
 */
const char *const *cmxi_exposed_suffixes(const struct cmx_family_def *);

/* A name in two parts, and the number of its family. */
struct cmxi_exposed_name {
	const char *base; /* belongs to the family's definition */
	size_t n;
	const char *suffix;
	uint32_t family;
};

bool cmxi_exposed_equal(const struct cmxi_exposed_name *,
    const struct cmxi_exposed_name *);

/* Zeroed memory is an empty set. */
struct cmxi_exposed_set {
	struct cmxi_hash_index index;
	struct cmxi_exposed_name *names;
	size_t n, capacity;
};

/*
 * The number of the first family of the set that exposes a name of this one;
 * CMXI_HASH_INDEX_NONE where none does.
 */
uint32_t cmxi_exposed_find(struct cmxi_exposed_set *,
    const struct cmx_family_def *);

/*
 * Add a family under a number; its definition must outlive the set.  Returns
 * false where there is no memory.
 */
bool cmxi_exposed_add(struct cmxi_exposed_set *, const struct cmx_family_def *,
    uint32_t family);

void cmxi_exposed_fini(struct cmxi_exposed_set *);

#endif

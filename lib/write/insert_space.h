/*
 * insert_space.h: the space of an insert: an entry, and the cells of its
 * series.
 *
 * A process keeps the space that it loses to another insert of the same key,
 * and gives it to its own next insert.
 */
#ifndef CMXI_INSERT_SPACE_H
#define CMXI_INSERT_SPACE_H

#include "write/registry.h"

/* The space of an unpublished insert. */
struct cmxi_space {
	uint32_t ref;
	uint64_t entry_units;
	enum cmxi_spare_kind cell_kind;
	uint64_t cell_offset;
	uint64_t cell_size;
};

/*
 * Take an entry of size bytes, a multiple of the unit.  Returns 0 or an error.
 */
int cmxi_space_take_entry(const struct cmx_registry *, uint64_t size,
    struct cmxi_space *);

/* Take an entry on a multiple of align bytes, always new space. */
int cmxi_space_take_aligned(const struct cmx_registry *, uint64_t size,
    uint64_t align, struct cmxi_space *);

void cmxi_space_keep_entry(const struct cmx_registry *,
    const struct cmxi_space *);

/* Take an entry for a key, and cells for a series of the family. */
int cmxi_space_take(const struct cmx_registry *, const struct cmxi_shm_family *,
    size_t key_size, struct cmxi_space *);
void cmxi_space_keep(const struct cmx_registry *, const struct cmxi_space *);

#endif

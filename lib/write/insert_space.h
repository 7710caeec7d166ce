/*
 * insert_space.h: the space of an insert: an entry, and the cells of its
 * series.
 *
 * What an insert loses to another of the same key is kept by the process, and
 * is the first that its next insert takes.
 */
#ifndef CMXI_INSERT_SPACE_H
#define CMXI_INSERT_SPACE_H

#include "write/registry.h"

/* Space of an insert that is not published yet. */
struct cmxi_space {
	uint32_t ref;
	uint64_t entry_units;
	enum cmxi_spare_kind cell_kind;
	uint64_t cell_offset;
	uint64_t cell_size;
};

/* Take an entry of size bytes, a multiple of the unit.  0 or an error. */
int cmxi_space_take_entry(const struct cmx_registry *, uint64_t size,
    struct cmxi_space *);

/* The same on a multiple of align bytes; never a spare one. */
int cmxi_space_take_aligned(const struct cmx_registry *, uint64_t size,
    uint64_t align, struct cmxi_space *);

void cmxi_space_keep_entry(const struct cmx_registry *,
    const struct cmxi_space *);

/* Take an entry for a key, and a family's cells. */
int cmxi_space_take(const struct cmx_registry *, const struct cmxi_shm_family *,
    size_t key_size, struct cmxi_space *);
void cmxi_space_keep(const struct cmx_registry *, const struct cmxi_space *);

#endif

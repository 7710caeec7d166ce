/*
 * insert_space.c: the space of an insert.
 */
#include "write/insert_space.h"

#include "base/require.h"
#include "segment/exemplar.h"
#include "write/arena.h"
#include "write/index.h"

static void
keep_spare(const struct cmx_registry *reg, enum cmxi_spare_kind kind,
    uint64_t size, uint64_t place, uint64_t bytes)
{
	if (!cmxi_own_page_give_spare(reg->own, kind, size, place))
		cmxi_segment_count(&reg->segment, CMXI_STAT_LEAKED_BYTES,
		    bytes);
}

void
cmxi_space_keep_entry(const struct cmx_registry *reg,
    const struct cmxi_space *space)
{
	REQUIRE(space->ref != 0);
	keep_spare(reg, CMXI_SPARE_ENTRY, space->entry_units, space->ref,
	    space->entry_units * CMXI_ENTRY_UNIT);
}

void
cmxi_space_keep(const struct cmx_registry *reg, const struct cmxi_space *space)
{
	cmxi_space_keep_entry(reg, space);
	keep_spare(reg, space->cell_kind, space->cell_size, space->cell_offset,
	    space->cell_size);
}

int
cmxi_space_take_aligned(const struct cmx_registry *reg, uint64_t size,
    uint64_t align, struct cmxi_space *space)
{
	REQUIRE(size > 0 && size % CMXI_ENTRY_UNIT == 0);
	space->entry_units = size / CMXI_ENTRY_UNIT;
	return cmxi_arena_take_entry(&reg->segment, size, align, &space->ref);
}

int
cmxi_space_take_entry(const struct cmx_registry *reg, uint64_t size,
    struct cmxi_space *space)
{
	uint64_t place;

	space->entry_units = size / CMXI_ENTRY_UNIT;
	if (cmxi_own_page_take_spare(reg->own, CMXI_SPARE_ENTRY,
		space->entry_units, 2 * space->entry_units, &place)) {
		space->ref = (uint32_t)place;
		return 0;
	}
	return cmxi_space_take_aligned(reg, size, CMXI_ENTRY_UNIT, space);
}

static int
take_cells(const struct cmx_registry *reg, const struct cmxi_shm_family *family,
    struct cmxi_space *space)
{
	space->cell_size = family->cell_size;
	space->cell_kind =
	    family->type == CMX_GAUGE ? CMXI_SPARE_GAUGE : CMXI_SPARE_CELL;
	if (cmxi_own_page_take_spare(reg->own, space->cell_kind,
		space->cell_size, space->cell_size, &space->cell_offset))
		return 0;
	if (family->type == CMX_GAUGE)
		return cmxi_arena_take_gauge(&reg->segment,
		    &space->cell_offset);
	return cmxi_arena_take_cells(&reg->segment, space->cell_size,
	    &space->cell_offset);
}

int
cmxi_space_take(const struct cmx_registry *reg,
    const struct cmxi_shm_family *family, size_t key_size,
    struct cmxi_space *space)
{
	int r = cmxi_space_take_entry(reg,
	    cmxi_entry_size(key_size, cmxi_exemplar_slots(family)), space);

	if (r != 0)
		return r;
	r = take_cells(reg, family, space);
	if (r != 0)
		cmxi_space_keep_entry(reg, space);
	return r;
}

/*
 * series_group.c: one look-up for the series that a helper updates together.
 */
#include "write/series_group.h"

#include "base/require.h"
#include "write/index.h"
#include "write/insert_space.h"

/* The offset of a group's cell offsets from the begin of its key. */
static inline uint64_t
group_cells_offset(size_t key_size)
{
	return cmxi_round_up(CMXI_KEY_OFFSET + key_size, sizeof(uint64_t));
}

const uint64_t *
cmxi_series_group_find(const struct cmx_registry *reg, uint32_t number,
    size_t n_labels, const char *const *values)
{
	struct cmxi_key key;
	uint32_t ref;

	if (!cmxi_key_build(&key, CMXI_GROUP(number), n_labels, values,
		reg->segment.fixed.seed))
		return NULL;
	ref = cmxi_index_find(&reg->segment, &key);
	if (cmxi_unlikely(ref == 0))
		return NULL;
	return (const uint64_t *)(const void *)((const unsigned char *)
						    cmxi_segment_entry(
							&reg->segment, ref) +
	    group_cells_offset(key.size));
}

/*
 * At most a quarter as many groups as series fit, so that the index stays less
 * than 63 % full.
 */
static bool
groups_are_full(const struct cmx_registry *reg)
{
	const struct cmxi_shm_header *h = cmxi_segment_header(&reg->segment);

	return cmxi_load64_relaxed(&h->n_groups) >=
	    reg->segment.fixed.series_limit / 4 + 1;
}

void
cmxi_series_group_make(const struct cmx_registry *reg, uint32_t number,
    size_t n_labels, const char *const *values, size_t n_cells,
    const uint64_t *cells)
{
	struct cmxi_shm_header *h = cmxi_segment_header(&reg->segment);
	struct cmxi_key key;
	unsigned char *entry;
	struct cmxi_space space;
	struct cmxi_probe p;
	uint64_t size;

	REQUIRE(n_cells > 0);
	if (groups_are_full(reg) ||
	    !cmxi_key_build(&key, CMXI_GROUP(number), n_labels, values,
		reg->segment.fixed.seed))
		return;
	p = cmxi_probe_start(&reg->segment, &key);
	cmxi_index_walk(&reg->segment, &key, &p);
	if (p.found != 0 || p.n >= CMXI_PROBE_MAX)
		return;
	size = group_cells_offset(key.size) + n_cells * sizeof(*cells);
	size = cmxi_round_up(size, CMXI_ENTRY_UNIT);
	if (cmxi_space_take_entry(reg, size, &space) != 0)
		return;
	entry = cmxi_segment_entry(&reg->segment, space.ref);
	cmxi_entry_fill((struct cmxi_shm_series *)(void *)entry, &key, 0);
	memcpy(entry + group_cells_offset(key.size), cells,
	    n_cells * sizeof(*cells));
	if (cmxi_index_publish(&reg->segment, &key, &p, space.ref) == space.ref)
		cmxi_add64_relaxed(&h->n_groups, 1);
	else
		cmxi_space_keep_entry(reg, &space);
}

/*
 * layout.c: limits -> offsets, and the way back.  Pure: no I/O.
 */
#include "segment/layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/require.h"
#include "family/native_buckets.h"

#define FILE_SIZE_MAX (UINT64_C(1) << 46)

/*
 * Bytes of cells in a stripe for each series of the limit.  This is address
 * space, not memory; a histogram of 15 bounds fits, and most series are
 * counters.
 */
#define CELL_BYTES_PER_SERIES 256

/* Bytes of the arena for each series, without its labels, and each family. */
#define ARENA_BYTES_PER_SERIES 64
#define ARENA_BYTES_PER_FAMILY 1024

/* The most of the arena that is for exemplars; references reach over 2^36. */
#define EXEMPLAR_ROOM_MAX (UINT64_C(1) << 34)

static uint64_t
power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

uint64_t
cmxi_layout_cell_size(const struct cmx_family_def *def)
{
	if (def->type == CMX_HISTOGRAM)
		return (cmxi_cell_bounds(def, NULL) + 1) *
		    sizeof(struct cmxi_pair);
	return sizeof(uint64_t);
}

/*
 * Compute the offsets from the sizes; the check of a header computes them
 * again.
 */
static void
place_regions(struct cmxi_shm_header *h)
{
	uint64_t page = h->page_size;
	uint64_t at = cmxi_round_up(CMXI_HEADER_SIZE, page);

	h->schema_offset = at;
	at += cmxi_round_up(h->schema_size, page);
	h->family_offset = at;
	at += cmxi_round_up(h->n_family_words * sizeof(uint64_t), page);
	h->bitmap_size =
	    cmxi_round_up(h->n_index_words * sizeof(uint64_t), page) / page /
		64 * sizeof(uint64_t) +
	    sizeof(uint64_t);
	h->bitmap_offset = at;
	at += cmxi_round_up(h->bitmap_size, page);
	h->index_offset = at;
	at += cmxi_round_up(h->n_index_words * sizeof(uint64_t), page);
	h->arena_offset = at;
	at += cmxi_round_up(h->arena_size, page);
	h->slot_offset = at;
	at += cmxi_round_up(h->n_slots * sizeof(struct cmxi_shm_slot), page);
	h->stripe_offset = at;
	/* one more: the carry stripe */
	at += h->stripe_size * (h->n_cpu_stripes + h->n_fallback_stripes + 1);
	h->gauge_offset = at;
	at += h->gauge_stripe_size * (h->n_slots + 1);
	h->file_size = at;
}

/*
 * The allowed values of a size in a header; some bounds depend on other sizes.
 */
struct size_rule {
	const char *name;
	uint64_t value, min, max;
	bool is_power_of_two;
};

static bool
rule_is_kept(const struct size_rule *rule)
{
	return rule->value >= rule->min && rule->value <= rule->max &&
	    (!rule->is_power_of_two || (rule->value & (rule->value - 1)) == 0);
}

/* Find the first size of a header that no program writes, in *broken. */
static bool
find_broken_size(const struct cmxi_shm_header *h, struct size_rule *broken)
{
	uint64_t n_stripes =
	    (uint64_t)h->n_cpu_stripes + h->n_fallback_stripes + 1;
	uint64_t n_gauge_stripes =
	    h->n_slots < UINT32_MAX ? h->n_slots + 1 : UINT32_MAX;
	const struct size_rule rules[] = {
		{ "page size", h->page_size, 4096, 1u << 30, true },
		{ "schema", h->schema_size, 0, FILE_SIZE_MAX / 16, false },
		{ "family table", h->n_family_words, 1, 1u << 14, false },
		{ "index", h->n_index_words, 2, 1u << 26, true },
		{ "arena", h->arena_size, 4096, FILE_SIZE_MAX / 1024, false },
		{ "number of slots", h->n_slots, 1, 1u << 16, false },
		{ "number of CPU stripes", h->n_cpu_stripes, 0, 8192, false },
		{ "number of fallback stripes", h->n_fallback_stripes, 1, 64,
		    true },
		{ "stripe", h->stripe_size, h->page_size,
		    FILE_SIZE_MAX / 2 / n_stripes, true },
		{ "gauge stripe", h->gauge_stripe_size, h->page_size,
		    FILE_SIZE_MAX / 4 / n_gauge_stripes, true },
		{ "series limit", h->series_limit, 1, h->n_index_words / 2,
		    false },
	};

	for (size_t i = 0; i < CMXI_ARRAY_LEN(rules); i++)
		if (!rule_is_kept(&rules[i])) {
			*broken = rules[i];
			return true;
		}
	return false;
}

/*
 * Exemplars have room of their own, so that they take none from label values.
 * It is address space until they are there.
 */
static uint64_t
exemplar_room(const struct cmxi_layout_input *in)
{
	uint64_t n = in->series * in->exemplar_bytes;

	return n < EXEMPLAR_ROOM_MAX ? n : EXEMPLAR_ROOM_MAX;
}

int
cmxi_layout_compute(const struct cmxi_layout_input *in,
    struct cmxi_shm_header *h, struct cmx_error *err)
{
	uint64_t cell = in->largest_cell > CELL_BYTES_PER_SERIES ?
	    in->largest_cell :
	    CELL_BYTES_PER_SERIES;
	struct size_rule broken;

	REQUIRE(in->page_size >= 4096);
	h->flags = in->flags;
	h->page_size = in->page_size;
	h->schema_size = in->schema_size;
	h->n_family_words = in->families;
	h->n_index_words = power_of_two(2 * in->series);
	if (h->n_index_words < CMXI_PROBE_MAX)
		h->n_index_words = CMXI_PROBE_MAX;
	h->arena_size = cmxi_round_up(in->label_bytes +
		in->series * ARENA_BYTES_PER_SERIES + exemplar_room(in) +
		in->families * ARENA_BYTES_PER_FAMILY,
	    in->page_size);
	h->n_slots = in->processes;
	h->n_cpu_stripes = in->n_cpu_stripes;
	h->n_fallback_stripes = in->n_fallback_stripes;
	h->stripe_size =
	    power_of_two(cmxi_round_up(CMXI_STRIPE_HEADER + in->series * cell,
		in->page_size));
	h->gauge_stripe_size = power_of_two(
	    cmxi_round_up(CMXI_STRIPE_HEADER + in->series * sizeof(uint64_t),
		in->page_size));
	h->series_limit = in->series;
	h->predecessor_seed = in->predecessor_seed;
	h->origin_ns = in->origin_ns;
	h->origin_seed = in->origin_seed;
	if (find_broken_size(h, &broken))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "limits: the segment would need more address space than 2^46 bytes (%" PRIu64
		    " series, %" PRIu64
		    " processes, %u stripes); lower limits.series",
		    in->series, in->processes,
		    in->n_cpu_stripes + in->n_fallback_stripes);
	place_regions(h);
	return 0;
}

uint64_t
cmxi_layout_hash(const struct cmxi_shm_header *h)
{
	unsigned char fixed[CMXI_FIXED_SIZE];

	memcpy(fixed, h, sizeof(fixed));
	memset(fixed + offsetof(struct cmxi_shm_header, layout_hash), 0,
	    sizeof(h->layout_hash));
	return cmxi_hash(fixed, sizeof(fixed), CMXI_VERSION);
}

/* A number of the header that must equal this program's own. */
static int
check_constant(const char *name, const char *what, uint64_t found,
    uint64_t wanted, struct cmx_error *err)
{
	if (found == wanted)
		return 0;
	return cmxi_error(err, CMX_ERR_MISMATCH,
	    "%s: %s is %" PRIu64 ", this program has %" PRIu64
	    "; it was made by another version or machine: remove it and let this program make a new one",
	    name, what, found, wanted);
}

static int
check_constants(const struct cmxi_shm_header *h, const char *name,
    struct cmx_error *err)
{
	int r = check_constant(name, "byte order", h->byte_order,
	    CMXI_BYTE_ORDER, err);

	if (r == 0)
		r = check_constant(name, "version", h->version, CMXI_VERSION,
		    err);
	if (r == 0)
		r = check_constant(name, "header size", h->header_size,
		    CMXI_HEADER_SIZE, err);
	if (r == 0)
		r = check_constant(name, "word size", h->word_size,
		    CMXI_WORD_SIZE, err);
	return r;
}

/* Do the sizes of a header give its offsets? */
static bool
offsets_are_right(const struct cmxi_shm_header *h)
{
	/* Only the fixed bytes: a whole header is large for a stack. */
	_Alignas(struct cmxi_shm_header) unsigned char again[CMXI_FIXED_SIZE];

	memcpy(again, h, sizeof(again));
	place_regions((struct cmxi_shm_header *)(void *)again);
	return memcmp(again, h, sizeof(again)) == 0;
}

int
cmxi_layout_check(const struct cmxi_shm_header *h, uint64_t file_size,
    const char *name, struct cmx_error *err)
{
	struct size_rule broken;
	int r;

	if (memcmp(h->magic, CMXI_MAGIC, CMXI_MAGIC_SIZE) != 0)
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: not a segment of codeai-metrics (its first bytes are not the magic)",
		    name);
	r = check_constants(h, name, err);
	if (r != 0)
		return r;
	if (h->layout_hash != cmxi_layout_hash(h))
		return cmxi_error(err, CMX_ERR_MISMATCH,
		    "%s: layout hash is %016" PRIx64
		    ", its header gives %016" PRIx64
		    "; the file is damaged: remove it",
		    name, h->layout_hash, cmxi_layout_hash(h));
	if (find_broken_size(h, &broken))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: its header says %" PRIu64
		    " for the %s, which is from %" PRIu64 " to %" PRIu64
		    "%s; the file is damaged: remove it",
		    name, broken.value, broken.name, broken.min, broken.max,
		    broken.is_power_of_two ? " and a power of two" : "");
	if (h->seed == 0 || h->seed == h->predecessor_seed)
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: its header has a seed that no program writes (0, or that of the segment that it replaced); the file is damaged: remove it",
		    name);
	if (!offsets_are_right(h))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: its header has offsets that no program writes; the file is damaged",
		    name);
	if (file_size < h->file_size)
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: has %" PRIu64 " bytes, its header says %" PRIu64
		    "; the file was truncated: remove it",
		    name, file_size, h->file_size);
	return 0;
}

/*
 * arena.c: taking space in a segment, with its pages.
 */
#include "write/arena.h"

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/require.h"
#include "segment/words.h"

/*
 * The arena reserves pages in steps of this size, so that it asks the kernel
 * seldom.
 */
#define ARENA_STEP (64 * 1024)

/* A region whose space is taken from its beginning on. */
struct region {
	uint64_t *used;  /* the bump mark */
	uint64_t *ready; /* below it pages exist; null: reserve each time */
	uint64_t end;
	uint64_t step; /* unit of reservation */
	int (*reserve)(const struct cmxi_segment *, uint64_t at, uint64_t n);
};

/*
 * Reserve the pages of a region up to end: those above its ready mark, which is
 * then raised, or those of [from, end) where it has none.
 */
static int
make_ready(const struct cmxi_segment *s, const struct region *r, uint64_t from,
    uint64_t end)
{
	uint64_t ready = from;
	int result;

	if (r->ready != NULL)
		ready = cmxi_ready_mark_load(r->ready);
	if (end <= ready)
		return 0;
	end = cmxi_round_up(end, r->step);
	if (end > r->end)
		end = r->end;
	result = r->reserve(s, ready, end - ready);
	if (result == 0 && r->ready != NULL)
		/*
		 * (I) release, pairs with (J).
		 * Orders the reservation of the pages before the mark.
		 */
		cmxi_max64_release(r->ready, end);
	return result;
}

/*
 * Take size bytes on a multiple of align.  The pages are reserved before the
 * mark moves: a file system that is full for a while costs no space.
 */
static int
take_space(const struct cmxi_segment *s, const struct region *r, uint64_t size,
    uint64_t align, uint64_t *at)
{
	uint64_t used = cmxi_load64_relaxed(r->used);

	/* Bound: a turn is lost only to another writer's success. */
	for (;;) {
		uint64_t from = cmxi_round_up(used, align);
		int result;

		if (from < used || from > r->end || r->end - from < size)
			return CMX_ERR_FULL;
		result = make_ready(s, r, from, from + size);
		if (result != 0)
			return result;
		/*
		 * relaxed: reserving space publishes no data; the pages were
		 * populated above
		 */
		if (cmxi_cas64_relaxed(r->used, &used, from + size)) {
			*at = from;
			return 0;
		}
	}
}

static int
reserve_arena(const struct cmxi_segment *s, uint64_t at, uint64_t n)
{
	return cmxi_segment_reserve(s, s->fixed.arena_offset + at, n);
}

static int
reserve_shared_gauges(const struct cmxi_segment *s, uint64_t at, uint64_t n)
{
	return cmxi_segment_reserve(s,
	    s->fixed.gauge_offset +
		s->fixed.n_slots * s->fixed.gauge_stripe_size + at,
	    n);
}

int
cmxi_arena_take_entry(const struct cmxi_segment *s, uint64_t size,
    uint64_t align, uint32_t *ref)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	const struct region arena = { &h->arena_used, &h->arena_ready,
		s->fixed.arena_size, ARENA_STEP, reserve_arena };
	uint64_t at;
	int r;

	REQUIRE(align >= CMXI_ENTRY_UNIT && (align & (align - 1)) == 0);
	REQUIRE(size % CMXI_ENTRY_UNIT == 0);
	r = take_space(s, &arena, size, align, &at);
	if (r == 0)
		*ref = (uint32_t)(at / CMXI_ENTRY_UNIT);
	return r;
}

int
cmxi_arena_take_cells(const struct cmxi_segment *s, uint64_t size,
    uint64_t *offset)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	const struct region cells = { &h->cell_used, &h->cell_ready,
		s->fixed.stripe_size, s->fixed.page_size,
		cmxi_segment_reserve_cells };

	/* pairs lie on 16 bytes, counters on 8 */
	return take_space(s, &cells, size, size > 8 ? 16 : 8, offset);
}

int
cmxi_arena_take_gauge(const struct cmxi_segment *s, uint64_t *offset)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	const struct region gauges = { &h->gauge_used, NULL,
		s->fixed.gauge_stripe_size, 8, reserve_shared_gauges };

	return take_space(s, &gauges, 8, 8, offset);
}

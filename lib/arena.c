/*
 * arena.c: taking space in a segment, with its pages.  Level 6w.
 */
#include "arena.h"

#include "atomic.h"
#include "check.h"

/* Arena pages are reserved in steps of this, to ask the kernel seldom. */
#define ARENA_STEP (64 * 1024)

static uint64_t
round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/*
 * Advance a bump mark by size, on a multiple of align.  Overshooting the end
 * is how "full" looks; the mark never wraps in a life (2^64 bytes).
 */
static int
bump(uint64_t *mark, uint64_t size, uint64_t align, uint64_t unit, uint64_t end,
    uint64_t *at)
{
	uint64_t slack = align > unit ? align - unit : 0;
	uint64_t from;

	/* A full mark is left alone, so that it cannot creep up to 2^64. */
	if (cmxi_load64_relaxed(mark) > end)
		return CMX_ERR_FULL;
	/* relaxed: the space carries nothing; pages come by the ready mark */
	from = round_up(cmxi_add64_relaxed(mark, size + slack), align);
	if (from > end || end - from < size)
		return CMX_ERR_FULL;
	*at = from;
	return 0;
}

int
cmxi_arena_take_entry(const struct cmxi_segment *s, uint64_t size,
    uint64_t align, uint32_t *ref)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	uint64_t at, ready, step_end;
	int r;

	REQUIRE(size % CMXI_ENTRY_UNIT == 0);
	r = bump(&h->arena_used, size, align, CMXI_ENTRY_UNIT,
	    s->fixed.arena_size, &at);
	if (r != 0)
		return r;
	*ref = (uint32_t)(at / CMXI_ENTRY_UNIT);
	/* acquire: whoever raised the mark has reserved the pages below it */
	ready = cmxi_load64_acquire(&h->arena_ready);
	if (at + size <= ready)
		return 0;
	step_end = round_up(at + size, ARENA_STEP);
	if (step_end > s->fixed.arena_size)
		step_end = s->fixed.arena_size;
	if (ready > step_end)
		return CMX_ERR_FORMAT;
	r = cmxi_segment_reserve(s, s->fixed.arena_offset + ready,
	    step_end - ready);
	if (r == 0)
		/* release: the pages before the mark */
		cmxi_max64_release(&h->arena_ready, step_end);
	return r;
}

int
cmxi_arena_take_cells(const struct cmxi_segment *s, uint64_t size,
    uint64_t *offset)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	/* pairs lie on 16 bytes, counters on 8 */
	uint64_t align = size > 8 ? 16 : 8;
	uint64_t ready, end;
	int r;

	r = bump(&h->cell_used, size, align, 8, s->fixed.stripe_size, offset);
	if (r != 0)
		return r;
	/* acquire: as above */
	ready = cmxi_load64_acquire(&h->cell_ready);
	end = round_up(*offset + size, s->fixed.page_size);
	if (end <= ready)
		return 0;
	if (end > s->fixed.stripe_size)
		return CMX_ERR_FORMAT;
	r = cmxi_segment_reserve_cells(s, ready, end - ready);
	if (r == 0)
		/* release: the pages before the mark */
		cmxi_max64_release(&h->cell_ready, end);
	return r;
}

int
cmxi_arena_take_gauge(const struct cmxi_segment *s, uint64_t *offset)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	int r =
	    bump(&h->gauge_used, 8, 8, 8, s->fixed.gauge_stripe_size, offset);

	if (r != 0)
		return r;
	return cmxi_segment_reserve(s,
	    s->fixed.gauge_offset +
		s->fixed.n_slots * s->fixed.gauge_stripe_size + *offset,
	    8);
}

/*
 * words.h: the words by which processes tell each other what is there.
 *
 * Both halves load them here, so that each order has one place.  A load that
 * finds a word set sees everything that was done before the word was stored;
 * protocols.h argues each pair.
 */
#ifndef CMXI_WORDS_H
#define CMXI_WORDS_H

#include "base/atomic.h"
#include "base/require.h"
#include "segment/segment.h"

/* Index: tag << 32 | entry, and a bit for each page of it */

static inline uint64_t *
cmxi_index_word(const struct cmxi_segment *s, uint64_t slot)
{
	REQUIRE(slot < s->fixed.n_index_words);
	return (uint64_t *)(void *)(s->base + s->fixed.index_offset) + slot;
}

static inline uint64_t
cmxi_index_word_load(const struct cmxi_segment *s, uint64_t slot)
{
	/*
	 * (B) acquire, pairs with (A).
	 * Orders this load before the loads of the entry, and before stores to
	 * its cells (O1).  Without it a look-up could read half an entry.
	 */
	return cmxi_load64_acquire(cmxi_index_word(s, slot));
}

static inline uint64_t *
cmxi_index_page_bits(const struct cmxi_segment *s, uint64_t slot, uint64_t *bit)
{
	uint64_t page = slot * sizeof(uint64_t) / s->fixed.page_size;

	*bit = UINT64_C(1) << page % 64;
	return (uint64_t *)(void *)(s->base + s->fixed.bitmap_offset) +
	    page / 64;
}

static inline bool
cmxi_index_page_exists(const struct cmxi_segment *s, uint64_t slot)
{
	uint64_t bit;
	const uint64_t *bits = cmxi_index_page_bits(s, slot, &bit);

	/*
	 * (D) acquire, pairs with (C).
	 * Orders this load before every load of the page.  Without it a load
	 * could reach a page that is not there yet, and allocate it here.
	 */
	return (cmxi_load64_acquire(bits) & bit) != 0;
}

/* Family table: tag << 32 | entry */

static inline uint64_t *
cmxi_family_word(const struct cmxi_segment *s, uint64_t i)
{
	REQUIRE(i < s->fixed.n_family_words);
	return (uint64_t *)(void *)(s->base + s->fixed.family_offset) + i;
}

static inline uint64_t
cmxi_family_word_load(const struct cmxi_segment *s, uint64_t i)
{
	/*
	 * (H) acquire, pairs with (G).
	 * Orders this load before the loads of the record (O1).  Without it a
	 * look-up could read half a record.
	 */
	return cmxi_load64_acquire(cmxi_family_word(s, i));
}

/* Marks: below them every page of a region exists */

static inline uint64_t
cmxi_ready_mark_load(const uint64_t *mark)
{
	/*
	 * (J) acquire, pairs with (I).
	 * Orders this load before every access below the mark.  Without it a
	 * store could reach a page that is not there yet, and fault.
	 */
	return cmxi_load64_acquire(mark);
}

/* Carried: the predecessor's totals stand in the carry stripe */

static inline bool
cmxi_segment_is_carried(const struct cmxi_segment *s)
{
	/*
	 * (R) acquire, pairs with (Q).
	 * Orders this load before the loads of the totals and of their size.
	 * Without it a reader could miss totals that it no longer reads in the
	 * old file (O4).
	 */
	return cmxi_load64_acquire(&cmxi_segment_header(s)->carried) != 0;
}

#endif

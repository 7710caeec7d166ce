/*
 * index.c: putting entries into the index.
 */
#include "write/index.h"

#include "base/clock.h"
#include "base/require.h"

/* Reserve the memory of the index page that has a word, and set its bit. */
static int
make_page(const struct cmxi_segment *s, uint64_t slot)
{
	uint64_t bit;
	uint64_t *bits = cmxi_index_page_bits(s, slot, &bit);
	int r;

	if (cmxi_index_page_exists(s, slot))
		return 0;
	r = cmxi_segment_reserve(s,
	    s->fixed.index_offset + slot * sizeof(uint64_t), sizeof(uint64_t));
	if (r == 0)
		/*
		 * (C) release, pairs with (D).
		 * Orders the page's memory before its bit.  Without it a
		 * reader could allocate the page by looking at it.
		 */
		cmxi_or64_release(bits, bit);
	return r;
}

void
cmxi_entry_fill(struct cmxi_shm_series *entry, const struct cmxi_key *key,
    uint64_t cell_offset)
{
	unsigned char *p = (unsigned char *)(entry + 1);

	entry->hash = key->hash;
	entry->cell_offset = cell_offset;
	entry->created_ns = cmxi_wall_clock_ns();
	entry->key_size = (uint32_t)key->size;
	entry->key_family = key->family;
	for (uint32_t i = 0; i < key->n_labels; i++) {
		memcpy(p, &key->lengths[i], sizeof(key->lengths[i]));
		memcpy(p + sizeof(key->lengths[i]),
		    cmxi_or_empty(key->values[i]), key->lengths[i]);
		p += sizeof(key->lengths[i]) + key->lengths[i];
	}
}

/* Publish as cmxi_index_publish() does, without the counts. */
static uint32_t
publish_word(const struct cmxi_segment *s, const struct cmxi_key *key,
    struct cmxi_probe *p, uint32_t ref)
{
	uint64_t word = (key->hash >> 32) << 32 | ref;

	/* Bound: each turn moves on by one word, or finds the key. */
	while (p->n < CMXI_PROBE_MAX) {
		uint64_t seen = 0;

		uint64_t slot = cmxi_probe_slot(p);

		if (make_page(s, slot) != 0)
			return 0;
		/*
		 * (A) release, pairs with (B).
		 * Orders the entry's bytes and its cells' pages before the word
		 * (O1).  Without it a look-up could find half an entry.
		 */
		if (cmxi_cas64_release(cmxi_index_word(s, slot), &seen, word))
			return ref;
		/*
		 * The word is taken: the winner may have inserted the same key.
		 */
		cmxi_index_walk(s, key, p);
		if (p->found != 0)
			return p->found;
	}
	return 0;
}

/*
 * inserts_begun counts the inserts that were published or are under way;
 * inserts_done those that were published.  Equal counts say that none is under
 * way.
 */
static void
change_insert_count(uint64_t *count, uint64_t change)
{
	/*
	 * (E) acq_rel, pairs with (F).
	 * Keeps the index word between the two counts: inserts_begun is raised
	 * before the word is stored, inserts_done after.  Without it a reader
	 * could take an index that it scanned too early for the whole.
	 */
	cmxi_add64_acq_rel(count, change);
}

uint32_t
cmxi_index_publish(const struct cmxi_segment *s, const struct cmxi_key *key,
    struct cmxi_probe *p, uint32_t ref)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	uint32_t there;

	REQUIRE(p->found == 0 && ref != 0);
	change_insert_count(&h->inserts_begun, 1);
	there = publish_word(s, key, p, ref);
	if (there == ref)
		change_insert_count(&h->inserts_done, 1);
	else
		/*
		 * The insert published nothing: take it back, so that the
		 * counts are equal again.
		 */
		change_insert_count(&h->inserts_begun, (uint64_t)-1);
	return there;
}

/*
 * own_page.h: memory that belongs to one process and is cleared in its
 * children.
 *
 * The kernel clears one private page in each forked child (fork, raw clone and
 * _Fork alike).  A child so begins without slot, salt and spares, and no
 * function has to be called after fork.  A vfork child shares the parent's page
 * and must not update metrics.
 */
#ifndef CMXI_OWN_PAGE_H
#define CMXI_OWN_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segment/format.h"

#define CMXI_SPARES 8

enum cmxi_spare_kind {
	CMXI_SPARE_ENTRY, /* size in units, place in units */
	CMXI_SPARE_CELL,  /* size in bytes, place in bytes */
	CMXI_SPARE_GAUGE,
	CMXI_SPARE_KINDS
};

struct cmxi_own_page {
	/* Mixes this process's threads over the fallback shards; 0: unset. */
	uint64_t salt;
	/*
	 * The slot: its generation, how it is held, its number (below), or one
	 * of two special values.
	 */
	uint64_t slot;
	/*
	 * Bytes of this process's gauge stripe that updates may use without a
	 * look at the slot; 0 where the slot is held as a process.
	 */
	uint64_t gauge_ready;
	/* Bytes of it whose pages are reserved. */
	uint64_t gauge_pages;
	/* The mapping that holds the slot's locks, or 0. */
	uint64_t beacon;
	/* Why no slot was had: a bit for each reason, which was counted. */
	uint64_t refusals;
	/* CLOCK_MONOTONIC_COARSE; before it, no slot is asked for again. */
	uint64_t next_try_ns;
	/* The role that the process set; may be empty. */
	uint64_t role[CMXI_ROLE_SIZE / 8];
	/*
	 * Space that lost a race and waits for the next insert: size << 40 |
	 * place; 0: empty.
	 */
	uint64_t spares[CMXI_SPARE_KINDS][CMXI_SPARES];
};

#define CMXI_SLOT_NONE          UINT64_C(0)
#define CMXI_SLOT_BEING_CLAIMED UINT64_MAX

/* generation << 32 | CMXI_SLOT_AS_PROCESS | number + 1 */
#define CMXI_SLOT_AS_PROCESS UINT64_C(0x80000000)

static inline bool
cmxi_slot_is_taken(uint64_t word)
{
	return word != CMXI_SLOT_NONE && word != CMXI_SLOT_BEING_CLAIMED;
}

static inline uint64_t
cmxi_slot_number(uint64_t word)
{
	return (word & (CMXI_SLOT_AS_PROCESS - 1)) - 1;
}

/*
 * Private memory where neither the stack nor the heap may be used: a look-up
 * may run in a signal handler.  Returns null where there is none.
 */
char *cmxi_scratch_map(size_t size);
void cmxi_scratch_unmap(char *, size_t size);

/* A new page, or null and errno. */
struct cmxi_own_page *cmxi_own_page_new(void);
void cmxi_own_page_free(struct cmxi_own_page *);

/*
 * Take a spare whose size is in [size, most].  Returns false where there is
 * none.  Safety: thread, signal.
 */
bool cmxi_own_page_take_spare(struct cmxi_own_page *, enum cmxi_spare_kind,
    uint64_t size, uint64_t most, uint64_t *place);

/*
 * Keep space for a later insert.  Returns false where all places are taken; the
 * space is lost then.
 */
bool cmxi_own_page_give_spare(struct cmxi_own_page *, enum cmxi_spare_kind,
    uint64_t size, uint64_t place);

#endif

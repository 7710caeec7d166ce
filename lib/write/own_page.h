/*
 * own_page.h: what belongs to one process and not to its children.
 *
 * One private page that the kernel clears in a forked child (fork, raw clone,
 * _Fork alike), so that a child starts with nothing of its parent's, and
 * nobody has to call anything after fork.  A vfork child shares the parent's
 * page and must not update.
 */
#ifndef CMXI_OWN_PAGE_H
#define CMXI_OWN_PAGE_H

#include <stdbool.h>
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
	/* Slot + 1; 0: none yet.  Written once, by compare-and-swap. */
	uint64_t slot;
	/* Bytes of this process's gauge stripe that have pages. */
	uint64_t gauge_ready;
	/* The mapping that holds the slot's beacon, or 0. */
	uint64_t beacon;
	/* What the process named itself, or empty. */
	uint64_t role[CMXI_ROLE_SIZE / 8];
	/*
	 * Space that was taken and lost to another's insert, for the next one:
	 * size << 40 | place; 0: empty.
	 */
	uint64_t spares[CMXI_SPARE_KINDS][CMXI_SPARES];
};

/* A new page, or null. */
struct cmxi_own_page *cmxi_own_page_new(void);
void cmxi_own_page_free(struct cmxi_own_page *);

/*
 * Take a spare place of at least size and at most most; false if there is
 * none.  Any thread, any signal handler.
 */
bool cmxi_own_page_take_spare(struct cmxi_own_page *, enum cmxi_spare_kind,
    uint64_t size, uint64_t most, uint64_t *place);

/* Keep a place for later; false where there is no room, and it is lost. */
bool cmxi_own_page_give_spare(struct cmxi_own_page *, enum cmxi_spare_kind,
    uint64_t size, uint64_t place);

#endif

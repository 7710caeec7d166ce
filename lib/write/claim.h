/*
 * claim.h: a slot of one's own: found, wiped, and held for as long as the
 * process lives.
 */
#ifndef CMXI_CLAIM_H
#define CMXI_CLAIM_H

#include "segment/segment.h"
#include "write/own_page.h"

enum cmxi_claim_result {
	CMXI_CLAIM_OK,
	/* Descriptors, memory or pages are short: the next try may succeed. */
	CMXI_CLAIM_LATER,
	/* Every slot is taken. */
	CMXI_CLAIM_FULL,
	/* The file cannot be opened again, and no descriptor of it is left. */
	CMXI_CLAIM_DENIED,
	/* A read lock, which who may only read can hold, is in the way. */
	CMXI_CLAIM_BLOCKED
};

/* A slot that was claimed, and by what it is held. */
struct cmxi_claim {
	uint64_t number;
	uint32_t generation; /* what the slot's is while it is ours */
	uint64_t pages;      /* bytes of its gauge stripe that have pages */
	/* The mapping that holds the locks; null: the process itself does. */
	void *beacon;
};

/*
 * Claim a slot, with pages for [0, end) of its gauge stripe, all its values
 * unset.  Requires: nothing interrupts the thread (base/undisturbed.h).
 */
enum cmxi_claim_result cmxi_claim_take(const struct cmxi_segment *,
    const struct cmxi_own_page *, uint64_t end, struct cmxi_claim *);

/* Give a slot back: its values disappear. */
void cmxi_claim_drop(const struct cmxi_segment *, const struct cmxi_claim *);

/*
 * Set the role of the process, repaired and cut; and store it in the slot that
 * the process owns, or the name of its program where no role was set.
 */
void cmxi_claim_set_role(struct cmxi_own_page *, const char *text);
void cmxi_claim_write_role(const struct cmxi_segment *, uint64_t number,
    const struct cmxi_own_page *);

/*
 * Reserve the pages [0, end) of a slot's gauge stripe, and raise the slot's
 * mark.  Returns 0 or a negative enum cmx_err.
 */
int cmxi_claim_reserve(const struct cmxi_segment *, uint64_t number,
    uint64_t end);

/* Is a slot still of this generation, or has another process taken it? */
bool cmxi_claim_is_current(const struct cmxi_segment *, uint64_t number,
    uint32_t generation);

#endif

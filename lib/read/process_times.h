/*
 * process_times.h: the CPU time of processes that have ended.
 *
 * The kernel forgets the CPU time of a process when it ends.  What the last
 * scrape saw of it is kept for its role, so that the sum never falls.
 */
#ifndef CMXI_PROCESS_TIMES_H
#define CMXI_PROCESS_TIMES_H

#include <stdbool.h>

#include "segment/segment.h"

/*
 * The number of roles that are told apart; further ones are summed as the
 * overflow role, number 0.
 */
#define CMXI_ROLES_MAX 256

/* The CPU time of the process that was last seen in a slot. */
struct cmxi_slot_time {
	uint32_t generation; /* 0: none */
	uint32_t role;
	uint64_t cpu_ticks;  /* as of the last scrape */
	uint64_t base_ticks; /* the ticks before belong to other roles */
};

/* The slots of one segment, which may be closed and opened again meanwhile. */
struct cmxi_slot_times {
	uint64_t seed; /* of the segment */
	uint64_t n;
	struct cmxi_slot_time *slots; /* null: free */
};

struct cmxi_process_times {
	struct cmxi_slot_times segments[CMXI_PREDECESSORS_MAX + 1];
	/* Of processes that have ended. */
	uint64_t kept_ticks[CMXI_ROLES_MAX + 1];
};

/*
 * Begin a scrape of these segments, at most as many as there are places.
 * Another one that was read before is gone, and so are its processes: their
 * time is kept.
 */
void cmxi_process_times_begin(struct cmxi_process_times *,
    const struct cmxi_segment *const *segments, size_t n);

/* The times of a segment's slots.  Null: no memory. */
struct cmxi_slot_times *cmxi_process_times_of(struct cmxi_process_times *,
    const struct cmxi_segment *);

/* The process of a slot has ended: keep its time for its role. */
void cmxi_process_times_keep(struct cmxi_process_times *,
    struct cmxi_slot_time *);

/*
 * A slot has a live process, perhaps another one than before, with this role.
 */
void cmxi_process_times_note(struct cmxi_process_times *,
    struct cmxi_slot_time *, uint32_t generation, uint32_t role);

void cmxi_process_times_fini(struct cmxi_process_times *);

#endif

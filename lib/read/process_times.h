/*
 * process_times.h: CPU time that processes leave behind when they end.
 *
 * The kernel forgets a process's CPU time with the process.  What was seen of
 * it at the last scrape is kept for its role, so that the sum never goes back.
 */
#ifndef CMXI_PROCESS_TIMES_H
#define CMXI_PROCESS_TIMES_H

#include <stdbool.h>

#include "segment/segment.h"

/* Roles that are told apart; more are summed as the overflow role, number 0. */
#define CMXI_ROLES_MAX 256

/* CPU time of the process that was last seen in a slot. */
struct cmxi_slot_time {
	uint32_t generation; /* 0: none */
	uint32_t role;
	uint64_t cpu_ticks;  /* as of the last scrape */
	uint64_t base_ticks; /* those before it had this role */
};

/* The slots of one segment, which may be closed and opened again. */
struct cmxi_slot_times {
	uint64_t seed; /* of the segment; 0: free */
	uint64_t n;
	bool is_seen; /* in this scrape */
	struct cmxi_slot_time *slots;
};

struct cmxi_process_times {
	struct cmxi_slot_times segments[CMXI_PREDECESSORS_MAX + 1];
	uint64_t kept_ticks[CMXI_ROLES_MAX + 1]; /* of processes that ended */
};

/* A scrape begins: no segment is seen yet. */
void cmxi_process_times_begin(struct cmxi_process_times *);

/* The times of a segment's slots, which is seen now; null: no memory. */
struct cmxi_slot_times *cmxi_process_times_of(struct cmxi_process_times *,
    const struct cmxi_segment *);

/* A slot's process has ended: its time stays with its role. */
void cmxi_process_times_keep(struct cmxi_process_times *,
    struct cmxi_slot_time *);

/* A slot's live process, perhaps another than before, has this role. */
void cmxi_process_times_note(struct cmxi_process_times *,
    struct cmxi_slot_time *, uint32_t generation, uint32_t role);

/* The segments that were not seen are gone, and all their processes. */
void cmxi_process_times_end(struct cmxi_process_times *);

void cmxi_process_times_fini(struct cmxi_process_times *);

#endif

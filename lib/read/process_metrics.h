/*
 * process_metrics.h: the processes of a service, one by one and summed by role.
 *
 * The slots of a segment say which processes live; /proc says what they take.
 * A process is believed only where /proc has one of its pid, start time and
 * pid namespace: what cannot be known is left out.
 */
#ifndef CMXI_PROCESS_METRICS_H
#define CMXI_PROCESS_METRICS_H

#include "read/gauges.h"
#include "read/snapshot.h"

/* Roles that are told apart; more are summed as "__overflow__". */
#define CMXI_ROLES_MAX 256

/* The families, in the order in which they are shown. */
enum cmxi_process_family {
	CMXI_PROCESS_COUNT,
	CMXI_PROCESS_CPU_SECONDS,
	CMXI_PROCESS_RESIDENT_BYTES,
	CMXI_PROCESS_VIRTUAL_BYTES,
	CMXI_PROCESS_OPEN_FDS,
	CMXI_PROCESS_MAX_FDS,
	CMXI_PROCESS_THREADS,
	CMXI_PROCESS_START_TIME,
	CMXI_PROCESS_FAMILIES
};

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

#define CMXI_SLOT_TIMES_MAX (CMXI_PREDECESSORS_MAX + 1)

/* One role at one scrape. */
struct cmxi_role_sum {
	uint64_t kept_ticks; /* of processes that are gone */
	uint64_t n_alive;
	uint64_t cpu_ticks; /* of the living */
	bool has_stat;      /* each of them could be read */
	bool had_stat;      /* one could, once */
	bool has_fds, has_limits;
	uint64_t n_threads, virtual_bytes, resident_bytes;
	uint64_t open_fds, max_fds;
	uint64_t oldest_ticks;
};

struct cmxi_process_metrics {
	struct cmxi_buf slots; /* of struct cmxi_shm_slot: a segment's */
	struct cmxi_buf alive; /* of struct alive, process_metrics.c */
	struct cmxi_slot_times times[CMXI_SLOT_TIMES_MAX];
	/* Series of all the families, one for each role; the first: overflow.
	 */
	size_t n_roles;
	double boot_seconds; /* on the wall clock */
	struct cmxi_catalog_series series[CMXI_ROLES_MAX + 1];
	struct cmxi_role_sum sums[CMXI_ROLES_MAX + 1];
	char names[CMXI_ROLES_MAX + 1][CMXI_ROLE_SIZE];
	char *texts[CMXI_ROLES_MAX + 1];
	struct cmxi_catalog_family families[CMXI_PROCESS_FAMILIES];
	struct cmxi_values values[CMXI_PROCESS_FAMILIES];
};

/* A zeroed one.  Call begin, then add for each segment, then end. */
void cmxi_process_metrics_begin(struct cmxi_process_metrics *);

/*
 * List the slots of a segment, with how many gauges each live one has set.
 * Processes go to list (of struct cmxr_process).  0 or an error.
 */
int cmxi_process_metrics_add(struct cmxi_process_metrics *,
    const struct cmxi_segment *, const struct cmxi_gauge_scratch *,
    struct cmxi_buf *list, struct cmx_error *);

/* Ask /proc, and fill the values of the families. */
int cmxi_process_metrics_end(struct cmxi_process_metrics *, struct cmx_error *);

void cmxi_process_metrics_fini(struct cmxi_process_metrics *);

#endif

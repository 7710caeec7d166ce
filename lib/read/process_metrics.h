/*
 * process_metrics.h: what the processes of a service use, summed by role.
 *
 * The slots of a segment tell which processes live; /proc tells what they use.
 * A process counts unless /proc shows that it ended.  What it uses is known
 * only if /proc has a process of the same pid, start time and pid namespace;
 * other numbers are left out.
 */
#ifndef CMXI_PROCESS_METRICS_H
#define CMXI_PROCESS_METRICS_H

#include "read/gauges.h"
#include "read/process_list.h"
#include "read/process_times.h"
#include "read/values.h"

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

/* One role at one scrape. */
struct cmxi_role_sum {
	uint64_t n_alive;
	uint64_t cpu_ticks; /* of the living */
	bool has_stat;      /* all of them were readable */
	bool had_stat;      /* one was readable at some scrape */
	bool has_fds, has_limits;
	uint64_t n_threads, virtual_bytes, resident_bytes;
	uint64_t open_fds, max_fds;
	uint64_t oldest_ticks;
};

struct cmxi_process_metrics {
	struct cmxi_process_list list; /* of the segment that is being added */
	struct cmxi_process_times times;
	struct cmxi_buf alive; /* of struct alive, process_metrics.c */
	/*
	 * The values of every family: a series for each role, the overflow role
	 * first.
	 */
	size_t n_roles;
	int64_t clock_offset; /* of our time namespace, in seconds */
	double boot_seconds;  /* on the wall clock */
	uint32_t text_max;    /* the longest text of a series */
	struct cmxi_catalog_series series[CMXI_ROLES_MAX + 1];
	struct cmxi_role_sum sums[CMXI_ROLES_MAX + 1];
	char names[CMXI_ROLES_MAX + 1][CMXI_ROLE_SIZE];
	char *texts[CMXI_ROLES_MAX + 1];
	struct cmxi_catalog_family families[CMXI_PROCESS_FAMILIES];
	struct cmxi_values values[CMXI_PROCESS_FAMILIES];
};

/*
 * Initialise zeroed memory.  At each scrape call begin with all its
 * segments, add for each of them, and end.
 */
void cmxi_process_metrics_begin(struct cmxi_process_metrics *,
    const struct cmxi_segment *const *segments, size_t n);

/*
 * List the slots of a segment, with the number of gauges that each live one has
 * set. Processes are appended to list (of struct cmxr_process).  Returns 0 or
 * an error.
 */
int cmxi_process_metrics_add(struct cmxi_process_metrics *,
    const struct cmxi_segment *, const struct cmxi_gauge_scratch *,
    struct cmxi_buf *list, struct cmx_error *);

/* Read /proc, and fill the values of the families. */
int cmxi_process_metrics_end(struct cmxi_process_metrics *, struct cmx_error *);

void cmxi_process_metrics_fini(struct cmxi_process_metrics *);

#endif

/*
 * process_metrics.c: what the processes of a service take, summed by role.
 */
#include "read/process_metrics.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "segment/procfs.h"

/* A live process that /proc will be asked about. */
struct alive {
	uint32_t pid;
	uint32_t role;
	uint64_t start_ticks;
	uint64_t pid_namespace;
	uint64_t claimed_ns;
	struct cmxi_slot_time *time;
};

/* Families */

#define FAMILY(n, h, t)                                            \
	{                                                          \
		.name = (n), .help = (h), .type = (t), .unit = "", \
		.n_labels = 1                                      \
	}

static const struct cmx_family_def definitions[CMXI_PROCESS_FAMILIES] = {
	[CMXI_PROCESS_COUNT] = FAMILY("codeai_process_count",
	    "Live processes that use the segment", CMX_GAUGE),
	[CMXI_PROCESS_CPU_SECONDS] = FAMILY("codeai_process_cpu_seconds_total",
	    "User and system CPU time spent, in seconds, that of dead processes kept",
	    CMX_COUNTER),
	[CMXI_PROCESS_RESIDENT_BYTES] =
	    FAMILY("codeai_process_resident_memory_bytes",
		"Resident memory, in bytes; shared pages count in each",
		CMX_GAUGE),
	[CMXI_PROCESS_VIRTUAL_BYTES] =
	    FAMILY("codeai_process_virtual_memory_bytes",
		"Virtual memory, in bytes", CMX_GAUGE),
	[CMXI_PROCESS_OPEN_FDS] = FAMILY("codeai_process_open_fds",
	    "Open file descriptors", CMX_GAUGE),
	[CMXI_PROCESS_MAX_FDS] = FAMILY("codeai_process_max_fds",
	    "File descriptors that may be open, summed", CMX_GAUGE),
	[CMXI_PROCESS_THREADS] =
	    FAMILY("codeai_process_threads", "Threads", CMX_GAUGE),
	[CMXI_PROCESS_START_TIME] = FAMILY("codeai_process_start_time_seconds",
	    "Start of the oldest live process since the epoch, in seconds",
	    CMX_GAUGE),
};

static void
init_families(struct cmxi_process_metrics *p)
{
	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++) {
		struct cmxi_catalog_family *f = &p->families[i];

		f->definition.def = definitions[i];
		f->definition.labels[0] = "role";
		f->definition.def.labels = f->definition.labels;
		f->definition.def.is_double =
		    f->definition.def.type == CMX_COUNTER;
		f->created_ns = cmxi_wall_clock_ns();
		f->series = p->series;
		p->values[i].needs_set = true;
	}
}

void
cmxi_process_metrics_fini(struct cmxi_process_metrics *p)
{
	cmxi_process_list_fini(&p->list);
	cmxi_process_times_fini(&p->times);
	cmxi_buf_fini(&p->alive);
	for (size_t i = 0; i < p->n_roles; i++)
		free(p->texts[i]);
	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++)
		cmxi_values_fini(&p->values[i]);
	memset(p, 0, sizeof(*p));
}

/* Roles */

static void
clear_sum(struct cmxi_role_sum *sum)
{
	*sum = (struct cmxi_role_sum){ .had_stat = sum->had_stat,
		.has_stat = true,
		.has_fds = true,
		.has_limits = true };
}

/*
 * The number of a role; 0, the overflow series, where there is no room for it.
 */
static uint32_t
add_role(struct cmxi_process_metrics *p, const char *name)
{
	struct cmxi_buf text = { .data = NULL };
	size_t i = p->n_roles;

	if (i > CMXI_ROLES_MAX)
		return 0;
	cmxi_buf_string(&text, "role=\"");
	cmxi_buf_escaped(&text, name, strlen(name));
	cmxi_buf_bytes(&text, "\"", sizeof("\""));
	if (text.failed) {
		cmxi_buf_fini(&text);
		return 0;
	}
	strncpy(p->names[i], name, CMXI_ROLE_SIZE - 1);
	p->texts[i] = text.data;
	p->series[i] = (struct cmxi_catalog_series){
		.created_ns = cmxi_wall_clock_ns(),
		.text = text.data,
		.text_size = (uint32_t)text.size - 1,
		.is_escaped = strchr(text.data, '\\') != NULL,
	};
	if (p->series[i].text_size > p->text_max)
		p->text_max = p->series[i].text_size;
	clear_sum(&p->sums[i]);
	p->n_roles++;
	return (uint32_t)i;
}

static uint32_t
find_role(struct cmxi_process_metrics *p, const char *name)
{
	for (size_t i = 1; i < p->n_roles; i++)
		if (strcmp(p->names[i], name) == 0)
			return (uint32_t)i;
	return add_role(p, name);
}

/* The living */

/*
 * Note the wall clock's time when the machine booted.  It is kept as it is
 * while the clock is only slewed, so that the start time of a process stays the
 * same; a clock that was set (by a second or more) is followed.
 */
static void
note_boot(struct cmxi_process_metrics *p)
{
	double seconds = ((double)cmxi_wall_clock_ns() -
			     (double)cmxi_clock_ns(CLOCK_BOOTTIME)) /
		(double)CMXI_NS_PER_SECOND +
	    (double)p->clock_offset;

	if (fabs(seconds - p->boot_seconds) >= 1)
		p->boot_seconds = seconds;
}

void
cmxi_process_metrics_begin(struct cmxi_process_metrics *p,
    const struct cmxi_segment *const *segments, size_t n)
{
	if (p->n_roles == 0) {
		init_families(p);
		add_role(p, CMXI_OVERFLOW_VALUE);
	}
	p->clock_offset = cmxi_procfs_clock_offset();
	note_boot(p);
	p->alive.size = 0;
	cmxi_process_times_begin(&p->times, segments, n);
	for (size_t i = 0; i < p->n_roles; i++)
		clear_sum(&p->sums[i]);
}

static void
note_alive(struct cmxi_process_metrics *p, const struct cmxi_shm_slot *slot,
    const char *role, struct cmxi_slot_time *time)
{
	struct alive alive = { .pid = slot->pid,
		.role = find_role(p, role),
		.start_ticks = slot->start_ticks,
		.pid_namespace = slot->pid_namespace,
		.claimed_ns = slot->claimed_ns,
		.time = time };

	cmxi_process_times_note(&p->times, time, slot->generation, alive.role);
	cmxi_buf_bytes(&p->alive, &alive, sizeof(alive));
}

int
cmxi_process_metrics_add(struct cmxi_process_metrics *p,
    const struct cmxi_segment *s, const struct cmxi_gauge_scratch *gauges,
    struct cmxi_buf *list, struct cmx_error *err)
{
	struct cmxi_slot_times *times = cmxi_process_times_of(&p->times, s);
	int r = times == NULL ?
	    CMX_ERR_MEMORY :
	    cmxi_process_list_load(&p->list, s, gauges, err);

	for (size_t i = 0; r == 0 && i < cmxi_process_list_size(&p->list);
	     i++) {
		const struct cmxi_shm_slot *slot;
		struct cmxr_process process;

		if (!cmxi_process_list_get(&p->list, i, gauges, &process,
			&slot))
			continue;
		cmxi_buf_bytes(list, &process, sizeof(process));
		if (process.is_alive)
			note_alive(p, slot, process.role, &times->slots[i]);
		else
			cmxi_process_times_keep(&p->times, &times->slots[i]);
	}
	if (r == CMX_ERR_MEMORY || list->failed || p->alive.failed)
		return cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the processes of the segment");
	return r;
}

/* Sums */

/* 0: two slots of one process. */
static int
compare_process(const struct alive *x, const struct alive *y)
{
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	if (x->pid_namespace != y->pid_namespace)
		return x->pid_namespace < y->pid_namespace ? -1 : 1;
	return 0;
}

/* The slots of one process stand by their age, the same at each scrape. */
static int
compare_alive(const void *a, const void *b)
{
	const struct alive *x = a, *y = b;
	int order = compare_process(x, y);

	if (order != 0 || x->claimed_ns == y->claimed_ns)
		return order;
	return x->claimed_ns < y->claimed_ns ? -1 : 1;
}

/* Add what /proc/PID/stat tells to the sums of the process's role. */
static void
add_stat(struct cmxi_role_sum *sum, struct cmxi_slot_time *time,
    const struct cmxi_procfs_stat *stat)
{
	/*
	 * The kernel's sum may fall by a tick; the sum that is shown does not.
	 */
	if (stat->cpu_ticks > time->cpu_ticks)
		time->cpu_ticks = stat->cpu_ticks;
	sum->n_threads += stat->n_threads;
	sum->virtual_bytes += stat->virtual_bytes;
	sum->resident_bytes +=
	    stat->resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (sum->oldest_ticks == 0 || stat->start_ticks < sum->oldest_ticks)
		sum->oldest_ticks = stat->start_ticks;
}

/*
 * What is known of a process that had a slot: it ended (another process may
 * have its pid now), /proc does not show it, or *stat is its own.
 */
enum identity { IS_GONE, IS_HIDDEN, IS_KNOWN };

static enum identity
identify(const struct alive *a, uint64_t our_namespace, int64_t clock_offset,
    struct cmxi_procfs_stat *stat)
{
	if (our_namespace == 0 || a->pid_namespace != our_namespace ||
	    a->start_ticks == 0)
		return IS_HIDDEN;
	if (cmxi_procfs_stat(a->pid, clock_offset, stat))
		return stat->start_ticks == a->start_ticks ? IS_KNOWN : IS_GONE;
	/* The process ended just now, or /proc is not mounted, or hides it. */
	return kill((pid_t)a->pid, 0) != 0 && errno == ESRCH ? IS_GONE :
							       IS_HIDDEN;
}

static void
add_alive(struct cmxi_process_metrics *p, const struct alive *a,
    uint64_t our_namespace)
{
	struct cmxi_role_sum *sum = &p->sums[a->role];
	struct cmxi_procfs_stat stat;
	enum identity identity =
	    identify(a, our_namespace, p->clock_offset, &stat);
	int64_t n_fds = -1, max_fds = -1;

	sum->cpu_ticks += a->time->cpu_ticks - a->time->base_ticks;
	if (identity == IS_GONE)
		return;
	sum->n_alive++;
	if (identity == IS_KNOWN) {
		uint64_t before = a->time->cpu_ticks;

		add_stat(sum, a->time, &stat);
		sum->cpu_ticks += a->time->cpu_ticks - before;
		n_fds = cmxi_procfs_open_fds(a->pid);
		max_fds = cmxi_procfs_max_fds(a->pid);
		sum->had_stat = true;
	}
	sum->has_stat &= identity == IS_KNOWN;
	sum->has_fds &= n_fds >= 0;
	sum->has_limits &= max_fds >= 0;
	sum->open_fds += n_fds > 0 ? (uint64_t)n_fds : 0;
	sum->max_fds += max_fds > 0 ? (uint64_t)max_fds : 0;
}

/*
 * The second slot of one process, from a second registry: the process is
 * counted once.  The second slot begins at the first one's ticks, in case the
 * first is closed.
 */
static void
start_after_first_slot(const struct alive *a, const struct alive *first)
{
	a->time->cpu_ticks = a->time->base_ticks = first->time->cpu_ticks;
}

static void
set_role_value(struct cmxi_process_metrics *p, enum cmxi_process_family family,
    size_t role, bool is_known, double v)
{
	p->values[family].value[role] = v;
	p->values[family].n_set[role] = is_known;
}

static void
fill_role(struct cmxi_process_metrics *p, size_t i, double hz)
{
	const struct cmxi_role_sum *sum = &p->sums[i];
	bool lives = sum->n_alive > 0, has_stat = lives && sum->has_stat;

	/* The overflow role is shown only if a process is counted in it. */
	set_role_value(p, CMXI_PROCESS_COUNT, i, i > 0 || lives,
	    (double)sum->n_alive);
	set_role_value(p, CMXI_PROCESS_CPU_SECONDS, i, sum->had_stat,
	    (double)(p->times.kept_ticks[i] + sum->cpu_ticks) / hz);
	set_role_value(p, CMXI_PROCESS_RESIDENT_BYTES, i, has_stat,
	    (double)sum->resident_bytes);
	set_role_value(p, CMXI_PROCESS_VIRTUAL_BYTES, i, has_stat,
	    (double)sum->virtual_bytes);
	set_role_value(p, CMXI_PROCESS_OPEN_FDS, i, lives && sum->has_fds,
	    (double)sum->open_fds);
	set_role_value(p, CMXI_PROCESS_MAX_FDS, i, lives && sum->has_limits,
	    (double)sum->max_fds);
	set_role_value(p, CMXI_PROCESS_THREADS, i, has_stat,
	    (double)sum->n_threads);
	set_role_value(p, CMXI_PROCESS_START_TIME, i, has_stat,
	    p->boot_seconds + (double)sum->oldest_ticks / hz);
}

int
cmxi_process_metrics_end(struct cmxi_process_metrics *p, struct cmx_error *err)
{
	struct alive *alive = (struct alive *)(void *)p->alive.data;
	size_t n = p->alive.size / sizeof(*alive);
	uint64_t our_namespace = cmxi_procfs_pid_namespace();
	double hz = (double)sysconf(_SC_CLK_TCK);
	size_t first = 0;

	if (n > 0)
		qsort(alive, n, sizeof(*alive), compare_alive);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && alive[i].start_ticks != 0 &&
		    compare_process(&alive[i], &alive[first]) == 0) {
			start_after_first_slot(&alive[i], &alive[first]);
			continue;
		}
		add_alive(p, &alive[i], our_namespace);
		first = i;
	}
	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++) {
		p->families[i].n_series = p->n_roles;
		p->families[i].text_max = p->text_max;
		if (!cmxi_values_prepare(&p->values[i], &p->families[i],
			p->n_roles))
			return cmxi_error(err, CMX_ERR_MEMORY,
			    "no memory for the process metrics");
	}
	for (size_t i = 0; i < p->n_roles; i++)
		fill_role(p, i, hz);
	return 0;
}

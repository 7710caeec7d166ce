/*
 * process_metrics.c: the processes of a service, one by one and summed by role.
 */
#include "read/process_metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "segment/procfs.h"

/* Looks at a slot whose role changes while it is read. */
#define ROLE_TRIES 4

/* Slots that are read at once. */
#define SLOT_BLOCK 256

/* A process that lives, for /proc to be asked about. */
struct alive {
	uint32_t pid;
	uint32_t role;
	uint64_t start_ticks;
	uint64_t pid_namespace;
	struct cmxi_slot_time *time;
};

/* Families */

static const char *const role_label = "role";

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

		f->d.def = definitions[i];
		f->d.labels[0] = role_label;
		f->d.def.labels = f->d.labels;
		f->d.def.is_double = f->d.def.type == CMX_COUNTER;
		f->created_ns = cmxi_wall_clock_ns();
		f->series = p->series;
		p->values[i].needs_set = true;
	}
}

void
cmxi_process_metrics_fini(struct cmxi_process_metrics *p)
{
	cmxi_buf_fini(&p->slots);
	cmxi_buf_fini(&p->alive);
	for (size_t i = 0; i < CMXI_SLOT_TIMES_MAX; i++)
		free(p->times[i].slots);
	for (size_t i = 0; i < p->n_roles; i++)
		free(p->texts[i]);
	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++)
		cmxi_values_fini(&p->values[i]);
	memset(p, 0, sizeof(*p));
}

/* Roles */

/* A role's number; 0, the overflow series, where there is no room for it. */
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

/* CPU time that is kept */

/* The process's time joins that of its role's dead. */
static void
keep_time(struct cmxi_process_metrics *p, struct cmxi_slot_time *t)
{
	if (t->generation != 0)
		p->sums[t->role].kept_ticks += t->cpu_ticks - t->base_ticks;
	*t = (struct cmxi_slot_time){ .generation = 0 };
}

static struct cmxi_slot_times *
times_of(struct cmxi_process_metrics *p, const struct cmxi_segment *s)
{
	struct cmxi_slot_times *free_one = NULL;

	for (size_t i = 0; i < CMXI_SLOT_TIMES_MAX; i++) {
		if (p->times[i].seed == s->fixed.seed)
			return &p->times[i];
		if (p->times[i].seed == 0)
			free_one = &p->times[i];
	}
	if (free_one == NULL)
		return NULL;
	free_one->slots = calloc(s->fixed.n_slots, sizeof(*free_one->slots));
	if (free_one->slots == NULL)
		return NULL;
	free_one->seed = s->fixed.seed;
	free_one->n = s->fixed.n_slots;
	return free_one;
}

/* Segments that are gone: all their processes are. */
static void
drop_times(struct cmxi_process_metrics *p)
{
	for (size_t i = 0; i < CMXI_SLOT_TIMES_MAX; i++) {
		struct cmxi_slot_times *times = &p->times[i];

		if (times->seed == 0 || times->is_seen)
			continue;
		for (uint64_t j = 0; j < times->n; j++)
			keep_time(p, &times->slots[j]);
		free(times->slots);
		*times = (struct cmxi_slot_times){ .seed = 0 };
	}
}

/* Slots */

/* When the machine booted, on the wall clock. */
static double
boot_seconds(void)
{
	return ((double)cmxi_wall_clock_ns() -
		   (double)cmxi_clock_ns(CLOCK_BOOTTIME)) /
	    (double)CMXI_NS_PER_SECOND;
}

void
cmxi_process_metrics_begin(struct cmxi_process_metrics *p)
{
	if (p->n_roles == 0) {
		init_families(p);
		add_role(p, CMXI_OVERFLOW_VALUE);
		/* Once: the clock is adjusted, a start does not move. */
		p->boot_seconds = boot_seconds();
	}
	p->alive.size = 0;
	for (size_t i = 0; i < CMXI_SLOT_TIMES_MAX; i++)
		p->times[i].is_seen = false;
	for (size_t i = 0; i <= CMXI_ROLES_MAX; i++)
		p->sums[i] = (struct cmxi_role_sum){
			.kept_ticks = p->sums[i].kept_ticks,
			.had_stat = p->sums[i].had_stat,
			.has_stat = true,
			.has_fds = true,
			.has_limits = true,
		};
}

static bool
read_slots(const struct cmxi_segment *s, uint64_t from, uint64_t n,
    struct cmxi_shm_slot *slots)
{
	size_t size = n * sizeof(*slots);

	return pread(s->fd, slots, size,
		   (off_t)(s->fixed.slot_offset + from * sizeof(*slots))) ==
	    (ssize_t)size;
}

static bool
is_settled(const struct cmxi_shm_slot *slot, const struct cmxi_shm_slot *before)
{
	return slot->role_version % 2 == 0 && slot->generation % 2 == 0 &&
	    slot->role_version == before->role_version &&
	    slot->generation == before->generation;
}

/*
 * A slot as one owner wrote it, as far as a few looks can tell: its texts are
 * for people, and made printable whatever they are.
 */
static void
reread_until_stable(const struct cmxi_segment *s, uint64_t number,
    struct cmxi_shm_slot *slot)
{
	struct cmxi_shm_slot before = { .generation = 1 };

	for (int i = 0; i < ROLE_TRIES && !is_settled(slot, &before); i++) {
		before = *slot;
		if (!read_slots(s, number, 1, slot))
			return;
	}
}

/* A text of a slot, ended and valid. */
static void
copy_text(char *to, size_t size, const char *from)
{
	size_t n = cmxi_utf8_valid_size(from, strnlen(from, size - 1));

	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}

static void
note_alive(struct cmxi_process_metrics *p, const struct cmxi_shm_slot *slot,
    const char *role, struct cmxi_slot_time *t)
{
	struct alive alive = { .pid = slot->pid,
		.role = find_role(p, role),
		.start_ticks = slot->start_ticks,
		.pid_namespace = slot->pid_namespace,
		.time = t };

	if (t->generation != slot->generation) {
		keep_time(p, t);
		t->generation = slot->generation;
		t->role = alive.role;
	} else if (t->role != alive.role) {
		/* What it used so far stays with the role it had. */
		p->sums[t->role].kept_ticks += t->cpu_ticks - t->base_ticks;
		t->base_ticks = t->cpu_ticks;
		t->role = alive.role;
	}
	cmxi_buf_bytes(&p->alive, &alive, sizeof(alive));
}

static void
add_slot(struct cmxi_process_metrics *p, struct cmxi_shm_slot *slot,
    uint32_t number, const uint32_t *n_set, struct cmxi_slot_times *times,
    struct cmxi_buf *list)
{
	struct cmxr_process process;

	/* Never claimed, or being claimed just now. */
	if (slot->generation == 0 ||
	    (n_set != NULL && slot->generation % 2 != 0))
		return;
	process = (struct cmxr_process){ .slot = number,
		.pid = slot->pid,
		.is_alive = n_set != NULL,
		.claimed_ns = slot->claimed_ns,
		.n_gauges = n_set != NULL ? *n_set : 0 };
	copy_text(process.role, sizeof(process.role), slot->role);
	copy_text(process.command, sizeof(process.command), slot->command);
	cmxi_buf_bytes(list, &process, sizeof(process));
	if (n_set != NULL)
		note_alive(p, slot, process.role, &times->slots[number]);
	else
		keep_time(p, &times->slots[number]);
}

static int
no_memory(struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the processes of the segment");
}

/*
 * The slots that were ever claimed, into p->slots; their number, or an error.
 * A slot is claimed when all before it are taken: behind a block of slots
 * that nobody had, nobody had one.
 */
static int64_t
load_slots(struct cmxi_process_metrics *p, const struct cmxi_segment *s,
    struct cmx_error *err)
{
	uint64_t n = s->fixed.n_slots, at = 0;
	bool is_used = true;

	for (p->slots.size = 0; is_used && at < n;) {
		uint64_t some = n - at < SLOT_BLOCK ? n - at : SLOT_BLOCK;
		struct cmxi_shm_slot *slots;

		if (!cmxi_buf_reserve(&p->slots, some * sizeof(*slots)))
			return no_memory(err);
		slots = (struct cmxi_shm_slot *)(void *)p->slots.data + at;
		if (!read_slots(s, at, some, slots))
			return cmxi_error(err, CMX_ERR_FORMAT,
			    "the segment was truncated: its slots are not there");
		is_used = false;
		for (uint64_t i = 0; i < some; i++) {
			is_used |= slots[i].generation != 0;
			slots[i].reserved = 0;
		}
		p->slots.size += some * sizeof(*slots);
		at += some;
	}
	return (int64_t)at;
}

int
cmxi_process_metrics_add(struct cmxi_process_metrics *p,
    const struct cmxi_segment *s, const struct cmxi_gauge_scratch *gauges,
    struct cmxi_buf *list, struct cmx_error *err)
{
	const uint32_t *live =
	    (const uint32_t *)(const void *)gauges->slots.data;
	const uint32_t *n_set =
	    (const uint32_t *)(const void *)gauges->n_set.data;
	size_t n_live = gauges->slots.size / sizeof(*live);
	struct cmxi_slot_times *times = times_of(p, s);
	struct cmxi_shm_slot *slots;
	int64_t n;

	if (times == NULL)
		return no_memory(err);
	times->is_seen = true;
	n = load_slots(p, s, err);
	if (n < 0)
		return (int)n;
	slots = (struct cmxi_shm_slot *)(void *)p->slots.data;
	/* reserved: in our copy, the number + 1 among the live ones */
	for (size_t i = 0; i < n_live; i++)
		if (live[i] < (uint64_t)n) {
			reread_until_stable(s, live[i], &slots[live[i]]);
			slots[live[i]].reserved = (uint32_t)i + 1;
		}
	for (uint32_t i = 0; i < (uint64_t)n; i++)
		add_slot(p, &slots[i], i,
		    slots[i].reserved > 0 ? &n_set[slots[i].reserved - 1] :
					    NULL,
		    times, list);
	return list->failed || p->alive.failed ? no_memory(err) : 0;
}

/* Sums */

static int
compare_alive(const void *a, const void *b)
{
	const struct alive *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return 0;
}

/* What /proc/PID/stat says joins the sums of its role. */
static void
add_stat(struct cmxi_role_sum *sum, struct cmxi_slot_time *time,
    const struct cmxi_procfs_stat *stat)
{
	/* The kernel's own sum may go back a tick; ours does not. */
	if (stat->cpu_ticks > time->cpu_ticks)
		time->cpu_ticks = stat->cpu_ticks;
	sum->n_threads += stat->n_threads;
	sum->virtual_bytes += stat->virtual_bytes;
	sum->resident_bytes +=
	    stat->resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (sum->oldest_ticks == 0 || stat->start_ticks < sum->oldest_ticks)
		sum->oldest_ticks = stat->start_ticks;
}

/* Is it this process, and not one that came after it with its pid? */
enum identity { IS_GONE, IS_HIDDEN, IS_KNOWN };

static enum identity
identify(const struct alive *a, uint64_t our_namespace,
    struct cmxi_procfs_stat *stat)
{
	if (our_namespace == 0 || a->pid_namespace != our_namespace ||
	    a->start_ticks == 0)
		return IS_HIDDEN;
	if (cmxi_procfs_stat(a->pid, stat))
		return stat->start_ticks == a->start_ticks ? IS_KNOWN : IS_GONE;
	/* It ended just now; or /proc is not mounted, or hides it. */
	return kill((pid_t)a->pid, 0) != 0 && errno == ESRCH ? IS_GONE :
							       IS_HIDDEN;
}

static void
add_alive(struct cmxi_process_metrics *p, const struct alive *a,
    uint64_t our_namespace)
{
	struct cmxi_role_sum *sum = &p->sums[a->role];
	struct cmxi_procfs_stat stat;
	enum identity identity = identify(a, our_namespace, &stat);
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
 * The same process's second slot, of a second registry: it counts from where
 * the first one ends, should that be closed.
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

	/* The overflow role is there when there is something in it. */
	set_role_value(p, CMXI_PROCESS_COUNT, i, i > 0 || lives,
	    (double)sum->n_alive);
	set_role_value(p, CMXI_PROCESS_CPU_SECONDS, i, sum->had_stat,
	    (double)(sum->kept_ticks + sum->cpu_ticks) / hz);
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

	drop_times(p);
	if (n > 0)
		qsort(alive, n, sizeof(*alive), compare_alive);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && alive[i].start_ticks != 0 &&
		    compare_alive(&alive[i], &alive[first]) == 0) {
			start_after_first_slot(&alive[i], &alive[first]);
			continue;
		}
		add_alive(p, &alive[i], our_namespace);
		first = i;
	}
	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++) {
		p->families[i].n_series = p->n_roles;
		if (!cmxi_values_prepare(&p->values[i], &p->families[i],
			p->n_roles))
			return cmxi_error(err, CMX_ERR_MEMORY,
			    "no memory for the process metrics");
	}
	for (size_t i = 0; i < p->n_roles; i++)
		fill_role(p, i, hz);
	return 0;
}

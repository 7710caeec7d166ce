/*
 * process.c: what the daemon itself takes, by the names that all exporters use.
 */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"

struct process_metrics {
	struct cmxr_table *table;
	int cpu, open_fds, virtual_bytes, resident_bytes;
};

static double
seconds_by(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / (double)NS_PER_SECOND;
}

static int
add(struct process_metrics *p, const char *name, const char *help,
    enum cmx_type type, struct cmx_error *error)
{
	return cmxr_table_add_family(p->table, name, help, type, error);
}

/* What stays as it is at the start: the sandbox lets nobody ask later. */
static void
set_constants(struct process_metrics *p, struct cmx_error *error)
{
	int max_fds = add(p, "process_max_fds",
	    "Maximum number of open file descriptors", CMX_GAUGE, error);
	int virtual_max = add(p, "process_virtual_memory_max_bytes",
	    "Maximum amount of virtual memory available in bytes", CMX_GAUGE,
	    error);
	int start = add(p, "process_start_time_seconds",
	    "Start time of the process since unix epoch in seconds", CMX_GAUGE,
	    error);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		cmxr_table_set(p->table, 0, max_fds, (double)limit.rlim_cur);
	if (getrlimit(RLIMIT_AS, &limit) == 0)
		cmxr_table_set(p->table, 0, virtual_max,
		    (double)limit.rlim_cur);
	cmxr_table_set(p->table, 0, start, seconds_by(CLOCK_REALTIME));
}

struct process_metrics *
process_metrics_new(struct cmx_error *error)
{
	struct process_metrics *p = calloc(1, sizeof(*p));

	if (p == NULL || cmxr_table_new(0, NULL, &p->table, error) != 0) {
		free(p);
		return NULL;
	}
	p->cpu = add(p, "process_cpu_seconds_total",
	    "Total user and system CPU time spent in seconds", CMX_COUNTER,
	    error);
	p->open_fds = add(p, "process_open_fds",
	    "Number of open file descriptors", CMX_GAUGE, error);
	p->virtual_bytes = add(p, "process_virtual_memory_bytes",
	    "Virtual memory size in bytes", CMX_GAUGE, error);
	p->resident_bytes = add(p, "process_resident_memory_bytes",
	    "Resident memory size in bytes", CMX_GAUGE, error);
	set_constants(p, error);
	return p;
}

void
process_metrics_free(struct process_metrics *p)
{
	if (p == NULL)
		return;
	cmxr_table_free(p->table);
	free(p);
}

static double
count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	double n = 0;

	if (directory == NULL)
		return NAN;
	while ((entry = readdir(directory)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(directory);
	return n - 1; /* without the directory's own */
}

/* The pages of the process: all, and those in memory. */
static void
read_pages(double *all, double *resident)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	*all = *resident = NAN;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%lf %lf", all, resident) != 2)
		*all = *resident = NAN;
}

const struct cmxr_snapshot *
process_metrics_update(struct process_metrics *p)
{
	double page = (double)sysconf(_SC_PAGESIZE), all, resident;

	read_pages(&all, &resident);
	cmxr_table_set(p->table, 0, p->cpu,
	    seconds_by(CLOCK_PROCESS_CPUTIME_ID));
	cmxr_table_set(p->table, 0, p->open_fds, count_descriptors());
	cmxr_table_set(p->table, 0, p->virtual_bytes, all * page);
	cmxr_table_set(p->table, 0, p->resident_bytes, resident * page);
	return cmxr_table_snapshot(p->table);
}

/*
 * procfs.h: what the kernel tells of a process under /proc.
 *
 * The writer half stores what it finds about its own process, so that the
 * reader half can recognise the process later.
 */
#ifndef CMXI_PROCFS_H
#define CMXI_PROCFS_H

#include <stdbool.h>
#include <stdint.h>

/* The fields of /proc/PID/stat that are used. */
struct cmxi_procfs_stat {
	uint64_t start_ticks; /* since boot; sysconf(_SC_CLK_TCK) a second */
	uint64_t cpu_ticks;   /* user and system */
	uint64_t n_threads;
	uint64_t virtual_bytes;
	uint64_t resident_pages;
	char state; /* R, S, D, Z, T, ... */
};

/*
 * The seconds by which this process's time namespace is ahead of the machine.
 * The kernel shows start times as the namespace of whoever reads them has them.
 */
int64_t cmxi_procfs_clock_offset(void);

/*
 * Read the fields of a process, its start on the machine's clock; pid 0 is the
 * caller.  Returns false where the process is gone or its file cannot be read.
 */
bool cmxi_procfs_stat(uint32_t pid, int64_t clock_offset,
    struct cmxi_procfs_stat *);

/* Room for a path under /proc. */
#define CMXI_PROC_PATH_MAX 64

/* The name under /proc of a descriptor of this process. */
void cmxi_procfs_own_fd(int fd, char path[CMXI_PROC_PATH_MAX]);

/* Read the fields from a text such as /proc/PID/stat has. */
bool cmxi_procfs_stat_parse(const char *text, struct cmxi_procfs_stat *);

/*
 * The number of descriptors that a process has open; -1: cannot be read.
 * Allocates, as opendir(3) does.
 */
int64_t cmxi_procfs_open_fds(uint32_t pid);

/* The limit of that number; -1: unlimited, or cannot be read. */
int64_t cmxi_procfs_max_fds(uint32_t pid);

/* The inode of the caller's pid namespace; 0 where it cannot be read. */
uint64_t cmxi_procfs_pid_namespace(void);

#endif

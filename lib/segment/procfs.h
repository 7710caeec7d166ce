/*
 * procfs.h: what the kernel tells of a process under /proc.
 *
 * The writer half asks about itself, so that the reader half can find it
 * again and be sure that it is the same process.
 */
#ifndef CMXI_PROCFS_H
#define CMXI_PROCFS_H

#include <stdbool.h>
#include <stdint.h>

/* Of /proc/PID/stat. */
struct cmxi_procfs_stat {
	uint64_t start_ticks; /* since boot; sysconf(_SC_CLK_TCK) a second */
	uint64_t cpu_ticks;   /* user and system */
	uint64_t n_threads;
	uint64_t virtual_bytes;
	uint64_t resident_pages;
	char state; /* R, S, D, Z, T, ... */
};

/* pid 0 is the caller.  False where it is gone or cannot be read. */
bool cmxi_procfs_stat(uint32_t pid, struct cmxi_procfs_stat *);

/* The same from a text as /proc/PID/stat has it. */
bool cmxi_procfs_stat_parse(const char *text, struct cmxi_procfs_stat *);

/* How many descriptors it has open, and may have; -1: cannot be read. */
int64_t cmxi_procfs_open_fds(uint32_t pid);
int64_t cmxi_procfs_max_fds(uint32_t pid);

/* The inode of the caller's pid namespace; 0 where it cannot be read. */
uint64_t cmxi_procfs_pid_namespace(void);

#endif

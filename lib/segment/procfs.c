/*
 * procfs.c: what the kernel tells of a process under /proc.
 *
 * Source: proc_pid_stat(5).  Only cmxi_procfs_open_fds() allocates.
 */
#include "segment/procfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/kernel_file.h"

/* /proc/PID/name, or /proc/self/name for 0. */
static void
proc_path(uint32_t pid, const char *name, char *buf, size_t size)
{
	if (pid == 0)
		snprintf(buf, size, "/proc/self/%s", name);
	else
		snprintf(buf, size, "/proc/%u/%s", pid, name);
}

bool
cmxi_procfs_stat_parse(const char *text, struct cmxi_procfs_stat *s)
{
	/*
	 * The program's name is in parentheses, and may contain blanks and
	 * parentheses.
	 */
	const char *p = strrchr(text, ')');
	uint64_t fields[25] = { 0 };
	char *end;

	if (p == NULL || p[1] != ' ' || p[2] == '\0')
		return false;
	s->state = p[2];
	p += 3;
	/* Fields count from 1: pid, comm, state, ppid, ...; some are < 0. */
	for (int i = 4; i < 25; i++) {
		fields[i] = (uint64_t)strtoll(p, &end, 10);
		if (end == p)
			return false;
		p = end;
	}
	s->cpu_ticks = fields[14] + fields[15];
	s->n_threads = fields[20];
	s->start_ticks = fields[22];
	s->virtual_bytes = fields[23];
	s->resident_pages = fields[24];
	return true;
}

bool
cmxi_procfs_stat(uint32_t pid, struct cmxi_procfs_stat *s)
{
	/* The fields that are read are 25, of at most 20 digits. */
	char path[64], text[600];

	proc_path(pid, "stat", path, sizeof(path));
	cmxi_kernel_file_read(path, text, sizeof(text));
	return cmxi_procfs_stat_parse(text, s);
}

int64_t
cmxi_procfs_open_fds(uint32_t pid)
{
	char path[64];
	struct stat st;
	int64_t n = 0;
	DIR *dir;

	proc_path(pid, "fd", path, sizeof(path));
	dir = opendir(path);
	if (dir == NULL)
		return -1;
	/* Since Linux 6.2 the size of the directory is the number. */
	if (fstat(dirfd(dir), &st) == 0 && st.st_size > 0)
		n = st.st_size;
	else
		for (const struct dirent *e; (e = readdir(dir)) != NULL;)
			n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

int64_t
cmxi_procfs_max_fds(uint32_t pid)
{
	char path[64];

	proc_path(pid, "limits", path, sizeof(path));
	return cmxi_kernel_file_number(path, "Max open files");
}

uint64_t
cmxi_procfs_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

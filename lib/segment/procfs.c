/*
 * procfs.c: what the kernel tells of a process under /proc.
 *
 * Source: proc_pid_stat(5).  Only cmxi_procfs_open_fds() allocates.
 */
#include "segment/procfs.h"

#include <bsd/string.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kernel_file.h"
#include "base/number.h"
#include "base/require.h"

/*
 * /proc/PID/name, or /proc/self/name for 0.  Not by snprintf(3), which takes a
 * kibibyte of a signal handler's stack.
 */
static void
proc_path(uint32_t pid, const char *name, char buf[CMXI_PROC_PATH_MAX])
{
	char number[CMXI_NUMBER_MAX] = "self";

	if (pid != 0)
		number[cmxi_u64_to_text(pid, number)] = '\0';
	strlcpy(buf, "/proc/", CMXI_PROC_PATH_MAX);
	strlcat(buf, number, CMXI_PROC_PATH_MAX);
	strlcat(buf, "/", CMXI_PROC_PATH_MAX);
	strlcat(buf, name, CMXI_PROC_PATH_MAX);
}

void
cmxi_procfs_own_fd(int fd, char path[CMXI_PROC_PATH_MAX])
{
	char name[CMXI_NUMBER_MAX + 4] = "fd/";
	size_t n = strlen(name);

	REQUIRE(fd >= 0);
	n += cmxi_u64_to_text((uint64_t)fd, name + n);
	name[n] = '\0';
	proc_path(0, name, path);
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

int64_t
cmxi_procfs_clock_offset(void)
{
	char text[128];
	const char *line;

	cmxi_kernel_file_read("/proc/self/timens_offsets", text, sizeof(text));
	line = strstr(text, "boottime");
	return line == NULL ? 0 : strtoll(line + strlen("boottime"), NULL, 10);
}

bool
cmxi_procfs_stat(uint32_t pid, int64_t clock_offset, struct cmxi_procfs_stat *s)
{
	/* The fields that are read are 25, of at most 20 digits. */
	char path[CMXI_PROC_PATH_MAX], text[600];

	proc_path(pid, "stat", path);
	cmxi_kernel_file_read(path, text, sizeof(text));
	if (!cmxi_procfs_stat_parse(text, s))
		return false;
	s->start_ticks -= (uint64_t)(clock_offset * sysconf(_SC_CLK_TCK));
	return true;
}

int64_t
cmxi_procfs_open_fds(uint32_t pid)
{
	char path[CMXI_PROC_PATH_MAX];
	struct stat st;
	int64_t n = 0;
	DIR *dir;

	proc_path(pid, "fd", path);
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
	char path[CMXI_PROC_PATH_MAX];

	proc_path(pid, "limits", path);
	return cmxi_kernel_file_number(path, "Max open files");
}

uint64_t
cmxi_procfs_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/*
 * usage.c: CPU time, memory and descriptors of a process, from /proc.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../process.h"
#include "top.h"

static double
count_descriptors(uint32_t pid)
{
	char path[64];
	double n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return (double)NAN;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

bool
usage_read(const struct cmxr_process *p, struct usage *usage)
{
	unsigned long user, system;
	char path[64], text[512];
	const char *at;
	long pages;
	size_t n;
	FILE *f;

	if (!process_is_here(p))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/stat", p->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL ||
	    sscanf(at + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
		&user, &system, &pages) != 3)
		return false;
	usage->cpu_seconds =
	    (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	usage->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
	usage->n_descriptors = count_descriptors(p->pid);
	return true;
}

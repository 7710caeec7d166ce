/*
 * processes.c: who uses the segment, with what library; and who shows it.
 */
#include <bsd/string.h>
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../process.h"
#include "doctor.h"

#define LIBRARY  "libcodeai-metrics.so"
#define EXPORTER "codeai-metricsd"

/*
 * The file of the library that a process has mapped, which ends in
 * " (deleted)" where another one took its name.  "": it has the library in
 * itself, or cannot be looked into.
 */
static void
library_of(unsigned int pid, char library[PATH_MAX])
{
	char path[64], line[PATH_MAX + 512];
	FILE *f;

	library[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	while (f != NULL && library[0] == '\0' &&
	    fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, LIBRARY) != NULL &&
		    strchr(line, '/') != NULL) {
			strlcpy(library, strchr(line, '/'), PATH_MAX);
			library[strcspn(library, "\n")] = '\0';
		}
	if (f != NULL)
		fclose(f);
}

/* The libraries that the processes have. */
struct libraries {
	char first[PATH_MAX]; /* that of the first one that is seen */
	size_t n_first, n_unknown;
	bool is_told; /* that another one has another */
};

static void
check_library(const struct cmxr_process *of, struct libraries *l,
    struct findings *f)
{
	char library[PATH_MAX];

	if (!process_is_here(of))
		library[0] = '\0';
	else
		library_of(of->pid, library);
	if (library[0] == '\0') {
		l->n_unknown++;
		return;
	}
	if (strstr(library, " (deleted)") != NULL)
		find(f, WARNING,
		    "restart it: it has the library of before an upgrade",
		    "process %u (%s) uses a library that was replaced: %s",
		    of->pid, of->command, library);
	else if (l->first[0] == '\0')
		strlcpy(l->first, library, sizeof(l->first));
	else if (strcmp(l->first, library) != 0 && !l->is_told) {
		l->is_told = true;
		find(f, NOTE,
		    "install one library, and restart what has another",
		    "process %u uses %s, others %s", of->pid, library,
		    l->first);
	}
	l->n_first += strcmp(l->first, library) == 0;
}

void
check_processes(const struct patient *p, struct findings *f)
{
	struct libraries libraries = { .n_first = 0 };
	struct cmxr_process process;
	size_t cursor = 0, n_live = 0, n_dead = 0;

	while (cmxr_process_next(p->snapshot, &cursor, &process)) {
		n_live += process.is_alive;
		n_dead += !process.is_alive;
		if (process.is_alive)
			check_library(&process, &libraries, f);
	}
	if (n_live == 0)
		find(f, WARNING,
		    "nothing changes until an application with this segment starts; \"codeai-metrics ps\" lists those that were",
		    "no live process uses it (%zu did)", n_dead);
	else
		find(f, FINE, NULL, "%zu live processes use it", n_live);
	if (libraries.n_first > 0)
		find(f, FINE, NULL, "%zu of them use %s", libraries.n_first,
		    libraries.first);
	if (libraries.n_unknown > 0)
		find(f, FINE, NULL,
		    "%zu of them have the library in themselves, or may not be looked into",
		    libraries.n_unknown);
}

/* Exporters */

static bool
is_exporter(const char *entry)
{
	char name[PROCESS_NAME_SIZE + 2];

	return isdigit((unsigned char)entry[0]) &&
	    process_name((uint32_t)strtoul(entry, NULL, 10), name) &&
	    strcmp(name, EXPORTER) == 0;
}

static void
check_exporter(const struct patient *p, const char *pid, uid_t *told,
    struct findings *f)
{
	char path[64], user[24];
	const struct passwd *pw;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	if (stat(path, &st) != 0)
		return;
	pw = getpwuid(st.st_uid);
	snprintf(user, sizeof(user), "%u", (unsigned int)st.st_uid);
	find(f, FINE, NULL, "an exporter runs: process %s of %s", pid,
	    pw != NULL ? pw->pw_name : user);
	/* Root reads all; of others it is told once. */
	if (st.st_uid != 0 && st.st_uid != *told) {
		*told = st.st_uid;
		check_user(p, user, f);
	}
}

void
check_exporters(const struct patient *p, struct findings *f)
{
	DIR *dir = opendir("/proc");
	uid_t told = 0;
	size_t n = 0;

	if (dir == NULL)
		return;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		if (is_exporter(e->d_name)) {
			check_exporter(p, e->d_name, &told, f);
			n++;
		}
	closedir(dir);
	if (n == 0)
		find(f, NOTE,
		    "codeai-metricsd -s PATH shows it to Prometheus at 127.0.0.1:29100/metrics",
		    "no codeai-metricsd runs here");
}

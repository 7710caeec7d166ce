/*
 * place.c: which segment is meant; where it is not there, which others are.
 */
#include <bsd/string.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics.h>

#include "../clock.h"
#include "doctor.h"

/* Where the segments of all users are that were not named. */
static const char *const defaults[] = { "/run/codeai-metrics/*.seg",
	"/run/user/*/codeai-metrics/*.seg", "/dev/shm/codeai-metrics-*/*.seg",
	"/run/*/metrics.seg", "/dev/shm/*.seg" };

static void
name_of(uid_t uid, char *name, size_t size)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		strlcpy(name, pw->pw_name, size);
	else
		snprintf(name, size, "uid %u", (unsigned int)uid);
}

static void
list_others(const struct patient *p, struct findings *f)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		glob_t found;

		if (glob(defaults[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			const char *path = found.gl_pathv[j];
			struct stat st;
			char owner[64];

			if (strcmp(path, p->path) == 0 ||
			    cmxr_probe(path) != 0 || stat(path, &st) != 0)
				continue;
			name_of(st.st_uid, owner, sizeof(owner));
			find(f, NOTE,
			    "name it: codeai-metrics -s PATH ..., codeai-metricsd -s PATH",
			    "there is another segment: %s, of %s", path, owner);
			n++;
		}
		globfree(&found);
	}
	if (n == 0)
		find(f, NOTE,
		    "start an application that calls cmx_open(), or run \"codeai-metrics create\"",
		    "no segment is in any of the default places");
}

/* How the path came about. */
static const char *
origin(const struct patient *p)
{
	if (p->segment != NULL)
		return "named by -s";
	return getenv("CODEAI_METRICS_SEGMENT") != NULL ?
	    "named by CODEAI_METRICS_SEGMENT" :
	    "the default of this user";
}

static bool
find_path(struct patient *p, struct findings *f)
{
	struct cmx_error error;

	if (p->segment != NULL)
		strlcpy(p->path, p->segment, sizeof(p->path));
	else if (cmx_segment_path(p->path, sizeof(p->path), &error) != 0) {
		p->path[0] = '\0';
		find(f, ERROR, "name a segment with -s", "%s", error.text);
		return false;
	}
	return true;
}

static const char *
remedy_of(enum cmx_err code)
{
	switch (code) {
	case CMX_ERR_NOT_FOUND:
		return "start the application, or name its segment with -s; a service, a cron job and a login of one user may have different default places";
	case CMX_ERR_PERMISSION:
		return "join the group of the file, or make the segment for a group: codeai-metrics create -g GROUP";
	case CMX_ERR_MISMATCH:
		return "this program and the application have libraries of different versions: install one";
	case CMX_ERR_FORMAT:
		return "it is damaged, or no segment: remove it when no process uses it, and start the application";
	default:
		return "";
	}
}

bool
check_place(struct patient *p, struct findings *f)
{
	struct cmx_error error;
	double begun = clock_seconds(CLOCK_MONOTONIC);

	if (!find_path(p, f))
		return false;
	if (cmxr_open(p->segment, &p->reader, &error) == 0 &&
	    cmxr_snapshot_take(p->reader, &p->snapshot, &error) == 0 &&
	    cmxr_info_get(p->reader, &p->info, &error) == 0) {
		p->read_seconds = clock_seconds(CLOCK_MONOTONIC) - begun;
		p->is_read = true;
		strlcpy(p->path, p->info.path, sizeof(p->path));
		find(f, FINE, NULL, "%s is a segment, %s", p->path, origin(p));
		return true;
	}
	find(f, ERROR, remedy_of(error.code), "%s (%s)", error.text, origin(p));
	list_others(p, f);
	return false;
}

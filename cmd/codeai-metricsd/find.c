/*
 * find.c: the segments that a pattern names now, by glob(3), in a task.
 *
 * A directory with a million files is read again only after it was changed.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon.h"

/* A change is seen by the time of a directory, which may stand so long. */
#define CLOCK_TICK_NS NS_PER_SECOND

struct find {
	struct task task;
	char *pattern;
	char *directory; /* null: it is a pattern too */
	bool is_anew;    /* whether the directory was changed or not */
	/* The task's, while it is not idle. */
	struct found found;
	struct stat seen; /* the directory, when it was read */
	bool is_settled;  /* a later change will have another time */
	bool was_failing; /* logged */
	bool had_others;  /* logged */
};

bool
find_is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

size_t
find_fixed_part(const char *pattern)
{
	size_t n = strcspn(pattern, "*?[");

	while (n > 0 && pattern[n - 1] != '/')
		n--;
	return n;
}

static void find_run(void *);

struct find *
find_new(struct workers *workers, const char *pattern)
{
	struct find *f = calloc(1, sizeof(*f));
	const char *name = strrchr(pattern, '/');

	if (f == NULL)
		return NULL;
	f->task =
	    (struct task){ .workers = workers, .work = find_run, .arg = f };
	f->pattern = strdup(pattern);
	if (name == NULL)
		f->directory = strdup(".");
	else if (pattern + find_fixed_part(pattern) == name + 1)
		f->directory = strndup(pattern, (size_t)(name + 1 - pattern));
	if (f->pattern != NULL)
		return f;
	find_free(f);
	return NULL;
}

static void
forget(struct found *found)
{
	for (size_t i = 0; i < found->n; i++)
		free(found->paths[i]);
	free(found->paths);
	found->paths = NULL;
	found->n = 0;
}

bool
find_free(struct find *f)
{
	if (f == NULL)
		return true;
	if (!task_is_idle(&f->task))
		return false;
	forget(&f->found);
	free(f->pattern);
	free(f->directory);
	free(f);
	return true;
}

static uint64_t
wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* Is the directory as it was when it was read? */
static bool
is_unchanged(const struct find *f)
{
	struct stat now;

	return f->directory != NULL && f->is_settled && !f->is_anew &&
	    stat(f->directory, &now) == 0 && now.st_dev == f->seen.st_dev &&
	    now.st_ino == f->seen.st_ino &&
	    memcmp(&now.st_mtim, &f->seen.st_mtim, sizeof(now.st_mtim)) == 0;
}

/* Look at the directory before it is read. */
static void
see_directory(struct find *f)
{
	uint64_t changed;

	f->is_settled = false;
	if (f->directory == NULL || stat(f->directory, &f->seen) != 0)
		return;
	changed = (uint64_t)f->seen.st_mtim.tv_sec * NS_PER_SECOND +
	    (uint64_t)f->seen.st_mtim.tv_nsec;
	f->is_settled = changed + CLOCK_TICK_NS < wall_clock_ns();
}

/* Keep a path that names a segment, also one that cannot be read. */
static bool
keep(struct found *found, char *path, size_t *n_others)
{
	int r = cmxr_probe(path);

	if (r == CMX_ERR_NOT_FOUND)
		return true;
	if (r == CMX_ERR_FORMAT) {
		++*n_others;
		return true;
	}
	found->paths[found->n] = strdup(path);
	return found->paths[found->n++] != NULL;
}

static bool
take_over(struct find *f, const glob_t *matches)
{
	struct found found = { .generation = f->found.generation + 1 };
	size_t n_others = 0;
	bool ok;

	found.paths = calloc(matches->gl_pathc + 1, sizeof(*found.paths));
	ok = found.paths != NULL;
	for (size_t i = 0; ok && i < matches->gl_pathc; i++)
		ok = keep(&found, matches->gl_pathv[i], &n_others);
	if (!ok) {
		forget(&found);
		return false;
	}
	if (n_others > 0 && !f->had_others)
		log_info(
		    "%s: %zu files are no segments, and passed over; so are those that come",
		    f->pattern, n_others);
	f->had_others |= n_others > 0;
	forget(&f->found);
	f->found = found;
	return true;
}

/* Why a directory could not be read; an absent one has no segments. */
static __thread int read_error;

static int
on_error(const char *path, int number)
{
	(void)path;
	if (number != ENOENT && number != ENOTDIR)
		read_error = number;
	return 0;
}

static void
find_run(void *arg)
{
	struct find *f = arg;
	glob_t matches = { .gl_pathc = 0 };
	int r;

	if (is_unchanged(f))
		return;
	see_directory(f);
	read_error = 0;
	r = glob(f->pattern, 0, on_error, &matches);
	if (r == GLOB_NOSPACE)
		read_error = ENOMEM;
	/* What cannot be read now keeps the segments that are known. */
	if (read_error == 0 && !take_over(f, &matches))
		read_error = ENOMEM;
	if (read_error != 0 && !f->was_failing)
		log_warn("%s: %s", f->pattern, strerror(read_error));
	f->was_failing = read_error != 0;
	f->is_settled &= read_error == 0;
	globfree(&matches);
}

void
find_begin(struct find *f, bool is_anew)
{
	if (task_is_idle(&f->task))
		f->is_anew = is_anew;
	task_begin(&f->task);
}

const struct found *
find_wait(struct find *f, uint64_t deadline_ns)
{
	return task_wait(&f->task, deadline_ns) ? &f->found : NULL;
}

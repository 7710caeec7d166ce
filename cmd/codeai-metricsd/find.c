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

/* For a file system to answer. */
#define ANSWER_SECONDS 2

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

/* A question that may never be answered; its memory stays then. */
struct question {
	bool is_directory;
	char path[];
};

static void
ask(void *arg)
{
	struct question *q = arg;
	struct stat st;

	q->is_directory = stat(q->path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
find_is_directory(const char *path)
{
	struct question *q = calloc(1, sizeof(*q) + strlen(path) + 1);
	bool is_directory;
	enum call_end end;

	if (q == NULL)
		return false;
	strcpy(q->path, path);
	end = call_within(ANSWER_SECONDS, ask, q);
	if (end == CALL_IS_LATE) {
		log_warn("%s: its file system does not answer", path);
		return false;
	}
	is_directory = end == CALL_ENDED && q->is_directory;
	free(q);
	return is_directory;
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
	free(found->files);
	found->paths = NULL;
	found->files = NULL;
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

/*
 * What codeai-metrics apply leaves of a segment while it has writers: its name,
 * and 16 digits.  The reader of the new one shows it.
 */
static bool
is_predecessor(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL && strlen(dot) == 17 &&
	    strspn(dot + 1, "0123456789abcdef") == 16;
}

/* Is this file there by another name, through a link? */
static bool
is_known(const struct found *found, const struct stat *st)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->files[i].inode == st->st_ino &&
		    found->files[i].device == st->st_dev)
			return true;
	return false;
}

static bool
append(struct found *found, const char *path, const struct stat *st)
{
	found->paths[found->n] = strdup(path);
	found->files[found->n] = (struct file_id){ st->st_dev, st->st_ino };
	return found->paths[found->n++] != NULL;
}

/* Keep a path that names a segment, also one that cannot be read. */
static bool
keep(struct found *found, const char *path, size_t *n_others)
{
	struct stat st = { .st_ino = 0 };
	int r = cmxr_probe(path);

	if (r == CMX_ERR_NOT_FOUND)
		return true;
	if (r == 0 && lstat(path, &st) != 0)
		return true;
	if (r == CMX_ERR_FORMAT || is_predecessor(path) ||
	    (r == 0 && is_known(found, &st))) {
		++*n_others;
		return true;
	}
	return append(found, path, &st);
}

/*
 * A segment in a directory that cannot be searched any more is not found, but
 * it is not gone: it is shown as down.
 */
static bool
keep_hidden(const struct found *before, struct found *found)
{
	const struct stat none = { .st_ino = 0 };
	struct stat st;

	for (size_t i = 0; i < before->n; i++)
		if (lstat(before->paths[i], &st) != 0 && errno == EACCES &&
		    !append(found, before->paths[i], &none))
			return false;
	return true;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_same(const struct found *a, const struct found *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->paths[i], b->paths[i]) != 0)
			return false;
	return true;
}

static bool
take_over(struct find *f, const glob_t *matches)
{
	size_t n = matches->gl_pathc + f->found.n + 1, n_others = 0;
	struct found found = { .generation = f->found.generation };
	bool ok;

	found.paths = calloc(n, sizeof(*found.paths));
	found.files = calloc(n, sizeof(*found.files));
	ok = found.paths != NULL && found.files != NULL;
	for (size_t i = 0; ok && i < matches->gl_pathc; i++)
		ok = keep(&found, matches->gl_pathv[i], &n_others);
	if (!ok || !keep_hidden(&f->found, &found)) {
		forget(&found);
		return false;
	}
	qsort(found.paths, found.n, sizeof(*found.paths), compare_paths);
	if (n_others > 0 && !f->had_others)
		log_info(
		    "%s: %zu files are no segments, and passed over; so are those that come",
		    f->pattern, n_others);
	f->had_others |= n_others > 0;
	found.generation += !is_same(&found, &f->found);
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

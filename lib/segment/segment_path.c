/*
 * segment_path.c: where a segment is, and on what kind of file system.
 */
#include "segment/segment_path.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"

#define DIRECTORY "codeai-metrics"
#define FILE_NAME "metrics.seg"

static bool
type_is_memory(unsigned long type)
{
	return type == TMPFS_MAGIC || type == RAMFS_MAGIC ||
	    type == HUGETLBFS_MAGIC;
}

bool
cmxi_fd_is_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    type_is_memory((unsigned long)fs.f_type);
}

/* What (f)statfs(2) has found of a name: 0 where it succeeded. */
static int
check_type(int found, const struct statfs *fs, const char *name,
    struct cmx_error *err)
{
	unsigned long type = (unsigned long)fs->f_type;

	if (found != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot ask what file system it is on", name);
	if (type_is_memory(type))
		return 0;
	return cmxi_error(err, CMX_ERR_FILESYSTEM,
	    "%s: is on a file system of type 0x%lx, not on tmpfs (0x1021994) or hugetlbfs: a store there can block on the disk; use a directory under /dev/shm or /run, or ask for any file system",
	    name, type);
}

int
cmxi_fd_check_filesystem(int fd, const char *name, bool may_be_any,
    struct cmx_error *err)
{
	struct statfs fs = { .f_type = 0 };

	return may_be_any ? 0 : check_type(fstatfs(fd, &fs), &fs, name, err);
}

int
cmxi_directory_check_filesystem(const char *directory, const char *name,
    bool may_be_any, struct cmx_error *err)
{
	struct statfs fs = { .f_type = 0 };

	return may_be_any ? 0 :
			    check_type(statfs(directory, &fs), &fs, name, err);
}

/*
 * Use a descriptor above 2: a program that closed 0, 1 or 2 prints into the
 * next file it opens.
 */
int
cmxi_fd_move_up(int fd)
{
	int moved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

static bool
directory_is_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	    type_is_memory((unsigned long)fs.f_type);
}

void
cmxi_path_directory(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		strlcpy(buf, ".", size);
	else if (slash == path)
		strlcpy(buf, "/", size);
	else
		snprintf(buf, size, "%.*s", (int)(slash - path), path);
}

const char *
cmxi_path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* secure_getenv(), so that nobody chooses the segment of a set-uid program. */
static const char *
named_path(void)
{
	const char *named = secure_getenv("CODEAI_METRICS_SEGMENT");

	return named != NULL && named[0] != '\0' ? named : NULL;
}

bool
cmxi_path_is_named(void)
{
	return named_path() != NULL;
}

/*
 * The places where a user's default segment may be, the preferred one first:
 * what creates one takes the first that is on a memory file system.  Returns
 * the length of the i-th path, 0 where this user has no such place, or -1 after
 * the last one.
 */
static int
default_place(int i, char *buf, size_t size)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	uid_t uid = geteuid();

	switch (i) {
	case 0:
		if (uid == 0)
			return directory_is_memory("/run") ?
			    snprintf(buf, size,
				"/run/" DIRECTORY "/" FILE_NAME) :
			    0;
		return runtime != NULL && runtime[0] == '/' &&
			directory_is_memory(runtime) ?
		    snprintf(buf, size, "%s/" DIRECTORY "/" FILE_NAME,
			runtime) :
		    0;
	case 1:
		return snprintf(buf, size,
		    "/dev/shm/" DIRECTORY "-%u/" FILE_NAME, (unsigned int)uid);
	case 2:
		/* Where a login has it, for cron jobs and services. */
		return uid == 0 ?
		    0 :
		    snprintf(buf, size, "/run/user/%u/" DIRECTORY "/" FILE_NAME,
			(unsigned int)uid);
	default:
		return -1;
	}
}

/*
 * The default segment: the first place that has one; where none has, the first
 * place.
 */
static int
choose_default(char *buf, size_t size)
{
	const char *named = named_path();
	int n = 0;

	if (named != NULL)
		return snprintf(buf, size, "%s", named);
	for (int i = 0; n >= 0; i++) {
		n = default_place(i, buf, size);
		if (n > 0 && access(buf, F_OK) == 0)
			return n;
	}
	n = default_place(0, buf, size);
	return n > 0 ? n : default_place(1, buf, size);
}

int
cmx_segment_path(char *buf, size_t size, struct cmx_error *err)
{
	int saved = errno, n;

	if (buf == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_segment_path: buf is null");
	n = choose_default(buf, size);
	errno = saved;
	if (n >= 0 && (size_t)n < size)
		return 0;
	return cmxi_error(err, CMX_ERR_ARGUMENT,
	    "the segment's path has %d bytes; there is room for %zu", n, size);
}

int
cmxi_path_make_directory(const char *path, struct cmx_error *err)
{
	char directory[CMXI_PATH_MAX];
	mode_t mode =
	    geteuid() == 0 && strncmp(path, "/run/", 5) == 0 ? 02770 : 0700;
	struct stat st;

	cmxi_path_directory(path, directory, sizeof(directory));
	if (mkdir(directory, 0700) == 0)
		return chmod(directory, mode) == 0 ?
		    0 :
		    cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
			"%s: cannot look at the directory", directory);
	if (errno != EEXIST)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot make the directory", directory);
	if (lstat(directory, &st) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot look at the directory", directory);
	if (!S_ISDIR(st.st_mode))
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: is not a directory", directory);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: belongs to uid %u; it must belong to uid 0 or %u",
		    directory, (unsigned int)st.st_uid,
		    (unsigned int)geteuid());
	return 0;
}

int
cmxi_path_choose(const char *segment, bool may_create, char *buf, size_t size,
    struct cmx_error *err)
{
	int r;

	if (segment != NULL) {
		if (segment[0] == '\0' || strlcpy(buf, segment, size) >= size)
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "the segment's path is empty or longer than %zu bytes",
			    size - 1);
		return 0;
	}
	r = cmx_segment_path(buf, size, err);
	if (r == 0 && may_create && !cmxi_path_is_named())
		r = cmxi_path_make_directory(buf, err);
	return r;
}

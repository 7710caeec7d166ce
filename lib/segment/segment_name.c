/*
 * segment_name.c: the names of a segment's file, and whose it is.
 */
#include "segment/segment_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/require.h"
#include "segment/opened.h"
#include "segment/procfs.h"
#include "segment/segment_file.h"
#include "segment/segment_path.h"

int
cmxi_segment_set_owner(const struct cmxi_segment *s,
    const struct cmxi_owner *owner, struct cmx_error *err)
{
	/* fchown first: it clears what a mode may have set. */
	if ((owner->uid != (uid_t)-1 || owner->gid != (gid_t)-1) &&
	    fchown(s->fd, owner->uid, owner->gid) != 0)
		return cmxi_error_system(err, CMX_ERR_PERMISSION, errno,
		    "%s: cannot give it to user %d, group %d", s->path,
		    (int)owner->uid, (int)owner->gid);
	if (fchmod(s->fd, owner->mode) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot give it mode %04o", s->path,
		    (unsigned int)owner->mode);
	return 0;
}

/* linkat(2) of an open file: 0 or -1. */
static int
link_fd(int fd, const char *path)
{
	char self[CMXI_PROC_PATH_MAX];

	cmxi_procfs_own_fd(fd, self);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* Without /proc, root can still link by the empty path. */
	if (errno == ENOENT)
		return linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH);
	return -1;
}

static int
link_error(const char *path, struct cmx_error *err)
{
	/* The file that was to get a second name was removed meanwhile. */
	return cmxi_error_system(err,
	    errno == ENOENT ? CMX_ERR_NOT_FOUND : CMX_ERR_SYSTEM, errno,
	    "%s: cannot give a segment this name", path);
}

int
cmxi_segment_publish(struct cmxi_segment *s, const struct cmxi_owner *owner,
    struct cmx_error *err)
{
	int r = cmxi_segment_set_owner(s, owner, err);

	REQUIRE(s->path != NULL);
	if (r != 0)
		return r;
	if (link_fd(s->fd, s->path) == 0) {
		cmxi_segment_end_temporary(s);
		return 0;
	}
	if (errno == EEXIST)
		return cmxi_error(err, CMX_ERR_EXISTS, "%s: exists already",
		    s->path);
	return link_error(s->path, err);
}

int
cmxi_segment_replace(struct cmxi_segment *s, const struct cmxi_owner *owner,
    struct cmx_error *err)
{
	char *temporary;
	int r = cmxi_segment_set_owner(s, owner, err);

	REQUIRE(s->path != NULL);
	if (r != 0)
		return r;
	if (asprintf(&temporary, "%s.new", s->path) < 0)
		return cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory",
		    s->path);
	/* An earlier attempt that was killed may have left the name. */
	if (unlink(temporary) != 0 && errno != ENOENT)
		r = link_error(temporary, err);
	else if (link_fd(s->fd, temporary) != 0)
		r = link_error(temporary, err);
	else if (rename(temporary, s->path) != 0) {
		r = link_error(s->path, err);
		unlink(temporary);
	}
	if (r == 0)
		cmxi_segment_end_temporary(s);
	free(temporary);
	return r;
}

int
cmxi_segment_link(const struct cmxi_segment *s, const char *path,
    struct cmx_error *err)
{
	struct stat st;

	if (link_fd(s->fd, path) == 0)
		return 0;
	if (errno == EEXIST && lstat(path, &st) == 0 &&
	    st.st_dev == s->device && st.st_ino == s->inode)
		return 0;
	return link_error(path, err);
}

char *
cmxi_segment_predecessor_path(const char *path, uint64_t seed,
    struct cmx_error *err)
{
	char *name;

	if (asprintf(&name, "%s.%016" PRIx64, path, seed) >= 0)
		return name;
	cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", path);
	return NULL;
}

/* Removal */

void
cmxi_segment_mark_retired(int fd)
{
	const uint64_t one = 1;
	struct rlimit limit;

	/* A write beyond the limit of file sizes ends the process (SIGXFSZ). */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur < sizeof(struct cmxi_shm_header))
		return;
	(void)!pwrite(fd, &one, sizeof(one),
	    offsetof(struct cmxi_shm_header, retired));
}

/* Does path still name the file that fd is, and no newer one? */
static bool
is_named(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	    opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool
cmxi_segment_is_named(const struct cmxi_segment *s)
{
	return s->path != NULL && is_named(s->fd, s->path);
}

/* What tells segments apart. */
struct identity {
	char magic[CMXI_MAGIC_SIZE];
	uint64_t seed, predecessor_seed;
};

static bool
read_at(int fd, void *to, size_t size, size_t offset)
{
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

/* Looks at the magic only, so that damaged segments can be removed. */
static bool
identify(int fd, struct identity *id)
{
	memset(id, 0, sizeof(*id));
	if (!read_at(fd, id->magic, sizeof(id->magic), 0) ||
	    memcmp(id->magic, CMXI_MAGIC, CMXI_MAGIC_SIZE) != 0)
		return false;
	if (!read_at(fd, &id->seed, sizeof(id->seed),
		offsetof(struct cmxi_shm_header, seed)) ||
	    !read_at(fd, &id->predecessor_seed, sizeof(id->predecessor_seed),
		offsetof(struct cmxi_shm_header, predecessor_seed)))
		id->predecessor_seed = 0;
	return true;
}

/* Close, unless that would drop locks of this process. */
static void
close_file(int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		cmxi_opened_close(fd, st.st_dev, st.st_ino);
}

/*
 * Open the segment of a name, with this seed where that is not 0; -1 where the
 * name (null: no memory) is another's.  *id is what was found.
 */
static int
open_name(const char *name, uint64_t seed, struct identity *id)
{
	int fd = name == NULL ?
	    -1 :
	    open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	memset(id, 0, sizeof(*id));
	if (fd >= 0 && identify(fd, id) && (seed == 0 || id->seed == seed))
		return fd;
	close_file(fd);
	return -1;
}

/*
 * Remove a name, which is freed, if it is that of a segment, with this seed
 * where that is not 0.  Returns the seed of the one that it replaced, or 0.
 */
static uint64_t
remove_name(char *name, uint64_t seed)
{
	struct identity id;
	int fd = open_name(name, seed, &id);

	if (fd >= 0)
		unlink(name);
	close_file(fd);
	free(name);
	return id.predecessor_seed;
}

uint64_t
cmxi_segment_adopt_name(const char *path, uint64_t seed,
    const struct cmxi_owner *owner)
{
	char *name = cmxi_segment_predecessor_path(path, seed, NULL);
	struct identity id;
	struct stat st;
	int fd = open_name(name, seed, &id);

	if (fd >= 0 && fstat(fd, &st) == 0 &&
	    (geteuid() == 0 || st.st_uid == geteuid()) &&
	    fchown(fd, (uid_t)-1, owner->gid) == 0)
		fchmod(fd, owner->mode);
	close_file(fd);
	free(name);
	return id.predecessor_seed;
}

/*
 * Remove what an apply that was killed has left: the new segment, which never
 * got the name, and the second name of the one that was removed.
 */
static void
remove_abandoned(const char *path, uint64_t seed)
{
	char *name;

	if (asprintf(&name, "%s.new", path) >= 0)
		remove_name(name, 0);
	remove_name(cmxi_segment_predecessor_path(path, seed, NULL), seed);
}

int
cmxi_segment_remove(const char *path, struct cmx_error *err)
{
	struct identity id;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	if (fd < 0)
		return cmxi_segment_open_error(path, errno, err);
	if (!identify(fd, &id))
		r = cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: not a segment of codeai-metrics; it is left alone",
		    path);
	else if (!is_named(fd, path))
		r = cmxi_error(err, CMX_ERR_NOT_FOUND,
		    "%s: was replaced just now; look again", path);
	else if (unlink(path) != 0)
		r = cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot remove it", path);
	else
		cmxi_segment_mark_retired(fd);
	close_file(fd);
	if (r == 0)
		remove_abandoned(path, id.seed);
	/* Bound: a segment waits for no more than these. */
	for (int i = 0;
	     r == 0 && i < CMXI_PREDECESSORS_MAX && id.predecessor_seed != 0;
	     i++)
		id.predecessor_seed =
		    remove_name(cmxi_segment_predecessor_path(path,
				    id.predecessor_seed, NULL),
			id.predecessor_seed);
	return r;
}

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
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/require.h"
#include "segment/segment_file.h"
#include "segment/segment_path.h"

static int
set_owner(const struct cmxi_segment *s, const struct cmxi_owner *owner,
    struct cmx_error *err)
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
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
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
	return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
	    "%s: cannot give a segment this name", path);
}

int
cmxi_segment_publish(struct cmxi_segment *s, const struct cmxi_owner *owner,
    struct cmx_error *err)
{
	int r = set_owner(s, owner, err);

	REQUIRE(s->path != NULL);
	if (r != 0 || link_fd(s->fd, s->path) == 0)
		return r;
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
	int r = set_owner(s, owner, err);

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
	else if (rename(temporary, s->path) != 0)
		r = link_error(s->path, err);
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

int
cmxi_segment_predecessor_path(const char *path, uint64_t seed, char *buf,
    size_t size, struct cmx_error *err)
{
	if (snprintf(buf, size, "%s.%016" PRIx64, path, seed) < (int)size)
		return 0;
	return cmxi_error(err, CMX_ERR_ARGUMENT, "%s: the path is too long",
	    path);
}

/* Removal */

void
cmxi_segment_mark_retired(int fd)
{
	const uint64_t one = 1;

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

/* Remove the names of the segments that this one replaced. */
static void
remove_predecessors(const char *path, const struct cmxi_shm_header *h)
{
	char name[CMXI_PATH_MAX + CMXI_PREDECESSOR_SUFFIX];
	uint64_t seed = h->predecessor_seed;

	for (int i = 0; i < CMXI_PREDECESSORS_MAX && seed != 0; i++) {
		struct cmxi_shm_header older = { .predecessor_seed = 0 };
		int fd;

		if (cmxi_segment_predecessor_path(path, seed, name,
			sizeof(name), NULL) != 0)
			return;
		fd = open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			return;
		if (pread(fd, &older, sizeof(older), 0) ==
			(ssize_t)sizeof(older) &&
		    memcmp(older.magic, CMXI_MAGIC, CMXI_MAGIC_SIZE) == 0 &&
		    older.seed == seed)
			unlink(name);
		close(fd);
		seed = older.predecessor_seed;
	}
}

int
cmxi_segment_remove(const char *path, struct cmx_error *err)
{
	struct cmxi_shm_header header = { .magic = "" };
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	if (fd < 0)
		return cmxi_segment_open_error(path, errno, err);
	/* Checks the magic only, so that damaged segments can be removed. */
	if (pread(fd, &header, sizeof(header), 0) < CMXI_MAGIC_SIZE ||
	    memcmp(header.magic, CMXI_MAGIC, CMXI_MAGIC_SIZE) != 0)
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
	if (r == 0)
		remove_predecessors(path, &header);
	close(fd);
	return r;
}

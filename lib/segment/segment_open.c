/*
 * segment_open.c: check an existing segment, and map it.
 */
#include "segment/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "segment/boot_id.h"
#include "segment/segment_path.h"

static int
check_kind(const struct stat *st, const char *path, struct cmx_error *err)
{
	const char *kind = S_ISDIR(st->st_mode) ? "a directory" :
	    S_ISFIFO(st->st_mode)               ? "a FIFO" :
	    S_ISCHR(st->st_mode)                ? "a character device" :
	    S_ISBLK(st->st_mode)                ? "a block device" :
	    S_ISSOCK(st->st_mode)               ? "a socket" :
						  NULL;

	if (kind == NULL)
		return 0;
	return cmxi_error(err, CMX_ERR_PERMISSION,
	    "%s: is %s; a segment is a regular file", path, kind);
}

/*
 * May a writer trust the owner of this file?  It trusts root and its own user.
 * It trusts others only if strangers cannot put a file into the directory: the
 * directory belongs to root or to its own user, and is not open to the world.
 */
static int
check_owner(const struct stat *st, const char *path, struct cmx_error *err)
{
	char directory[CMXI_PATH_MAX];
	struct stat dir;

	if (st->st_mode & S_IWOTH)
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: its mode is %04o; a segment must not be writable by others (mask 0002)",
		    path, (unsigned int)(st->st_mode & 07777));
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	cmxi_path_directory(path, directory, sizeof(directory));
	if (stat(directory, &dir) == 0 && !(dir.st_mode & S_IWOTH) &&
	    (dir.st_uid == 0 || dir.st_uid == geteuid()))
		return 0;
	return cmxi_error(err, CMX_ERR_PERMISSION,
	    "%s: belongs to uid %u; it must belong to uid 0 or %u, or lie in a directory that does and that others cannot write",
	    path, (unsigned int)st->st_uid, (unsigned int)geteuid());
}

static int
check_boot(const struct cmxi_shm_header *h, const char *path,
    struct cmx_error *err)
{
	char found[CMXI_BOOT_ID_TEXT], wanted[CMXI_BOOT_ID_TEXT];
	uint8_t id[CMXI_BOOT_ID_SIZE];

	cmxi_boot_id_read(id);
	if (memcmp(h->boot_id, id, sizeof(id)) == 0 ||
	    !cmxi_boot_id_is_known(h->boot_id) || !cmxi_boot_id_is_known(id))
		return 0;
	cmxi_boot_id_to_text(h->boot_id, found);
	cmxi_boot_id_to_text(id, wanted);
	return cmxi_error(err, CMX_ERR_MISMATCH,
	    "%s: was made in boot %s, this is boot %s: another kernel's CPU numbers are not ours; remove it and let this program make a new one",
	    path, found, wanted);
}

static int
read_header(struct cmxi_segment *s, uint64_t file_size, const char *path,
    struct cmx_error *err)
{
	ssize_t n = pread(s->fd, &s->fixed, sizeof(s->fixed), 0);

	if (n < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot read its header", path);
	if ((size_t)n < sizeof(s->fixed))
		return cmxi_error(err, CMX_ERR_FORMAT,
		    "%s: has %zd bytes; a segment has at least %zu", path, n,
		    sizeof(s->fixed));
	return cmxi_layout_check(&s->fixed, file_size, path, err);
}

static int
check_and_map(struct cmxi_segment *s, const char *path, enum cmxi_access access,
    unsigned int flags, struct cmx_error *err)
{
	struct stat st;
	int r;

	r = cmxi_segment_adopt(s, path, &st, err);
	if (r == 0)
		r = check_kind(&st, path, err);
	if (r == 0 && access == CMXI_WRITE) {
		r = check_owner(&st, path, err);
		if (r == 0)
			r = cmxi_fd_check_filesystem(s->fd, path,
			    flags & CMXI_ANY_FILESYSTEM, err);
	}
	if (r == 0)
		r = read_header(s, (uint64_t)st.st_size, path, err);
	if (r == 0 && access == CMXI_WRITE)
		r = check_boot(&s->fixed, path, err);
	if (r == 0)
		r = cmxi_segment_map(s, s->fixed.file_size,
		    access == CMXI_WRITE, path, err);
	return r;
}

/* Who may open the file, and what can be done. */
static int
access_error(const char *path, struct cmx_error *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: permission denied: a directory above it is closed to uid %u, gid %u; open it to a group that both have (chgrp, chmod g+x)",
		    path, (unsigned int)geteuid(), (unsigned int)getegid());
	return cmxi_error(err, CMX_ERR_PERMISSION,
	    "%s: permission denied: it belongs to uid %u, gid %u and has mode %04o, this process is uid %u, gid %u; give it a group that both have (CODEAI_METRICS_GROUP and CODEAI_METRICS_MODE=0640 for the application, or chgrp and chmod)",
	    path, (unsigned int)st.st_uid, (unsigned int)st.st_gid,
	    (unsigned int)(st.st_mode & 07777), (unsigned int)geteuid(),
	    (unsigned int)getegid());
}

int
cmxi_segment_open_error(const char *path, int saved, struct cmx_error *err)
{
	if (saved == ENOENT)
		return cmxi_error(err, CMX_ERR_NOT_FOUND,
		    "%s: there is no such segment; an application makes it when it starts, or run \"codeai-metrics create\"",
		    path);
	if (saved == ELOOP)
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: is a symbolic link; name the file itself", path);
	if (saved == EISDIR)
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: is a directory; a segment is a regular file", path);
	if (saved == ENXIO)
		return cmxi_error(err, CMX_ERR_PERMISSION,
		    "%s: is a FIFO or a socket; a segment is a regular file",
		    path);
	if (saved == EACCES)
		return access_error(path, err);
	return cmxi_error_system(err, CMX_ERR_SYSTEM, saved,
	    "%s: cannot open it", path);
}

/* Open the file as s->fd: 0 or an error. */
static int
open_file(struct cmxi_segment *s, const char *path, enum cmxi_access access,
    struct cmx_error *err)
{
	int mode = access == CMXI_WRITE ? O_RDWR : O_RDONLY;
	struct stat st;

	if (access == CMXI_READ && lstat(path, &st) == 0 &&
	    cmxi_segment_borrow(s, &st))
		return 0;
	/*
	 * Never with O_CREAT, which fs.protected_regular refuses on files of
	 * others.
	 */
	s->fd = cmxi_fd_move_up(
	    open(path, mode | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	return s->fd >= 0 ? 0 : cmxi_segment_open_error(path, errno, err);
}

int
cmxi_segment_open(struct cmxi_segment *s, const char *path,
    enum cmxi_access access, unsigned int flags, struct cmx_error *err)
{
	int r;

	memset(s, 0, sizeof(*s));
	r = open_file(s, path, access, err);
	if (r != 0)
		return r;
	r = check_and_map(s, path, access, flags, err);
	if (r == 0)
		r = cmxi_segment_set_path(s, path, err);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

int
cmxi_segment_open_fd(struct cmxi_segment *s, int fd, const char *name,
    struct cmx_error *err)
{
	struct stat st;
	int r;

	memset(s, 0, sizeof(*s));
	if (fstat(fd, &st) != 0 || !cmxi_segment_borrow(s, &st))
		s->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (s->fd < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot duplicate its descriptor", name);
	r = check_and_map(s, name, CMXI_READ, 0, err);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

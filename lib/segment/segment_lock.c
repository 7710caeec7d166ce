/*
 * segment_lock.c: the locks of a segment that are not beacons.
 */
#include "segment/segment_lock.h"

#include <errno.h>
#include <fcntl.h>

#include "base/error.h"

static int
lock_byte(const struct cmxi_segment *s, int command, short type, int64_t at,
    struct cmx_error *err)
{
	struct flock lock = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)at,
		.l_len = 1 };
	int r;

	do
		r = fcntl(s->fd, command, &lock);
	while (r != 0 && errno == EINTR);
	if (r == 0)
		return 0;
	return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
	    "%s: cannot lock it", s->path != NULL ? s->path : "segment");
}

int
cmxi_segment_lock_as_writer(const struct cmxi_segment *s, struct cmx_error *err)
{
	return lock_byte(s, F_OFD_SETLK, F_RDLCK, CMXI_WRITERS_OFFSET, err);
}

int
cmxi_segment_lock_apply(const struct cmxi_segment *s, struct cmx_error *err)
{
	return lock_byte(s, F_OFD_SETLKW, F_WRLCK, CMXI_APPLY_OFFSET, err);
}

int
cmxi_segment_has_writers(const struct cmxi_segment *s)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)CMXI_WRITERS_OFFSET,
		.l_len = 1 };

	if (fcntl(s->fd, F_OFD_GETLK, &lock) != 0)
		return -1;
	return lock.l_type != F_UNLCK;
}

/*
 * byte_lock.h: locks on bytes of a segment, of an open file description (OFD
 * locks) or of the process (POSIX locks).  None of these waits.
 */
#ifndef CMXI_BYTE_LOCK_H
#define CMXI_BYTE_LOCK_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

/* By which descriptor, and in whose name, bytes are locked. */
struct cmxi_locker {
	int fd;
	bool as_process;
};

/* Lock bytes, or unlock them (F_UNLCK): 0, or -1 and errno. */
static inline int
cmxi_bytes_lock(const struct cmxi_locker *by, short type, int64_t at, int64_t n)
{
	struct flock lock = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)at,
		.l_len = (off_t)n };

	return fcntl(by->fd, by->as_process ? F_SETLK : F_OFD_SETLK, &lock);
}

/* Does errno say that another one has a lock that is in the way? */
static inline bool
cmxi_lock_was_refused(void)
{
	return errno == EAGAIN || errno == EACCES;
}

/* Would a lock of this type meet another one?  -1: the kernel cannot tell. */
static inline int
cmxi_bytes_meet_lock(const struct cmxi_locker *by, short type, int64_t at,
    int64_t n)
{
	struct flock lock = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)at,
		.l_len = (off_t)n };

	if (fcntl(by->fd, by->as_process ? F_GETLK : F_OFD_GETLK, &lock) != 0)
		return -1;
	return lock.l_type != F_UNLCK;
}

#endif

/*
 * segment.c: a mapped segment, and its pages.
 *
 * The only file of the library that maps whole files.
 */
#include "segment/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/kernel_file.h"
#include "base/require.h"
#include "segment/opened.h"
#include "segment/segment_path.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

void
cmxi_segment_end_temporary(struct cmxi_segment *s)
{
	if (s->temporary != NULL)
		unlink(s->temporary);
	free(s->temporary);
	s->temporary = NULL;
}

void
cmxi_segment_close(struct cmxi_segment *s)
{
	if (s->base != NULL)
		munmap(s->base, s->size);
	if (s->opened != NULL)
		cmxi_opened_leave(s->opened);
	else if (cmxi_segment_owns_fd(s))
		cmxi_opened_close(s->fd, s->device, s->inode);
	cmxi_segment_end_temporary(s);
	free(s->path);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}

bool
cmxi_segment_borrow(struct cmxi_segment *s, const struct stat *st)
{
	s->opened = cmxi_opened_borrow(st->st_dev, st->st_ino);
	if (s->opened == NULL)
		return false;
	s->fd = s->opened->fd;
	return true;
}

bool
cmxi_segment_is_file(const struct cmxi_segment *s, int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == s->device &&
	    st.st_ino == s->inode;
}

bool
cmxi_segment_owns_fd(const struct cmxi_segment *s)
{
	return cmxi_segment_is_file(s, s->fd);
}

int
cmxi_segment_adopt(struct cmxi_segment *s, const char *name, struct stat *st,
    struct cmx_error *err)
{
	if (fstat(s->fd, st) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot ask for its kind and owner", name);
	s->device = st->st_dev;
	s->inode = st->st_ino;
	return 0;
}

/* Resolve the directory of the path, so that it outlives a chdir(). */
static char *
absolute_path(const char *path)
{
	const char *name = cmxi_path_name(path);
	char *real, *whole,
	    *directory = name == path ? strdup(".") :
					strndup(path, (size_t)(name - path));

	if (directory == NULL)
		return NULL;
	/* realpath(3) needs some kibibytes of stack: nothing large above it. */
	real = realpath(directory, NULL);
	free(directory);
	if (real == NULL)
		return strdup(path);
	if (asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
		name) < 0)
		whole = NULL;
	free(real);
	return whole;
}

int
cmxi_segment_set_path(struct cmxi_segment *s, const char *path,
    struct cmx_error *err)
{
	REQUIRE(s->path == NULL);
	s->path = absolute_path(path);
	if (s->path != NULL)
		return 0;
	return cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", path);
}

/* Mapping */

/* Has this process locked its memory, with mlockall() perhaps? */
static bool
has_locked_memory(void)
{
	return cmxi_kernel_file_number("/proc/self/status", "VmLck:") > 0;
}

int
cmxi_segment_map(struct cmxi_segment *s, size_t size, bool is_writable,
    const char *name, struct cmx_error *err)
{
	int protection = PROT_READ | (is_writable ? PROT_WRITE : 0);
	/*
	 * Under mlockall(MCL_FUTURE) an accessible mapping would get all its
	 * pages at once.  So it is mapped without access, unlocked, and then
	 * made accessible.
	 */
	bool is_locked = has_locked_memory();
	void *base = mmap(NULL, size, is_locked ? PROT_NONE : protection,
	    MAP_SHARED | MAP_NORESERVE, s->fd, 0);

	REQUIRE(s->base == NULL && s->fd >= 0);
	if (base != MAP_FAILED && is_locked &&
	    (munlock(base, size) != 0 ||
		mprotect(base, size, protection) != 0)) {
		munmap(base, size);
		base = MAP_FAILED;
	}
	if (base == MAP_FAILED)
		return cmxi_error_system(err, CMX_ERR_MEMORY, errno,
		    "%s: cannot map its %zu bytes of address space", name,
		    size);
	s->base = base;
	s->size = size;
	/* A core dump must not contain the sparse file. */
	madvise(base, size, MADV_DONTDUMP);
	return 0;
}

/* Pages */

/*
 * Make the kernel fault each page in for writing, without a descriptor and
 * without a store of ours: a futex operation adds 0 to a word of the page, and
 * answers EFAULT where a store would raise SIGBUS.
 */
static int
reserve_by_futex(const struct cmxi_segment *s, uint64_t from, uint64_t to)
{
	const int add_nothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
	uint32_t own = 0;

	/* Bound: the pages of the range. */
	for (uint64_t at = from; at < to; at += s->fixed.page_size)
		if (syscall(SYS_futex, &own, FUTEX_WAKE_OP, 0, 0,
			(uint32_t *)(void *)(s->base + at), add_nothing) < 0)
			return errno == EFAULT ? CMX_ERR_NO_SPACE :
						 CMX_ERR_SYSTEM;
	return 0;
}

/*
 * Reserve on kernels that cannot populate a mapping, or where a filter refuses
 * the advice.  The bare call, because fallocate(3) is a cancellation point.
 */
static int
reserve_by_file(const struct cmxi_segment *s, uint64_t from, uint64_t to)
{
	if (!cmxi_segment_owns_fd(s))
		return reserve_by_futex(s, from, to);
	if (syscall(SYS_fallocate, s->fd, 0, (off_t)from, (off_t)(to - from)) ==
	    0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == ENOMEM)
		return CMX_ERR_NO_SPACE;
	return reserve_by_futex(s, from, to);
}

/*
 * Reserve as cmxi_segment_reserve() does, but count no failure: the header's
 * page may not exist yet.
 */
int
cmxi_segment_populate(const struct cmxi_segment *s, uint64_t offset,
    uint64_t size)
{
	uint64_t page = s->fixed.page_size;
	uint64_t from = offset / page * page;
	uint64_t to = (offset + size + page - 1) / page * page;
	int saved = errno, r = 0;

	/* A mark that another process damaged must not reach madvise(). */
	if (to > s->size || to < from)
		return CMX_ERR_FORMAT;
	/*
	 * Populating needs no descriptor, which the application may have
	 * closed; and it answers a full tmpfs with EFAULT, where a store would
	 * raise SIGBUS.
	 */
	if (madvise(s->base + from, to - from, MADV_POPULATE_WRITE) != 0)
		r = errno == EFAULT || errno == ENOMEM ?
		    CMX_ERR_NO_SPACE :
		    reserve_by_file(s, from, to);
	errno = saved;
	return r;
}

int
cmxi_segment_reserve(const struct cmxi_segment *s, uint64_t offset,
    uint64_t size)
{
	int r = cmxi_segment_populate(s, offset, size);

	if (r == CMX_ERR_NO_SPACE)
		cmxi_segment_count(s, CMXI_STAT_NO_SPACE, 1);
	return r;
}

int
cmxi_segment_reserve_cells(const struct cmxi_segment *s, uint64_t offset,
    uint64_t size)
{
	for (uint32_t i = 0; i < cmxi_segment_n_stripes(s); i++) {
		int r = cmxi_segment_reserve(s,
		    s->fixed.stripe_offset + i * s->fixed.stripe_size + offset,
		    size);

		if (r != 0)
			return r;
	}
	return 0;
}

void
cmxi_segment_count(const struct cmxi_segment *s, enum cmxi_stat stat,
    uint64_t n)
{
	REQUIRE(stat < CMXI_STATS);
	cmxi_add64_relaxed(&cmxi_segment_header(s)->stats[stat], n);
}

bool
cmxi_segment_allocated(const struct cmxi_segment *s, uint64_t *bytes)
{
	struct stat st;

	*bytes = 0;
	if (fstat(s->fd, &st) != 0)
		return false;
	*bytes = (uint64_t)st.st_blocks * 512;
	return true;
}

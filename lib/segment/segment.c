/*
 * segment.c: create, map and check a segment; reserve its pages.  Level 5,
 * and the only file of the library that maps whole files.
 */
#include "segment/segment.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/kernel_file.h"
#include "segment/segment_path.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* The boot's UUID; zero where it cannot be read. */
static void
read_boot_id(uint8_t id[16])
{
	char text[64];
	int digits = 0;

	memset(id, 0, 16);
	cmxi_kernel_file_read(BOOT_ID_FILE, text, sizeof(text));
	for (const char *c = text; *c != '\0' && digits < 32; c++) {
		static const char hex[] = "0123456789abcdef";
		const char *p = memchr(hex, *c, 16);

		if (p == NULL)
			continue;
		id[digits / 2] |=
		    (uint8_t)((p - hex) << (digits % 2 == 0 ? 4 : 0));
		digits++;
	}
	if (digits != 32)
		memset(id, 0, 16);
}

static void
boot_id_to_text(const uint8_t id[16], char text[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* Away from 0, 1 and 2: a program that closed those prints into them. */
static int
move_fd_up(int fd)
{
	int moved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

void
cmxi_segment_close(struct cmxi_segment *s)
{
	if (s->base != NULL)
		munmap(s->base, s->size);
	if (cmxi_segment_owns_fd(s))
		close(s->fd);
	free(s->path);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
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

/* Has this process locked memory, by mlockall() perhaps? */
static bool
has_locked_memory(void)
{
	char text[4096];
	const char *line;

	cmxi_kernel_file_read("/proc/self/status", text, sizeof(text));
	line = strstr(text, "VmLck:");
	return line != NULL && strtoull(line + strlen("VmLck:"), NULL, 10) > 0;
}

static int
map_file(struct cmxi_segment *s, size_t size, int protection, const char *name,
    struct cmx_error *err)
{
	/*
	 * Under mlockall(MCL_FUTURE) an accessible mapping would be filled
	 * with pages at once, all of it; so it is unlocked before it is.
	 */
	bool is_locked = has_locked_memory();
	void *base = mmap(NULL, size, is_locked ? PROT_NONE : protection,
	    MAP_SHARED | MAP_NORESERVE, s->fd, 0);

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
	/* A sparse terabyte has no place in a core dump. */
	madvise(base, size, MADV_DONTDUMP);
	return 0;
}

static int
note_identity(struct cmxi_segment *s, const char *name, struct cmx_error *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno, "%s",
		    name);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

/* The directory's real path with the file's name: chdir() must not matter. */
static char *
absolute_path(const char *path)
{
	char directory[CMXI_PATH_MAX];
	char *real, *whole;

	cmxi_path_directory(path, directory, sizeof(directory));
	real = realpath(directory, NULL);
	if (real == NULL)
		return strdup(path);
	if (asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
		cmxi_path_name(path)) < 0)
		whole = NULL;
	free(real);
	return whole;
}

static int
reserve_by_file(const struct cmxi_segment *s, uint64_t offset, uint64_t size)
{
	if (!cmxi_segment_owns_fd(s))
		return CMX_ERR_SYSTEM;
	if (fallocate(s->fd, 0, (off_t)offset, (off_t)size) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT || errno == ENOMEM ?
	    CMX_ERR_NO_SPACE :
	    CMX_ERR_SYSTEM;
}

/* As cmxi_segment_reserve(), while there may be no header to count in. */
static int
populate_pages(const struct cmxi_segment *s, uint64_t offset, uint64_t size)
{
	uint64_t page = s->fixed.page_size;
	uint64_t from = offset / page * page;
	uint64_t to = (offset + size + page - 1) / page * page;
	int saved = errno, r = 0;

	/* A mark that another writer scribbled on must not reach madvise. */
	if (to > s->size || to < from)
		return CMX_ERR_FORMAT;
	/*
	 * Populating needs no descriptor, which the application may have
	 * closed, and a full tmpfs answers EFAULT instead of SIGBUS.
	 */
	if (madvise(s->base + from, to - from, MADV_POPULATE_WRITE) != 0)
		r = errno == EINVAL ? reserve_by_file(s, from, to - from) :
				      CMX_ERR_NO_SPACE;
	errno = saved;
	return r;
}

int
cmxi_segment_reserve(const struct cmxi_segment *s, uint64_t offset,
    uint64_t size)
{
	int r = populate_pages(s, offset, size);

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
	cmxi_add64_relaxed(&cmxi_segment_header(s)->stats[stat], n);
}

/* Creation */

static int
open_unnamed(const char *path, struct cmx_error *err)
{
	char directory[CMXI_PATH_MAX];
	int fd;

	if (path == NULL) {
		fd = memfd_create("codeai-metrics", MFD_CLOEXEC);
		if (fd < 0)
			return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
			    "memfd_create");
		return fd;
	}
	cmxi_path_directory(path, directory, sizeof(directory));
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return cmxi_error_system(err,
		    errno == EOPNOTSUPP ? CMX_ERR_FILESYSTEM : CMX_ERR_SYSTEM,
		    errno, "%s: cannot create a file in the directory %s", path,
		    directory);
	return fd;
}

static int
check_filesystem(int fd, const char *name, unsigned int flags,
    struct cmx_error *err)
{
	unsigned long type;

	if (cmxi_fd_is_memory(fd, &type) || (flags & CMXI_ANY_FILESYSTEM))
		return 0;
	return cmxi_error(err, CMX_ERR_FILESYSTEM,
	    "%s: is on a file system of type 0x%lx, not on tmpfs (0x1021994) or hugetlbfs: a store there can block on the disk; use a directory under /dev/shm or /run, or ask for any file system",
	    name, type);
}

static void
fill_identity(struct cmxi_shm_header *h)
{
	memcpy(h->magic, CMXI_MAGIC, CMXI_MAGIC_SIZE);
	h->version = CMXI_VERSION;
	h->header_size = CMXI_HEADER_SIZE;
	h->byte_order = CMXI_BYTE_ORDER;
	h->word_size = CMXI_WORD_SIZE;
	read_boot_id(h->boot_id);
	h->created_ns = cmxi_wall_clock_ns();
	arc4random_buf(&h->seed, sizeof(h->seed));
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx"))
		h->flags |= CMXI_FLAG_PAIR_ATOMIC;
#elif defined(__aarch64__) && defined(HWCAP_USCAT)
	if (getauxval(AT_HWCAP) & HWCAP_USCAT)
		h->flags |= CMXI_FLAG_PAIR_ATOMIC;
#endif
}

/* Pages that exist from the start, so that nobody has to ask for them. */
static int
reserve_initial(struct cmxi_segment *s)
{
	int r = populate_pages(s, 0, s->fixed.index_offset);

	if (r == 0)
		r = cmxi_segment_reserve_cells(s, 0, CMXI_STRIPE_HEADER);
	return r;
}

static int
fill_new(struct cmxi_segment *s, const char *schema, const char *name,
    struct cmx_error *err)
{
	struct cmxi_shm_header *h;

	if (reserve_initial(s) != 0)
		return cmxi_error(err, CMX_ERR_NO_SPACE,
		    "%s: the file system has no room for a segment", name);
	h = cmxi_segment_header(s);
	*h = s->fixed;
	h->arena_used = CMXI_ENTRY_UNIT; /* entry 0 means none */
	h->cell_used = CMXI_STRIPE_HEADER;
	h->cell_ready = s->fixed.page_size;
	h->gauge_used = CMXI_STRIPE_HEADER;
	memcpy(s->base + s->fixed.schema_offset, schema, s->fixed.schema_size);
	return 0;
}

int
cmxi_segment_create(struct cmxi_segment *s, const char *path,
    const struct cmxi_layout_input *input, const char *schema,
    unsigned int flags, struct cmx_error *err)
{
	const char *name = path == NULL ? "private segment" : path;
	struct cmxi_layout_input in = *input;
	struct stat st;
	int r;

	memset(s, 0, sizeof(*s));
	s->fd = move_fd_up(open_unnamed(path, err));
	if (s->fd < 0)
		return s->fd == -1 ? CMX_ERR_SYSTEM : s->fd;
	r = note_identity(s, name, err);
	if (r == 0)
		r = check_filesystem(s->fd, name, flags, err);
	if (r == 0 && fstat(s->fd, &st) == 0)
		in.page_size = st.st_blksize > 4096 &&
			(st.st_blksize & (st.st_blksize - 1)) == 0 ?
		    (uint32_t)st.st_blksize :
		    4096;
	if (r == 0)
		r = cmxi_layout_compute(&in, &s->fixed, err);
	if (r == 0 && ftruncate(s->fd, (off_t)s->fixed.file_size) != 0)
		r = cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot give it %llu bytes", name,
		    (unsigned long long)s->fixed.file_size);
	if (r == 0) {
		fill_identity(&s->fixed);
		s->fixed.layout_hash = cmxi_layout_hash(&s->fixed);
		r = map_file(s, s->fixed.file_size, PROT_READ | PROT_WRITE,
		    name, err);
	}
	if (r == 0)
		r = fill_new(s, schema, name, err);
	if (r == 0 && path != NULL && (s->path = absolute_path(path)) == NULL)
		r = cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", name);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

/* Attaching */

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
 * May a writer trust whoever made this file?  Root and oneself, yes; others
 * where only trusted people can put files into the directory: it belongs to
 * root or oneself and is not open to the world.
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
	static const uint8_t unknown[16];
	char found[33], wanted[33];
	uint8_t id[16];

	read_boot_id(id);
	if (memcmp(h->boot_id, id, 16) == 0 ||
	    memcmp(h->boot_id, unknown, 16) == 0 ||
	    memcmp(id, unknown, 16) == 0)
		return 0;
	boot_id_to_text(h->boot_id, found);
	boot_id_to_text(id, wanted);
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
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno, "%s",
		    path);
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
	int protection = PROT_READ;
	struct stat st;
	int r;

	if (fstat(s->fd, &st) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno, "%s",
		    path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	r = check_kind(&st, path, err);
	if (r == 0 && access == CMXI_WRITE) {
		protection |= PROT_WRITE;
		r = check_owner(&st, path, err);
		if (r == 0)
			r = check_filesystem(s->fd, path, flags, err);
	}
	if (r == 0)
		r = read_header(s, (uint64_t)st.st_size, path, err);
	if (r == 0 && access == CMXI_WRITE)
		r = check_boot(&s->fixed, path, err);
	if (r == 0)
		r = map_file(s, s->fixed.file_size, protection, path, err);
	return r;
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
	return cmxi_error_system(err,
	    saved == EACCES ? CMX_ERR_PERMISSION : CMX_ERR_SYSTEM, saved, "%s",
	    path);
}

int
cmxi_segment_open(struct cmxi_segment *s, const char *path,
    enum cmxi_access access, unsigned int flags, struct cmx_error *err)
{
	int mode = access == CMXI_WRITE ? O_RDWR : O_RDONLY;
	int r;

	memset(s, 0, sizeof(*s));
	/* Never O_CREAT: fs.protected_regular refuses it on others' files. */
	s->fd = move_fd_up(
	    open(path, mode | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	if (s->fd < 0)
		return cmxi_segment_open_error(path, errno, err);
	r = check_and_map(s, path, access, flags, err);
	if (r == 0 && (s->path = absolute_path(path)) == NULL)
		r = cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", path);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

int
cmxi_segment_open_fd(struct cmxi_segment *s, int fd, const char *name,
    struct cmx_error *err)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (s->fd < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno, "%s",
		    name);
	r = check_and_map(s, name, CMXI_READ, 0, err);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

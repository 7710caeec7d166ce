/*
 * segment_create.c: make a new segment, which has no name yet.
 */
#include "segment/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "segment/boot_id.h"
#include "segment/segment_path.h"

static int
open_error(const char *path, const char *directory, struct cmx_error *err)
{
	return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
	    "%s: cannot create a file in the directory %s", path, directory);
}

/*
 * Where the file system makes no files without a name (an overlay of an older
 * kernel), a temporary name serves; a process that is killed leaves it.
 */
static int
open_temporary(struct cmxi_segment *s, const char *path, const char *directory,
    struct cmx_error *err)
{
	if (asprintf(&s->temporary, "%s.XXXXXX", path) < 0) {
		s->temporary = NULL;
		return cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", path);
	}
	s->fd = cmxi_fd_move_up(mkostemp(s->temporary, O_CLOEXEC));
	if (s->fd >= 0)
		return 0;
	free(s->temporary);
	s->temporary = NULL;
	return open_error(path, directory, err);
}

/* Open a file without a name where path will be, or a memfd, as s->fd. */
static int
open_unnamed(struct cmxi_segment *s, const char *path, bool may_be_any,
    struct cmx_error *err)
{
	char directory[CMXI_PATH_MAX];
	int r;

	if (path == NULL) {
		s->fd = cmxi_fd_move_up(
		    memfd_create("codeai-metrics", MFD_CLOEXEC));
		if (s->fd >= 0)
			return 0;
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "private segment: memfd_create");
	}
	cmxi_path_directory(path, directory, sizeof(directory));
	s->fd = cmxi_fd_move_up(
	    open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	if (s->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return open_error(path, directory, err);
	r = cmxi_directory_check_filesystem(directory, path, may_be_any, err);
	return r == 0 ? open_temporary(s, path, directory, err) : r;
}

/*
 * The unit of reservation: the size of a page, or of a huge page on hugetlbfs.
 */
static uint32_t
page_size_of(const struct stat *st)
{
	return st->st_blksize > 4096 &&
		(st->st_blksize & (st->st_blksize - 1)) == 0 ?
	    (uint32_t)st->st_blksize :
	    4096;
}

static void
fill_identity(struct cmxi_shm_header *h)
{
	memcpy(h->magic, CMXI_MAGIC, CMXI_MAGIC_SIZE);
	h->version = CMXI_VERSION;
	h->header_size = CMXI_HEADER_SIZE;
	h->byte_order = CMXI_BYTE_ORDER;
	h->word_size = CMXI_WORD_SIZE;
	cmxi_boot_id_read(h->boot_id);
	h->created_ns = cmxi_wall_clock_ns();
	/* 0 stands for no segment (predecessor_seed). */
	h->seed = cmxi_random64();
	h->seed += h->seed == 0;
	if (h->origin_seed == 0)
		h->origin_seed = h->seed;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx"))
		h->flags |= CMXI_FLAG_PAIR_ATOMIC;
#elif defined(__aarch64__) && defined(HWCAP_USCAT)
	if (getauxval(AT_HWCAP) & HWCAP_USCAT)
		h->flags |= CMXI_FLAG_PAIR_ATOMIC;
#endif
}

/*
 * Beyond the limit of a process's files the kernel does not only refuse, it
 * sends SIGXFSZ, which ends the application (A1).  So the limit is asked first.
 */
static int
check_file_limit(uint64_t size, const char *name, struct cmx_error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur)
		return 0;
	return cmxi_error(err, CMX_ERR_NO_SPACE,
	    "%s: a segment is a sparse file of %" PRIu64
	    " bytes, and this process may not make files of more than %llu (ulimit -f, LimitFSIZE=): raise the limit, lower limits.series of the schema, or let another process create the segment; one that is there can be opened",
	    name, size, (unsigned long long)limit.rlim_cur);
}

static int
size_file(const struct cmxi_segment *s, const char *name, struct cmx_error *err)
{
	int r = check_file_limit(s->fixed.file_size, name, err);

	if (r != 0)
		return r;
	if (ftruncate(s->fd, (off_t)s->fixed.file_size) == 0)
		return 0;
	return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
	    "%s: cannot give it %" PRIu64 " bytes", name, s->fixed.file_size);
}

/*
 * Reserve the pages that every process uses, so that none has to ask for them.
 */
static int
reserve_initial(struct cmxi_segment *s)
{
	int r = cmxi_segment_populate(s, 0, s->fixed.index_offset);

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
	h->arena_used = CMXI_ENTRY_UNIT; /* entry 0 refers to nothing */
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
	struct stat st = { .st_blksize = 0 };
	int r;

	memset(s, 0, sizeof(*s));
	r = open_unnamed(s, path, flags & CMXI_ANY_FILESYSTEM, err);
	if (r != 0)
		return r;
	r = cmxi_segment_adopt(s, name, &st, err);
	if (r == 0)
		r = cmxi_fd_check_filesystem(s->fd, name,
		    flags & CMXI_ANY_FILESYSTEM, err);
	in.page_size = page_size_of(&st);
	if (cmxi_fd_is_memory(s->fd))
		in.flags |= CMXI_FLAG_IN_MEMORY;
	if (r == 0)
		r = cmxi_layout_compute(&in, &s->fixed, err);
	if (r == 0)
		r = size_file(s, name, err);
	if (r == 0) {
		fill_identity(&s->fixed);
		s->fixed.layout_hash = cmxi_layout_hash(&s->fixed);
		r = cmxi_segment_map(s, s->fixed.file_size, true, name, err);
	}
	if (r == 0)
		r = fill_new(s, schema, name, err);
	if (r == 0 && path != NULL)
		r = cmxi_segment_set_path(s, path, err);
	if (r != 0)
		cmxi_segment_close(s);
	return r;
}

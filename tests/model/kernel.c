/*
 * kernel.c: the files of the model: names, descriptors, mappings, pages.
 *
 * What a call changes that another process can notice is one step; what only
 * its own process can notice is none.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hooks.h"

#define HERE __builtin_return_address(0)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Mappings that are never looked into: only their end matters. */
#define TOKENS_BASE UINT64_C(0x300000000000)

struct kernel kernel;
uint32_t kernel_mapped[MODEL_PROCESSES], kernel_writable[MODEL_PROCESSES];

static struct kernel kept;
static const char *texts[N_FILES];

static int
failed(int error)
{
	errno = error;
	return -1;
}

struct task *
task_self(void)
{
	return &kernel.tasks[process_self()];
}

/* State */

void
kernel_init(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.now_ns = UINT64_C(1000000000) * 1000000000;
	for (int i = 0; i < MODEL_PROCESSES; i++)
		for (int fd = 0; fd < FDS; fd++)
			kernel.tasks[i].fds[fd] = NONE;
}

/* The bits of kernel_mapped and kernel_writable. */
static void
note_mappings(int process)
{
	kernel_mapped[process] = kernel_writable[process] = 0;
	for (int i = 0; i < MAPPINGS; i++) {
		const struct mapping *m = &kernel.tasks[process].mappings[i];
		int file;

		if (!m->is_used || m->description == NONE ||
		    m->at >= TOKENS_BASE)
			continue;
		file = kernel.descriptions[m->description].file;
		kernel_mapped[process] |= 1u << file;
		if (m->may_write)
			kernel_writable[process] |= 1u << file;
	}
}

void
kernel_keep(void)
{
	kept = kernel;
}

void
kernel_restore(void)
{
	kernel = kept;
	for (int i = 0; i < MODEL_PROCESSES; i++)
		note_mappings(i);
}

bool
kernel_may_touch(int process, const void *p, bool writes)
{
	uint64_t file = ((uintptr_t)p - SPACE_BASE) / FILE_ROOM;

	return ((writes ? kernel_writable : kernel_mapped)[process] >> file &
		   1) != 0;
}

bool
kernel_is_alive(int process)
{
	return kernel.tasks[process].is_alive;
}

void
kernel_pass_time(void)
{
	kernel.now_ns += UINT64_C(100000000);
}

uint64_t
kernel_hash(uint64_t hash)
{
	/* Names in the order of their places, which depends on the schedule. */
	for (int i = 0; i < NAMES; i++) {
		uint64_t h = 0;

		for (const char *c = kernel.names[i].path; *c != '\0'; c++)
			h = h * 31 + (unsigned char)*c;
		hash += h * UINT64_C(0x9e3779b97f4a7c15);
	}
	return hash;
}

/* Names */

int
name_find(const char *path)
{
	for (int i = 0; i < NAMES; i++)
		if (strcmp(kernel.names[i].path, path) == 0)
			return i;
	return NONE;
}

static int
name_new(const char *path, int file)
{
	for (int i = 0; i < NAMES; i++)
		if (kernel.names[i].path[0] == '\0') {
			snprintf(kernel.names[i].path, PATH_ROOM, "%s", path);
			kernel.names[i].file = file;
			kernel.files[file].n_links++;
			kernel.files[file].was_linked = true;
			return i;
		}
	fail("more names than the model has room for");
}

static void
file_end(int file)
{
	struct file *f = &kernel.files[file];

	if (f->n_links == 0 && f->n_open == 0)
		f->is_used = false;
}

static void
name_end(int name)
{
	int file = kernel.names[name].file;

	kernel.names[name].path[0] = '\0';
	kernel.files[file].n_links--;
	file_end(file);
}

static uint64_t
hash_path(const char *path)
{
	uint64_t h = 5381;

	for (; *path != '\0'; path++)
		h = h * 33 + (unsigned char)*path;
	return h;
}

/* A call that looks at or changes a name: one step. */
void
step_names(const char *path, bool writes, const void *code)
{
	struct step *s = step_begin(STEP_NAME, code);
	uint64_t h = hash_path(path);

	snprintf(s->detail, sizeof(s->detail), "%s", path);
	step_touch(s, IN_NAMES, writes, h, h + 1);
	step_wait(s);
	clock_acquire(&kernel.names_clock);
	if (writes)
		clock_release(&kernel.names_clock);
}

/* Files and descriptions */

static int
file_new(void)
{
	int i = kernel.n_files++;

	if (i >= N_FILES)
		fail("more files than the model has room for");
	kernel.files[i] =
	    (struct file){ .is_used = true, .is_memory = true, .mode = 0600 };
	return i;
}

int
description_new(int file, bool may_write)
{
	for (int i = 0; i < DESCRIPTIONS; i++)
		if (!kernel.descriptions[i].is_used) {
			kernel.descriptions[i] =
			    (struct description){ .file = (int16_t)file,
				    .is_used = true,
				    .may_write = may_write };
			if (file != NONE)
				kernel.files[file].n_open++;
			return i;
		}
	fail("more descriptions than the model has room for");
}

bool
description_has_locks(int description)
{
	for (int i = 0; i < LOCKS; i++)
		if (kernel.locks[i].is_used && !kernel.locks[i].is_posix &&
		    kernel.locks[i].owner == description)
			return true;
	return false;
}

static void
step_locks_end(int file, const void *code)
{
	struct step *s = step_begin(STEP_CLOSE, code);

	step_touch(s, IN_LOCKS, true, (uint64_t)file, (uint64_t)file + 1);
	step_wait(s);
	clock_release(&kernel.files[file].locks);
}

/* One user less; the last one drops the locks of the description. */
void
description_drop(int description, const void *code)
{
	struct description *d = &kernel.descriptions[description];

	if (d->n_users == 1 && description_has_locks(description) &&
	    code != NULL)
		step_locks_end(d->file, code);
	if (--d->n_users > 0)
		return;
	locks_drop(false, description, d->file);
	d->is_used = false;
	if (d->file == NONE)
		return;
	kernel.files[d->file].n_open--;
	file_end(d->file);
}

int
fd_new(int description)
{
	struct task *t = task_self();

	for (int fd = FIRST_FD; fd < FDS; fd++)
		if (t->fds[fd] == NONE) {
			t->fds[fd] = (int16_t)description;
			kernel.descriptions[description].n_users++;
			return fd;
		}
	fail("more descriptors than the model has room for");
}

struct description *
description_of(int fd)
{
	if (fd < 0 || fd >= FDS || task_self()->fds[fd] == NONE) {
		errno = EBADF;
		return NULL;
	}
	return &kernel.descriptions[task_self()->fds[fd]];
}

static struct file *
file_of(int fd)
{
	struct description *d = description_of(fd);

	return d == NULL || d->file == NONE ? NULL : &kernel.files[d->file];
}

/* Calls about names */

static int
open_text(const char *text)
{
	int description = description_new(NONE, false);

	snprintf(kernel.descriptions[description].text,
	    sizeof(kernel.descriptions[description].text), "%s", text);
	return fd_new(description);
}

/* The descriptor that /proc/self/fd/N names; NONE: another path. */
static int
fd_of_path(const char *path)
{
	int fd;

	return sscanf(path, "/proc/self/fd/%d", &fd) == 1 ? fd : NONE;
}

int kernel_open(const char *path, int flags, ...);

int
kernel_open(const char *path, int flags, ...)
{
	int fd = fd_of_path(path), file;
	const char *text;

	if ((flags & O_TMPFILE) == O_TMPFILE) {
		if (search_fails(MODEL_FAIL_DESCRIPTORS))
			return failed(EMFILE);
		return fd_new(description_new(file_new(), true));
	}
	text = proc_text(path, HERE);
	if (text != NULL)
		return open_text(text);
	if (fd == NONE && strncmp(path, "/proc/", 6) != 0 &&
	    strncmp(path, "/sys/", 5) != 0)
		step_names(path, false, HERE);
	if (search_fails(MODEL_FAIL_DESCRIPTORS))
		return failed(EMFILE);
	if (fd != NONE && file_of(fd) != NULL)
		file = description_of(fd)->file;
	else if (fd == NONE && name_find(path) != NONE)
		file = kernel.names[name_find(path)].file;
	else
		return failed(ENOENT);
	if (task_self()->is_locked_out)
		return failed(EACCES);
	return fd_new(description_new(file, (flags & O_ACCMODE) == O_RDWR));
}

/* Closing any descriptor of a file drops the POSIX locks of the process. */
static bool
has_posix_locks(int process, int file)
{
	for (int i = 0; i < LOCKS; i++)
		if (kernel.locks[i].is_used && kernel.locks[i].is_posix &&
		    kernel.locks[i].owner == process &&
		    kernel.locks[i].file == file)
			return true;
	return false;
}

int kernel_close(int);

int
kernel_close(int fd)
{
	struct description *d = description_of(fd);
	int description;

	if (d == NULL)
		return -1;
	if (d->file != NONE && has_posix_locks(process_self(), d->file)) {
		step_locks_end(d->file, HERE);
		locks_drop(true, process_self(), d->file);
	}
	description = task_self()->fds[fd];
	task_self()->fds[fd] = NONE;
	description_drop(description, HERE);
	return 0;
}

void
model_close(int fd)
{
	kernel_close(fd);
}

int kernel_linkat(int, const char *, int, const char *, int);
int kernel_rename(const char *, const char *);
int kernel_unlink(const char *);
int kernel_access(const char *, int);

int
kernel_linkat(int from_fd, const char *from, int to_fd, const char *to,
    int flags)
{
	int fd = from[0] == '\0' ? from_fd : fd_of_path(from);
	struct file *f = file_of(fd);

	(void)to_fd;
	(void)flags;
	step_names(to, true, HERE);
	if (f == NULL)
		return -1;
	if (name_find(to) != NONE)
		return failed(EEXIST);
	/* Only a file that never had a name gets one after its last. */
	if (f->n_links == 0 && f->was_linked)
		return failed(ENOENT);
	name_new(to, (int)(f - kernel.files));
	return 0;
}

int
kernel_rename(const char *from, const char *to)
{
	struct step *s = step_begin(STEP_NAME, HERE);
	int name, there, file;

	snprintf(s->detail, sizeof(s->detail), "%s", to);
	step_touch(s, IN_NAMES, true, hash_path(from), hash_path(from) + 1);
	step_touch(s, IN_NAMES, true, hash_path(to), hash_path(to) + 1);
	step_wait(s);
	clock_acquire(&kernel.names_clock);
	clock_release(&kernel.names_clock);
	name = name_find(from);
	if (name == NONE)
		return failed(ENOENT);
	file = kernel.names[name].file;
	there = name_find(to);
	/* The name of the old file goes at the same instant. */
	name_new(to, file);
	if (there != NONE)
		name_end(there);
	name_end(name);
	return 0;
}

int
kernel_unlink(const char *path)
{
	int name;

	step_names(path, true, HERE);
	name = name_find(path);
	if (name == NONE)
		return failed(ENOENT);
	name_end(name);
	return 0;
}

int
kernel_access(const char *path, int mode)
{
	(void)mode;
	step_names(path, false, HERE);
	return name_find(path) == NONE ? failed(ENOENT) : 0;
}

/* Calls about files */

static void
fill_stat(const struct file *f, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = 1;
	st->st_blksize = PAGE;
	st->st_mode = S_IFDIR | 0700;
	if (f == NULL)
		return;
	st->st_ino = (ino_t)(f - kernel.files) + 1;
	st->st_mode = S_IFREG | f->mode;
	st->st_nlink = f->n_links;
	st->st_size = (off_t)f->size;
	for (uint64_t at = 0; f->is_memory && at < f->size; at += PAGE)
		if (page_exists(
			(const char *)file_base((int)(f - kernel.files)) + at))
			st->st_blocks += PAGE / 512;
}

int kernel_lstat(const char *, struct stat *);
int kernel_stat(const char *, struct stat *);
int kernel_fstat(int, struct stat *);

int
kernel_lstat(const char *path, struct stat *st)
{
	int name;

	step_names(path, false, HERE);
	name = name_find(path);
	if (name == NONE && strcmp(path, "/m") != 0)
		return failed(ENOENT);
	fill_stat(name == NONE ? NULL : &kernel.files[kernel.names[name].file],
	    st);
	return 0;
}

int
kernel_stat(const char *path, struct stat *st)
{
	if (strcmp(path, "/proc/self/ns/pid") != 0)
		return kernel_lstat(path, st);
	fill_stat(NULL, st);
	st->st_ino = 4026531836;
	return 0;
}

int
kernel_fstat(int fd, struct stat *st)
{
	struct description *d = description_of(fd);

	if (d == NULL)
		return -1;
	fill_stat(d->file == NONE ? NULL : &kernel.files[d->file], st);
	return 0;
}

int kernel_statfs(const char *, struct statfs *);
int kernel_fstatfs(int, struct statfs *);
int kernel_ftruncate(int, off_t);
int kernel_fchown(int, uid_t, gid_t);
int kernel_chown(const char *, uid_t, gid_t);
int kernel_fchmod(int, mode_t);
int kernel_chmod(const char *, mode_t);
int kernel_mkdir(const char *, mode_t);
int kernel_getrlimit(int, struct rlimit *);
int kernel_memfd_create(const char *, unsigned int);
int kernel_mkostemp(char *, int);

int
kernel_statfs(const char *path, struct statfs *fs)
{
	(void)path;
	memset(fs, 0, sizeof(*fs));
	fs->f_type = TMPFS_MAGIC;
	return 0;
}

int
kernel_fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	return kernel_statfs("", fs);
}

int
kernel_ftruncate(int fd, off_t size)
{
	struct file *f = file_of(fd);

	if (f == NULL)
		return -1;
	if ((uint64_t)size > FILE_ROOM)
		fail("a file of %lld bytes, more than the model has room for",
		    (long long)size);
	f->size = (uint64_t)size;
	return 0;
}

int
kernel_fchown(int fd, uid_t uid, gid_t gid)
{
	(void)uid;
	(void)gid;
	return file_of(fd) == NULL ? -1 : 0;
}

int
kernel_chown(const char *path, uid_t uid, gid_t gid)
{
	(void)path;
	(void)uid;
	(void)gid;
	return 0;
}

int
kernel_fchmod(int fd, mode_t mode)
{
	struct file *f = file_of(fd);

	if (f == NULL)
		return -1;
	f->mode = mode;
	return 0;
}

int
kernel_chmod(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return 0;
}

int
kernel_mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return failed(EEXIST);
}

int
kernel_getrlimit(int resource, struct rlimit *limit)
{
	(void)resource;
	limit->rlim_cur = limit->rlim_max = RLIM_INFINITY;
	return 0;
}

int
kernel_memfd_create(const char *name, unsigned int flags)
{
	(void)name;
	(void)flags;
	return fd_new(description_new(file_new(), true));
}

int
kernel_mkostemp(char *path, int flags)
{
	(void)flags;
	fail("%s: a temporary name, which the model does not know", path);
}

void
kernel_add_file(const char *path, const char *text)
{
	int file = file_new();

	kernel.files[file].is_memory = false;
	kernel.files[file].size = strlen(text);
	texts[file] = text;
	name_new(path, file);
}

/* Reading and writing */

ssize_t kernel_read(int, void *, size_t);
ssize_t kernel_pread(int, void *, size_t, off_t);
ssize_t kernel_pwrite(int, const void *, size_t, off_t);

ssize_t
kernel_read(int fd, void *to, size_t n)
{
	struct description *d = description_of(fd);
	const char *text;
	size_t left;

	if (d == NULL)
		return -1;
	text = d->file == NONE ? d->text : texts[d->file];
	left = strlen(text) - d->position;
	n = n < left ? n : left;
	memcpy(to, text + d->position, n);
	d->position += (uint32_t)n;
	return (ssize_t)n;
}

ssize_t
kernel_pread(int fd, void *to, size_t n, off_t offset)
{
	struct description *d = description_of(fd);
	const char *base;
	uint64_t at = (uint64_t)offset;

	if (d == NULL || d->file == NONE)
		return -1;
	base = file_base(d->file);
	at_code = HERE;
	if (at >= kernel.files[d->file].size)
		return 0;
	if (n > kernel.files[d->file].size - at)
		n = kernel.files[d->file].size - at;
	step_simple(STEP_READ, IN_MEMORY, false, (uintptr_t)base + at,
	    (uintptr_t)base + at + n, HERE);
	at_code = HERE;
	memory_copy_out(to, base + at, n);
	return (ssize_t)n;
}

ssize_t
kernel_pwrite(int fd, const void *from, size_t n, off_t offset)
{
	struct description *d = description_of(fd);
	unsigned char *to;

	if (d == NULL || d->file == NONE || !d->may_write)
		return failed(EBADF);
	to = (unsigned char *)file_base(d->file) + offset;
	step_simple(STEP_WRITE, IN_MEMORY, true, (uintptr_t)to,
	    (uintptr_t)to + n, HERE);
	for (size_t i = 0; i < n; i += 8)
		if (is_exploring)
			clock_store((uintptr_t)to + i, 8,
			    *(const uint64_t *)((const char *)from + i),
			    __ATOMIC_RELAXED);
	memory_dirty(to, n);
	memcpy(to, from, n);
	return (ssize_t)n;
}

/* Asked where data is: only of files with holes, which no scenario has. */
off_t kernel_lseek(int, off_t, int);

off_t
kernel_lseek(int fd, off_t offset, int whence)
{
	(void)fd;
	(void)offset;
	fail("lseek %d, which the model does not know", whence);
}

/* Mappings and pages */

static struct mapping *
mapping_new(void)
{
	for (int i = 0; i < MAPPINGS; i++)
		if (!task_self()->mappings[i].is_used)
			return &task_self()->mappings[i];
	fail("more mappings than the model has room for");
}

static struct mapping *
mapping_find(const void *at)
{
	for (int i = 0; i < MAPPINGS; i++)
		if (task_self()->mappings[i].is_used &&
		    task_self()->mappings[i].at == (uintptr_t)at)
			return &task_self()->mappings[i];
	return NULL;
}

void *kernel_mmap(void *, size_t, int, int, int, off_t);
int kernel_munmap(void *, size_t);
int kernel_madvise(void *, size_t, int);
int kernel_mprotect(void *, size_t, int);
int kernel_munlock(const void *, size_t);

static uintptr_t
place_of(const struct description *d, size_t size)
{
	struct task *t = task_self();

	if (d == NULL)
		return (uintptr_t)memset(heap_take(size, PAGE), 0, size);
	if (size == kernel.files[d->file].size)
		return (uintptr_t)file_base(d->file);
	/* A part of a file is mapped to hold its description only. */
	return TOKENS_BASE + ((uintptr_t)process_self() << 32) +
	    PAGE * t->n_tokens++;
}

void *
kernel_mmap(void *at, size_t size, int protection, int flags, int fd,
    off_t offset)
{
	struct description *d =
	    flags & MAP_ANONYMOUS ? NULL : description_of(fd);
	struct mapping *m;

	(void)at;
	(void)offset;
	if (!(flags & MAP_ANONYMOUS) && d == NULL)
		return MAP_FAILED;
	if (d != NULL && !(flags & MAP_SHARED))
		fail("a file is mapped privately: nobody sees what is stored");
	if (d != NULL && (protection & PROT_WRITE) && !d->may_write) {
		errno = EACCES;
		return MAP_FAILED;
	}
	if (search_fails(MODEL_FAIL_MAPPINGS)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	m = mapping_new();
	*m = (struct mapping){ .is_used = true,
		.may_write = (protection & PROT_WRITE) != 0,
		.description =
		    d == NULL ? NONE : (int16_t)(d - kernel.descriptions),
		.at = place_of(d, size),
		.size = size };
	if (d != NULL)
		d->n_users++;
	note_mappings(process_self());
	return (void *)m->at;
}

int
kernel_munmap(void *at, size_t size)
{
	struct mapping *m = mapping_find(at);
	int description;

	if (m == NULL || m->size != size)
		fail("munmap of what is not mapped so");
	description = m->description;
	m->is_used = false;
	note_mappings(process_self());
	if (description != NONE)
		description_drop(description, HERE);
	return 0;
}

/* Make the pages of a range: 0, or -1 where the file system is full. */
static int
make_pages(const unsigned char *at, size_t size)
{
	if (!in_files(at) || !kernel_may_touch(process_self(), at, true))
		return failed(EFAULT);
	if (search_fails(MODEL_FAIL_PAGES))
		return failed(EFAULT);
	for (size_t i = 0; i < size; i += PAGE)
		memory_page_made(at + i);
	return 0;
}

int
kernel_madvise(void *at, size_t size, int advice)
{
	struct mapping *m;

	if (advice == MADV_POPULATE_WRITE)
		return make_pages(at, size);
	m = mapping_find(at);
	if (m == NULL)
		return failed(EINVAL);
	m->is_dontfork |= advice == MADV_DONTFORK;
	m->is_wipeonfork |= advice == MADV_WIPEONFORK;
	return 0;
}

int
kernel_mprotect(void *at, size_t size, int protection)
{
	(void)at;
	(void)size;
	(void)protection;
	return 0;
}

int
kernel_munlock(const void *at, size_t size)
{
	(void)at;
	(void)size;
	return 0;
}

long kernel_syscall(long number, ...);

static long
fallocate_call(va_list args)
{
	struct description *d = description_of(va_arg(args, int));
	long offset, size;

	(void)va_arg(args, int);
	offset = va_arg(args, long);
	size = va_arg(args, long);
	if (d == NULL || d->file == NONE)
		return -1;
	if (make_pages((unsigned char *)file_base(d->file) + offset,
		(size_t)size) == 0)
		return 0;
	return failed(ENOSPC);
}

long
kernel_syscall(long number, ...)
{
	va_list args;
	long r = 0;

	va_start(args, number);
	if (number == SYS_fallocate)
		r = fallocate_call(args);
	else if (number == SYS_nanosleep)
		step_simple(STEP_WAIT, IN_TIME, false, 0, 1, HERE);
	else
		fail("system call %ld, which the model does not know", number);
	va_end(args);
	return r;
}

/* Processes */

static bool
uses_description(const struct task *t, int description)
{
	for (int fd = 0; fd < FDS; fd++)
		if (t->fds[fd] == description)
			return true;
	for (int i = 0; i < MAPPINGS; i++)
		if (t->mappings[i].is_used &&
		    t->mappings[i].description == description)
			return true;
	return false;
}

/* Whoever finds the locks or the process gone sees all that it did. */
static void
order_end(int process)
{
	const struct task *t = &kernel.tasks[process];

	for (int a = 0; a < n_actors; a++) {
		if (actors[a].process != process)
			continue;
		clock_release_of(a, &kernel.deaths_clock);
		for (int i = 0; i < LOCKS; i++) {
			const struct lock *l = &kernel.locks[i];

			if (l->is_used &&
			    (l->is_posix ? l->owner == process :
					   uses_description(t, l->owner)))
				clock_release_of(a,
				    &kernel.files[l->file].locks);
		}
	}
}

/* The end of a process: descriptors, mappings and locks go at once. */
void
kernel_end_process(int process)
{
	struct task *t = &kernel.tasks[process];

	order_end(process);
	t->is_alive = false;
	for (int i = 0; i < N_FILES; i++)
		locks_drop(true, process, i);
	for (int fd = 0; fd < FDS; fd++)
		if (t->fds[fd] != NONE) {
			description_drop(t->fds[fd], NULL);
			t->fds[fd] = NONE;
		}
	for (int i = 0; i < MAPPINGS; i++)
		if (t->mappings[i].is_used) {
			t->mappings[i].is_used = false;
			if (t->mappings[i].description != NONE)
				description_drop(t->mappings[i].description,
				    NULL);
		}
	note_mappings(process);
}

static bool
is_wiped(const struct task *t, const void *p)
{
	for (int i = 0; i < MAPPINGS; i++)
		if (t->mappings[i].is_used && t->mappings[i].is_wipeonfork &&
		    (uintptr_t)p - t->mappings[i].at < t->mappings[i].size)
			return true;
	return false;
}

/* The child has what its parent has, but for what it asked to keep. */
void
kernel_fork(int parent, int child)
{
	struct task *p = &kernel.tasks[parent], *c = &kernel.tasks[child];

	process_fork(parent, child);
	*c = *p;
	for (int fd = 0; fd < FDS; fd++)
		if (c->fds[fd] != NONE)
			kernel.descriptions[c->fds[fd]].n_users++;
	for (int i = 0; i < MAPPINGS; i++) {
		struct mapping *m = &c->mappings[i];

		if (m->is_used && m->is_dontfork)
			m->is_used = false;
		if (m->is_used && m->description != NONE)
			kernel.descriptions[m->description].n_users++;
	}
	for (int i = 0; i < MUTEXES; i++)
		if (is_wiped(p, c->mutexes[i].at))
			c->mutexes[i].at = NULL;
	/* What is to be wiped is wiped in the child's memory. */
	process_enter(child);
	for (int i = 0; i < MAPPINGS; i++)
		if (c->mappings[i].is_used && c->mappings[i].is_wipeonfork)
			memset((void *)c->mappings[i].at, 0,
			    c->mappings[i].size);
	process_enter(parent);
	note_mappings(child);
}

/*
 * fault.c: a shared object to preload, in which the nth call of one kind fails.
 *
 * A program asks fault_arm() by dlsym(3), or the environment does:
 * FAULT=call:n, and FAULT_HIT names a file that is made when the call failed.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* The calls, and the errno of each: what a machine in trouble says. */
#define CALLS(X)                  \
	X(memory, ENOMEM)         \
	X(open, EMFILE)           \
	X(opendir, EMFILE)        \
	X(stat, EACCES)           \
	X(lstat, EACCES)          \
	X(fstat, EIO)             \
	X(statfs, EIO)            \
	X(fstatfs, EIO)           \
	X(realpath, EACCES)       \
	X(mkdir, ENOSPC)          \
	X(mkostemp, ENOSPC)       \
	X(mkstemp, ENOSPC)        \
	X(ftruncate, ENOSPC)      \
	X(linkat, EIO)            \
	X(unlink, EIO)            \
	X(rename, EIO)            \
	X(chmod, EPERM)           \
	X(fchmod, EPERM)          \
	X(fchown, EPERM)          \
	X(fcntl, ENOLCK)          \
	X(mmap, ENOMEM)           \
	X(mprotect, ENOMEM)       \
	X(madvise, EINVAL)        \
	X(pread, EIO)             \
	X(pwrite, ENOSPC)         \
	X(read, EIO)              \
	X(write, ENOSPC)          \
	X(memfd_create, EMFILE)   \
	X(getrandom, ENOSYS)      \
	X(syscall, ENOSYS)        \
	X(fork, EAGAIN)           \
	X(pthread_create, EAGAIN) \
	X(accept4, EMFILE)

#define NAME(call, error) #call,
static const char *const names[] = { CALLS(NAME) NULL };
#define ERROR(call, error) error,
static const int errors[] = { CALLS(ERROR) };
#define NUMBER(call, error) FAULT_##call,
enum call { CALLS(NUMBER) N_CALLS };

static atomic_int armed = -1;
static atomic_long left;
static atomic_bool was_hit;
static atomic_long n_live; /* blocks of memory */

int fault_arm(const char *call, long n);
bool fault_disarm(void);
long fault_live(void);
const char *fault_name(int call);

const char *
fault_name(int call)
{
	return call < N_CALLS ? names[call] : NULL;
}

/* Let the nth call fail from now on.  Returns 0, or -1 for an unknown one. */
int
fault_arm(const char *call, long n)
{
	for (int i = 0; i < N_CALLS; i++)
		if (strcmp(names[i], call) == 0) {
			was_hit = false;
			left = n;
			armed = i;
			return 0;
		}
	return -1;
}

/* Let none fail.  Returns whether one has. */
bool
fault_disarm(void)
{
	armed = -1;
	return was_hit;
}

long
fault_live(void)
{
	return n_live;
}

static void
report(void)
{
	const char *path = getenv("FAULT_HIT");

	armed = -1;
	if (path != NULL)
		close(open(path, O_WRONLY | O_CREAT, 0600));
}

static bool
fails(enum call call)
{
	if (armed != (int)call || atomic_fetch_sub(&left, 1) != 1)
		return false;
	was_hit = true;
	report();
	errno = errors[call];
	return true;
}

__attribute__((constructor)) static void
arm_by_environment(void)
{
	const char *text = getenv("FAULT"), *colon;
	char call[32];

	if (text == NULL || (colon = strchr(text, ':')) == NULL ||
	    (size_t)(colon - text) >= sizeof(call))
		return;
	memcpy(call, text, (size_t)(colon - text));
	call[colon - text] = '\0';
	fault_arm(call, atol(colon + 1));
	/* Not for the programs that this one runs. */
	unsetenv("FAULT");
	unsetenv("LD_PRELOAD");
}

/* Memory */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static void *
counted(void *p)
{
	n_live += p != NULL;
	return p;
}

void *
malloc(size_t size)
{
	return fails(FAULT_memory) ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails(FAULT_memory) ? NULL : counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *q = fails(FAULT_memory) ? NULL : __libc_realloc(p, size);

	return p == NULL ? counted(q) : q;
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return fails(FAULT_memory) ? NULL :
				     counted(__libc_memalign(alignment, size));
}

void
free(void *p)
{
	n_live -= p != NULL;
	__libc_free(p);
}

/* The kernel.  next is the function of libc. */

#define NEXT(function)                     \
	static __typeof__(function) *next; \
	if (next == NULL)                  \
	next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function)

#define WRAP(call, result, arguments, values, failed)                \
	result call arguments                                        \
	{                                                            \
		NEXT(call);                                          \
		return fails(FAULT_##call) ? (failed) : next values; \
	}

WRAP(opendir, DIR *, (const char *p), (p), NULL)
WRAP(stat, int, (const char *p, struct stat *s), (p, s), -1)
WRAP(lstat, int, (const char *p, struct stat *s), (p, s), -1)
WRAP(fstat, int, (int fd, struct stat *s), (fd, s), -1)
WRAP(statfs, int, (const char *p, struct statfs *s), (p, s), -1)
WRAP(fstatfs, int, (int fd, struct statfs *s), (fd, s), -1)
WRAP(mkdir, int, (const char *p, mode_t m), (p, m), -1)
WRAP(mkostemp, int, (char *p, int f), (p, f), -1)
WRAP(mkstemp, int, (char *p), (p), -1)
WRAP(ftruncate, int, (int fd, off_t n), (fd, n), -1)
WRAP(linkat, int, (int d, const char *p, int e, const char *q, int f),
    (d, p, e, q, f), -1)
WRAP(unlink, int, (const char *p), (p), -1)
WRAP(rename, int, (const char *p, const char *q), (p, q), -1)
WRAP(chmod, int, (const char *p, mode_t m), (p, m), -1)
WRAP(fchmod, int, (int fd, mode_t m), (fd, m), -1)
WRAP(fchown, int, (int fd, uid_t u, gid_t g), (fd, u, g), -1)
WRAP(mmap, void *, (void *p, size_t n, int r, int f, int fd, off_t o),
    (p, n, r, f, fd, o), MAP_FAILED)
WRAP(mprotect, int, (void *p, size_t n, int r), (p, n, r), -1)
WRAP(madvise, int, (void *p, size_t n, int a), (p, n, a), -1)
WRAP(pread, ssize_t, (int fd, void *p, size_t n, off_t o), (fd, p, n, o), -1)
WRAP(pwrite, ssize_t, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o),
    -1)
WRAP(read, ssize_t, (int fd, void *p, size_t n), (fd, p, n), -1)
WRAP(write, ssize_t, (int fd, const void *p, size_t n), (fd, p, n), -1)
WRAP(memfd_create, int, (const char *p, unsigned int f), (p, f), -1)
WRAP(getrandom, ssize_t, (void *p, size_t n, unsigned int f), (p, n, f), -1)
WRAP(fork, pid_t, (void), (), -1)
WRAP(accept4, int, (int fd, struct sockaddr *a, socklen_t *n, int f),
    (fd, a, n, f), -1)
WRAP(pthread_create, int,
    (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *p),
    (t, a, f, p), EAGAIN)
WRAP(realpath, char *, (const char *p, char *to), (p, to), NULL)

int
open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	NEXT(open);
	return fails(FAULT_open) ? -1 : next(path, flags, mode);
}

int __open_2(const char *path, int flags);
int
__open_2(const char *path, int flags)
{
	NEXT(__open_2);
	return fails(FAULT_open) ? -1 : next(path, flags);
}

char *__realpath_chk(const char *path, char *to, size_t n);
char *
__realpath_chk(const char *path, char *to, size_t n)
{
	(void)n;
	return realpath(path, to);
}

int
fcntl(int fd, int command, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	NEXT(fcntl);
	return fails(FAULT_fcntl) ? -1 : next(fd, command, argument);
}

long
syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	NEXT(syscall);
	return fails(FAULT_syscall) ?
	    -1 :
	    next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/*
 * kernel_locks.c: locks on bytes, of descriptions and of processes; and the
 * mutexes of threads.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#define HERE __builtin_return_address(0)

static struct lock *
lock_new(struct lock like)
{
	for (int i = 0; i < LOCKS; i++)
		if (!kernel.locks[i].is_used) {
			kernel.locks[i] = like;
			kernel.locks[i].is_used = true;
			return &kernel.locks[i];
		}
	fail("more locks than the model has room for");
}

static bool
have_one_owner(const struct lock *a, const struct lock *b)
{
	return a->file == b->file && a->is_posix == b->is_posix &&
	    a->owner == b->owner;
}

/* The first lock of another owner that is in the way; or null. */
static const struct lock *
conflict(const struct lock *wanted)
{
	for (int i = 0; i < LOCKS; i++) {
		const struct lock *l = &kernel.locks[i];

		if (l->is_used && l->file == wanted->file &&
		    !have_one_owner(l, wanted) && l->from < wanted->to &&
		    wanted->from < l->to &&
		    (l->type == F_WRLCK || wanted->type == F_WRLCK))
			return l;
	}
	return NULL;
}

/* Take the bytes away from the locks of their owner. */
static void
cut_own(const struct lock *cut)
{
	for (int i = 0; i < LOCKS; i++) {
		struct lock *l = &kernel.locks[i], rest = *l;

		if (!l->is_used || !have_one_owner(l, cut) ||
		    l->from >= cut->to || cut->from >= l->to)
			continue;
		l->is_used = false;
		if (rest.from < cut->from) {
			lock_new(rest)->to = cut->from;
		}
		if (rest.to > cut->to)
			lock_new(rest)->from = cut->to;
	}
}

/* The kernel keeps one lock for neighbouring bytes of one owner and type. */
static void
join_neighbours(struct lock *l)
{
	for (int i = 0; i < LOCKS; i++) {
		struct lock *o = &kernel.locks[i];

		if (o == l || !o->is_used || !have_one_owner(o, l) ||
		    o->type != l->type ||
		    (o->to != l->from && l->to != o->from))
			continue;
		l->from = o->from < l->from ? o->from : l->from;
		l->to = o->to > l->to ? o->to : l->to;
		o->is_used = false;
		i = -1;
	}
}

void
locks_drop(bool is_posix, int owner, int file)
{
	for (int i = 0; i < LOCKS; i++) {
		struct lock *l = &kernel.locks[i];

		if (l->is_used && l->is_posix == is_posix &&
		    l->owner == owner && l->file == file)
			l->is_used = false;
	}
}

void
kernel_touch_locks_of(int process, struct step *s)
{
	(void)process;
	/* Any file: the end of a process may drop its locks everywhere. */
	step_touch(s, IN_LOCKS, true, 0, UINT64_MAX);
	step_touch(s, IN_PROCESSES, true, (uint64_t)process,
	    (uint64_t)process + 1);
}

static int
set_lock(const struct lock *wanted)
{
	if (wanted->type != F_UNLCK && conflict(wanted) != NULL) {
		errno = EAGAIN;
		return -1;
	}
	cut_own(wanted);
	if (wanted->type != F_UNLCK)
		join_neighbours(lock_new(*wanted));
	return 0;
}

static void
ask_lock(const struct lock *wanted, struct flock *answer)
{
	const struct lock *l = conflict(wanted);

	answer->l_type = F_UNLCK;
	if (l == NULL)
		return;
	answer->l_type = l->type;
	answer->l_start = l->from;
	answer->l_len = l->to - l->from;
}

static int
lock_call(int fd, int command, struct flock *arg, const void *code)
{
	struct description *d = description_of(fd);
	bool is_posix = command == F_SETLK || command == F_GETLK;
	bool asks = command == F_GETLK || command == F_OFD_GETLK;
	struct step *s;
	struct lock wanted;
	uint64_t file;

	if (d == NULL || d->file == NONE)
		return -1;
	if (!asks && arg->l_type == F_WRLCK && !d->may_write) {
		errno = EBADF;
		return -1;
	}
	file = (uint64_t)d->file;
	s = step_begin(asks ? STEP_ASK : STEP_LOCK, code);
	step_touch(s, IN_LOCKS, !asks, file, file + 1);
	s = step_wait(s);
	s->value = (uint64_t)arg->l_start;
	if (!asks && arg->l_type != F_UNLCK && search_fails(MODEL_FAIL_LOCKS)) {
		errno = ENOLCK;
		return -1;
	}
	/* Lock calls on one file are ordered by the kernel's lock of them. */
	clock_acquire(&kernel.files[file].locks);
	clock_release(&kernel.files[file].locks);
	wanted = (struct lock){ .is_posix = is_posix,
		.file = d->file,
		.owner = (int16_t)(is_posix ? process_self() :
					      d - kernel.descriptions),
		.type = arg->l_type,
		.from = arg->l_start,
		.to = arg->l_len == 0 ? INT64_MAX : arg->l_start + arg->l_len };
	if (!asks)
		return set_lock(&wanted);
	ask_lock(&wanted, arg);
	return 0;
}

int kernel_fcntl(int, int, ...);

int
kernel_fcntl(int fd, int command, ...)
{
	va_list args;
	struct flock *lock;

	if (command == F_DUPFD_CLOEXEC)
		return description_of(fd) == NULL ?
		    -1 :
		    fd_new(task_self()->fds[fd]);
	if (command == F_SETFL)
		return 0;
	if (command != F_SETLK && command != F_GETLK &&
	    command != F_OFD_SETLK && command != F_OFD_GETLK)
		fail("fcntl %d, which the model does not know", command);
	va_start(args, command);
	lock = va_arg(args, struct flock *);
	va_end(args);
	return lock_call(fd, command, lock, HERE);
}

/* Threads */

int kernel_pthread_mutex_lock(pthread_mutex_t *);
int kernel_pthread_mutex_unlock(pthread_mutex_t *);
int kernel_pthread_once(pthread_once_t *, void (*)(void));

static struct mutex *
held(const void *at)
{
	for (int i = 0; i < MUTEXES; i++)
		if (task_self()->mutexes[i].at == at)
			return &task_self()->mutexes[i];
	return NULL;
}

bool
kernel_mutex_is_free(const void *at)
{
	return at == NULL || held(at) == NULL;
}

int
kernel_pthread_mutex_lock(pthread_mutex_t *m)
{
	if (process_has_threads(process_self()) && is_exploring) {
		actors[self].mutex = m;
		step_simple(STEP_MUTEX, IN_MEMORY, true, (uintptr_t)m,
		    (uintptr_t)m + 1, HERE);
		actors[self].mutex = NULL;
	}
	if (held(m) != NULL)
		fail("a mutex that nobody will unlock");
	held(NULL)->at = m;
	clock_acquire(&task_self()->mutexes_clock);
	return 0;
}

int
kernel_pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (held(m) == NULL)
		fail("a mutex is unlocked that is not locked");
	clock_release(&task_self()->mutexes_clock);
	held(m)->at = NULL;
	return 0;
}

int
kernel_pthread_once(pthread_once_t *once, void (*f)(void))
{
	if (*once == 0) {
		*once = 2;
		f();
	}
	return 0;
}

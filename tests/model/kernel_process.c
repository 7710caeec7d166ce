/*
 * kernel_process.c: time, chance, signals, the environment, and what /proc
 * tells.
 */
#include "kernel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HERE      __builtin_return_address(0)
#define FIRST_PID 100

uint32_t
model_pid(int process)
{
	return FIRST_PID + (uint32_t)process;
}

/* /proc */

static const char *
stat_text(uint32_t pid)
{
	static char text[192];

	/* State, 17 fields, the number of threads, 0, the start, sizes. */
	snprintf(text, sizeof(text),
	    "%u (model) S 1 1 1 0 0 0 0 0 0 0 1 1 0 0 0 0 1 0 %u 4096 1 0 0 0\n",
	    pid, pid * 100);
	return text;
}

const char *
proc_text(const char *path, const void *code)
{
	unsigned int pid;

	if (strcmp(path, "/proc/self/stat") == 0)
		return stat_text(model_pid(process_self()));
	if (strcmp(path, "/proc/self/status") == 0)
		return "VmLck:\t0 kB\n";
	if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
		return "01234567-89ab-cdef-0123-456789abcdef\n";
	if (sscanf(path, "/proc/%u/stat", &pid) != 1)
		return NULL;
	if (pid - FIRST_PID >= MODEL_PROCESSES)
		return NULL;
	step_simple(STEP_PROCESS, IN_PROCESSES, false, pid - FIRST_PID,
	    pid - FIRST_PID + 1, code);
	clock_acquire(&kernel.deaths_clock);
	return kernel.tasks[pid - FIRST_PID].is_alive ? stat_text(pid) : NULL;
}

pid_t kernel_getpid(void);
uid_t kernel_geteuid(void);
gid_t kernel_getegid(void);
int kernel_kill(pid_t, int);
char *kernel_realpath(const char *, char *);
char *kernel_secure_getenv(const char *);
int kernel_asprintf(char **, const char *, ...)
    __attribute__((format(printf, 2, 3)));

pid_t
kernel_getpid(void)
{
	return (pid_t)model_pid(process_self());
}

uid_t
kernel_geteuid(void)
{
	return 0;
}

gid_t
kernel_getegid(void)
{
	return 0;
}

int
kernel_kill(pid_t pid, int signal_number)
{
	uint32_t process = (uint32_t)pid - FIRST_PID;

	if (signal_number != 0 || process >= MODEL_PROCESSES)
		fail("a signal for process %d", (int)pid);
	if (kernel.tasks[process].is_alive)
		return 0;
	errno = ESRCH;
	return -1;
}

char *
kernel_realpath(const char *path, char *to)
{
	size_t n = strlen(path);
	char *real = strcpy(heap_take(n + 1, 16), path);

	(void)to;
	if (n > 1 && real[n - 1] == '/')
		real[n - 1] = '\0';
	return real;
}

char *
kernel_secure_getenv(const char *name)
{
	static char off[] = "0", wait_ms[] = "500";

	if (strcmp(name, "CODEAI_METRICS_RSEQ") == 0)
		return off;
	if (strcmp(name, "CODEAI_METRICS_APPLY_WAIT") == 0)
		return wait_ms;
	return NULL;
}

int
kernel_asprintf(char **to, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*to = strcpy(heap_take((size_t)n + 1, 16), text);
	return n;
}

/* Time and chance */

int kernel_clock_gettime(clockid_t, struct timespec *);
int kernel_nanosleep(const struct timespec *, struct timespec *);
int kernel_sched_yield(void);
ssize_t kernel_getrandom(void *, size_t, unsigned int);

int
kernel_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = (time_t)(kernel.now_ns / 1000000000);
	now->tv_nsec = (long)(kernel.now_ns % 1000000000);
	return 0;
}

int
kernel_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	step_simple(STEP_WAIT, IN_TIME, false, 0, 1, HERE);
	return 0;
}

int
kernel_sched_yield(void)
{
	step_simple(STEP_WAIT, IN_TIME, false, 0, 1, HERE);
	return 0;
}

/* The same in every schedule, and never twice. */
ssize_t
kernel_getrandom(void *to, size_t n, unsigned int flags)
{
	uint64_t v = ((uint64_t)process_self() << 32) + ++task_self()->n_random;

	(void)flags;
	v *= UINT64_C(0x9e3779b97f4a7c15);
	v ^= v >> 29;
	memcpy(to, &v, n < sizeof(v) ? n : sizeof(v));
	return (ssize_t)n;
}

/* Signals and cancellation: the model has none. */

int kernel_sigaction(int, const struct sigaction *, struct sigaction *);
int kernel_pthread_sigmask(int, const sigset_t *, sigset_t *);
int kernel_pthread_setcancelstate(int, int *);

int
kernel_sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
	(void)number;
	(void)new;
	(void)old;
	return 0;
}

int
kernel_pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
	(void)how;
	(void)new;
	if (old != NULL)
		sigemptyset(old);
	return 0;
}

int
kernel_pthread_setcancelstate(int state, int *old)
{
	(void)state;
	*old = PTHREAD_CANCEL_ENABLE;
	return 0;
}

/* What scenarios do as processes */

void
model_tell(void)
{
	step_simple(STEP_TELL, IN_PIPE, true, 0, 1, HERE);
	clock_release(&kernel.pipe_clock);
	kernel.n_told++;
}

unsigned int
model_told(void)
{
	step_simple(STEP_TELL, IN_PIPE, false, 0, 1, HERE);
	clock_acquire(&kernel.pipe_clock);
	return kernel.n_told;
}

void
model_drop_privileges(void)
{
	task_self()->is_locked_out = true;
}

void
model_wait(void)
{
	step_simple(STEP_WAIT, IN_TIME, false, 0, 1, HERE);
}

bool
model_is_alive(int process)
{
	return kernel.tasks[process].is_alive;
}

void
model_fork(int actor)
{
	struct actor *child = &actors[actor];

	step_simple(STEP_FORK, IN_PROCESSES, true, (uint64_t)child->process,
	    (uint64_t)child->process + 1, HERE);
	kernel_fork(process_self(), child->process);
	clock_fork(self, actor);
	child->is_started = true;
}

/* A machine of one CPU. */
long kernel_sysconf(int);

long
kernel_sysconf(int name)
{
	return name == _SC_CLK_TCK ? 100 : name == _SC_PAGESIZE ? PAGE : 1;
}

/*
 * syscall_filter.c: the system calls that the daemon may make (seccomp).
 *
 * A program of the kernel's filter machine, made from a list.  A call that is
 * not on the list fails, so that a newer libc is no end of the daemon: with
 * EPERM, or with ENOSYS where it is newer than the list, so that libc uses the
 * older call.  Source: seccomp(2), and what a trace of the daemon shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

/* faccessat2(2), whose number is the same on all machines. */
#define NEWEST_CALL 439

/* Allowed whatever their arguments are. */
static const int calls[] = {
	/* files */
	SYS_read,
	SYS_pread64,
	SYS_readv,
	SYS_write,
	SYS_writev,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_fstatfs,
	SYS_statfs,
	SYS_lseek,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_faccessat,
	NEWEST_CALL, /* faccessat2 */
	SYS_fcntl,
	SYS_fallocate,
#ifdef SYS_stat
	SYS_stat,
	SYS_lstat,
	SYS_readlink,
	SYS_access,
#endif
	/* memory, never executable */
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	/* threads, but no processes */
	SYS_futex,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_membarrier,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_gettid,
	SYS_getpid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_sysinfo,
	SYS_getrandom,
	SYS_exit,
	SYS_exit_group,
	/* clients */
	SYS_accept4,
	SYS_accept,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_shutdown,
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_ppoll,
	SYS_pselect6,
	SYS_eventfd2,
	SYS_pipe2,
#ifdef SYS_poll
	SYS_poll,
	SYS_select,
#endif
	/* time and signals, of this process only */
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_setitimer,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigtimedwait,
	SYS_sigaltstack,
	SYS_restart_syscall,
};

/* What an argument must be. */
enum rule {
	HAS_NOT, /* these bits */
	HAS,     /* these bits */
	IS,      /* this */
	IS_OURS, /* the pid of this process */
};

/* Flags of open(2) that no reader needs. */
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

/* Allowed where one argument is right. */
static const struct call {
	int number;
	enum rule rule;
	unsigned int argument;
	uint32_t value;
} ruled_calls[] = {
	{ SYS_openat, HAS_NOT, 2, WRITING },
	{ SYS_mmap, HAS_NOT, 2, PROT_EXEC },
	{ SYS_mprotect, HAS_NOT, 2, PROT_EXEC },
	{ SYS_clone, HAS, 0, CLONE_THREAD },
	{ SYS_sendto, IS, 4, 0 },
	{ SYS_prctl, IS, 0, PR_SET_NAME },
	{ SYS_tgkill, IS_OURS, 0, 0 },
	{ SYS_kill, IS, 1, 0 },
#ifdef SYS_open
	{ SYS_open, HAS_NOT, 1, WRITING },
#endif
};

#define N_CALLS (sizeof(calls) / sizeof(calls[0]))
#define N_RULED (sizeof(ruled_calls) / sizeof(ruled_calls[0]))

/* Instructions of a call, of one with a rule, and around all of them. */
#define PER_CALL  2
#define PER_RULED 5
#define AROUND    10

struct program {
	struct sock_filter
	    code[N_CALLS * PER_CALL + N_RULED * PER_RULED + AROUND];
	size_t n;
};

static void
add(struct program *p, struct sock_filter instruction)
{
	p->code[p->n++] = instruction;
}

static void
load(struct program *p, size_t offset)
{
	add(p,
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		(uint32_t)offset));
}

static void
answer(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Jump over so many instructions, depending on the loaded word. */
static void
jump(struct program *p, uint16_t test, uint32_t value, uint8_t if_true,
    uint8_t if_false)
{
	add(p,
	    (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | test | BPF_K),
		value, if_true, if_false));
}

/* Where the number is that of the call, this is the answer. */
static void
add_call(struct program *p, int number, uint32_t action)
{
	jump(p, BPF_JEQ, (uint32_t)number, 0, 1);
	answer(p, action);
}

/*
 * Where the number is that of the call, its argument decides.  Only the lower
 * half is compared: flags, pids and signals have 32 bits.
 */
static void
add_ruled_call(struct program *p, const struct call *c)
{
	uint16_t test =
	    c->rule == HAS || c->rule == HAS_NOT ? BPF_JSET : BPF_JEQ;
	bool allowed_if = c->rule != HAS_NOT;

	jump(p, BPF_JEQ, (uint32_t)c->number, 0, 4);
	load(p, offsetof(struct seccomp_data, args[0]) + 8 * c->argument);
	jump(p, test, c->rule == IS_OURS ? (uint32_t)getpid() : c->value,
	    allowed_if ? 0 : 1, allowed_if ? 1 : 0);
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, SECCOMP_RET_ERRNO | EPERM);
}

bool
syscall_filter_install(void)
{
	struct program p = { .n = 0 };
	struct sock_fprog filter;

	if (ARCHITECTURE == 0)
		return false;
	load(&p, offsetof(struct seccomp_data, arch));
	jump(&p, BPF_JEQ, ARCHITECTURE, 1, 0);
	answer(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N_CALLS; i++)
		add_call(&p, calls[i], SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < N_RULED; i++)
		add_ruled_call(&p, &ruled_calls[i]);
	/* Its flags cannot be seen; libc uses clone(2) instead. */
	add_call(&p, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	jump(&p, BPF_JGT, NEWEST_CALL, 0, 1);
	answer(&p, SECCOMP_RET_ERRNO | ENOSYS);
	answer(&p, SECCOMP_RET_ERRNO | EPERM);
	filter =
	    (struct sock_fprog){ .len = (unsigned short)p.n, .filter = p.code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

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

/* What a call must be, to be allowed. */
enum rule {
	ANY,
	ARGUMENT_HAS_NOT, /* these bits */
	ARGUMENT_HAS,     /* these bits */
	ARGUMENT_IS,      /* this */
	ARGUMENT_IS_OURS, /* the pid of this process */
	IS_ABSENT,        /* ENOSYS: libc has another way */
};

struct call {
	int number;
	enum rule rule;
	unsigned int argument;
	uint32_t value;
};

/* Flags of open(2) that no reader needs. */
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

static const struct call calls[] = {
	/* files */
	{ SYS_read, ANY, 0, 0 },
	{ SYS_pread64, ANY, 0, 0 },
	{ SYS_readv, ANY, 0, 0 },
	{ SYS_write, ANY, 0, 0 },
	{ SYS_writev, ANY, 0, 0 },
	{ SYS_openat, ARGUMENT_HAS_NOT, 2, WRITING },
	{ SYS_close, ANY, 0, 0 },
	{ SYS_fstat, ANY, 0, 0 },
	{ SYS_newfstatat, ANY, 0, 0 },
	{ SYS_statx, ANY, 0, 0 },
	{ SYS_fstatfs, ANY, 0, 0 },
	{ SYS_statfs, ANY, 0, 0 },
	{ SYS_lseek, ANY, 0, 0 },
	{ SYS_getdents64, ANY, 0, 0 },
	{ SYS_readlinkat, ANY, 0, 0 },
	{ SYS_faccessat, ANY, 0, 0 },
	{ NEWEST_CALL, ANY, 0, 0 }, /* faccessat2 */
	{ SYS_fcntl, ANY, 0, 0 },
	{ SYS_fallocate, ANY, 0, 0 },
#ifdef SYS_open
	{ SYS_open, ARGUMENT_HAS_NOT, 1, WRITING },
	{ SYS_stat, ANY, 0, 0 },
	{ SYS_lstat, ANY, 0, 0 },
	{ SYS_readlink, ANY, 0, 0 },
	{ SYS_access, ANY, 0, 0 },
#endif
	/* memory, never executable */
	{ SYS_mmap, ARGUMENT_HAS_NOT, 2, PROT_EXEC },
	{ SYS_mprotect, ARGUMENT_HAS_NOT, 2, PROT_EXEC },
	{ SYS_munmap, ANY, 0, 0 },
	{ SYS_mremap, ANY, 0, 0 },
	{ SYS_madvise, ANY, 0, 0 },
	{ SYS_brk, ANY, 0, 0 },
	/* threads, but no processes */
	{ SYS_clone3, IS_ABSENT, 0, 0 },
	{ SYS_clone, ARGUMENT_HAS, 0, CLONE_THREAD },
	{ SYS_futex, ANY, 0, 0 },
	{ SYS_set_robust_list, ANY, 0, 0 },
	{ SYS_rseq, ANY, 0, 0 },
	{ SYS_membarrier, ANY, 0, 0 },
	{ SYS_sched_yield, ANY, 0, 0 },
	{ SYS_sched_getaffinity, ANY, 0, 0 },
	{ SYS_gettid, ANY, 0, 0 },
	{ SYS_getpid, ANY, 0, 0 },
	{ SYS_getuid, ANY, 0, 0 },
	{ SYS_geteuid, ANY, 0, 0 },
	{ SYS_getgid, ANY, 0, 0 },
	{ SYS_getegid, ANY, 0, 0 },
	{ SYS_sysinfo, ANY, 0, 0 },
	{ SYS_getrandom, ANY, 0, 0 },
	{ SYS_exit, ANY, 0, 0 },
	{ SYS_exit_group, ANY, 0, 0 },
	/* clients */
	{ SYS_accept4, ANY, 0, 0 },
	{ SYS_accept, ANY, 0, 0 },
	{ SYS_recvfrom, ANY, 0, 0 },
	{ SYS_recvmsg, ANY, 0, 0 },
	{ SYS_sendto, ARGUMENT_IS, 4, 0 },
	{ SYS_sendmsg, ANY, 0, 0 },
	{ SYS_shutdown, ANY, 0, 0 },
	{ SYS_getsockname, ANY, 0, 0 },
	{ SYS_getpeername, ANY, 0, 0 },
	{ SYS_getsockopt, ANY, 0, 0 },
	{ SYS_setsockopt, ANY, 0, 0 },
	{ SYS_ppoll, ANY, 0, 0 },
	{ SYS_pselect6, ANY, 0, 0 },
	{ SYS_eventfd2, ANY, 0, 0 },
	{ SYS_pipe2, ANY, 0, 0 },
#ifdef SYS_poll
	{ SYS_poll, ANY, 0, 0 },
	{ SYS_select, ANY, 0, 0 },
#endif
	/* time and signals, of this process only */
	{ SYS_clock_gettime, ANY, 0, 0 },
	{ SYS_clock_nanosleep, ANY, 0, 0 },
	{ SYS_nanosleep, ANY, 0, 0 },
	{ SYS_gettimeofday, ANY, 0, 0 },
	{ SYS_setitimer, ANY, 0, 0 },
	{ SYS_prctl, ARGUMENT_IS, 0, PR_SET_NAME },
	{ SYS_rt_sigaction, ANY, 0, 0 },
	{ SYS_rt_sigprocmask, ANY, 0, 0 },
	{ SYS_rt_sigreturn, ANY, 0, 0 },
	{ SYS_rt_sigtimedwait, ANY, 0, 0 },
	{ SYS_sigaltstack, ANY, 0, 0 },
	{ SYS_restart_syscall, ANY, 0, 0 },
	{ SYS_tgkill, ARGUMENT_IS_OURS, 0, 0 },
	{ SYS_kill, ARGUMENT_IS, 1, 0 },
};

#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

/* The most instructions of a call, and those around all of them. */
#define PER_CALL 5
#define AROUND   8

struct program {
	struct sock_filter code[N_CALLS * PER_CALL + AROUND];
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

/*
 * Where the number is that of the call, its rule decides.  Only the lower half
 * of an argument is compared: flags, pids and signals have 32 bits.
 */
static void
add_call(struct program *p, const struct call *c)
{
	static const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
	uint16_t test = c->rule == ARGUMENT_HAS || c->rule == ARGUMENT_HAS_NOT ?
	    BPF_JSET :
	    BPF_JEQ;
	bool allowed_if = c->rule != ARGUMENT_HAS_NOT;

	if (c->rule == ANY || c->rule == IS_ABSENT) {
		jump(p, BPF_JEQ, (uint32_t)c->number, 0, 1);
		answer(p,
		    c->rule == ANY ? SECCOMP_RET_ALLOW :
				     SECCOMP_RET_ERRNO | ENOSYS);
		return;
	}
	jump(p, BPF_JEQ, (uint32_t)c->number, 0, 4);
	load(p, offsetof(struct seccomp_data, args[0]) + 8 * c->argument);
	jump(p, test,
	    c->rule == ARGUMENT_IS_OURS ? (uint32_t)getpid() : c->value,
	    allowed_if ? 0 : 1, allowed_if ? 1 : 0);
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, refuse);
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
		add_call(&p, &calls[i]);
	jump(&p, BPF_JGT, NEWEST_CALL, 0, 1);
	answer(&p, SECCOMP_RET_ERRNO | ENOSYS);
	answer(&p, SECCOMP_RET_ERRNO | EPERM);
	filter =
	    (struct sock_fprog){ .len = (unsigned short)p.n, .filter = p.code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

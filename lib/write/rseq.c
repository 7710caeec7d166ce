/*
 * rseq.c: may this process use the CPU stripes?
 */
#include "write/rseq.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codeai/metrics_inline.h"

#include "base/atomic.h"
#include "base/require.h"
#include "segment/boot_id.h"

/*
 * glibc has these since 2.35; weak references let older ones run with the
 * fallback.  The registered size was 32 at first and is 20 or more now: compare
 * it with the needed size, never for equality.
 */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

#define RSEQ_SIZE_MIN 20

bool
cmxi_rseq_is_registered(void)
{
#ifdef CMX_HAS_RSEQ
	return &__rseq_size != NULL && &__rseq_offset != NULL &&
	    __rseq_size >= RSEQ_SIZE_MIN &&
	    cmx_rseq_cpu(__rseq_offset) <= INT32_MAX;
#else
	return false;
#endif
}

int32_t
cmxi_rseq_offset(void)
{
	return cmxi_rseq_is_registered() ? (int32_t)__rseq_offset : 0;
}

#ifdef CMX_HAS_RSEQ

enum outcome { ABORTED, NOT_ABORTED, NOT_PREEMPTED };

/*
 * The children leave real-time classes, where the one that spins would never be
 * preempted, and would hold up the machine.
 */
static void
be_preemptible(void)
{
	const struct sched_param none = { .sched_priority = 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
}

/* The turns of the loop before a child gives up: some hundred milliseconds. */
#define TURNS_MAX 200000000u

/* A child that was never preempted proves nothing, so it is tried again. */
#define TRIALS_MAX 3

struct trial {
	uint32_t is_in_section;
	uint32_t is_changed;
};

/*
 * Stay in a section until another thread of this CPU changes a word.  That
 * thread runs only after this one is preempted, so a kernel that works aborts
 * the section before it can see the change.
 */
static enum outcome
spin_in_section(struct trial *trial)
{
	ptrdiff_t offset = __rseq_offset;
	uint32_t turns = TURNS_MAX, changed = 0;

#if defined(__x86_64__)
	uint32_t cpu = cmx_rseq_cpu(offset);

	/* Label 6 is the loop; the others are those of CMX_RSEQ_BEGIN. */
	/* clang-format off */
	__asm__ goto volatile(
	    CMX_RSEQ_BEGIN
	    "movl $1, %[started]\n\t"
	    "6:\n\t"
	    "cmpl $0, %[changed_word]\n\t"
	    "jne 2f\n\t"
	    "subl $1, %[turns]\n\t"
	    "jnz 6b\n\t"
	    CMX_RSEQ_END
	    :
	    : [offset] "r"(offset), [cpu] "r"(cpu), [turns] "r"(turns),
	      [started] "m"(trial->is_in_section),
	      [changed_word] "m"(trial->is_changed)
	    : "memory", "cc", "rax"
	    : aborted);
	/* clang-format on */
#else
	uint32_t cpu = cmx_rseq_cpu(offset);

	/* clang-format off */
	__asm__ goto volatile(
	    CMX_RSEQ_BEGIN
	    "mov w15, 1\n\t"
	    "str w15, [%[started]]\n\t"
	    "6:\n\t"
	    "ldr w15, [%[changed_word]]\n\t"
	    "cbnz w15, 2f\n\t"
	    "sub %w[turns], %w[turns], 1\n\t"
	    "cbnz %w[turns], 6b\n\t"
	    CMX_RSEQ_END
	    :
	    : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
	      [turns] "r"(turns), [started] "r"(&trial->is_in_section),
	      [changed_word] "r"(&trial->is_changed)
	    : "memory", "cc", "x15"
	    : aborted);
	/* clang-format on */
#endif
	changed = cmxi_load32_relaxed(&trial->is_changed);
	return changed ? NOT_ABORTED : NOT_PREEMPTED;
aborted:
	return ABORTED;
}

static enum outcome
change_word(struct trial *trial)
{
	for (uint32_t i = 0; i < TURNS_MAX / 100; i++) {
		if (cmxi_load32_relaxed(&trial->is_in_section)) {
			cmxi_store32_relaxed(&trial->is_changed, 1);
			return ABORTED;
		}
		sched_yield();
	}
	return NOT_PREEMPTED;
}

/* One CPU that this process may run on. */
static bool
pick_cpu(cpu_set_t *one)
{
	cpu_set_t all;

	CPU_ZERO(one);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return false;
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, one);
			return true;
		}
	return false;
}

/*
 * Fork a child by the bare system call: the application's atfork handlers do
 * not run, and without an exit signal it gets no SIGCHLD.
 */
static pid_t
start_child(enum outcome (*body)(struct trial *), struct trial *trial,
    const cpu_set_t *cpu)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	REQUIRE(body != NULL);
	if (pid == 0) {
		int status = NOT_PREEMPTED;

		be_preemptible();
		if (sched_setaffinity(0, sizeof(*cpu), cpu) == 0)
			status = body(trial);
		/* A filter that refuses this must not make a second
		 * application. */
		for (;;) {
			syscall(SYS_exit_group, status);
			syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
		}
	}
	return pid;
}

static enum outcome
wait_for_child(pid_t pid)
{
	int status;

	if (pid < 0)
		return NOT_PREEMPTED;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return NOT_PREEMPTED;
	return WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status) :
				   NOT_PREEMPTED;
}

static enum outcome
try_once(struct trial *trial, const cpu_set_t *cpu)
{
	pid_t spinner, changer;
	enum outcome outcome;

	memset(trial, 0, sizeof(*trial));
	spinner = start_child(spin_in_section, trial, cpu);
	changer = start_child(change_word, trial, cpu);
	outcome = wait_for_child(spinner);
	/*
	 * End the child that changes the word: it may wait for a section that
	 * is over.
	 */
	cmxi_store32_relaxed(&trial->is_in_section, 1);
	wait_for_child(changer);
	return outcome;
}

static unsigned int
verdict(enum outcome outcome)
{
	return outcome == ABORTED  ? CMXI_RSEQ_WORKS :
	    outcome == NOT_ABORTED ? CMXI_RSEQ_BROKEN :
				     CMXI_RSEQ_UNTRIED;
}

unsigned int
cmxi_rseq_self_test(void)
{
	enum outcome outcome = NOT_PREEMPTED;
	int saved = errno;
	struct trial *trial;
	cpu_set_t cpu;

	if (!cmxi_rseq_is_registered() || !pick_cpu(&cpu))
		return CMXI_RSEQ_UNTRIED;
	trial = mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trial == MAP_FAILED)
		return CMXI_RSEQ_UNTRIED;
	for (int i = 0; i < TRIALS_MAX && outcome == NOT_PREEMPTED; i++)
		outcome = try_once(trial, &cpu);
	munmap(trial, sizeof(*trial));
	errno = saved;
	return verdict(outcome);
}

#else

unsigned int
cmxi_rseq_self_test(void)
{
	return CMXI_RSEQ_UNTRIED;
}

#endif

/* What is known of the kernel's sections; tried here where it is not. */
static uint64_t
known_verdict(const struct cmxi_segment *s)
{
	uint64_t *word = &cmxi_segment_header(s)->rseq;
	/* relaxed: the word alone says which stripes may be used */
	uint64_t known = cmxi_load64_relaxed(word), found;

	if (known != CMXI_RSEQ_UNTRIED)
		return known;
	found = cmxi_rseq_self_test();
	if (found == CMXI_RSEQ_UNTRIED ||
	    cmxi_cas64_relaxed(word, &known, found))
		return found;
	return known;
}

uint32_t
cmxi_rseq_usable_cpus(const struct cmxi_segment *s)
{
	const char *wanted = secure_getenv("CODEAI_METRICS_RSEQ");

	if (!cmxi_rseq_is_registered() ||
	    (wanted != NULL && strcmp(wanted, "0") == 0))
		return 0;
	/*
	 * CPU 3 of another kernel is not our CPU 3.  A file in memory does not
	 * outlive its kernel; of another one the boot must be known.
	 */
	if (!(s->fixed.flags & CMXI_FLAG_IN_MEMORY) &&
	    !cmxi_boot_id_is_known(s->fixed.boot_id))
		return 0;
	return known_verdict(s) == CMXI_RSEQ_WORKS ? s->fixed.n_cpu_stripes : 0;
}

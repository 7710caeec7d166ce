/*
 * fault_guard.c: a fault on a truncated mapping becomes a return value.
 */
#include "read/fault_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "codeai/metrics_reader.h"

#include "base/atomic.h"
#include "base/error.h"
#include "base/require.h"

/* The range of a mapping that one thread watches. */
struct guard {
	const unsigned char *base;
	size_t size;
	sigjmp_buf jump;
};

static __thread struct guard *active;
static struct sigaction previous;

/* Was the signal sent, by kill(2) or the like?  Then no load faults again. */
static bool
was_sent(const siginfo_t *info)
{
	return info->si_code <= 0;
}

/* The fault is not in a watched range: do what the earlier handler would do. */
static void
pass_on(int signal_number, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(signal_number, info, context);
		return;
	}
	if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(signal_number);
		return;
	}
	/* Who ignores the signal ignores one that was sent. */
	if (previous.sa_handler == SIG_IGN && was_sent(info))
		return;
	/*
	 * Return with the default action set: the load runs again, and the
	 * signal ends the process.
	 */
	sigaction(SIGBUS, &previous, NULL);
	if (was_sent(info))
		kill(getpid(), SIGBUS);
}

static void
on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	struct guard *guard = active;
	const unsigned char *address = info->si_addr;

	if (guard == NULL || address < guard->base ||
	    address >= guard->base + guard->size) {
		pass_on(signal_number, info, context);
		return;
	}
	active = NULL;
	siglongjmp(guard->jump, 1);
}

int
cmxr_guard_install(void)
{
	struct sigaction action, before;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigbus;
	/*
	 * SA_NODEFER, because the jump leaves the handler without unblocking
	 * the signal.
	 */
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &before) != 0)
		return CMX_ERR_SYSTEM;
	/* Our own handler, of an earlier call, would pass on to itself. */
	if (!(before.sa_flags & SA_SIGINFO) || before.sa_sigaction != on_sigbus)
		previous = before;
	return 0;
}

bool
cmxi_guarded(const struct cmxi_segment *s, void (*load)(void *), void *arg)
{
	struct guard guard = { .base = s->base, .size = s->size };

	REQUIRE(active == NULL);
	/* The handler has set active to null. */
	if (sigsetjmp(guard.jump, 0) != 0)
		return false;
	active = &guard;
	/*
	 * The handler runs in this thread, so a barrier for the compiler
	 * suffices.
	 */
	cmxi_signal_fence();
	load(arg);
	cmxi_signal_fence();
	active = NULL;
	return true;
}

int
cmxi_guard_error(const struct cmxi_segment *s, struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "%s: was truncated while it was read",
	    s->path != NULL ? s->path : "segment");
}

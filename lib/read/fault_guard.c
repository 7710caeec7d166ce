/*
 * fault_guard.c: a fault on a truncated mapping becomes a return value.
 */
#include "read/fault_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

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

/* The fault is not in a watched range: do what the earlier handler would do. */
static void
pass_on(int signal_number, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(signal_number, info, context);
	else if (previous.sa_handler != SIG_DFL &&
	    previous.sa_handler != SIG_IGN)
		previous.sa_handler(signal_number);
	else
		/*
		 * Return with the default action set: the load runs again, and
		 * the signal ends the process.
		 */
		sigaction(SIGBUS, &previous, NULL);
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
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigbus;
	/*
	 * SA_NODEFER, because the jump leaves the handler without unblocking
	 * the signal.
	 */
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, &previous) == 0 ? 0 : CMX_ERR_SYSTEM;
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

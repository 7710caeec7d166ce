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

/* A range that is watched in one thread. */
struct guard {
	const unsigned char *base;
	size_t size;
	sigjmp_buf jump;
};

static __thread struct guard *active;
static struct sigaction previous;

/* Not ours: do what was to be done before us. */
static void
pass_on(int signal_number, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(signal_number, info, context);
	else if (previous.sa_handler != SIG_DFL &&
	    previous.sa_handler != SIG_IGN)
		previous.sa_handler(signal_number);
	else
		/* The load runs again, and ends the process as it should. */
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
	/* NODEFER: the jump leaves the handler, and nothing would unblock. */
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, &previous) == 0 ? 0 : CMX_ERR_SYSTEM;
}

bool
cmxi_guarded(const struct cmxi_segment *s, void (*load)(void *), void *arg)
{
	struct guard guard = { .base = s->base, .size = s->size };

	REQUIRE(active == NULL);
	/* The handler has made active null. */
	if (sigsetjmp(guard.jump, 0) != 0)
		return false;
	active = &guard;
	/* The handler runs in this thread: only the compiler must not move. */
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

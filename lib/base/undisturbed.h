/*
 * undisturbed.h: a stretch of code that no signal handler and no cancellation
 * of this thread interrupts.
 *
 * A handler that forks in the middle of a claim would leave a child that goes
 * on with its parent's claim, and a thread that is cancelled would leave a
 * descriptor.  Both are kept away for some microseconds.  Signals that the
 * thread raises itself by a fault are not held back.
 */
#ifndef CMXI_UNDISTURBED_H
#define CMXI_UNDISTURBED_H

#include <pthread.h>
#include <signal.h>

struct cmxi_undisturbed {
	sigset_t mask;
	int cancel_state;
};

/* Begin; errno may change. */
static inline void
cmxi_undisturbed_begin(struct cmxi_undisturbed *u)
{
	sigset_t all;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &u->cancel_state);
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &all, &u->mask);
}

/* End: what came meanwhile is handled now. */
static inline void
cmxi_undisturbed_end(const struct cmxi_undisturbed *u)
{
	int ignored;

	pthread_sigmask(SIG_SETMASK, &u->mask, NULL);
	pthread_setcancelstate(u->cancel_state, &ignored);
}

#endif

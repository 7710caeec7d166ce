/*
 * call.h: what every call that may take long keeps: errno, and the thread.
 *
 * A thread that is cancelled in the middle would leave descriptors, mappings
 * and locks of the process behind; so cancellation waits until the call ends.
 */
#ifndef CMXI_CALL_H
#define CMXI_CALL_H

#include <errno.h>
#include <pthread.h>

struct cmxi_call {
	int saved_errno;
	int cancel_state;
};

static inline struct cmxi_call
cmxi_call_begin(void)
{
	struct cmxi_call call = { .saved_errno = errno };

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call.cancel_state);
	return call;
}

static inline void
cmxi_call_end(const struct cmxi_call *call)
{
	int ignored;

	pthread_setcancelstate(call->cancel_state, &ignored);
	errno = call->saved_errno;
}

#endif

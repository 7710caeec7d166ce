/*
 * limit.c: so many requests at one time: a bucket of tokens, which is full at
 * the start and gets one more at each interval.
 */
#include <pthread.h>
#include <stdlib.h>

#include "../daemon.h"
#include "web.h"

struct limit {
	double interval_ns; /* 0: no limit */
	double burst;
	pthread_mutex_t lock;
	/* Protected by the lock. */
	double tokens;
	uint64_t filled_ns; /* the time of the tokens */
};

struct limit *
limit_new(int64_t interval_ns, int64_t burst)
{
	struct limit *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->interval_ns = interval_ns > 0 ? (double)interval_ns : 0;
	l->burst = l->tokens = (double)burst;
	l->filled_ns = now_ns();
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void
limit_free(struct limit *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool
limit_allows(struct limit *l)
{
	uint64_t now = now_ns();
	bool ok;

	if (l->interval_ns == 0)
		return true;
	pthread_mutex_lock(&l->lock);
	if (now > l->filled_ns) {
		l->tokens += (double)(now - l->filled_ns) / l->interval_ns;
		l->filled_ns = now;
	}
	if (l->tokens > l->burst)
		l->tokens = l->burst;
	ok = l->tokens >= 1;
	l->tokens -= ok;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

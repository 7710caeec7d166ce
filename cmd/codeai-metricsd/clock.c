/*
 * clock.c: the monotonic clock, and waiting by it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "daemon.h"

uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void
clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool
clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns)
{
	const struct timespec until = { .tv_sec =
					    (time_t)(until_ns / NS_PER_SECOND),
		.tv_nsec = (long)(until_ns % NS_PER_SECOND) };

	return pthread_cond_timedwait(cond, lock, &until) == 0;
}

struct call {
	void (*work)(void *);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	/* Protected by the lock.  Who comes last frees the call. */
	bool has_ended, is_abandoned;
};

static void
free_call(struct call *c)
{
	pthread_cond_destroy(&c->ended);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void *
run_call(void *arg)
{
	struct call *c = arg;
	bool is_abandoned;

	c->work(c->arg);
	pthread_mutex_lock(&c->lock);
	c->has_ended = true;
	is_abandoned = c->is_abandoned;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
	if (is_abandoned)
		free_call(c);
	return NULL;
}

enum call_end
call_within(unsigned int seconds, void (*work)(void *arg), void *arg)
{
	uint64_t deadline = now_ns() + seconds * NS_PER_SECOND;
	struct call *c = calloc(1, sizeof(*c));
	pthread_t thread;
	bool has_ended;

	if (c == NULL)
		return CALL_FAILED;
	c->work = work;
	c->arg = arg;
	pthread_mutex_init(&c->lock, NULL);
	clock_cond_init(&c->ended);
	if (pthread_create(&thread, NULL, run_call, c) != 0) {
		free_call(c);
		return CALL_FAILED;
	}
	pthread_mutex_lock(&c->lock);
	while (!c->has_ended)
		if (!clock_cond_wait(&c->ended, &c->lock, deadline))
			break;
	has_ended = c->has_ended;
	c->is_abandoned = !has_ended;
	pthread_mutex_unlock(&c->lock);
	if (!has_ended) {
		pthread_detach(thread);
		return CALL_IS_LATE;
	}
	pthread_join(thread, NULL);
	free_call(c);
	return CALL_ENDED;
}

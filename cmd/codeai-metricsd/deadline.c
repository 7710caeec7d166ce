/*
 * deadline.c: clients that take too long are disconnected.
 *
 * libmicrohttpd ends a connection that is silent.  A client that sends a byte
 * of its request now and then, or takes a byte of its answer, is never silent:
 * a thread of ours shuts its socket when its time is over.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon.h"

struct client {
	LIST_ENTRY(client) entry;
	struct deadlines *of;
	int socket;
	uint64_t due_ns;
};

struct deadlines {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Protected by the lock. */
	LIST_HEAD(, client) clients;
	uint64_t next_ns; /* when the thread looks again */
	bool ends;
};

/* Shut the sockets whose time is over.  Returns when the next one is due. */
static uint64_t
shut_late(struct deadlines *d)
{
	uint64_t now = now_ns(), next = UINT64_MAX;
	struct client *c;

	LIST_FOREACH(c, &d->clients, entry)
	{
		if (c->due_ns <= now) {
			/* Its thread sees the end, and calls deadline_end(). */
			shutdown(c->socket, SHUT_RDWR);
			c->due_ns = UINT64_MAX;
		}
		next = c->due_ns < next ? c->due_ns : next;
	}
	return next;
}

static void *
run(void *arg)
{
	struct deadlines *d = arg;

	pthread_mutex_lock(&d->lock);
	while (!d->ends) {
		d->next_ns = shut_late(d);
		if (d->next_ns == UINT64_MAX)
			pthread_cond_wait(&d->changed, &d->lock);
		else
			clock_cond_wait(&d->changed, &d->lock, d->next_ns);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct deadlines *
deadlines_new(void)
{
	struct deadlines *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	clock_cond_init(&d->changed);
	if (pthread_create(&d->thread, NULL, run, d) == 0)
		return d;
	free(d);
	return NULL;
}

void
deadlines_free(struct deadlines *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->ends = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void
set_due(struct client *c, unsigned int seconds)
{
	struct deadlines *d = c->of;

	c->due_ns = now_ns() + seconds * NS_PER_SECOND;
	if (c->due_ns < d->next_ns)
		pthread_cond_signal(&d->changed);
}

struct client *
deadline_begin(struct deadlines *d, int socket, unsigned int seconds)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		/* Without a deadline it could stay for ever. */
		shutdown(socket, SHUT_RDWR);
		return NULL;
	}
	c->of = d;
	c->socket = socket;
	pthread_mutex_lock(&d->lock);
	LIST_INSERT_HEAD(&d->clients, c, entry);
	set_due(c, seconds);
	pthread_mutex_unlock(&d->lock);
	return c;
}

void
deadline_set(struct client *c, unsigned int seconds)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->of->lock);
	set_due(c, seconds);
	pthread_mutex_unlock(&c->of->lock);
}

void
deadline_end(struct client *c)
{
	struct deadlines *d;

	if (c == NULL)
		return;
	d = c->of;
	pthread_mutex_lock(&d->lock);
	LIST_REMOVE(c, entry);
	pthread_mutex_unlock(&d->lock);
	free(c);
}

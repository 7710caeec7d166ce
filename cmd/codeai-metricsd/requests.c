/*
 * requests.c: requests in flight, and the bodies that they share.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* Memory that is kept for the next body, whatever its size. */
#define SPARE_BYTES (1 << 20)

struct requests {
	struct budget budget;

	/* Protects the members that follow, and the references to bodies. */
	pthread_mutex_t lock;
	LIST_HEAD(, request) list;
	size_t in_flight;
	uint64_t bytes; /* of the bodies that are not freed or spare */
	bool is_stopped;
	unsigned long n_begun; /* scrapes */
	unsigned long latest_number;
	struct body *latest; /* holds a reference */
	struct body *spare;  /* kept for the memory of the next scrape */
};

struct requests *
requests_new(const struct budget *budget)
{
	struct requests *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->budget = *budget;
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

static void
body_free(struct body *body)
{
	if (body == NULL)
		return;
	cmxr_buffer_free(&body->buffer);
	free(body);
}

void
requests_free(struct requests *q)
{
	if (q == NULL)
		return;
	body_free(q->latest);
	body_free(q->spare);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void
requests_stop(struct requests *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_stopped = true;
	pthread_mutex_unlock(&q->lock);
}

/* Let a reference go.  Requires: the lock. */
static void
release(struct requests *q, struct body *body)
{
	if (--body->references > 0)
		return;
	q->bytes -= body->counted;
	body->counted = 0;
	if (q->spare == NULL)
		q->spare = body;
	else
		body_free(body);
}

struct request *
request_begin(struct requests *q, const unsigned char client[16],
    bool *is_allowed)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	memcpy(r->client, client, sizeof(r->client));
	r->requests = q;
	pthread_mutex_lock(&q->lock);
	*is_allowed = q->budget.max_requests == 0 ||
	    q->in_flight < q->budget.max_requests;
	q->in_flight++;
	r->seen = q->n_begun;
	LIST_INSERT_HEAD(&q->list, r, entry);
	pthread_mutex_unlock(&q->lock);
	return r;
}

/*
 * Where no other request waits that could share the latest body, its memory is
 * kept for the next scrape.
 */
void
request_end(struct request *r)
{
	struct requests *q = r->requests;

	pthread_mutex_lock(&q->lock);
	if (r->body != NULL)
		release(q, r->body);
	LIST_REMOVE(r, entry);
	if (--q->in_flight == 0 && q->latest != NULL) {
		release(q, q->latest);
		q->latest = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	free(r);
}

size_t
requests_in_flight(struct requests *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->in_flight;
	pthread_mutex_unlock(&q->lock);
	return n;
}

bool
request_share(struct request *r, const struct want *want)
{
	struct requests *q = r->requests;
	const struct body *latest;

	pthread_mutex_lock(&q->lock);
	latest = q->latest;
	if (latest != NULL && q->latest_number > r->seen &&
	    latest->format == want->format && latest->is_gzip == want->gzip &&
	    latest->is_whole && want->n_names == 0) {
		r->body = q->latest;
		r->body->references++;
	}
	pthread_mutex_unlock(&q->lock);
	return r->body != NULL;
}

/* The memory of the bodies that are sent to a client. */
static uint64_t
held_by(const struct requests *q, const unsigned char client[16])
{
	uint64_t bytes = 0;
	const struct request *r;

	LIST_FOREACH(r, &q->list, entry)
	if (r->body != NULL && memcmp(r->client, client, 16) == 0)
		bytes += r->body->counted / (uint64_t)r->body->references;
	return bytes;
}

bool
request_has_room(struct request *r)
{
	struct requests *q = r->requests;
	bool ok;

	pthread_mutex_lock(&q->lock);
	/* Nobody is sent the latest body. */
	if (q->bytes > q->budget.max_bytes && q->latest != NULL &&
	    q->latest->references == 1) {
		release(q, q->latest);
		q->latest = NULL;
	}
	ok = !q->is_stopped && q->bytes <= q->budget.max_bytes &&
	    held_by(q, r->client) <= q->budget.max_bytes / 4;
	pthread_mutex_unlock(&q->lock);
	return ok;
}

struct body *
requests_take_body(struct requests *q, unsigned long *number)
{
	struct body *body;

	pthread_mutex_lock(&q->lock);
	body = q->spare;
	q->spare = NULL;
	*number = ++q->n_begun;
	pthread_mutex_unlock(&q->lock);
	if (body == NULL)
		body = calloc(1, sizeof(*body));
	if (body != NULL)
		body->references = 1;
	return body;
}

void
requests_drop_body(struct requests *q, struct body *body)
{
	pthread_mutex_lock(&q->lock);
	release(q, body);
	pthread_mutex_unlock(&q->lock);
}

/* Give back the memory of an earlier body that was far larger. */
static void
shrink(struct cmxr_buffer *buffer)
{
	char *data;

	if (buffer->capacity / 4 <= buffer->size ||
	    buffer->capacity <= SPARE_BYTES)
		return;
	data = realloc(buffer->data, buffer->size + 1);
	if (data == NULL)
		return;
	buffer->data = data;
	buffer->capacity = buffer->size + 1;
}

void
request_publish(struct request *r, struct body *body, unsigned long number)
{
	struct requests *q = r->requests;

	pthread_mutex_lock(&q->lock);
	if (q->latest != NULL)
		release(q, q->latest);
	shrink(&body->buffer);
	q->latest = body;
	q->latest_number = number;
	body->counted = body->buffer.capacity;
	q->bytes += body->counted;
	body->references++;
	r->body = body;
	pthread_mutex_unlock(&q->lock);
}

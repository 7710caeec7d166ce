/*
 * collect.c: one scrape: sources and self to a body.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* Memory that is kept for the next body, whatever its size. */
#define SPARE_BYTES (1 << 20)

struct collector {
	struct source *sources;
	size_t n_sources;
	struct self *self;
	size_t n_left_out;         /* families that the last scrape left out */
	struct cmxr_input *inputs; /* one for each source, and one for self */
	struct budget budget;

	/*
	 * Held during a scrape, because only one thread may use sources and
	 * readers.
	 */
	pthread_mutex_t scrape;

	/* Protects the members that follow, and the references to bodies. */
	pthread_mutex_t lock;
	LIST_HEAD(, request) requests;
	size_t in_flight;
	uint64_t bytes; /* of the bodies that are not freed or spare */
	bool is_stopped;
	unsigned long n_begun; /* scrapes */
	unsigned long latest_number;
	struct body *latest; /* holds a reference */
	struct body *spare;  /* kept for the memory of the next scrape */
};

struct collector *
collector_new(struct source *sources, size_t n_sources,
    const struct budget *budget, struct cmx_error *error)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->sources = sources;
	c->n_sources = n_sources;
	c->budget = *budget;
	pthread_mutex_init(&c->scrape, NULL);
	pthread_mutex_init(&c->lock, NULL);
	c->inputs = calloc(n_sources + 1, sizeof(*c->inputs));
	c->self = self_new(error);
	if (c->inputs != NULL && c->self != NULL)
		return c;
	collector_free(c);
	return NULL;
}

bool
collector_start(struct collector *c)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (!source_start(&c->sources[i], c->budget.max_bytes)) {
			log_error("%s: no memory or no thread to read it",
			    c->sources[i].path);
			return false;
		}
	return true;
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
collector_free(struct collector *c)
{
	if (c == NULL)
		return;
	body_free(c->latest);
	body_free(c->spare);
	self_free(c->self);
	free(c->inputs);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->scrape);
	free(c);
}

/* Let a reference go.  Requires: the lock. */
static void
release(struct collector *c, struct body *body)
{
	if (--body->references > 0)
		return;
	c->bytes -= body->counted;
	body->counted = 0;
	if (c->spare == NULL)
		c->spare = body;
	else
		body_free(body);
}

/* Count a request.  Returns false where there are too many. */
static bool
request_begin(struct collector *c, struct request *r, unsigned long *seen)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = c->budget.max_requests == 0 ||
	    c->in_flight < c->budget.max_requests;
	c->in_flight++;
	*seen = c->n_begun;
	r->collector = c;
	LIST_INSERT_HEAD(&c->requests, r, entry);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

/*
 * Where no other request waits that could share the latest body, its memory is
 * kept for the next scrape.
 */
void
request_end(struct request *r)
{
	struct collector *c = r->collector;

	pthread_mutex_lock(&c->lock);
	if (r->body != NULL)
		release(c, r->body);
	LIST_REMOVE(r, entry);
	if (--c->in_flight == 0 && c->latest != NULL) {
		release(c, c->latest);
		c->latest = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	free(r);
}

void
collector_stop(struct collector *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_stopped = true;
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < c->n_sources; i++)
		source_give_up(&c->sources[i]);
}

/*
 * Log and count the families that do not fit in one group with those of another
 * segment: the log has a line when their number changes, the next scrape has
 * the number.
 */
static void
note_left_out(struct collector *c, size_t n)
{
	if (n == c->n_left_out)
		return;
	c->n_left_out = n;
	self_set_left_out(c->self, n);
	if (n > 0)
		log_warn(
		    "%zu families are left out: another segment has a family of that name and another type, or they have a label that -s gives to all series",
		    n);
}

/*
 * Encode the inputs in the format that is wanted.  Returns the number of
 * families left out.
 */
static int
encode(struct collector *c, size_t n, const struct want *want,
    struct body *body)
{
	const struct cmxr_options options = { .n_names = want->n_names,
		.names = want->names };
	struct cmx_error error;
	int r = cmxr_encode(c->inputs, n, want->format, &options, &body->buffer,
	    &error);

	if (r < 0) {
		log_error("scrape: %s", error.text);
		return r;
	}
	body->format = want->format;
	body->is_whole = want->n_names == 0;
	/* A body that cannot be compressed goes out as it is. */
	body->is_gzip = want->gzip && compress_body(&body->buffer);
	return r;
}

/* Read all segments and encode them.  Requires: the scrape mutex. */
static int
scrape(struct collector *c, const struct want *want, struct body *body)
{
	uint64_t begun = now_ns();
	size_t n = 0;
	int r;

	for (size_t i = 0; i < c->n_sources; i++)
		source_begin(&c->sources[i]);
	for (size_t i = 0; i < c->n_sources; i++) {
		struct source *s = &c->sources[i];

		source_finish(s, begun + c->budget.timeout_ns);
		if (s->snapshot != NULL)
			c->inputs[n++] =
			    (struct cmxr_input){ .snapshot = s->snapshot,
				    .n_labels = s->n_labels,
				    .labels = s->labels };
	}
	self_update(c->self, c->sources, c->n_sources,
	    (double)(now_ns() - begun) / (double)NS_PER_SECOND);
	c->inputs[n] =
	    (struct cmxr_input){ .snapshot = self_snapshot(c->self) };
	if (c->inputs[n].snapshot != NULL)
		n++;
	r = encode(c, n, want, body);
	if (r >= 0 && body->is_whole)
		note_left_out(c, (size_t)r);
	return r;
}

/*
 * Make an empty body with one reference; its memory may be that of an earlier
 * body.
 */
static struct body *
take_body(struct collector *c)
{
	struct body *body;

	pthread_mutex_lock(&c->lock);
	body = c->spare;
	c->spare = NULL;
	pthread_mutex_unlock(&c->lock);
	if (body == NULL)
		body = calloc(1, sizeof(*body));
	if (body != NULL)
		body->references = 1;
	return body;
}

/*
 * Is there a body of a scrape that began after number?  It is as recent as a
 * new scrape.
 */
static struct body *
share_latest(struct collector *c, const struct want *want, unsigned long number)
{
	struct body *body = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->latest != NULL && c->latest_number > number &&
	    c->latest->format == want->format &&
	    c->latest->is_gzip == want->gzip && c->latest->is_whole &&
	    want->n_names == 0) {
		body = c->latest;
		body->references++;
	}
	pthread_mutex_unlock(&c->lock);
	return body;
}

static unsigned long
begin(struct collector *c)
{
	unsigned long number;

	pthread_mutex_lock(&c->lock);
	number = ++c->n_begun;
	self_set_in_flight(c->self, c->in_flight);
	pthread_mutex_unlock(&c->lock);
	return number;
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

static void
publish(struct collector *c, struct body *body, unsigned long number)
{
	pthread_mutex_lock(&c->lock);
	if (c->latest != NULL)
		release(c, c->latest);
	shrink(&body->buffer);
	c->latest = body;
	c->latest_number = number;
	body->counted = body->buffer.capacity;
	c->bytes += body->counted;
	body->references++;
	pthread_mutex_unlock(&c->lock);
}

/* The memory of the bodies that are sent to a client. */
static uint64_t
held_by(const struct collector *c, const unsigned char client[16])
{
	uint64_t bytes = 0;

	const struct request *r;

	LIST_FOREACH(r, &c->requests, entry)
	if (r->body != NULL && memcmp(r->client, client, 16) == 0)
		bytes += r->body->counted / (uint64_t)r->body->references;
	return bytes;
}

/*
 * Is there room for one more body?  One client alone may hold a quarter of the
 * memory, so that it does not keep the others out.
 */
static bool
has_room(struct collector *c, const struct request *r)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	/* Nobody is sent the latest body. */
	if (c->bytes > c->budget.max_bytes && c->latest != NULL &&
	    c->latest->references == 1) {
		release(c, c->latest);
		c->latest = NULL;
	}
	ok = !c->is_stopped && c->bytes <= c->budget.max_bytes &&
	    held_by(c, r->client) <= c->budget.max_bytes / 4;
	pthread_mutex_unlock(&c->lock);
	return ok;
}

/* Make a new body.  Requires: the scrape mutex.  Returns the status. */
static int
make_body(struct collector *c, const struct want *want, struct body **bodyp)
{
	struct body *body = take_body(c);
	unsigned long number;

	if (body == NULL)
		return 500;
	number = begin(c);
	if (scrape(c, want, body) >= 0) {
		publish(c, body, number);
		*bodyp = body;
		return 200;
	}
	pthread_mutex_lock(&c->lock);
	release(c, body);
	pthread_mutex_unlock(&c->lock);
	return 500;
}

static int
scrape_or_share(struct collector *c, const struct want *want, struct request *r,
    unsigned long seen)
{
	struct body *body;
	int status = 200;

	pthread_mutex_lock(&c->scrape);
	body = share_latest(c, want, seen);
	if (body == NULL)
		status = has_room(c, r) ? make_body(c, want, &body) : 503;
	pthread_mutex_lock(&c->lock);
	r->body = body;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->scrape);
	return status;
}

struct request *
collect(struct collector *c, const struct want *want, int *status)
{
	struct request *r = calloc(1, sizeof(*r));
	unsigned long seen;

	*status = 500;
	if (r == NULL)
		return NULL;
	memcpy(r->client, want->client, sizeof(r->client));
	*status = request_begin(c, r, &seen) ?
	    scrape_or_share(c, want, r, seen) :
	    503;
	self_count_scrape(c->self, *status);
	if (*status == 200)
		return r;
	request_end(r);
	return NULL;
}

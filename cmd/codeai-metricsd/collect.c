/*
 * collect.c: one scrape: sources and self to a body.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "daemon.h"

struct collector {
	struct source *sources;
	size_t n_sources;
	struct self *self;
	size_t n_left_out;         /* families that the last scrape left out */
	struct cmxr_input *inputs; /* one for each source, and one for self */
	size_t max_requests;

	/*
	 * Held during a scrape, because only one thread may use sources and
	 * readers.
	 */
	pthread_mutex_t scrape;

	/* Protects the members that follow, and the references to bodies. */
	pthread_mutex_t lock;
	size_t in_flight;
	unsigned long n_begun; /* scrapes */
	unsigned long latest_number;
	struct body *latest; /* holds a reference */
	struct body *spare;  /* kept for the memory of the next scrape */
};

struct collector *
collector_new(struct source *sources, size_t n_sources, size_t max_requests,
    struct cmx_error *error)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->sources = sources;
	c->n_sources = n_sources;
	c->max_requests = max_requests;
	pthread_mutex_init(&c->scrape, NULL);
	pthread_mutex_init(&c->lock, NULL);
	c->inputs = calloc(n_sources + 1, sizeof(*c->inputs));
	c->self = self_new(error);
	if (c->inputs == NULL || c->self == NULL) {
		collector_free(c);
		return NULL;
	}
	return c;
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
release_locked(struct body *body)
{
	struct collector *c = body->collector;

	if (--body->references > 0)
		return;
	if (c->spare == NULL)
		c->spare = body;
	else
		body_free(body);
}

/*
 * A request has ended.  Where no other one waits that could share the latest
 * body, its memory is kept for the next scrape.  Requires: the lock.
 */
static void
end_request(struct collector *c)
{
	if (--c->in_flight == 0 && c->latest != NULL) {
		release_locked(c->latest);
		c->latest = NULL;
	}
}

void
body_release(struct body *body)
{
	struct collector *c = body->collector;

	pthread_mutex_lock(&c->lock);
	release_locked(body);
	end_request(c);
	pthread_mutex_unlock(&c->lock);
}

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
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
	double begun = now_seconds();
	size_t n = 0;
	int r;

	for (size_t i = 0; i < c->n_sources; i++) {
		struct source *s = &c->sources[i];

		source_refresh(s);
		if (s->snapshot != NULL)
			c->inputs[n++] =
			    (struct cmxr_input){ .snapshot = s->snapshot,
				    .n_labels = s->n_labels,
				    .labels = s->labels };
	}
	self_update(c->self, c->sources, c->n_sources, now_seconds() - begun);
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
	if (body != NULL) {
		body->references = 1;
		body->collector = c;
	}
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

static void
publish(struct collector *c, struct body *body, unsigned long number)
{
	pthread_mutex_lock(&c->lock);
	if (c->latest != NULL)
		release_locked(c->latest);
	c->latest = body;
	c->latest_number = number;
	body->references++;
	pthread_mutex_unlock(&c->lock);
}

static struct body *
scrape_or_share(struct collector *c, const struct want *want,
    unsigned long seen)
{
	struct body *body;
	unsigned long number;

	pthread_mutex_lock(&c->scrape);
	body = share_latest(c, want, seen);
	if (body == NULL && (body = take_body(c)) != NULL) {
		number = begin(c);
		if (scrape(c, want, body) < 0) {
			pthread_mutex_lock(&c->lock);
			release_locked(body);
			pthread_mutex_unlock(&c->lock);
			body = NULL;
		} else {
			publish(c, body, number);
		}
	}
	pthread_mutex_unlock(&c->scrape);
	return body;
}

struct body *
collect(struct collector *c, const struct want *want, int *status)
{
	struct body *body = NULL;
	unsigned long seen;
	bool is_refused;

	pthread_mutex_lock(&c->lock);
	is_refused = c->max_requests > 0 && c->in_flight >= c->max_requests;
	c->in_flight++;
	seen = c->n_begun;
	pthread_mutex_unlock(&c->lock);

	if (!is_refused)
		body = scrape_or_share(c, want, seen);
	*status = is_refused ? 503 : body != NULL ? 200 : 500;
	self_count_scrape(c->self, *status);

	if (body != NULL)
		return body;
	pthread_mutex_lock(&c->lock);
	end_request(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

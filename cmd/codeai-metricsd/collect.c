/*
 * collect.c: one scrape: the fleet and the daemon itself to a body.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

struct collector {
	struct fleet *fleet;
	struct fleet_metrics *fleet_metrics;
	struct self *self;
	struct requests *requests;
	struct budget budget;
	size_t n_left_out; /* families that the last scrape left out */

	/*
	 * Held during a scrape, because only one thread may use sources and
	 * readers.
	 */
	pthread_mutex_t scrape;
	struct cmxr_input *inputs;
	size_t n_inputs, capacity;

	/* Protects the members that follow. */
	pthread_mutex_t lock;
	uint64_t begun_ns; /* of the scrape that is under way, or 0 */
	size_t n_up, n_sources;
};

/* A scrape that takes so much longer than its budget has hung. */
#define HUNG_NS (120 * NS_PER_SECOND)

struct collector *
collector_new(struct fleet *fleet, const struct budget *budget, bool has_self,
    struct cmx_error *error)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fleet = fleet;
	c->budget = *budget;
	pthread_mutex_init(&c->scrape, NULL);
	pthread_mutex_init(&c->lock, NULL);
	c->requests = requests_new(budget);
	c->fleet_metrics = fleet_metrics_new(fleet, error);
	c->self = self_new(has_self, error);
	if (c->requests != NULL && c->fleet_metrics != NULL && c->self != NULL)
		return c;
	collector_free(c);
	return NULL;
}

void
collector_free(struct collector *c)
{
	if (c == NULL)
		return;
	requests_free(c->requests);
	fleet_metrics_free(c->fleet_metrics);
	self_free(c->self);
	free(c->inputs);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->scrape);
	free(c);
}

void
collector_stop(struct collector *c)
{
	requests_stop(c->requests);
	fleet_give_up(c->fleet);
}

/*
 * Log and count the families that do not fit in one group with those of another
 * segment: the log has a line when their number changes.  Returns whether it
 * did.
 */
static bool
note_left_out(struct collector *c, size_t n)
{
	if (n == c->n_left_out)
		return false;
	c->n_left_out = n;
	self_set_left_out(c->self, n);
	if (n > 0)
		log_warn(
		    "%zu families are left out: another segment has a family of that name and another type, or they have a label that -s gives to all series",
		    n);
	return true;
}

static int
encode_once(struct collector *c, const struct want *want, struct body *body)
{
	const struct cmxr_options options = { .n_names = want->n_names,
		.names = want->names };
	struct cmx_error error;
	int r;

	body->buffer.size = 0;
	r = cmxr_encode(c->inputs, c->n_inputs, want->format, &options,
	    &body->buffer, &error);
	if (r < 0)
		log_error("scrape: %s", error.text);
	return r;
}

/*
 * Encode the inputs in the format that is wanted, and once more where that
 * showed that another number of families is left out, which is one of them.
 */
static bool
encode(struct collector *c, const struct want *want, struct body *body)
{
	uint64_t begun = now_ns();
	int r = encode_once(c, want, body);

	body->format = want->format;
	body->is_whole = want->n_names == 0;
	if (r >= 0 && body->is_whole && note_left_out(c, (size_t)r))
		r = encode_once(c, want, body);
	/* A body that cannot be compressed goes out as it is. */
	body->is_gzip = r >= 0 && want->gzip && compress_body(&body->buffer);
	if (r >= 0)
		self_count_body(c->self, want->format, body->is_gzip,
		    body->buffer.size,
		    (double)(now_ns() - begun) / (double)NS_PER_SECOND);
	return r >= 0;
}

/* Room for the inputs of all segments and the daemon's own. */
static bool
reserve(struct collector *c)
{
	size_t n = fleet_n_sources(c->fleet) + SELF_SNAPSHOTS + 1;
	struct cmxr_input *grown;

	if (n <= c->capacity)
		return true;
	grown = reallocarray(c->inputs, n, sizeof(*grown));
	if (grown == NULL)
		return false;
	c->inputs = grown;
	c->capacity = n;
	return true;
}

static void
add_input(struct collector *c, const struct cmxr_snapshot *snapshot,
    const struct labels *labels)
{
	if (snapshot == NULL)
		return;
	c->inputs[c->n_inputs++] = (struct cmxr_input){ .snapshot = snapshot,
		.n_labels = labels != NULL ? labels->n : 0,
		.labels = labels != NULL ? labels->at : NULL };
}

static void
add_self(struct collector *c, double seconds)
{
	const struct cmxr_snapshot *own[SELF_SNAPSHOTS];
	size_t n;

	self_set_in_flight(c->self, requests_in_flight(c->requests));
	n = self_update(c->self, c->fleet, seconds, own);
	for (size_t i = 0; i < n; i++)
		add_input(c, own[i], NULL);
	add_input(c, fleet_metrics_update(c->fleet_metrics, c->fleet), NULL);
}

static void
note_state(struct collector *c, uint64_t begun_ns, size_t n_up)
{
	pthread_mutex_lock(&c->lock);
	c->begun_ns = begun_ns;
	if (begun_ns == 0) {
		c->n_up = n_up;
		c->n_sources = fleet_n_shown(c->fleet);
	}
	pthread_mutex_unlock(&c->lock);
}

void
collector_state(struct collector *c, size_t *n_up, size_t *n)
{
	pthread_mutex_lock(&c->lock);
	*n_up = c->n_up;
	*n = c->n_sources;
	pthread_mutex_unlock(&c->lock);
}

bool
collector_is_alive(struct collector *c)
{
	bool is_alive;

	pthread_mutex_lock(&c->lock);
	is_alive = c->begun_ns == 0 ||
	    now_ns() < c->begun_ns + c->budget.timeout_ns + HUNG_NS;
	pthread_mutex_unlock(&c->lock);
	return is_alive;
}

/* Read all segments and encode them.  Requires: the scrape mutex. */
static bool
scrape(struct collector *c, const struct want *want, struct body *body)
{
	uint64_t begun = now_ns();
	size_t n_up;
	bool ok;

	note_state(c, begun, 0);
	fleet_read(c->fleet, begun + c->budget.timeout_ns);
	if (!reserve(c)) {
		log_error("scrape: no memory");
		note_state(c, 0, 0);
		return false;
	}
	c->n_inputs = 0;
	for (size_t i = 0; i < fleet_n_sources(c->fleet); i++) {
		const struct source *s = fleet_source(c->fleet, i);

		add_input(c, s->is_left_out ? NULL : s->snapshot, &s->labels);
	}
	n_up = c->n_inputs;
	add_self(c, (double)(now_ns() - begun) / (double)NS_PER_SECOND);
	ok = encode(c, want, body);
	note_state(c, 0, n_up);
	return ok;
}

const struct fleet *
collector_hold(struct collector *c)
{
	pthread_mutex_lock(&c->scrape);
	return c->fleet;
}

const struct fleet *
collector_read(struct collector *c, uint64_t patience_ns)
{
	size_t n_up = 0;
	uint64_t begun;

	pthread_mutex_lock(&c->scrape);
	begun = now_ns();
	note_state(c, begun, 0);
	fleet_read(c->fleet,
	    begun + (patience_ns > 0 ? patience_ns : c->budget.timeout_ns));
	for (size_t i = 0; i < fleet_n_sources(c->fleet); i++)
		n_up += fleet_source(c->fleet, i)->snapshot != NULL;
	note_state(c, 0, n_up);
	return c->fleet;
}

void
collector_let_go(struct collector *c)
{
	pthread_mutex_unlock(&c->scrape);
}

/* Make a new body.  Requires: the scrape mutex.  Returns the status. */
static int
make_body(struct collector *c, const struct want *want, struct request *r)
{
	unsigned long number;
	struct body *body = requests_take_body(c->requests, &number);

	if (body == NULL)
		return 500;
	if (scrape(c, want, body)) {
		request_publish(r, body, number);
		return 200;
	}
	requests_drop_body(c->requests, body);
	return 500;
}

static int
scrape_or_share(struct collector *c, const struct want *want, struct request *r)
{
	int status = 200;

	pthread_mutex_lock(&c->scrape);
	if (!request_share(r, want))
		status = request_has_room(r) ? make_body(c, want, r) : 503;
	pthread_mutex_unlock(&c->scrape);
	return status;
}

struct request *
collect(struct collector *c, const struct want *want, int *status)
{
	bool is_allowed;
	struct request *r =
	    request_begin(c->requests, want->client, &is_allowed);

	*status = 500;
	if (r == NULL)
		return NULL;
	*status = is_allowed ? scrape_or_share(c, want, r) : 503;
	self_count_scrape(c->self, *status);
	if (*status == 200)
		return r;
	request_end(r);
	return NULL;
}

/*
 * live.c: samples of what pages ask for, shared by all of them.
 *
 * Nothing is read while nobody asks, and what nobody has asked for lately is
 * forgotten.  What is kept is bounded in bytes, and how often it is read in CPU
 * time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live.h"

#define WATCHED_MAX 768
#define OF_CLIENT   192  /* a page asks some two dozen */
#define QUERY_SIZE  8192 /* with the segment that it is about */
#define BYTES_MAX   (UINT64_C(64) << 20)
#define FORGET_NS   (15 * NS_PER_SECOND)

/* Between samples; the second one comes sooner: a page then has rates. */
#define SAMPLE_NS       (NS_PER_SECOND * 98 / 100)
#define SECOND_NS       (NS_PER_SECOND * 4 / 10)
#define SAMPLE_REST_MAX (60 * NS_PER_SECOND)
#define COST_SHARE      20

struct live *
live_new(struct collector *collector)
{
	struct live *live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live->collector = collector;
	pthread_mutex_init(&live->lock, NULL);
	LIST_INIT(&live->watched);
	return live;
}

static void
forget(struct live *live, struct watched *w)
{
	LIST_REMOVE(w, entry);
	live->n_watched--;
	tally_free(w->tally);
	free(w->answer);
	free(w->segment);
	free(w->text);
	free(w);
}

void
live_free(struct live *live)
{
	if (live == NULL)
		return;
	while (!LIST_EMPTY(&live->watched))
		forget(live, LIST_FIRST(&live->watched));
	pthread_mutex_destroy(&live->lock);
	free(live);
}

/* What is asked */

const char *
live_segment(const struct live_want *want)
{
	return want->segment != NULL ? want->segment : "";
}

static struct watched *
find(struct live *live, const char *segment, const char *text)
{
	struct watched *w;

	LIST_FOREACH(w, &live->watched, entry)
	if (strcmp(w->text, text) == 0 && strcmp(w->segment, segment) == 0)
		return w;
	return NULL;
}

/* Begin the tally of "FAMILY/LABEL/LABEL".  Null: no memory, or no query. */
static struct tally *
tally_of(const char *text, const char **reason)
{
	struct tally_query query = { .max_bytes = 1 };
	char *copy = strdup(text), *rest = copy;
	struct tally *tally = NULL;

	*reason = "no memory";
	query.family = copy == NULL ? NULL : strsep(&rest, "/");
	while (rest != NULL && query.n_by < CMX_LABELS_MAX)
		query.by[query.n_by++] = strsep(&rest, "/");
	if (rest != NULL)
		*reason = "has too many labels";
	else if (copy != NULL)
		tally = tally_new(&query);
	free(copy);
	return tally;
}

static bool
fill(struct watched *w, const char *segment, const char *text,
    const char **reason)
{
	w->tally = tally_of(text, reason);
	w->segment = strdup(segment);
	w->text = strdup(text);
	return w->tally != NULL && w->segment != NULL && w->text != NULL;
}

/* Those of a client, and the one of them that it asked longest ago. */
static size_t
count_of(struct live *live, const unsigned char client[16],
    struct watched **oldest)
{
	struct watched *w;
	size_t n = 0;

	*oldest = NULL;
	LIST_FOREACH(w, &live->watched, entry)
	{
		if (memcmp(w->client, client, 16) != 0)
			continue;
		n++;
		if (*oldest == NULL || w->asked_ns < (*oldest)->asked_ns)
			*oldest = w;
	}
	return n;
}

static struct watched *
add(struct live *live, const struct live_want *want, const char *text,
    const char **reason)
{
	struct watched *w, *oldest;

	*reason = "is too long";
	if (strlen(text) + strlen(live_segment(want)) > QUERY_SIZE)
		return NULL;
	if (count_of(live, want->client, &oldest) >= OF_CLIENT)
		forget(live, oldest);
	*reason = "too many other queries are asked";
	if (live->n_watched == WATCHED_MAX)
		return NULL;
	w = calloc(1, sizeof(*w));
	*reason = "no memory";
	if (w == NULL)
		return NULL;
	memcpy(w->client, want->client, sizeof(w->client));
	LIST_INSERT_HEAD(&live->watched, w, entry);
	live->n_watched++;
	if (fill(w, live_segment(want), text, reason))
		return w;
	forget(live, w);
	return NULL;
}

struct watched *
live_watch(struct live *live, const struct live_want *want, const char *text,
    const char **reason)
{
	struct watched *w = find(live, live_segment(want), text);

	if (w == NULL)
		w = add(live, want, text, reason);
	if (w != NULL) {
		w->asked_ns = now_ns();
		*reason = NULL;
	}
	return w;
}

void
live_forget(struct live *live)
{
	struct watched *w = LIST_FIRST(&live->watched), *next;
	uint64_t now = now_ns();

	for (; w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (now - w->asked_ns > FORGET_NS)
			forget(live, w);
	}
	/* After a pause of all the second sample comes sooner again. */
	if (live->n_watched == 0)
		live->n_samples = 0;
}

/* Samples */

uint64_t
live_rest_ns(const struct live *live)
{
	uint64_t rest = live->n_samples == 1 ? SECOND_NS : SAMPLE_NS;
	uint64_t since = now_ns() - live->sampled_ns;

	if (rest < live->cost_ns * COST_SHARE)
		rest = live->cost_ns * COST_SHARE;
	if (rest > SAMPLE_REST_MAX)
		rest = SAMPLE_REST_MAX;
	return live->n_samples == 0 || since >= rest ? 0 : rest - since;
}

bool
live_is_asked_for(const char *segment, const struct source *s)
{
	return !s->is_left_out && s->snapshot != NULL &&
	    (segment[0] == '\0' || strcmp(segment, s->name) == 0);
}

/* Another number where the segments are others. */
static uint64_t
number_of_sources(const struct watched *w, const struct fleet *fleet)
{
	uint64_t number = 0;

	for (size_t i = 0; i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);

		if (live_is_asked_for(w->segment, s))
			number = number * 1099511628211U +
			    (s->info.created_ns ^ (uintptr_t)s);
	}
	return number;
}

static void
sample_one(struct watched *w, const struct fleet *fleet, uint64_t now,
    uint64_t bytes)
{
	bool ok = true;

	/* There is room now for what had none. */
	if (tally_has_rest(w->tally) &&
	    bytes > tally_bytes(w->tally) + BYTES_MAX / 2)
		tally_restart(w->tally);
	free(w->answer);
	w->answer = NULL;
	tally_set_max_bytes(w->tally, bytes);
	tally_begin(w->tally, now, number_of_sources(w, fleet));
	for (size_t i = 0; ok && i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);

		if (live_is_asked_for(w->segment, s))
			ok = tally_add(w->tally, s->snapshot, s->labels.n,
			    s->labels.at);
	}
	tally_end(w->tally);
	w->has_sample = ok;
}

static uint64_t
wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void
live_sample(struct live *live)
{
	uint64_t begun = now_ns(), bytes = 0;
	const struct fleet *fleet;
	struct watched *w;

	if (live_rest_ns(live) > 0)
		return;
	fleet = collector_read(live->collector, 0);
	/* What is shown is what was there now: reading has ended. */
	live->sampled_ns = now_ns();
	live->wall_ns = wall_clock_ns();
	LIST_FOREACH(w, &live->watched, entry)
	bytes += tally_bytes(w->tally);
	LIST_FOREACH(w, &live->watched, entry)
	{
		bytes -= tally_bytes(w->tally);
		sample_one(w, fleet, live->sampled_ns,
		    bytes < BYTES_MAX ? BYTES_MAX - bytes : 1);
		bytes += tally_bytes(w->tally);
	}
	collector_let_go(live->collector);
	live->cost_ns = now_ns() - begun;
	live->n_samples++;
}

/* Answers */

static const struct {
	const char *path;
	char *(*answer)(struct live *, const struct live_want *);
} answers[] = {
	{ "/api/v1/live", live_json },
	{ "/api/v1/families", families_json },
	{ "/api/v1/segments", segments_json },
};

int
live_answer(struct live *live, const char *path, const struct live_want *want,
    struct cmxr_buffer *to)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strcmp(path, answers[i].path) != 0)
			continue;
		to->data = answers[i].answer(live, want);
		if (to->data == NULL)
			return 500;
		to->size = strlen(to->data);
		to->capacity = to->size + 1;
		return 200;
	}
	return 404;
}

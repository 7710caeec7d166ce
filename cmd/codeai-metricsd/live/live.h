/*
 * live.h: what the page at / shows, and the JSON below /api/v1 that it reads.
 *
 *	live.c		what pages ask for, sampled while they ask
 *	live_json.c	the answers
 *	page.c		the files of the page
 *	page/		these files
 */
#ifndef LIVE_H
#define LIVE_H

#include <jansson.h>

#include "../daemon.h"
#include "watch/tally.h"

#define LIVE_MATCHES_MAX 200 /* families of one answer */

/* live.c */

/* A query that some page asks again and again. */
struct watched {
	LIST_ENTRY(watched) entry;
	char *segment; /* "": all */
	char *text;
	struct tally *tally;
	uint64_t asked_ns;
	bool has_sample;
};

struct live {
	struct collector *collector;
	pthread_mutex_t lock;
	/* Protected by the lock. */
	LIST_HEAD(, watched) watched;
	size_t n_watched;
	size_t n_samples;
	uint64_t sampled_ns, wall_ns;
	uint64_t cost_ns;
};

/*
 * Find or begin to watch a query, "FAMILY" or "FAMILY/LABEL/LABEL".  Null, with
 * the reason: it is none, or there are too many.  Requires: the lock.
 */
struct watched *live_watch(struct live *, const char *segment,
    const char *query, const char **reason);

/*
 * Take a sample of all that is watched, unless the last one is as recent as
 * samples may be: they cost a twentieth of a CPU at most, whoever asks.
 * Requires: the lock.
 */
void live_sample(struct live *);

/* Nanoseconds until the next sample may be taken. */
uint64_t live_rest_ns(const struct live *);

/* Is a segment shown to who asks for this one, or for all, which is ""? */
bool live_is_asked_for(const char *segment, const struct source *);

/* live_json.c: null without memory. */

json_t *live_json(struct live *, const struct live_want *);
json_t *families_json(struct live *, const struct live_want *);
json_t *segments_json(struct live *, const struct live_want *);

#endif

/*
 * live.h: what the page at / shows, and the JSON below /api/v1 that it reads.
 *
 *	live.c		what pages ask for, sampled while they ask
 *	live_json.c	the answers to queries
 *	lists_json.c	the families, and the segments
 *	json_parts.c	what the answers have in common
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
	unsigned char client[16]; /* who asked first */
	char *segment;            /* "": all */
	char *text;
	struct tally *tally;
	uint64_t asked_ns;
	bool has_sample;
	/* The answer with so many groups, until the next sample; or null. */
	char *answer;
	size_t top;
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
 * the reason: it is none, or there are too many; else the reason is null.  A
 * client that watches many loses those that it has not asked for longest, never
 * those of one request.  Requires: the lock.
 */
struct watched *live_watch(struct live *, const struct live_want *,
    const char *query, const char **reason);

/*
 * Forget what nobody has asked for lately: a sample of then is none to compare
 * with.  Requires: the lock.
 */
void live_forget(struct live *);

/*
 * Take a sample of all that is watched, unless the last one is as recent as
 * samples may be: they cost a twentieth of a CPU at most, whoever asks.
 * Requires: the lock.
 */
void live_sample(struct live *);

/* Nanoseconds until the next sample may be taken. */
uint64_t live_rest_ns(const struct live *);

/* The segment that is asked for; "" is all. */
const char *live_segment(const struct live_want *);
/* Is a segment shown to who asks for this one, or for all, which is ""? */
bool live_is_asked_for(const char *segment, const struct source *);

/* live_json.c, lists_json.c: the caller frees; null without memory. */

char *live_json(struct live *, const struct live_want *);
char *families_json(struct live *, const struct live_want *);
char *segments_json(struct live *, const struct live_want *);

/* json_parts.c */

/* A rate or an estimate: six digits, more tell nothing. */
json_t *json_rounded(double v);
/* A text that may not be UTF-8. */
json_t *json_text(const char *);
/* Name, type, unit, help and labels of a family. */
void json_add_definition(json_t *to, const struct cmx_family_def *);
/* As text, which the caller frees; the value is freed. */
char *json_print(json_t *);

#endif

/*
 * reading.c: a thread for each segment, which opens and reads it.
 *
 * A segment may be large, damaged on purpose, or on a file system that does not
 * answer: its thread takes as long as that takes, and nobody waits for it
 * beyond the budget of a scrape.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

enum phase {
	IDLE,  /* what was read belongs to the collector */
	ASKED, /* to the thread */
	ENDS,
};

struct reading {
	pthread_t thread;
	bool has_thread;
	bool is_default; /* not named: it may appear in several places */
	uint64_t limit;  /* bytes */
	struct reading_result result;
	struct cmxr_reader *reader; /* null: does not exist */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Protected by the lock. */
	enum phase phase;
	uint64_t begun_ns;
	uint64_t rest_ns; /* until then nothing is asked of it */
	bool is_late;     /* a scrape went on without it */
	bool gives_up;    /* nobody waits any more */
};

static void
drop(struct reading *r)
{
	cmxr_close(r->reader);
	r->reader = NULL;
	r->result.was_dropped = true;
	memset(&r->result.info, 0, sizeof(r->result.info));
}

/* A default segment may appear in another of its places. */
static void
look_again(struct reading *r)
{
	char path[4096];
	char *copy;

	if (cmx_segment_path(path, sizeof(path), NULL) != 0 ||
	    strcmp(path, r->result.path) == 0 || (copy = strdup(path)) == NULL)
		return;
	log_info("%s: is the default segment now", copy);
	free(r->result.path);
	r->result.path = copy;
}

static int
open_reader(struct reading *r)
{
	int error;

	if (r->is_default)
		look_again(r);
	error = cmxr_open(r->result.path, &r->reader, &r->result.error);
	if (error == 0)
		cmxr_set_limit(r->reader, r->limit);
	return error;
}

static int
take(struct reading *r)
{
	struct reading_result *to = &r->result;
	int error = r->reader == NULL ? open_reader(r) : 0;

	if (error == 0)
		error =
		    cmxr_snapshot_take(r->reader, &to->snapshot, &to->error);
	return error == 0 ? cmxr_info_get(r->reader, &to->info, &to->error) :
			    error;
}

/*
 * Open a segment that appeared, close one that is gone, take a snapshot.
 *
 * A reader goes over to the segments that replace its own, and keeps what it
 * knows of the processes that ended.  One that is still not current has a
 * segment that was removed: the path names another one, or none.
 */
static void
read_segment(struct reading *r)
{
	struct reading_result *to = &r->result;
	int error;

	to->snapshot = NULL;
	/* An apply may come between the two looks: then look once more. */
	for (int i = 0; i < 2 && r->reader != NULL; i++) {
		if (cmxr_is_current(r->reader))
			break;
		if (cmxr_snapshot_take(r->reader, &to->snapshot, &to->error) !=
		    0)
			break;
		if (i == 1 && !cmxr_is_current(r->reader))
			drop(r);
	}
	error = take(r);
	to->code = (enum cmx_err)error;
	if (error == 0)
		return;
	to->snapshot = NULL;
	/* What is short now may be there at the next scrape. */
	if (error != CMX_ERR_SYSTEM && error != CMX_ERR_MEMORY)
		drop(r);
}

static void *
run(void *arg)
{
	struct reading *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (r->phase == IDLE)
			pthread_cond_wait(&r->changed, &r->lock);
		if (r->phase == ENDS)
			break;
		pthread_mutex_unlock(&r->lock);
		read_segment(r);
		pthread_mutex_lock(&r->lock);
		/*
		 * One that took too long rests as long as it took: it has half
		 * of a CPU at most.
		 */
		if (r->is_late)
			r->rest_ns = 2 * now_ns() - r->begun_ns;
		if (r->phase == ASKED)
			r->phase = IDLE;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct reading *
reading_new(const char *path, bool is_default, uint64_t limit)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->is_default = is_default;
	r->limit = limit;
	r->result.path = strdup(path);
	pthread_mutex_init(&r->lock, NULL);
	clock_cond_init(&r->changed);
	r->has_thread = r->result.path != NULL &&
	    pthread_create(&r->thread, NULL, run, r) == 0;
	if (r->has_thread)
		return r;
	reading_free(r);
	return NULL;
}

void
reading_free(struct reading *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->phase = ENDS;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (r->has_thread)
		pthread_join(r->thread, NULL);
	cmxr_close(r->reader);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->result.path);
	free(r);
}

void
reading_begin(struct reading *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->phase == IDLE && now_ns() >= r->rest_ns) {
		r->phase = ASKED;
		r->is_late = false;
		r->begun_ns = now_ns();
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
}

struct reading_result *
reading_wait(struct reading *r, uint64_t deadline_ns)
{
	bool is_there;

	pthread_mutex_lock(&r->lock);
	/* It was late in an earlier scrape: this one does not wait at all. */
	while (r->phase == ASKED && !r->is_late && !r->gives_up)
		if (!clock_cond_wait(&r->changed, &r->lock, deadline_ns))
			break;
	is_there = r->phase == IDLE && !r->is_late;
	r->is_late = !is_there;
	pthread_mutex_unlock(&r->lock);
	return is_there ? &r->result : NULL;
}

bool
reading_is_late(struct reading *r)
{
	bool is_late;

	pthread_mutex_lock(&r->lock);
	is_late = r->is_late && !r->gives_up;
	pthread_mutex_unlock(&r->lock);
	return is_late;
}

void
reading_give_up(struct reading *r)
{
	pthread_mutex_lock(&r->lock);
	r->gives_up = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

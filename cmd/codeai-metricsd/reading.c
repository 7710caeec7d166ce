/*
 * reading.c: a segment is opened and read, by a task.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

struct reading {
	struct task task;
	bool is_default; /* not named: it may appear in several places */
	uint64_t limit;  /* bytes */
	struct reading_result result; /* the task's, while it is not idle */
	struct cmxr_reader *reader;   /* null: does not exist */
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
read_segment(void *arg)
{
	struct reading *r = arg;
	struct reading_result *to = &r->result;
	uint64_t begun = now_ns();
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
	to->seconds = (double)(now_ns() - begun) / (double)NS_PER_SECOND;
	if (error == 0)
		return;
	to->snapshot = NULL;
	/* What is short now may be there at the next scrape. */
	if (error != CMX_ERR_SYSTEM && error != CMX_ERR_MEMORY)
		drop(r);
}

struct reading *
reading_new(struct workers *workers, const char *path, bool is_default,
    uint64_t limit)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->task =
	    (struct task){ .workers = workers, .work = read_segment, .arg = r };
	r->is_default = is_default;
	r->limit = limit;
	r->result.path = strdup(path);
	if (r->result.path != NULL)
		return r;
	free(r);
	return NULL;
}

bool
reading_free(struct reading *r)
{
	if (r == NULL)
		return true;
	if (!task_is_idle(&r->task))
		return false;
	cmxr_close(r->reader);
	free(r->result.path);
	free(r);
	return true;
}

void
reading_begin(struct reading *r)
{
	task_begin(&r->task);
}

struct reading_result *
reading_wait(struct reading *r, uint64_t deadline_ns)
{
	return task_wait(&r->task, deadline_ns) ? &r->result : NULL;
}

bool
reading_is_late(struct reading *r)
{
	return task_is_late(&r->task);
}

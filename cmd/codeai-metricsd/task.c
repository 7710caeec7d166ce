/*
 * task.c: work that a scrape asks for, and waits for no longer than its budget.
 *
 * A segment may be large, damaged on purpose, or on a file system that does not
 * answer: its task takes as long as that takes, in a thread of a few, and a
 * task that keeps its thread for too long is given another beside it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "daemon.h"

/* Threads that nothing keeps. */
#define THREADS 4
/* The library needs 8 KiB. */
#define STACK_BYTES (256 * 1024)
/* A task that waits for a thread so long, while none ends, gets a new one. */
#define PATIENCE_NS (NS_PER_SECOND / 50)

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t queued, changed;
	/* Protected by the lock. */
	STAILQ_HEAD(, task) queue;
	size_t n_queued;
	size_t n_threads, n_idle;
	size_t n_kept;        /* threads of tasks that are late */
	unsigned long n_done; /* tasks */
	bool ends, gives_up;
};

/* A thread that is one too many, since those that were kept are back. */
static bool
is_surplus(const struct workers *w)
{
	return w->n_threads - w->n_kept > THREADS;
}

static struct task *
next_task(struct workers *w)
{
	struct task *task;

	while (STAILQ_EMPTY(&w->queue) && !w->ends && !is_surplus(w)) {
		w->n_idle++;
		pthread_cond_wait(&w->queued, &w->lock);
		w->n_idle--;
	}
	if (w->ends || STAILQ_EMPTY(&w->queue))
		return NULL;
	task = STAILQ_FIRST(&w->queue);
	STAILQ_REMOVE_HEAD(&w->queue, entry);
	w->n_queued--;
	return task;
}

static void
end_task(struct workers *w, struct task *task)
{
	w->n_done++;
	if (task->is_late) {
		w->n_kept--;
		/*
		 * One that took too long rests as long as it took: it has half
		 * of a CPU at most.
		 */
		task->rest_ns = 2 * now_ns() - task->begun_ns;
	}
	task->phase = TASK_IDLE;
	pthread_cond_broadcast(&w->changed);
}

static void *
run(void *arg)
{
	struct workers *w = arg;
	struct task *task;

	pthread_mutex_lock(&w->lock);
	while ((task = next_task(w)) != NULL) {
		task->phase = TASK_RUNS;
		task->begun_ns = now_ns();
		w->n_kept += task->is_late;
		pthread_mutex_unlock(&w->lock);
		task->work(task->arg);
		pthread_mutex_lock(&w->lock);
		end_task(w, task);
	}
	w->n_threads--;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Requires: the lock. */
static bool
add_thread(struct workers *w)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool ok;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	ok = pthread_create(&thread, &attributes, run, w) == 0;
	pthread_attr_destroy(&attributes);
	w->n_threads += ok;
	return ok;
}

struct workers *
workers_new(void)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->queued, NULL);
	clock_cond_init(&w->changed);
	STAILQ_INIT(&w->queue);
	return w;
}

bool
workers_start(struct workers *w)
{
	bool ok;

	pthread_mutex_lock(&w->lock);
	ok = add_thread(w);
	pthread_mutex_unlock(&w->lock);
	return ok;
}

void
workers_end(struct workers *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ends = true;
	pthread_cond_broadcast(&w->queued);
	while (w->n_threads > 0)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void
workers_free(struct workers *w)
{
	if (w == NULL)
		return;
	pthread_cond_destroy(&w->changed);
	pthread_cond_destroy(&w->queued);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void
workers_give_up(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->gives_up = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void
task_begin(struct task *task)
{
	struct workers *w = task->workers;

	pthread_mutex_lock(&w->lock);
	if (task->phase == TASK_IDLE && now_ns() >= task->rest_ns) {
		task->phase = TASK_QUEUED;
		task->is_late = false;
		STAILQ_INSERT_TAIL(&w->queue, task, entry);
		w->n_queued++;
		if (w->n_queued > w->n_idle &&
		    w->n_threads - w->n_kept < THREADS)
			add_thread(w);
		pthread_cond_signal(&w->queued);
	}
	pthread_mutex_unlock(&w->lock);
}

/*
 * Wait a moment, at most until the deadline.  Returns false at the deadline.
 */
static bool
wait_a_moment(struct workers *w, const struct task *task, uint64_t deadline_ns)
{
	uint64_t until = now_ns() + PATIENCE_NS;
	unsigned long n_done = w->n_done;

	if (clock_cond_wait(&w->changed, &w->lock,
		until < deadline_ns ? until : deadline_ns))
		return true;
	if (task->phase == TASK_QUEUED && w->n_done == n_done)
		add_thread(w);
	return now_ns() < deadline_ns;
}

bool
task_wait(struct task *task, uint64_t deadline_ns)
{
	struct workers *w = task->workers;
	bool is_there;

	pthread_mutex_lock(&w->lock);
	/* It was late in an earlier scrape: this one does not wait at all. */
	while (task->phase != TASK_IDLE && !task->is_late && !w->gives_up)
		if (!wait_a_moment(w, task, deadline_ns))
			break;
	is_there = task->phase == TASK_IDLE && !task->is_late;
	if (!is_there && !task->is_late && task->phase == TASK_RUNS)
		w->n_kept++;
	task->is_late = !is_there;
	pthread_mutex_unlock(&w->lock);
	return is_there;
}

bool
task_is_late(struct task *task)
{
	struct workers *w = task->workers;
	bool is_late;

	pthread_mutex_lock(&w->lock);
	is_late = task->is_late && !w->gives_up;
	pthread_mutex_unlock(&w->lock);
	return is_late;
}

bool
task_is_idle(struct task *task)
{
	struct workers *w = task->workers;
	bool is_idle;

	pthread_mutex_lock(&w->lock);
	is_idle = task->phase == TASK_IDLE;
	pthread_mutex_unlock(&w->lock);
	return is_idle;
}

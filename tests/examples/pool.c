/*
 * pool.c: a pool of workers that take jobs from a queue, and gauges of it.
 *
 *	pool WORKERS JOBS
 *
 * The queue is a pipe, a byte for each job.  jobs_busy is each worker's own
 * gauge, 1 while it has a job; readers sum those of live processes, so that a
 * worker which is killed does not stay busy for ever.
 *
 * cc pool.c -lcodeai-metrics
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>

static struct cmx_registry *registry;
static struct cmx_gauge busy;

static void
open_metrics(void)
{
	const struct cmx_family_def def = { .name = "jobs_busy",
		.help = "Workers that have a job",
		.type = CMX_GAUGE };
	struct cmx_family family;
	struct cmx_error error;

	if (cmx_open(NULL, NULL, 0, &registry, &error) != 0 ||
	    cmx_register(registry, &def, &family, &error) != 0 ||
	    cmx_gauge_find(&family, 0, NULL, &busy, &error) < 0)
		warnx("%s", error.text); /* and go on, uncounted */
}

static void
work(int queue)
{
	char job;
	int waiting;

	cmx_set_role(registry, "worker");
	cmx_gauge_set(&busy, 0);
	while (read(queue, &job, 1) == 1) {
		cmx_gauge_set(&busy, 1);
		usleep(1000); /* the work */
		if (job == 'k')
			abort();
		cmx_record_job_execution(registry, "mail", "success");
		cmx_gauge_set(&busy, 0);
		if (ioctl(queue, FIONREAD, &waiting) == 0)
			cmx_set_job_queue_size(registry, "mail", waiting);
	}
	_exit(0);
}

int
main(int argc, char *argv[])
{
	int n_workers = argc > 1 ? atoi(argv[1]) : 4;
	int n_jobs = argc > 2 ? atoi(argv[2]) : 100, queue[2], status;

	open_metrics();
	if (pipe(queue) != 0)
		err(1, "pipe");
	for (int i = 0; i < n_workers; i++) {
		if (fork() == 0) {
			close(queue[1]);
			work(queue[0]);
		}
	}
	close(queue[0]);
	/* The first job kills its worker. */
	for (int i = 0; i < n_jobs; i++)
		if (write(queue[1], i == 0 ? "k" : "x", 1) != 1)
			err(1, "queue");
	close(queue[1]);
	while (wait(&status) > 0)
		if (WIFSIGNALED(status))
			cmx_record_job_execution(registry, "mail", "error");
	cmx_close(registry);
	return 0;
}

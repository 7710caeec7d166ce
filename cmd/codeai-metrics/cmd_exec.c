/*
 * exec: run a command as a job, and record how it went.
 */
#include <err.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>

#include "child.h"
#include "cmd.h"

/* What is recorded of a job. */
struct job {
	const struct globals *globals;
	const char *name;
	int status;
	double seconds;
};

static void
record_job(void *arg)
{
	const struct job *job = arg;
	struct cmx_registry *reg;
	struct cmx_error error;

	if (cmx_open(job->globals->segment, NULL, 0, &reg, &error) < 0) {
		fail(&error);
		return;
	}
	cmx_record_job(reg, job->name, job->status == 0 ? "success" : "error",
	    job->seconds);
	cmx_close(reg);
}

int
cmd_exec(const struct globals *globals, int argc, char *argv[])
{
	struct job job = { .globals = globals };
	int ch;

	while ((ch = next_option(argc, argv, "+j:")) != -1) {
		if (ch != 'j')
			return usage_of("exec");
		job.name = optarg;
	}
	if (job.name == NULL || optind == argc) {
		warnx("exec: %s is missing",
		    job.name == NULL ? "-j and the name of the job" :
				       "the command");
		return usage_of("exec");
	}
	job.status = run_command(globals, argv + optind, &job.seconds);
	record_aside(record_job, &job);
	return end_as(job.status);
}

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

static int
run_exec(const struct globals *globals, int argc, char *argv[])
{
	struct job job = { .globals = globals };
	int ch;

	while ((ch = next_option(argc, argv, &exec_command)) != -1) {
		if (ch != 'j')
			return usage_of(&exec_command);
		job.name = optarg;
	}
	if (job.name == NULL || optind == argc) {
		warnx("exec: %s is missing",
		    job.name == NULL ? "-j and the name of the job" :
				       "the command");
		return usage_of(&exec_command);
	}
	job.status = run_command(globals, argv + optind, &job.seconds);
	record_aside(record_job, &job);
	return end_as(job.status);
}

const struct command exec_command = {
	.verb = "exec",
	.operands = "[--] COMMAND [ARGUMENT ...]",
	.summary = "run a command, and record it as a job",
	.options =
	    (const struct verb_option[]){ { .letter = 'j',
					      .name = "job",
					      .argument = "JOB",
					      .help = "the name of the job",
					      .is_required = true },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.stops_at_operand = true,
	.run = run_exec,
};

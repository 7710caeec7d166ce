/*
 * exec: run a command as a job, and record how it went.
 */
#include <err.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>

#include "child.h"
#include "cmd.h"

/*
 * The family of durations is not one of the CodeAI families, so it is defined
 * here.
 */
static void
observe_duration(struct cmx_registry *reg, const char *job, double seconds)
{
	static const double bounds[] = { 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900,
		1800, 3600, 7200 };
	static const char *const labels[] = { "job" };
	const struct cmx_family_def def = {
		.name = "codeai_job_execution_duration_seconds",
		.help = "Duration of job executions in seconds",
		.unit = "seconds",
		.type = CMX_HISTOGRAM,
		.n_labels = 1,
		.labels = labels,
		.n_bounds = sizeof(bounds) / sizeof(bounds[0]),
		.bounds = bounds,
	};
	struct cmx_family family;
	struct cmx_histogram histogram;
	struct cmx_error error;

	/* If the segment has the family with other bounds, those are used. */
	if (cmx_register(reg, &def, &family, &error) != 0 &&
	    (error.code != CMX_ERR_CONFLICT ||
		cmx_family_find(reg, def.name, &family, NULL) != 0)) {
		warnx("%s", error.text);
		return;
	}
	if (cmx_histogram_find(&family, 1, &job, &histogram, &error) < 0)
		warnx("%s", error.text);
	cmx_histogram_observe(&histogram, seconds);
}

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
	cmx_record_job_execution(reg, job->name,
	    job->status == 0 ? "success" : "error");
	observe_duration(reg, job->name, job->seconds);
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

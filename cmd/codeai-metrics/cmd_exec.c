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

int
cmd_exec(const struct globals *globals, int argc, char *argv[])
{
	const char *job = NULL;
	struct cmx_registry *reg;
	struct cmx_error error;
	double seconds;
	int ch, status;

	while ((ch = next_option(argc, argv, "+j:")) != -1) {
		if (ch != 'j')
			return usage_of("exec");
		job = optarg;
	}
	if (job == NULL || optind == argc) {
		warnx("exec: %s is missing",
		    job == NULL ? "-j and the name of the job" : "the command");
		return usage_of("exec");
	}
	status = run_command(globals, argv + optind, &seconds);
	/*
	 * A failure to count does not change the exit status: the job is done.
	 */
	if (cmx_open(globals->segment, NULL, 0, &reg, &error) != 0) {
		fail(&error);
		return end_as(status);
	}
	cmx_record_job_execution(reg, job, status == 0 ? "success" : "error");
	observe_duration(reg, job, seconds);
	cmx_close(reg);
	return end_as(status);
}

/*
 * exec: run a command as a job, and record how it went.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>

#include "cmd.h"

/* As shells have it. */
enum { CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* The command, for the handler. */
static volatile pid_t child;

/* What is sent to us is meant for the command. */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1,
	SIGUSR2, SIGCONT, SIGWINCH };

#define N_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void
pass_on(int number)
{
	int saved = errno;

	if (child > 0)
		kill(child, number);
	errno = saved;
}

/* In the child: become the command, or tell the parent why not. */
static void
become(char *argv[], const sigset_t *mask, int report)
{
	int reason;

	for (size_t i = 0; i < N_PASSED_ON; i++)
		signal(passed_on[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	reason = errno;
	if (write(report, &reason, sizeof(reason)) != (ssize_t)sizeof(reason))
		_exit(CANNOT_EXECUTE);
	_exit(reason == ENOENT ? NOT_FOUND : CANNOT_EXECUTE);
}

/* Start the command; its wait status at its end, or -1. */
static int
run(char *argv[])
{
	struct sigaction action;
	sigset_t all, mask;
	int report[2], reason = 0, status = -1;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0)
		return -1;
	/* Nothing is lost between the fork and the note of the child. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	pid = fork();
	if (pid == 0)
		become(argv, &mask, report[1]);
	child = pid;
	memset(&action, 0, sizeof(action));
	action.sa_handler = pass_on;
	action.sa_flags = SA_RESTART;
	for (size_t i = 0; i < N_PASSED_ON; i++)
		sigaction(passed_on[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(report[1]);
	if (pid > 0 &&
	    read(report[0], &reason, sizeof(reason)) == (ssize_t)sizeof(reason))
		warnx("%s: %s", argv[0], strerror(reason));
	close(report[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	return pid > 0 ? status : -1;
}

/* The duration is not one of the CodeAI families: it is made here. */
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

	/* It may be there with other bounds: then those. */
	if (cmx_family_find(reg, def.name, &family, NULL) != 0 &&
	    cmx_register(reg, &def, &family, &error) != 0) {
		warnx("%s", error.text);
		return;
	}
	if (cmx_histogram_find(&family, 1, &job, &histogram, &error) < 0)
		warnx("%s", error.text);
	cmx_histogram_observe(&histogram, seconds);
}

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* End as the command has ended: by its code, or by its signal. */
static int
end_as(int status)
{
	const struct rlimit none = { 0, 0 };
	int number;

	if (status < 0)
		return FAILED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	/* The command has left its core; ours would tell nothing. */
	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	kill(getpid(), number);
	return 128 + number;
}

int
cmd_exec(const struct globals *globals, int argc, char *argv[])
{
	const char *job = NULL;
	struct cmx_registry *reg;
	struct cmx_error error;
	double begun;
	int ch, status;

	while ((ch = getopt(argc, argv, "+j:")) != -1) {
		if (ch != 'j')
			return usage_of("exec");
		job = optarg;
	}
	if (job == NULL || optind == argc) {
		warnx("exec: %s is missing",
		    job == NULL ? "-j and the name of the job" : "the command");
		return usage_of("exec");
	}
	begun = now_seconds();
	status = run(argv + optind);
	if (status < 0)
		warn("%s", argv[optind]);
	/* The job is done whether or not it can be counted. */
	if (cmx_open(globals->segment, NULL, 0, &reg, &error) != 0) {
		fail(&error);
		return end_as(status);
	}
	cmx_record_job_execution(reg, job, status == 0 ? "success" : "error");
	observe_duration(reg, job, now_seconds() - begun);
	cmx_close(reg);
	return end_as(status);
}

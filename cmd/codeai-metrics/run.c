/*
 * run.c: another program's run, between us and who called us.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "run.h"

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

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int
run_command(char *argv[], double *seconds)
{
	double begun = now_seconds();
	struct sigaction action;
	sigset_t all, mask;
	int report[2], reason = 0, status = -1;
	pid_t pid;

	*seconds = 0;
	if (pipe2(report, O_CLOEXEC) != 0) {
		warn("%s", argv[0]);
		return -1;
	}
	/* Nothing is lost between the fork and the note of the child. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	pid = fork();
	if (pid < 0)
		warn("%s", argv[0]);
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
	*seconds = now_seconds() - begun;
	return pid > 0 ? status : -1;
}

int
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

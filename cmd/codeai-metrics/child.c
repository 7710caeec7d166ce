/*
 * child.c: run another program on behalf of our caller.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "cmd.h"

/* The exit codes of shells. */
enum { CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* The pid of the command, for the signal handler. */
static volatile pid_t child;

/*
 * The signals that are passed on to the command, unless our caller ignores
 * them.
 */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1,
	SIGUSR2, SIGALRM, SIGCONT, SIGWINCH };

#define N_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

/*
 * A terminal sends the signals of its keys to the whole process group, so the
 * command has them already.  A signal from a process is sent to us alone, and
 * is passed on.
 */
static bool
is_of_group(int number, const siginfo_t *info)
{
	return info->si_code == SI_KERNEL &&
	    (number == SIGINT || number == SIGQUIT || number == SIGWINCH) &&
	    getpgid(child) == getpgrp();
}

static void
pass_on(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (child > 0 && !is_of_group(number, info))
		kill(child, number);
	errno = saved;
}

/* A signal that our caller ignores stays ignored. */
static void
take_signals(void)
{
	struct sigaction action, before;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = pass_on;
	action.sa_flags = SA_RESTART | SA_SIGINFO;
	for (size_t i = 0; i < N_PASSED_ON; i++)
		if (sigaction(passed_on[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			sigaction(passed_on[i], &action, NULL);
}

/*
 * In the child: execute the command, with the signal actions of our caller, or
 * tell the parent why that fails.
 */
static void
become(char *argv[], const sigset_t *mask, int report)
{
	int reason;

	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	reason = errno;
	if (write(report, &reason, sizeof(reason)) != (ssize_t)sizeof(reason))
		_exit(CANNOT_EXECUTE);
	_exit(reason == ENOENT ? NOT_FOUND : CANNOT_EXECUTE);
}

int
run_command(const struct globals *globals, char *argv[], double *seconds)
{
	double begun = clock_seconds(CLOCK_MONOTONIC);
	void (*sigchld)(int);
	sigset_t all, mask;
	int report[2], reason = 0, status = -1;
	pid_t pid;

	*seconds = 0;
	if (pipe2(report, O_CLOEXEC) != 0) {
		warn("%s", argv[0]);
		return -1;
	}
	/* While SIGCHLD is ignored, the kernel drops the status of a child. */
	sigchld = signal(SIGCHLD, SIG_DFL);
	/*
	 * The signals are blocked between the fork and the store of the child's
	 * pid, so that none of them is lost.
	 */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	pid = fork();
	if (pid < 0)
		warn("%s", argv[0]);
	if (pid == 0) {
		signal(SIGCHLD, sigchld);
		signal(SIGPIPE, globals->sigpipe);
		become(argv, &mask, report[1]);
	}
	child = pid;
	take_signals();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(report[1]);
	if (pid > 0 &&
	    read(report[0], &reason, sizeof(reason)) == (ssize_t)sizeof(reason))
		warnx("%s: %s", argv[0], strerror(reason));
	close(report[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	*seconds = clock_seconds(CLOCK_MONOTONIC) - begun;
	return pid > 0 ? status : -1;
}

/* How long a record may take: the segment may be on a disk. */
#define RECORD_POLLS   1000
#define RECORD_POLL_NS 10000000

/*
 * Record in a process of its own, so that nothing that happens to the metrics
 * (a truncated file, a limit, a signal, a disk that hangs) changes the exit
 * status of the command that was run.
 */
void
record_aside(void (*record)(void *), void *arg)
{
	const struct timespec pause = { .tv_nsec = RECORD_POLL_NS };
	int status = 0;
	pid_t pid, ended = 0;

	/* Not even a warning that nobody can read changes the status. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		record(arg);
		fflush(NULL);
		_exit(0);
	}
	if (pid < 0) {
		warn("the metrics are not recorded");
		return;
	}
	for (int i = 0; i < RECORD_POLLS && ended == 0; i++) {
		ended = waitpid(pid, &status, WNOHANG);
		if (ended == 0)
			nanosleep(&pause, NULL);
	}
	if (ended == 0)
		warnx("the metrics are not recorded yet; process %d goes on",
		    (int)pid);
	else if (ended > 0 && WIFSIGNALED(status))
		warnx("the metrics are not recorded: %s",
		    strsignal(WTERMSIG(status)));
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
	/*
	 * The command has written its core file; one of ours would show
	 * nothing.
	 */
	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	kill(getpid(), number);
	return 128 + number;
}

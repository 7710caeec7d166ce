/*
 * processes.c: what the next process of a service pays for its slot.
 *
 *	processes SEGMENT N...
 *		beside each number of live processes: us of a child's first
 *		look-up and gauge, and of the second ones; median of 31
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <codeai/metrics.h>

#include "clock.h"

#define TRIALS    31
#define LIVE_MAX  8192
#define NO_VALUES NULL

static struct cmx_family family;

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
set_gauge(void)
{
	struct cmx_gauge gauge;

	cmx_gauge_find(&family, 0, NO_VALUES, &gauge, NULL);
	cmx_gauge_set(&gauge, 1);
}

/* A process that has a slot and lives on. */
static void
start_live(void)
{
	int fds[2];
	char c;

	if (pipe(fds) != 0)
		err(1, "pipe");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_gauge();
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	if (read(fds[0], &c, 1) != 1)
		err(1, "a child");
	close(fds[0]);
	close(fds[1]);
}

int
main(int argc, char *argv[])
{
	double *us = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cmx_family_def def = { .name = "level",
		.help = "h",
		.unit = "",
		.type = CMX_GAUGE };
	struct cmx_registry *reg;
	struct cmx_error error;
	int live = 0;

	if (argc < 3)
		errx(2, "usage: processes SEGMENT N...");
	if (us == MAP_FAILED || cmx_open(argv[1], NULL, 0, &reg, &error) != 0 ||
	    cmx_register(reg, &def, &family, &error) != 0)
		errx(1, "%s", error.text);
	for (int i = 2; i < argc; i++) {
		for (; live < atoi(argv[i]) && live < LIVE_MAX; live++)
			start_live();
		for (int trial = 0; trial < TRIALS; trial++) {
			if (fork() == 0) {
				double begun = now_ns(), first;

				set_gauge();
				first = now_ns();
				set_gauge();
				us[trial] = (first - begun) / 1000;
				us[TRIALS + trial] = (now_ns() - first) / 1000;
				_exit(0);
			}
			wait(NULL);
		}
		qsort(us, TRIALS, sizeof(*us), compare);
		qsort(us + TRIALS, TRIALS, sizeof(*us), compare);
		printf("%5d live: %8.1f us (%.1f to %.1f), then %.2f\n", live,
		    us[TRIALS / 2], us[0], us[TRIALS - 1],
		    us[TRIALS + TRIALS / 2]);
		fflush(stdout);
	}
	return 0;
}

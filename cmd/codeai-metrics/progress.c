/*
 * progress.c: a bar on a terminal.
 */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"

#define WIDTH   30
#define STEP_NS 100000000

void
progress_show(const char *what, double part)
{
	static double begun;
	static bool is_shown;

	if (begun == 0)
		begun = clock_seconds(CLOCK_MONOTONIC);
	if (!isatty(STDERR_FILENO))
		return;
	if (part >= 1) {
		if (is_shown)
			fprintf(stderr, "\r\033[K");
		is_shown = false;
		begun = 0;
		return;
	}
	if (!is_shown && clock_seconds(CLOCK_MONOTONIC) - begun < 1)
		return;
	is_shown = true;
	fprintf(stderr, "\r%s [", what);
	for (int i = 0; i < WIDTH; i++)
		putc(i < part * WIDTH ? '#' : '.', stderr);
	fprintf(stderr, "] %3.0f%%", part * 100);
}

void
progress_sleep(const char *what, double seconds)
{
	double begun = clock_seconds(CLOCK_MONOTONIC), over;
	const struct timespec step = { 0, STEP_NS };

	while ((over = clock_seconds(CLOCK_MONOTONIC) - begun) < seconds) {
		double left = seconds - over;
		const struct timespec rest = { 0, (long)(left * 1e9) };

		progress_show(what, over / seconds);
		nanosleep(left < (double)STEP_NS / 1e9 ? &rest : &step, NULL);
	}
	progress_show(what, 1);
}

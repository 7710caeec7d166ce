/*
 * log.c: messages on stderr, and the time.
 *
 * Under systemd a line begins with its level, "<4>", as sd-daemon(3) wants
 * it; elsewhere with the program's name.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon.h"

static void say(int level, const char *word, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
say(int level, const char *word, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	/* One fprintf(3), so that lines of several threads do not mix. */
	if (getenv("JOURNAL_STREAM") != NULL)
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "codeai-metricsd: %s%s\n", word, text);
	errno = saved;
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(6, "", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(4, "warning: ", fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(3, "error: ", fmt, ap);
	va_end(ap);
}

uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

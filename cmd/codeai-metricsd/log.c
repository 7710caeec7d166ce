/*
 * log.c: messages on stderr.
 *
 * Under systemd a line begins with its level, "<4>", as sd-daemon(3) wants
 * it; elsewhere with the program's name.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon.h"

/* A text, and what stands around it. */
#define LINE_MAX_SIZE 2200

static void say(int level, const char *word, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Held while a line is written. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long n_lost; /* messages that could not be written */

/*
 * Write a line if that does not block: nobody may be reading, and no scrape and
 * no end waits for a reader of the log.  A pipe that is writable takes a line
 * of at most PIPE_BUF bytes at once.
 */
static bool
write_line(const char *line, size_t size)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) &&
	    write(STDERR_FILENO, line, size) == (ssize_t)size;
}

static size_t
make_line(char line[LINE_MAX_SIZE], int level, const char *word,
    const char *text)
{
	int n = getenv("JOURNAL_STREAM") != NULL ?
	    snprintf(line, LINE_MAX_SIZE, "<%d>%s\n", level, text) :
	    snprintf(line, LINE_MAX_SIZE, "codeai-metricsd: %s%s\n", word,
		text);

	return n < LINE_MAX_SIZE ? (size_t)n : LINE_MAX_SIZE - 1;
}

static void
say(int level, const char *word, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[2048], line[LINE_MAX_SIZE];

	pthread_mutex_lock(&lock);
	if (n_lost > 0) {
		snprintf(text, sizeof(text),
		    "%lu messages before this one are lost: nobody read them",
		    n_lost);
		if (write_line(line, make_line(line, 4, "warning: ", text)))
			n_lost = 0;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	n_lost += !write_line(line, make_line(line, level, word, text));
	pthread_mutex_unlock(&lock);
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

/*
 * log.c: messages on stderr.
 *
 * A text line begins with the program's name; under systemd every line begins
 * with its level, "<4>", as sd-daemon(3) wants it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "daemon.h"

#define TEXT_SIZE 2048
/* What a pipe takes at once. */
#define LINE_SIZE PIPE_BUF
/* A long text in quotes ends early, so that there is room for the rest. */
#define LINE_REST 512

static const struct {
	const char *word;   /* in front of a text */
	const char *name;   /* of the structured formats */
	const char *option; /* of --log.level */
	int number;         /* syslog(3)'s */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error: ", "ERROR", "error", 3 },
	[LOG_LEVEL_WARN] = { "warning: ", "WARN", "warn", 4 },
	[LOG_LEVEL_INFO] = { "", "INFO", "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug: ", "DEBUG", "debug", 7 },
};

#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

static const char *const format_names[] = {
	[LOG_TEXT] = "text",
	[LOG_LOGFMT] = "logfmt",
	[LOG_JSON] = "json",
};

#define N_FORMATS (sizeof(format_names) / sizeof(format_names[0]))

static enum log_level most = LOG_LEVEL_INFO;
static enum log_format format = LOG_TEXT;

/* Held while a line is written. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long n_lost; /* messages that could not be written */

bool
log_set_level(const char *name)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (strcmp(levels[i].option, name) == 0) {
			most = (enum log_level)i;
			return true;
		}
	return false;
}

bool
log_set_format(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(format_names[i], name) == 0) {
			format = (enum log_format)i;
			return true;
		}
	return false;
}

bool
log_has_level(enum log_level level)
{
	return level <= most;
}

/* Lines */

struct line {
	char text[LINE_SIZE];
	size_t n;
};

static void put(struct line *, const char *fmt, ...) CMX_PRINTF(2, 3);

static void
put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->n, sizeof(l->text) - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n += (size_t)n;
	if (l->n > sizeof(l->text) - 2)
		l->n = sizeof(l->text) - 2;
}

/*
 * A text in quotes, in which nothing ends the quotes or the line: paths and
 * what other programs say may have any byte.
 */
static void
put_quoted(struct line *l, const char *text)
{
	size_t n = strlen(text), legal = 0;

	put(l, "\"");
	for (size_t i = 0; i < n && l->n < LINE_SIZE - LINE_REST; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i >= legal)
			legal = i + cmxr_utf8_size(text + i, n - i);
		if (c == '"' || c == '\\')
			put(l, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			put(l, "\\u%04x", c);
		else if (i >= legal)
			put(l, "\\ufffd");
		else
			put(l, "%c", c);
	}
	put(l, "\"");
}

/* A text line: what a terminal would obey is a question mark. */
static void
put_plain(struct line *l, const char *text)
{
	for (; *text != '\0'; text++)
		put(l, "%c",
		    (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void
put_time(struct line *l)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	put(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    now.tv_nsec / 1000000);
}

/* Is stderr what systemd made for the journal? */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL &&
	    sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	    st.st_ino == inode;
}

/* The beginning of a line, up to the text. */
static void
begin_line(struct line *l, enum log_level level)
{
	bool journal = is_journal();

	l->n = 0;
	if (journal)
		put(l, "<%d>", levels[level].number);
	if (format == LOG_TEXT && !journal)
		put(l, "codeai-metricsd: %s", levels[level].word);
	if (format == LOG_LOGFMT) {
		put(l, "time=");
		put_time(l);
		put(l, " level=%s msg=", levels[level].name);
	}
	if (format == LOG_JSON) {
		put(l, "{\"time\":\"");
		put_time(l);
		put(l, "\",\"level\":\"%s\",\"msg\":", levels[level].name);
	}
}

static void
put_field(struct line *l, const struct log_field *f)
{
	put(l, format == LOG_JSON ? ",\"%s\":" : " %s=", f->name);
	if (f->text == NULL)
		put(l, "%.9g", f->number);
	else if (format == LOG_TEXT)
		put_plain(l, f->text);
	else
		put_quoted(l, f->text);
}

static void
make_line(struct line *l, enum log_level level, const char *text,
    const struct log_field *fields)
{
	begin_line(l, level);
	if (format == LOG_TEXT)
		put_plain(l, text);
	else
		put_quoted(l, text);
	for (; fields != NULL && fields->name != NULL; fields++)
		put_field(l, fields);
	put(l, "%s\n", format == LOG_JSON ? "}" : "");
}

/*
 * Write a line if that does not block: nobody may be reading, and no scrape and
 * no end waits for a reader of the log.  A pipe that is writable takes a line
 * of at most PIPE_BUF bytes at once.
 */
static bool
write_line(const struct line *l)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) &&
	    write(STDERR_FILENO, l->text, l->n) == (ssize_t)l->n;
}

void
log_fields(enum log_level level, const char *text,
    const struct log_field *fields)
{
	static struct line line; /* protected by the lock */
	int saved = errno;
	char lost[128];

	if (!log_has_level(level))
		return;
	pthread_mutex_lock(&lock);
	if (n_lost > 0) {
		snprintf(lost, sizeof(lost),
		    "%lu messages before this one are lost: nobody read them",
		    n_lost);
		make_line(&line, LOG_LEVEL_WARN, lost, NULL);
		if (write_line(&line))
			n_lost = 0;
	}
	make_line(&line, level, text, fields);
	n_lost += !write_line(&line);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

static void
say(enum log_level level, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[TEXT_SIZE];

	vsnprintf(text, sizeof(text), fmt, ap);
	errno = saved;
	log_fields(level, text, NULL);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

/*
 * output.c: write a verb's text to standard output or to a file.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

static bool
write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return true;
}

/*
 * A file appears as a whole or not at all: node_exporter's textfile collector
 * may read it at any time.
 */
static int
write_file(const char *path, const char *data, size_t size)
{
	char *temporary;
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		err(FAILED, "%s", path);
	fd = mkstemp(temporary);
	if (fd < 0) {
		warn("%s", path);
		free(temporary);
		return FAILED;
	}
	if (!write_all(fd, data, size) || fchmod(fd, 0666 & ~mask) != 0 ||
	    close(fd) != 0 || rename(temporary, path) != 0) {
		warn("%s", path);
		unlink(temporary);
		free(temporary);
		return FAILED;
	}
	free(temporary);
	return DONE;
}

/* Write into standard output, a device or a FIFO as it is. */
static int
write_stream(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || !write_all(fd, data, size) || close(fd) != 0) {
		warn("%s", path);
		return FAILED;
	}
	return DONE;
}

/*
 * Replace a regular file, also through a symbolic link; replace nothing else.
 */
static int
write_to(const char *path, const char *data, size_t size)
{
	struct stat st;
	char *real;
	int r;

	if (stat(path, &st) != 0)
		return write_file(path, data, size);
	if (!S_ISREG(st.st_mode))
		return write_stream(path, data, size);
	real = realpath(path, NULL);
	if (real == NULL) {
		warn("%s", path);
		return FAILED;
	}
	r = write_file(real, data, size);
	free(real);
	return r;
}

int
finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return DONE;
	warn("standard output");
	return FAILED;
}

int
write_output(const char *path, const char *data, size_t size)
{
	if (path != NULL && strcmp(path, "-") != 0)
		return write_to(path, data, size);
	/* Nothing to say may come as NULL, which fwrite() does not take. */
	if (size > 0)
		fwrite(data, 1, size, stdout);
	return finish_output();
}

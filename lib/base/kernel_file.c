/*
 * kernel_file.c: the small text files under /proc and /sys.
 */
#include "base/kernel_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "base/require.h"

void
cmxi_kernel_file_read(const char *path, char *text, size_t size)
{
	int fd;
	ssize_t n;

	REQUIRE(size >= 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
}

/* The state of a search for "name   number" at the begin of a line. */
struct search {
	const char *name;
	size_t matched; /* bytes of the name */
	bool is_other;  /* this line begins with something else */
	int64_t number; /* -1: no digit yet */
};

/* Take the next byte.  Returns false when the number is whole. */
static bool
take_byte(struct search *s, char c)
{
	if (s->name[s->matched] == '\0') {
		if (c >= '0' && c <= '9') {
			s->number = s->number < 0 ? 0 : s->number;
			if (s->number < INT64_MAX / 10 - 9)
				s->number = s->number * 10 + (c - '0');
			return true;
		}
		return s->number < 0 && (c == ' ' || c == '\t');
	}
	if (c == '\n') {
		s->matched = 0;
		s->is_other = false;
	} else if (!s->is_other && c == s->name[s->matched])
		s->matched++;
	else
		s->is_other = true;
	return true;
}

int64_t
cmxi_kernel_file_number(const char *path, const char *name)
{
	struct search search = { .name = name, .number = -1 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool goes_on = fd >= 0;
	char text[256];

	REQUIRE(name[0] != '\0');
	/* Bound: the bytes of the file. */
	while (goes_on) {
		ssize_t n = read(fd, text, sizeof(text));

		goes_on = n > 0;
		for (ssize_t i = 0; goes_on && i < n; i++)
			goes_on = take_byte(&search, text[i]);
	}
	if (fd >= 0)
		close(fd);
	return search.number;
}

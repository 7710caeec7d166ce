/*
 * kernel_file.c: the small text files under /proc and /sys.
 */
#include "base/kernel_file.h"

#include <fcntl.h>
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

/*
 * kernel_file.h: the small text files under /proc and /sys.
 */
#ifndef CMXI_KERNEL_FILE_H
#define CMXI_KERNEL_FILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Read up to size - 1 bytes of a file and append a NUL.  The text is empty
 * where the file cannot be read.  The kernel returns all that fits in one
 * read(2).
 */
void cmxi_kernel_file_read(const char *path, char *text, size_t size);

/*
 * Find the line of a file that begins with a name, and read the number behind
 * the name and blanks.  Returns -1 where there is no such line, file or number.
 * For files that are too long to be read at once.
 */
int64_t cmxi_kernel_file_number(const char *path, const char *name);

#endif

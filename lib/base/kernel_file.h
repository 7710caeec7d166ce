/*
 * kernel_file.h: the small text files under /proc and /sys.
 */
#ifndef CMXI_KERNEL_FILE_H
#define CMXI_KERNEL_FILE_H

#include <stddef.h>

/*
 * Read up to size - 1 bytes of a file and append a NUL.  The text is empty
 * where the file cannot be read.  The kernel returns all that fits in one
 * read(2).
 */
void cmxi_kernel_file_read(const char *path, char *text, size_t size);

#endif

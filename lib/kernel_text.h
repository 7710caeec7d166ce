/*
 * kernel_text.h: the small text files under /proc and /sys.  Level 0.
 */
#ifndef CMXI_KERNEL_TEXT_H
#define CMXI_KERNEL_TEXT_H

#include <stddef.h>

/*
 * Up to size - 1 bytes of a file, with a NUL behind them.  Empty where the
 * file cannot be read.  The kernel gives all that fits in one read(2).
 */
void cmxi_kernel_text(const char *path, char *text, size_t size);

#endif

/*
 * compiler.h: attributes and constants of the machine.
 */
#ifndef CMXI_COMPILER_H
#define CMXI_COMPILER_H

#define cmxi_likely(x)   __builtin_expect(!!(x), 1)
#define cmxi_unlikely(x) __builtin_expect(!!(x), 0)

#define CMXI_NOINLINE __attribute__((noinline))

/*
 * Two lines: x86's adjacent-line prefetcher moves pairs of 64-byte lines
 * (Intel optimization manual, "Spatial prefetcher").
 */
#define CMXI_CACHE_LINE 128

#define CMXI_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif

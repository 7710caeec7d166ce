/*
 * private/rseq_aarch64.h: restartable sequences on arm64.  Private: included
 * by <codeai/metrics_inline.h> and the library, subject to change.
 *
 * rseq_x86_64.h says what a section is, and why rseq_cs is cleared.
 *
 * An atomic instruction (ARMv8.1 stadd) must not take the place of a section,
 * though the kernel could not interrupt it: a program that was compiled with it
 * may have moved to another CPU, and store between the load and the store of a
 * section that the library or another program executes on this one (S1).
 */
#ifndef CODEAI_RSEQ_AARCH64_H
#define CODEAI_RSEQ_AARCH64_H

#include <stddef.h>
#include <stdint.h>

/* The struct rseq of this thread. */
static inline unsigned char *
cmx_rseq_area(ptrdiff_t offset)
{
	unsigned char *thread;

	__asm__("mrs %0, tpidr_el0" : "=r"(thread));
	return thread + offset;
}

/* cpu_id, which is at 4; -1 or -2 without a registration. */
static inline uint32_t
cmx_rseq_cpu(ptrdiff_t offset)
{
	const uint32_t *cpu =
	    (const uint32_t *)(const void *)(cmx_rseq_area(offset) + 4);

	return __atomic_load_n(cpu, __ATOMIC_RELAXED);
}

/*
 * The begin and the end of a section.  Labels:
 *
 *	1 the first instruction that the kernel watches
 *	2 the one after the store that commits
 *	3 the descriptor: flags, start, length, abort address
 *	4 the abort handler
 *	5 the code after the section
 *
 * The kernel aborts only to a handler that follows the signature with which
 * libc registered the thread: RSEQ_SIG 0xd428bc00, which is the instruction
 * brk 0x45e0 (glibc, sysdeps/unix/sysv/linux/aarch64/bits/rseq.h).  .inst
 * writes it as code, which is little-endian on every arm64.
 */
#define CMX_RSEQ_BEGIN                        \
	".pushsection __rseq_cs, \"aw?\"\n\t" \
	".balign 32\n\t"                      \
	"3:\n\t"                              \
	".long 0, 0\n\t"                      \
	".quad 1f, 2f - 1f, 4f\n\t"           \
	".popsection\n\t"                     \
	"adrp x15, 3b\n\t"                    \
	"add x15, x15, :lo12:3b\n\t"          \
	"str x15, [%[area], 8]\n\t"           \
	"1:\n\t"                              \
	"ldr w15, [%[area], 4]\n\t"           \
	"cmp w15, %w[cpu]\n\t"                \
	"b.ne 4f\n\t"

#if defined(__PIC__) && !defined(__PIE__) && !defined(CMX_STAYS_LOADED)
#define CMX_RSEQ_LEAVE "str xzr, [%[area], 8]\n\t"
#else
#define CMX_RSEQ_LEAVE ""
#endif

#define CMX_RSEQ_END CMX_RSEQ_END_AFTER("")

/* check comes after the commit; it may branch to 4. */
#define CMX_RSEQ_END_AFTER(check)                \
	"2:\n\t" check CMX_RSEQ_LEAVE "b 5f\n\t" \
	".inst 0xd428bc00\n\t"                   \
	"4:\n\t"                                 \
	"str xzr, [%[area], 8]\n\t"              \
	"b %l[aborted]\n\t"                      \
	"5:\n\t"

/* Add n to a cell of this CPU; 0 where the thread was interrupted. */
static inline int
cmx_rseq_add(ptrdiff_t offset, uint32_t cpu, uint64_t *cell, uint64_t n)
{
	/* clang-format off */
	__asm__ goto(
	    CMX_RSEQ_BEGIN
	    "ldr x15, [%[cell]]\n\t"
	    "add x15, x15, %[n]\n\t"
	    "str x15, [%[cell]]\n\t"
	    CMX_RSEQ_END
	    :
	    : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
	      [cell] "r"(cell), [n] "r"(n)
	    : "memory", "cc", "x15"
	    : aborted);
	/* clang-format on */
	return 1;
aborted:
	return 0;
}

/* The same for a counter of doubles. */
static inline int
cmx_rseq_add_double(ptrdiff_t offset, uint32_t cpu, uint64_t *cell, double v)
{
	/* clang-format off */
	__asm__ goto(
	    CMX_RSEQ_BEGIN
	    "ldr d31, [%[cell]]\n\t"
	    "fadd d31, d31, %d[v]\n\t"
	    "str d31, [%[cell]]\n\t"
	    CMX_RSEQ_END
	    :
	    : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
	      [cell] "r"(cell), [v] "w"(v)
	    : "memory", "cc", "x15", "v31"
	    : aborted);
	/* clang-format on */
	return 1;
aborted:
	return 0;
}

/*
 * {count, sum} += {1, v}.  The commit is a store-exclusive of two registers,
 * which is one access of 16 bytes on every arm64 (a store of a vector register
 * is two, also with FEAT_LSE2).  A store-exclusive that fails has stored
 * nothing; the section is aborted then.
 */
static inline int
cmx_rseq_add_pair(ptrdiff_t offset, uint32_t cpu, void *pair, double v)
{
	/* clang-format off */
	__asm__ goto(
	    CMX_RSEQ_BEGIN
	    "ldxp x14, x15, [%[pair]]\n\t"
	    "fmov d30, x14\n\t"
	    "fmov d31, x15\n\t"
	    "fmov d29, 1.0\n\t"
	    "fadd d30, d30, d29\n\t"
	    "fadd d31, d31, %d[v]\n\t"
	    "fmov x14, d30\n\t"
	    "fmov x15, d31\n\t"
	    "stxp w13, x14, x15, [%[pair]]\n\t"
	    CMX_RSEQ_END_AFTER("cbnz w13, 4f\n\t")
	    :
	    : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
	      [pair] "r"(pair), [v] "w"(v)
	    : "memory", "cc", "x13", "x14", "x15", "v29", "v30", "v31"
	    : aborted);
	/* clang-format on */
	return 1;
aborted:
	return 0;
}

#endif

/*
 * private/rseq_aarch64.h: restartable sequences on arm64.  Private: included
 * by <codeai/metrics_inline.h> and the library, subject to change.
 *
 * What a section is, and why rseq_cs is cleared, stands in rseq_x86_64.h.
 * Integer counters take one atomic instruction where the machine has it
 * (ARMv8.1 stadd): right on every kernel, whatever interrupts.
 */
#ifndef CODEAI_RSEQ_AARCH64_H
#define CODEAI_RSEQ_AARCH64_H

#include <stddef.h>
#include <stdint.h>

static inline unsigned char *
cmx_rseq_area(ptrdiff_t offset)
{
	unsigned char *thread;

	__asm__("mrs %0, tpidr_el0" : "=r"(thread));
	return thread + offset;
}

static inline uint32_t
cmx_rseq_cpu(ptrdiff_t offset)
{
	const uint32_t *cpu =
	    (const uint32_t *)(const void *)(cmx_rseq_area(offset) + 4);

	return __atomic_load_n(cpu, __ATOMIC_RELAXED);
}

/* Code is little-endian on every arm64, so the signature is too. */
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

#define CMX_RSEQ_END                       \
	"2:\n\t" CMX_RSEQ_LEAVE "b 5f\n\t" \
	".inst 0xd428bc00\n\t"             \
	"4:\n\t"                           \
	"str xzr, [%[area], 8]\n\t"        \
	"b %l[aborted]\n\t"                \
	"5:\n\t"

static inline int
cmx_rseq_add(ptrdiff_t offset, uint32_t cpu, uint64_t *cell, uint64_t n)
{
#ifdef __ARM_FEATURE_ATOMICS
	(void)offset;
	(void)cpu;
	__atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
	return 1;
#else
	__asm__ goto(CMX_RSEQ_BEGIN "ldr x15, [%[cell]]\n\t"
				    "add x15, x15, %[n]\n\t"
				    "str x15, [%[cell]]\n\t" CMX_RSEQ_END
		     :
		     : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
		     [cell] "r"(cell), [n] "r"(n)
		     : "memory", "cc", "x15"
		     : aborted);
	return 1;
aborted:
	return 0;
#endif
}

static inline int
cmx_rseq_add_double(ptrdiff_t offset, uint32_t cpu, uint64_t *cell, double v)
{
	__asm__ goto(CMX_RSEQ_BEGIN "ldr d31, [%[cell]]\n\t"
				    "fadd d31, d31, %d[v]\n\t"
				    "str d31, [%[cell]]\n\t" CMX_RSEQ_END
		     :
		     : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
		     [cell] "r"(cell), [v] "w"(v)
		     : "memory", "cc", "x15", "v31"
		     : aborted);
	return 1;
aborted:
	return 0;
}

/* One 16-byte store; single-copy atomic with FEAT_LSE2 (PAIR_ATOMIC). */
static inline int
cmx_rseq_add_pair(ptrdiff_t offset, uint32_t cpu, void *pair, double v)
{
	__asm__ goto(CMX_RSEQ_BEGIN "ldp d30, d31, [%[pair]]\n\t"
				    "fmov d29, 1.0\n\t"
				    "fadd d30, d30, d29\n\t"
				    "fadd d31, d31, %d[v]\n\t"
				    "mov v30.d[1], v31.d[0]\n\t"
				    "str q30, [%[pair]]\n\t" CMX_RSEQ_END
		     :
		     : [area] "r"(cmx_rseq_area(offset)), [cpu] "r"(cpu),
		     [pair] "r"(pair), [v] "w"(v)
		     : "memory", "cc", "x15", "v29", "v30", "v31"
		     : aborted);
	return 1;
aborted:
	return 0;
}

#endif

/*
 * private/rseq_x86_64.h: restartable sequences on x86-64.  Private: included
 * by <codeai/metrics_inline.h> and the library, subject to change.
 *
 * A section is a few instructions of which the last one commits.  When the
 * kernel interrupts a thread inside of one (preemption, migration, signal),
 * it makes it go on at the abort label instead, and the section has done
 * nothing.  So a thread adds to its CPU's cell without an atomic instruction.
 *
 * Each section: rseq_cs is set to the descriptor; the CPU is compared with the
 * one that the cell was computed for; the last instruction stores.
 *
 * The kernel looks at the descriptor once more at the next preemption, and
 * ends the process if it is gone.  Code that dlclose() can unmap (position
 * independent, and not of an executable) therefore clears rseq_cs behind the
 * section; the shared library does not need to, as it is never unmapped
 * (-z nodelete) and says so with CMX_STAYS_LOADED.
 *
 * offset is that of the thread's struct rseq from its thread pointer; of the
 * struct, cpu_id is at 4 and rseq_cs at 8 (linux/rseq.h).  cpu_id is -1 or -2,
 * which is a large unsigned number, where there is no registration; the caller
 * has compared it with the number of stripes.
 *
 * Descriptors hold absolute addresses, so their section is writable ("aw"),
 * and "?" puts it into the group of the function: C++ may discard that.
 */
#ifndef CODEAI_RSEQ_X86_64_H
#define CODEAI_RSEQ_X86_64_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t
cmx_rseq_cpu(ptrdiff_t offset)
{
	uint32_t cpu;

	__asm__ volatile("movl %%fs:4(%1), %0" : "=r"(cpu) : "r"(offset));
	return cpu;
}

/*
 * The begin and the end of a section.  Labels:
 *
 *	1 the first instruction that the kernel watches
 *	2 the one after the store that commits
 *	3 the descriptor: flags, start, length, abort address
 *	4 the abort handler
 *
 * The kernel aborts only to a handler that follows the signature with which
 * libc registered the thread: RSEQ_SIG 0x53053053 (glibc, bits/rseq.h), here as
 * the operand of a ud1 (0f b9 3d), so that a disassembler stays in step.
 */
#define CMX_RSEQ_BEGIN                        \
	".pushsection __rseq_cs, \"aw?\"\n\t" \
	".balign 32\n\t"                      \
	"3:\n\t"                              \
	".long 0, 0\n\t"                      \
	".quad 1f, 2f - 1f, 4f\n\t"           \
	".popsection\n\t"                     \
	"leaq 3b(%%rip), %%rax\n\t"           \
	"movq %%rax, %%fs:8(%[offset])\n\t"   \
	"1:\n\t"                              \
	"cmpl %[cpu], %%fs:4(%[offset])\n\t"  \
	"jne 4f\n\t"

#if defined(__PIC__) && !defined(__PIE__) && !defined(CMX_STAYS_LOADED)
#define CMX_RSEQ_LEAVE "movq $0, %%fs:8(%[offset])\n\t"
#else
#define CMX_RSEQ_LEAVE ""
#endif

#define CMX_RSEQ_END                                                       \
	"2:\n\t" CMX_RSEQ_LEAVE ".pushsection __rseq_failure, \"ax?\"\n\t" \
	".byte 0x0f, 0xb9, 0x3d\n\t"                                       \
	".long 0x53053053\n\t"                                             \
	"4:\n\t"                                                           \
	"movq $0, %%fs:8(%[offset])\n\t"                                   \
	"jmp %l[aborted]\n\t"                                              \
	".popsection\n\t"

/* Add n to a cell of this CPU; 0 where the thread was interrupted. */
static inline int
cmx_rseq_add(ptrdiff_t offset, uint32_t cpu, uint64_t *cell, uint64_t n)
{
	/* One instruction reads, adds and commits. */
	/* clang-format off */
	__asm__ goto(
	    CMX_RSEQ_BEGIN
	    "addq %[n], %[cell]\n\t"
	    CMX_RSEQ_END
	    :
	    : [offset] "r"(offset), [cpu] "r"(cpu), [cell] "m"(*cell),
	      [n] "er"(n)
	    : "memory", "cc", "rax"
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
	    "movsd %[cell], %%xmm15\n\t"
	    "addsd %[v], %%xmm15\n\t"
	    "movsd %%xmm15, %[cell]\n\t"
	    CMX_RSEQ_END
	    :
	    : [offset] "r"(offset), [cpu] "r"(cpu), [cell] "m"(*cell),
	      [v] "x"(v)
	    : "memory", "cc", "rax", "xmm15"
	    : aborted);
	/* clang-format on */
	return 1;
aborted:
	return 0;
}

/* {count, sum} += {1, v} by one 16-byte store; pair is aligned to 16. */
static inline int
cmx_rseq_add_pair(ptrdiff_t offset, uint32_t cpu, void *pair, double v)
{
	typedef double vector __attribute__((vector_size(16)));
	vector one_and_v = { 1.0, v };

	/* clang-format off */
	__asm__ goto(
	    CMX_RSEQ_BEGIN
	    "movapd (%[pair]), %%xmm15\n\t"
	    "addpd %[v], %%xmm15\n\t"
	    "movapd %%xmm15, (%[pair])\n\t"
	    CMX_RSEQ_END
	    :
	    : [offset] "r"(offset), [cpu] "r"(cpu), [pair] "r"(pair),
	      [v] "x"(one_and_v)
	    : "memory", "cc", "rax", "xmm15"
	    : aborted);
	/* clang-format on */
	return 1;
aborted:
	return 0;
}

#endif

/*
 * codeai/metrics_inline.h: updates that the compiler puts into the program.
 *
 * Included by <codeai/metrics.h> unless CMX_NO_INLINE is defined; then the
 * same calls are functions of the shared library.  A PROGRAM THAT INCLUDES
 * THIS HAS THE LAYOUT OF HANDLES COMPILED IN: look-ups check that the library
 * has the same one, and refuse otherwise.  Both forms may be mixed.
 *
 * What is inlined is one try at this CPU's cell.  A thread that is
 * interrupted in it, that has no restartable sequences, or whose counter
 * holds doubles, goes on in the library.
 */
#ifndef CODEAI_METRICS_INLINE_H
#define CODEAI_METRICS_INLINE_H

#include <codeai/metrics.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(CMX_NO_RSEQ)
#include <codeai/private/rseq_x86_64.h>
#define CMX_HAS_RSEQ 1
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(CMX_NO_RSEQ)
#include <codeai/private/rseq_aarch64.h>
#define CMX_HAS_RSEQ 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The library's part of an update: cmx_counter_add() after the inlined try
 * failed; and the whole of it, for programs that cannot or will not try
 * (CMX_NO_RSEQ).
 */
CMX_PUBLIC void cmx_counter_add_slow(const struct cmx_counter *, uint64_t n);
CMX_PUBLIC void cmx_counter_add_whole(const struct cmx_counter *, uint64_t n);

/*
 * cmx_counter_find() with the layout of handles that the program was compiled
 * with.
 */
CMX_PUBLIC int cmx_counter_find_layout(unsigned int layout,
    const struct cmx_family *, size_t n_labels, const char *const *values,
    struct cmx_counter *, struct cmx_error *err);

/* Add to this CPU's cell; the library continues where that fails. */
static inline void
cmx_counter_add_here(const struct cmx_counter *c, uint64_t n)
{
#ifdef CMX_HAS_RSEQ
	uint32_t cpu = cmx_rseq_cpu(c->rseq_offset);

	/*
	 * A thread that is not registered has CPU -1 or -2, which is large as
	 * unsigned.  A sink and a counter of doubles have n_cpus 0.
	 */
	if (__builtin_expect(cpu < c->n_cpus, 1)) {
		void *cell = c->cell + ((size_t)cpu << c->stripe_shift);

		if (cmx_rseq_add(c->rseq_offset, cpu, (uint64_t *)cell, n))
			return;
	}
	cmx_counter_add_slow(c, n);
#else
	cmx_counter_add_whole(c, n);
#endif
}

#ifndef CMX_NO_INLINE

static inline int
cmx_counter_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_counter *counter,
    struct cmx_error *err)
{
	return cmx_counter_find_layout(CMX_HANDLE_LAYOUT, family, n_labels,
	    values, counter, err);
}

static inline void
cmx_counter_add(const struct cmx_counter *counter, uint64_t n)
{
	cmx_counter_add_here(counter, n);
}

static inline void
cmx_counter_inc(const struct cmx_counter *counter)
{
	cmx_counter_add_here(counter, 1);
}

#endif

#ifdef __cplusplus
}
#endif

#endif

/*
 * atomic.h: every access to memory that another thread or process may write.
 * The only place that may name a memory order.
 *
 * The order is part of each operation's name.  The cells of a segment are
 * plain uint64_t in its structs, because the structs are also read as bytes;
 * these functions give the accesses their meaning.
 */
#ifndef CMXI_ATOMIC_H
#define CMXI_ATOMIC_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static_assert(__atomic_always_lock_free(sizeof(uint64_t), 0),
    "a segment needs lock-free 64-bit atomics");

static inline uint32_t
cmxi_load32_relaxed(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void
cmxi_store32_relaxed(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void
cmxi_store32_release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline uint32_t
cmxi_load32_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint64_t
cmxi_load64_relaxed(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t
cmxi_load64_acquire(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void
cmxi_store64_relaxed(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void
cmxi_store64_release(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline uint64_t
cmxi_add64_relaxed(uint64_t *p, uint64_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}

static inline uint64_t
cmxi_add64_acq_rel(uint64_t *p, uint64_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL);
}

static inline uint64_t
cmxi_or64_release(uint64_t *p, uint64_t bits)
{
	return __atomic_fetch_or(p, bits, __ATOMIC_RELEASE);
}

static inline bool
cmxi_cas64_relaxed(uint64_t *p, uint64_t *expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(p, expected, desired, false,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline bool
cmxi_cas64_acquire(uint64_t *p, uint64_t *expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(p, expected, desired, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* On failure *expected is loaded with acquire order. */
static inline bool
cmxi_cas64_release(uint64_t *p, uint64_t *expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(p, expected, desired, false,
	    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE);
}

/* Between a thread and its own signal handler. */
static inline void
cmxi_signal_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * The reading side of a sequence lock: loads before it stay before the loads
 * after it.  seqlock.h uses it.
 */
static inline void
cmxi_fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* The writing side: stores before it stay before the stores after it. */
static inline void
cmxi_fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Raise a high-water mark to v; a mark that is higher already stays. */
static inline void
cmxi_max64_release(uint64_t *p, uint64_t v)
{
	uint64_t seen = cmxi_load64_relaxed(p);

	/*
	 * Bound: every lost turn means that another raised the mark; the loop
	 * ends when the mark reaches v.
	 */
	while (seen < v && !cmxi_cas64_release(p, &seen, v))
		;
}

static inline uint64_t
cmxi_double_to_bits(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static inline double
cmxi_bits_to_double(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

/*
 * struct cmxi_pair: one histogram bucket, written and read as 16 bytes.
 *
 * count is a double too: a pair is then one vector addition, and it is exact
 * up to 2^53 observations in one bucket of one stripe.
 */
struct cmxi_pair {
	double count;
	double sum;
} __attribute__((aligned(16)));

#if defined(CMXI_MODEL)

/* Of tests/model, which takes the instructions below for granted. */
struct cmxi_pair cmxi_pair_load(const struct cmxi_pair *);
bool cmxi_pair_cas(struct cmxi_pair *, struct cmxi_pair *expected,
    struct cmxi_pair desired);

#elif defined(__x86_64__)

/*
 * An aligned 16-byte load is one access on x86-64 processors with AVX (Intel
 * SDM vol. 3A 9.1.1; AMD APM vol. 2 7.3.2); SSE encodings suffice.  Not
 * __atomic_load_16: libatomic's may write, and readers map without
 * PROT_WRITE.
 */
static inline struct cmxi_pair
cmxi_pair_load(const struct cmxi_pair *p)
{
	struct cmxi_pair v;

	__asm__ volatile("movdqa %1, %%xmm0\n\t"
			 "movdqa %%xmm0, %0"
			 : "=m"(v)
			 : "m"(*p)
			 : "xmm0");
	return v;
}

static inline bool
cmxi_pair_cas(struct cmxi_pair *p, struct cmxi_pair *expected,
    struct cmxi_pair desired)
{
	uint64_t lo = cmxi_double_to_bits(expected->count);
	uint64_t hi = cmxi_double_to_bits(expected->sum);
	bool done;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*p), "+a"(lo), "+d"(hi)
			 : "b"(cmxi_double_to_bits(desired.count)),
			 "c"(cmxi_double_to_bits(desired.sum))
			 : "memory");
	if (!done) {
		expected->count = cmxi_bits_to_double(lo);
		expected->sum = cmxi_bits_to_double(hi);
	}
	return done;
}

#elif defined(__aarch64__)

/*
 * One access with FEAT_LSE2 (HWCAP_USCAT); without it the two halves may
 * differ in time, and the reader's second look finds that
 * (scrape.c:pair_read).
 */
static inline struct cmxi_pair
cmxi_pair_load(const struct cmxi_pair *p)
{
	struct cmxi_pair v;
	uint64_t lo, hi;

	__asm__ volatile("ldp %0, %1, %2" : "=r"(lo), "=r"(hi) : "Q"(*p));
	v.count = cmxi_bits_to_double(lo);
	v.sum = cmxi_bits_to_double(hi);
	return v;
}

static inline bool
cmxi_pair_cas(struct cmxi_pair *p, struct cmxi_pair *expected,
    struct cmxi_pair desired)
{
	uint64_t want_lo = cmxi_double_to_bits(expected->count);
	uint64_t want_hi = cmxi_double_to_bits(expected->sum);
	uint64_t lo, hi;
	uint32_t failed;

	/* The store of the same value makes a failed compare atomic too. */
	__asm__ volatile("0: ldxp %0, %1, %3\n\t"
			 "cmp %0, %4\n\t"
			 "ccmp %1, %5, #0, eq\n\t"
			 "b.ne 1f\n\t"
			 "stxp %w2, %6, %7, %3\n\t"
			 "cbnz %w2, 0b\n\t"
			 "b 2f\n\t"
			 "1: stxp %w2, %0, %1, %3\n\t"
			 "cbnz %w2, 0b\n\t"
			 "mov %w2, #1\n\t"
			 "2:"
			 : "=&r"(lo), "=&r"(hi), "=&r"(failed), "+Q"(*p)
			 : "r"(want_lo), "r"(want_hi),
			 "r"(cmxi_double_to_bits(desired.count)),
			 "r"(cmxi_double_to_bits(desired.sum))
			 : "cc", "memory");
	if (failed) {
		expected->count = cmxi_bits_to_double(lo);
		expected->sum = cmxi_bits_to_double(hi);
	}
	return !failed;
}

#else
#error "a segment needs a 16-byte compare-and-swap: x86-64 or arm64"
#endif

#endif

/*
 * hooks.c: what the compiler calls for each access of the library
 * (-fsanitize=thread), and the functions of C that access memory.
 */
#include "hooks.h"

#include <stdio.h>
#include <string.h>

#include "parts.h"

const void *at_code;
bool is_setting_up;

#define HERE __builtin_return_address(0)

/* Threads of one process meet in its heap too. */
static inline bool
is_watched(const void *p)
{
	return in_files(p) || (heap_is_watched && in_space(p));
}

/* Plain accesses */

static inline void
plain(const void *p, size_t n, bool writes, const void *code)
{
	if (is_watched(p) && n > 0)
		memory_plain(p, n, writes, code);
}

#define PLAIN(name, n, writes)             \
	void name(void *p);                \
	void name(void *p)                 \
	{                                  \
		plain(p, n, writes, HERE); \
	}

PLAIN(__tsan_read1, 1, false)
PLAIN(__tsan_read2, 2, false)
PLAIN(__tsan_read4, 4, false)
PLAIN(__tsan_read8, 8, false)
PLAIN(__tsan_read16, 16, false)
PLAIN(__tsan_write1, 1, true)
PLAIN(__tsan_write2, 2, true)
PLAIN(__tsan_write4, 4, true)
PLAIN(__tsan_write8, 8, true)
PLAIN(__tsan_write16, 16, true)
PLAIN(__tsan_unaligned_read2, 2, false)
PLAIN(__tsan_unaligned_read4, 4, false)
PLAIN(__tsan_unaligned_read8, 8, false)
PLAIN(__tsan_unaligned_read16, 16, false)
PLAIN(__tsan_unaligned_write2, 2, true)
PLAIN(__tsan_unaligned_write4, 4, true)
PLAIN(__tsan_unaligned_write8, 8, true)
PLAIN(__tsan_unaligned_write16, 16, true)

void __tsan_init(void);
void __tsan_read_range(void *, size_t);
void __tsan_write_range(void *, size_t);

void
__tsan_init(void)
{
}

void
__tsan_read_range(void *p, size_t n)
{
	plain(p, n, false, HERE);
}

void
__tsan_write_range(void *p, size_t n)
{
	plain(p, n, true, HERE);
}

/* Atomic accesses */

/* Look at the page, and let others go on where they meet in the word. */
static struct step *
access_begin(enum kind kind, const void *p, uint8_t size, int order,
    const void *code)
{
	bool writes = kind != STEP_LOAD, is_shared;
	struct step *s = NULL;

	at_code = code;
	if (!is_exploring && !is_setting_up && in_space(p))
		word_is_checked((uintptr_t)p);
	is_shared = is_exploring && word_is_shared((uintptr_t)p, writes);
	/* The first access of an actor is a step: it begins there. */
	if (is_shared ||
	    (is_exploring &&
		(!actors[self].is_primed ||
		    word_matters_to_death((uintptr_t)p)))) {
		s = step_begin(kind, code);
		s->order = (uint8_t)order;
		s->is_private = !is_shared;
		step_touch(s, IN_MEMORY, writes, (uintptr_t)p,
		    (uintptr_t)p + size);
		s = step_wait(s);
	} else
		search_note_access();
	at_code = code;
	memory_atomic(p, size, writes);
	return s;
}

static uint64_t
load(const void *p, uint8_t size, int order, const void *code)
{
	struct step *s;
	bool is_stale = false;
	uint64_t v;

	if (!is_watched(p))
		return size == 8 ? *(const uint64_t *)p : *(const uint32_t *)p;
	s = access_begin(STEP_LOAD, p, size, order, code);
	if (is_exploring)
		v = clock_load((uintptr_t)p, size, order, s != NULL, &is_stale);
	else
		v = size == 8 ? *(const uint64_t *)p : *(const uint32_t *)p;
	if (s != NULL) {
		s->value = v;
		s->is_stale = is_stale;
	}
	return v;
}

static void
put(void *p, uint8_t size, uint64_t v)
{
	if (size == 8)
		*(uint64_t *)p = v;
	else
		*(uint32_t *)p = (uint32_t)v;
}

static void
store(void *p, uint8_t size, uint64_t v, int order, const void *code)
{
	struct step *s;

	if (is_watched(p)) {
		s = access_begin(STEP_STORE, p, size, order, code);
		if (s != NULL)
			s->value = v;
		if (is_exploring)
			clock_store((uintptr_t)p, size, v, order);
	}
	put(p, size, v);
}

enum change { ADD, OR };

static uint64_t
change(enum change how, uint64_t *p, uint64_t by, int order, const void *code)
{
	struct step *s = NULL;
	uint64_t before, after;

	if (is_watched(p))
		s = access_begin(STEP_CHANGE, p, 8, order, code);
	before = *p;
	after = how == ADD ? before + by : before | by;
	if (s != NULL)
		s->value = after;
	if (is_exploring && is_watched(p))
		clock_change((uintptr_t)p, 8, after, order);
	*p = after;
	return before;
}

static bool
exchange(uint64_t *p, uint64_t *expected, uint64_t desired, int order,
    int failure, const void *code)
{
	struct step *s = NULL;
	uint64_t before;

	if (is_watched(p))
		s = access_begin(STEP_CHANGE, p, 8, order, code);
	before = *p;
	if (s != NULL)
		s->value = before == *expected ? desired : before;
	if (before != *expected) {
		if (is_exploring && is_watched(p))
			clock_look((uintptr_t)p, 8, failure);
		*expected = before;
		return false;
	}
	if (is_exploring && is_watched(p))
		clock_change((uintptr_t)p, 8, desired, order);
	*p = desired;
	return true;
}

uint32_t __tsan_atomic32_load(const uint32_t *, int);
uint64_t __tsan_atomic64_load(const uint64_t *, int);
void __tsan_atomic32_store(uint32_t *, uint32_t, int);
void __tsan_atomic64_store(uint64_t *, uint64_t, int);
uint64_t __tsan_atomic64_fetch_add(uint64_t *, uint64_t, int);
uint64_t __tsan_atomic64_fetch_sub(uint64_t *, uint64_t, int);
uint64_t __tsan_atomic64_fetch_or(uint64_t *, uint64_t, int);
int __tsan_atomic64_compare_exchange_strong(uint64_t *, uint64_t *, uint64_t,
    int, int);
void __tsan_atomic_thread_fence(int);
void __tsan_atomic_signal_fence(int);

uint32_t
__tsan_atomic32_load(const uint32_t *p, int order)
{
	return (uint32_t)load(p, 4, order, HERE);
}

uint64_t
__tsan_atomic64_load(const uint64_t *p, int order)
{
	return load(p, 8, order, HERE);
}

void
__tsan_atomic32_store(uint32_t *p, uint32_t v, int order)
{
	store(p, 4, v, order, HERE);
}

void
__tsan_atomic64_store(uint64_t *p, uint64_t v, int order)
{
	store(p, 8, v, order, HERE);
}

uint64_t
__tsan_atomic64_fetch_add(uint64_t *p, uint64_t v, int order)
{
	return change(ADD, p, v, order, HERE);
}

uint64_t
__tsan_atomic64_fetch_sub(uint64_t *p, uint64_t v, int order)
{
	return change(ADD, p, -v, order, HERE);
}

uint64_t
__tsan_atomic64_fetch_or(uint64_t *p, uint64_t v, int order)
{
	return change(OR, p, v, order, HERE);
}

int
__tsan_atomic64_compare_exchange_strong(uint64_t *p, uint64_t *expected,
    uint64_t desired, int order, int failure)
{
	return exchange(p, expected, desired, order, failure, HERE);
}

void
__tsan_atomic_thread_fence(int order)
{
	if (is_exploring)
		clock_fence(order);
}

void
__tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/*
 * A pair, which is one access on processors (base/atomic.h); its two words are
 * looked at one after the other within one step, and are always the newest.
 */

struct cmxi_pair {
	double count, sum;
} __attribute__((aligned(16)));

struct cmxi_pair cmxi_pair_load(const struct cmxi_pair *);
bool cmxi_pair_cas(struct cmxi_pair *, struct cmxi_pair *, struct cmxi_pair);

struct cmxi_pair
cmxi_pair_load(const struct cmxi_pair *p)
{
	access_begin(STEP_LOAD, p, 16, __ATOMIC_RELAXED, HERE);
	if (is_exploring) {
		clock_look((uintptr_t)p, 8, __ATOMIC_RELAXED);
		clock_look((uintptr_t)p + 8, 8, __ATOMIC_RELAXED);
	}
	return *p;
}

bool
cmxi_pair_cas(struct cmxi_pair *p, struct cmxi_pair *expected,
    struct cmxi_pair desired)
{
	uint64_t words[2];

	access_begin(STEP_CHANGE, p, 16, __ATOMIC_RELAXED, HERE);
	if (memcmp(p, expected, sizeof(*p)) != 0) {
		*expected = *p;
		return false;
	}
	memcpy(words, &desired, sizeof(words));
	for (int i = 0; i < 2 && is_exploring; i++)
		clock_change((uintptr_t)p + 8 * (uintptr_t)i, 8, words[i],
		    __ATOMIC_RELAXED);
	*p = desired;
	return true;
}

/* Functions of C */

void *kernel_memcpy(void *, const void *, size_t);
void *kernel_memset(void *, int, size_t);
int kernel_memcmp(const void *, const void *, size_t);
void *kernel_memchr(const void *, int, size_t);
int kernel_strcmp(const char *, const char *);
size_t kernel_strlen(const char *);
size_t kernel_strnlen(const char *, size_t);

void *
kernel_memcpy(void *to, const void *from, size_t n)
{
	plain(from, n, false, HERE);
	plain(to, n, true, HERE);
	return memcpy(to, from, n);
}

void *
kernel_memset(void *to, int c, size_t n)
{
	plain(to, n, true, HERE);
	return memset(to, c, n);
}

int
kernel_memcmp(const void *a, const void *b, size_t n)
{
	plain(a, n, false, HERE);
	plain(b, n, false, HERE);
	return memcmp(a, b, n);
}

void *
kernel_memchr(const void *p, int c, size_t n)
{
	plain(p, n, false, HERE);
	return memchr(p, c, n);
}

int
kernel_strcmp(const char *a, const char *b)
{
	plain(a, strlen(a) + 1, false, HERE);
	plain(b, strlen(b) + 1, false, HERE);
	return strcmp(a, b);
}

size_t
kernel_strlen(const char *p)
{
	size_t n = strlen(p);

	plain(p, n + 1, false, HERE);
	return n;
}

size_t
kernel_strnlen(const char *p, size_t most)
{
	size_t n = strnlen(p, most);

	plain(p, n < most ? n + 1 : n, false, HERE);
	return n;
}

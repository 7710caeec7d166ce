/*
 * actor.c: actors are coroutines, and processes have memory of their own.
 *
 * A process's heap lies at an address of its own, so switching between
 * processes costs a copy of the library's static variables only.  A forked
 * child has its parent's addresses: the heap of the two is exchanged when one
 * of them goes on.
 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACK_SIZE (512 * 1024)
#define NOBODY     (-1)

/* The library's static variables: the Makefile gives them these sections. */
extern char __start_library_data[], __stop_library_data[];
extern char __start_library_bss[], __stop_library_bss[];

struct block {
	uint32_t size; /* with this header */
	uint32_t is_live;
	uint64_t align;
};

/* A stretch of a heap that is in use before each run. */
struct extent {
	uint32_t at, size;
};

#define EXTENTS_MAX 256

struct process {
	int heap;      /* whose addresses it uses */
	uint32_t used; /* bytes of the heap */
	unsigned char *statics, *kept_statics;
	unsigned char *away; /* the heap while another one is at its place */
	uint32_t kept_used;
	struct extent extents[EXTENTS_MAX];
	int n_extents;
	unsigned char *kept;
};

struct actor actors[MODEL_ACTORS];
int n_actors;
int self = -1;
bool heap_is_watched;

static struct process processes[MODEL_PROCESSES];
static int current = NOBODY;
static int at_heap[MODEL_PROCESSES]; /* whose bytes are at the addresses */
static unsigned char *stacks;
static void *search_stack;
static const struct model_scenario *scenario;
static int n_threads[MODEL_PROCESSES];

static unsigned char *
heap_base(int heap)
{
	return (unsigned char *)(HEAPS_BASE + (uint64_t)heap * HEAP_ROOM);
}

/* Processes */

static size_t
data_size(void)
{
	return (size_t)(__stop_library_data - __start_library_data);
}

static size_t
statics_size(void)
{
	return data_size() + (size_t)(__stop_library_bss - __start_library_bss);
}

static void
statics_out(unsigned char *to)
{
	memcpy(to, __start_library_data, data_size());
	memcpy(to + data_size(), __start_library_bss,
	    statics_size() - data_size());
}

static void
statics_in(const unsigned char *from)
{
	memcpy(__start_library_data, from, data_size());
	memcpy(__start_library_bss, from + data_size(),
	    statics_size() - data_size());
}

static void
heap_in(int process)
{
	struct process *p = &processes[process];
	int there = at_heap[p->heap];

	if (there == process)
		return;
	memcpy(processes[there].away, heap_base(p->heap),
	    processes[there].used);
	memcpy(heap_base(p->heap), p->away, p->used);
	at_heap[p->heap] = process;
}

void
process_enter(int process)
{
	if (process == current)
		return;
	if (current != NOBODY)
		statics_out(processes[current].statics);
	statics_in(processes[process].statics);
	heap_in(process);
	current = process;
	heap_is_watched = is_exploring && n_threads[process] > 1;
}

int
process_self(void)
{
	return current;
}

bool
process_has_threads(int process)
{
	return process != NOBODY && n_threads[process] > 1;
}

void
process_fork(int parent, int child)
{
	struct process *p = &processes[parent], *c = &processes[child];

	c->heap = p->heap;
	c->used = p->used;
	statics_out(c->statics);
	memcpy(c->away, heap_base(p->heap), p->used);
}

static void *
reserve(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		(at != NULL ? MAP_FIXED_NOREPLACE : 0),
	    -1, 0);

	if (p == MAP_FAILED || (at != NULL && p != at))
		fail("no address space for the model");
	return p;
}

void
actors_init(void)
{
	reserve((void *)SPACE_BASE, SPACE_SIZE);
	stacks = reserve((void *)(SPACE_BASE + SPACE_SIZE + HEAP_ROOM),
	    MODEL_ACTORS * STACK_SIZE);
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		struct process *p = &processes[i];

		p->heap = at_heap[i] = i;
		p->statics = reserve(NULL, statics_size());
		p->kept_statics = reserve(NULL, statics_size());
		p->away = reserve(NULL, HEAP_ROOM);
		p->kept = reserve(NULL, HEAP_ROOM);
		statics_out(p->statics);
	}
}

/* The blocks of a heap that are in use; the rest means nothing. */
static void
keep_heap(struct process *p, int number)
{
	const unsigned char *base = heap_base(number);
	uint32_t kept = 0;

	p->n_extents = 0;
	p->kept_used = p->used;
	for (uint32_t at = 0; at < p->used;) {
		const struct block *b = (const void *)(base + at);

		if (b->is_live) {
			if (p->n_extents == EXTENTS_MAX)
				fail("a setup with too many blocks");
			p->extents[p->n_extents++] =
			    (struct extent){ at, b->size };
			memcpy(p->kept + kept, b, b->size);
			kept += b->size;
		}
		at += b->size;
	}
}

void
processes_keep(void)
{
	if (current != NOBODY)
		statics_out(processes[current].statics);
	current = NOBODY;
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		memcpy(processes[i].kept_statics, processes[i].statics,
		    statics_size());
		keep_heap(&processes[i], i);
	}
}

static void
restore_heap(struct process *p, int number)
{
	const unsigned char *from = p->kept;

	p->heap = number;
	p->used = p->kept_used;
	at_heap[number] = number;
	for (int i = 0; i < p->n_extents; i++) {
		memcpy(heap_base(number) + p->extents[i].at, from,
		    p->extents[i].size);
		from += p->extents[i].size;
	}
}

void
processes_restore(void)
{
	current = NOBODY;
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		memcpy(processes[i].statics, processes[i].kept_statics,
		    statics_size());
		restore_heap(&processes[i], i);
	}
}

/* Heaps: memory is taken from the begin on, and given back by the next run. */

static struct block *
block_of(const void *p)
{
	return (struct block *)(uintptr_t)((uintptr_t)p - sizeof(struct block));
}

void *
heap_take(size_t size, size_t align)
{
	struct process *p = &processes[current];
	unsigned char *base = heap_base(p->heap);
	uint64_t at, end;
	struct block *b;

	at = (p->used + sizeof(*b) + align - 1) / align * align;
	end = (at + size + 15) / 16 * 16;
	if (end > HEAP_ROOM)
		fail("a process of more memory than the model has room for");
	/* A block of nobody fills the gap before an aligned one. */
	if (at - sizeof(*b) > p->used) {
		b = (void *)(base + p->used);
		b->size = (uint32_t)(at - sizeof(*b) - p->used);
		b->is_live = false;
	}
	b = (void *)(base + at - sizeof(*b));
	b->size = (uint32_t)(end - at + sizeof(*b));
	b->is_live = true;
	p->used = (uint32_t)end;
	return base + at;
}

void *kernel_malloc(size_t);
void *kernel_calloc(size_t, size_t);
void *kernel_realloc(void *, size_t);
void *kernel_reallocarray(void *, size_t, size_t);
void *kernel_aligned_alloc(size_t, size_t);
void kernel_free(void *);
char *kernel_strdup(const char *);
char *kernel_strndup(const char *, size_t);

void *
kernel_malloc(size_t n)
{
	return heap_take(n, 16);
}

void *
kernel_calloc(size_t n, size_t size)
{
	return memset(heap_take(n * size, 16), 0, n * size);
}

void *
kernel_realloc(void *p, size_t n)
{
	void *grown = heap_take(n, 16);
	size_t had = p == NULL ? 0 : block_of(p)->size - sizeof(struct block);

	if (p != NULL) {
		memcpy(grown, p, had < n ? had : n);
		kernel_free(p);
	}
	return grown;
}

void *
kernel_reallocarray(void *p, size_t n, size_t size)
{
	return kernel_realloc(p, n * size);
}

void *
kernel_aligned_alloc(size_t align, size_t n)
{
	return heap_take(n, align);
}

void
kernel_free(void *p)
{
	struct process *own = &processes[current];
	struct block *b;

	if (p == NULL)
		return;
	b = block_of(p);
	b->is_live = false;
	/* The last block is given back at once. */
	if ((unsigned char *)b + b->size == heap_base(own->heap) + own->used)
		own->used -= b->size;
}

char *
kernel_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(heap_take(n, 16), s, n);
}

char *
kernel_strndup(const char *s, size_t most)
{
	size_t n = strnlen(s, most);
	char *copy = memcpy(heap_take(n + 1, 16), s, n);

	copy[n] = '\0';
	return copy;
}

/* Coroutines */

void stack_switch(void **from, void *to);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl stack_switch\n"
	"stack_switch:\n\t"
	"push %rbp\n\tpush %rbx\n\t"
	"push %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, (%rdi)\n\t"
	"mov %rsi, %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\t"
	"pop %rbx\n\tpop %rbp\n\t"
	"ret\n");
#define SAVED_WORDS 6
#else
#error "the model switches stacks on x86-64 only"
#endif

/* The first code of an actor. */
static void
begin(void)
{
	scenario->actors[self].body();
	actors[self].has_ended = true;
	/* The search goes on with another one. */
	step_wait(step_begin(STEP_EXIT, NULL));
	abort();
}

static void *
new_stack(int actor)
{
	void **top = (void **)(stacks + (actor + 1) * STACK_SIZE);

	/* A call would leave the stack at 8 above a multiple of 16. */
	*--top = NULL;
	*--top = (void *)begin;
	for (int i = 0; i < SAVED_WORDS; i++)
		*--top = NULL;
	return top;
}

void
actors_reset(const struct model_scenario *s)
{
	scenario = s;
	self = -1;
	memset(n_threads, 0, sizeof(n_threads));
	memset(actors, 0, sizeof(actors));
	for (n_actors = 0;
	     n_actors < MODEL_ACTORS && s->actors[n_actors].body != NULL;
	     n_actors++) {
		struct actor *a = &actors[n_actors];

		a->process = s->actors[n_actors].process;
		a->is_started = !s->actors[n_actors].is_forked;
		a->stack_pointer = new_stack(n_actors);
		n_threads[a->process]++;
	}
}

void
actor_switch(int to)
{
	void **from = self < 0 ? &search_stack : &actors[self].stack_pointer;

	if (to == self)
		return;
	if (self >= 0)
		actors[self].saved_errno = errno;
	self = to;
	if (to < 0) {
		stack_switch(from, search_stack);
		return;
	}
	process_enter(actors[to].process);
	errno = actors[to].saved_errno;
	stack_switch(from, actors[to].stack_pointer);
}

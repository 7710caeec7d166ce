/*
 * parts.h: what the parts of the model share.
 */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "model.h"

/* The memory that is watched: files, then the heaps of processes. */

#define SPACE_BASE   UINT64_C(0x200000000000)
#define FILE_ROOM    (UINT64_C(4) << 20)
#define N_FILES      16
#define HEAP_ROOM    (UINT64_C(8) << 20)
#define HEAPS_BASE   (SPACE_BASE + N_FILES * FILE_ROOM)
#define SPACE_SIZE   (N_FILES * FILE_ROOM + MODEL_PROCESSES * HEAP_ROOM)
#define PAGE         4096u
#define PAGES_IN_ALL (SPACE_SIZE / PAGE)

static inline bool
in_space(const void *p)
{
	return (uintptr_t)p - SPACE_BASE < SPACE_SIZE;
}

static inline bool
in_files(const void *p)
{
	return (uintptr_t)p - SPACE_BASE < N_FILES * FILE_ROOM;
}

/* Steps (search.c) */

enum kind {
	STEP_LOAD,
	STEP_STORE,
	STEP_CHANGE, /* read, modify, write */
	STEP_READ,   /* pread */
	STEP_WRITE,
	STEP_LOCK,
	STEP_ASK, /* for a lock */
	STEP_CLOSE,
	STEP_NAME,
	STEP_PROCESS, /* asks whether a process lives */
	STEP_WAIT,
	STEP_MUTEX,
	STEP_TELL,
	STEP_FORK,
	STEP_EXIT,
	STEP_KILL,
	STEP_CLOCK
};

/* What a step touches; two steps conflict where one of them writes it. */
enum object { IN_MEMORY, IN_LOCKS, IN_NAMES, IN_PROCESSES, IN_PIPE, IN_TIME };

struct touch {
	uint8_t object;
	bool writes;
	uint64_t from, to;
};

struct step {
	uint8_t kind;
	uint8_t actor;
	uint8_t n_touches;
	uint8_t order;      /* __ATOMIC_, of accesses */
	uint8_t is_stale;   /* the load returned an older store */
	uint8_t is_private; /* nobody else can notice it before the end */
	struct touch touches[2];
	uint64_t value;
	const void *code; /* where in the library */
	char detail[40];  /* a path, or empty */
};

/* Announce the next step and wait until it is chosen. */
struct step *step_begin(enum kind, const void *code);
void step_touch(struct step *, enum object, bool writes, uint64_t from,
    uint64_t to);
/* Returns the step as it is noted for messages. */
struct step *step_wait(struct step *);

static inline struct step *
step_simple(enum kind kind, enum object object, bool writes, uint64_t from,
    uint64_t to, const void *code)
{
	struct step *s = step_begin(kind, code);

	step_touch(s, object, writes, from, to);
	return step_wait(s);
}

/* One of n, as the search wants it. */
unsigned int search_choose(unsigned int n);
/* As that, where the budget of stale loads, or of failures, allows it. */
unsigned int search_choose_stale(unsigned int n);
bool search_fails(enum model_failure);

/* Is a search under way, and this an actor's step?  Setup and check are not. */
extern bool is_exploring;

/* Does a word of the space have two actors that meet in it? */
bool word_is_shared(uintptr_t address, bool writes);
bool word_matters_to_death(uintptr_t address);
void word_is_checked(uintptr_t address);
void search_note_access(void);
/* Was that found before? */
bool word_is_known(uintptr_t address);

/* Actors and processes (actor.c) */

struct actor {
	void *stack_pointer;
	int process;
	bool is_started; /* not so: model_fork() will start it */
	bool is_primed;  /* stands before its first step */
	bool has_begun;  /* made a step */
	bool has_ended;  /* or its process has */
	bool is_waiting; /* for a step of another, or for time to pass */
	int together;    /* nobody else goes on */
	uint32_t n_accesses;
	int saved_errno;
	const void *mutex; /* that it waits for */
	struct step next;
};

extern struct actor actors[MODEL_ACTORS];
extern int n_actors;
extern int self; /* the actor that runs, or -1 */

void actors_init(void);
void actors_reset(const struct model_scenario *);
void actor_switch(int to); /* -1: the search itself */
void process_enter(int process);
int process_self(void);
void process_fork(int parent, int child);
void processes_keep(void);    /* remember them as they are */
void processes_restore(void); /* and be so again */
bool process_has_threads(int process);
/* The process that runs has threads, which meet in its heap. */
extern bool heap_is_watched;

void *heap_take(size_t size, size_t align);

/* Order of memory (clocks.c) */

struct clock {
	uint16_t at[8];
} __attribute__((aligned(16)));

extern struct clock clock_of[MODEL_ACTORS];

void clock_join(struct clock *, const struct clock *);
void clocks_reset(void);
void clock_fork(int parent, int child);
/* What is done before is ordered before who acquires the same object next. */
void clock_acquire(const struct clock *object);
void clock_release(struct clock *object);
void clock_release_of(int actor, struct clock *object);

void memory_plain(const void *, size_t, bool writes, const void *code);
void memory_page_made(const void *page);
void memory_copy_out(void *to, const void *from, size_t n);
void memory_dirty(const void *, size_t);
void memory_keep(void);
void memory_restore(void);
uint64_t memory_hash(void);
bool page_exists(const void *);

/* The kernel (kernel.c) */

void kernel_init(void);
void kernel_keep(void);
void kernel_restore(void);
void kernel_end_process(int process);
void kernel_fork(int parent, int child);
void kernel_add_file(const char *path, const char *text);
bool kernel_mutex_is_free(const void *mutex);
bool kernel_may_touch(int process, const void *, bool writes);
bool kernel_is_alive(int process);
void kernel_pass_time(void);
uint64_t kernel_hash(uint64_t hash);
void kernel_touch_locks_of(int process, struct step *);

/* The search (search.c) */

enum mode { BOUNDED, SLEEP_SETS, DPOR, EVERYTHING };

struct search_options {
	enum mode mode;
	unsigned int bound, kills, stale, failures; /* budgets of a run */
	unsigned int seconds;
	const char *replay; /* null: search */
	bool counts_states;
};

struct search_result {
	uint64_t n_runs, n_steps, n_states;
	bool is_exhausted;
};

void search_run(const struct model_scenario *, const struct search_options *,
    struct search_result *);
/* The choices of this run, as REPLAY takes them. */
void search_print_schedule(void);
uint64_t search_n_runs(void);

/* Failing, and saying where (trace.c) */

/* This way to search cannot explore the scenario. */
_Noreturn void give_up(const char *why);
_Noreturn void fail(const char *says, ...)
    __attribute__((format(printf, 1, 2)));
void trace_print(void);
struct step *trace_add(const struct step *);
void trace_reset(void);
unsigned int trace_size(void);
void place_name(uintptr_t address, char *buf, size_t size);
const char *file_name_of(unsigned int file);

#endif

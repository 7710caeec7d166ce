/*
 * model.h: every interleaving of the real library, one schedule after another.
 *
 * lib/ is compiled with -fsanitize=thread and linked against this program's
 * own __tsan_ functions (hooks.c), which see each access and its memory order;
 * and its calls of the kernel go to a kernel of the model (kernel*.c).  Actors
 * are coroutines.  A step is an access to a word that two actors touch, or a
 * call of the kernel that another actor can notice; before each step the
 * search (search.c) chooses who goes on, who is killed, which call fails, and
 * which store a load returns (clocks.c).
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_ACTORS    6
#define MODEL_PROCESSES 6
#define MODEL_NOTES     16

/* What may go wrong; a scenario lists what the search may choose. */
enum model_failure {
	MODEL_FAIL_PAGES = 1,       /* no page: the file system is full */
	MODEL_FAIL_DESCRIPTORS = 2, /* open(): EMFILE */
	MODEL_FAIL_MAPPINGS = 4,    /* mmap(): ENOMEM */
	MODEL_FAIL_LOCKS = 8        /* fcntl(): ENOLCK */
};

struct model_actor {
	void (*body)(void); /* null ends the list */
	int process;        /* actors of one process are its threads */
	bool is_forked;     /* it begins where model_fork() names it */
};

/*
 * A scenario: setup runs once, then the actors in every order, and check after
 * each of them, when all have ended.
 */
struct model_scenario {
	const char *name;
	const char *says; /* what holds, as a sentence */
	void (*setup)(void);
	struct model_actor actors[MODEL_ACTORS];
	void (*check)(void);
	unsigned int killable; /* a bit for each process */
	unsigned int failures; /* of enum model_failure */
	/* Words that show the gap that this scenario documents; else null. */
	const char *finds;
	/* Texts of slots are looked at: each access to them is a step. */
	bool looks_at_texts;
	bool is_long; /* a run costs a millisecond or more: bound 1 at most */
};

extern const struct model_scenario *const model_scenarios[];

/* In setup and check: run f as a process, to its end. */
void model_in(int process, void (*f)(void));

/* Fail, with the schedule, where the condition does not hold. */
void model_check(bool holds, const char *says, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Tell the others that something was done, by a way that is ordered (a pipe);
 * and how often that was told so far.
 */
void model_tell(void);
unsigned int model_told(void);

/* End the process of this actor. */
_Noreturn void model_exit(void);

/* fork(2): the actor, and its process, begin now. */
void model_fork(int actor);

bool model_is_alive(int process);

/* The pid that a process has. */
uint32_t model_pid(int process);

/* close(2), and a pause. */
void model_close(int fd);
void model_wait(void);

/* This process may no longer open files. */
void model_drop_privileges(void);

/* Keep the search from stopping this actor until model_together_end(). */
void model_together_begin(void);
void model_together_end(void);

/* Results of a run; each run begins with zeros. */
extern uint64_t model_notes[MODEL_NOTES];

#endif

/*
 * search.c: which schedule comes next.
 *
 * A run is a list of choices: before each step who goes on or who is killed,
 * and within steps which call fails and which store a load returns.  The
 * search is depth first: a run repeats the choices before the last one that
 * has another way, and takes that.  Nothing but the choices is kept from run
 * to run.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hooks.h"
#include "kernel.h"

#include "segment/format.h"

#define NODES_MAX   40000
#define STEPS_MAX   20000
#define KILL_BIT(p) (1u << (8 + (p)))
#define ACTOR_BITS  0xffu
#define THREADS     16 /* actors, then the killers of processes */

struct node {
	bool is_data;
	uint8_t chosen; /* a thread, or an option */
	uint8_t n;      /* options */
	uint32_t at;    /* accesses before: of the thread, or of all */
	uint32_t enabled, todo, done, sleep;
};

/* A step that was made, for the order of conflicting steps. */
struct made {
	struct step step;
	uint16_t seen[THREADS]; /* how many steps of each come before it */
	uint8_t thread;
	uint32_t node;
};

bool is_exploring;
uint64_t model_notes[MODEL_NOTES];

static const struct model_scenario *scenario;
static const struct search_options *options;
static struct node nodes[NODES_MAX];
static uint32_t n_nodes, depth;
static struct made *made;
static uint32_t n_made;
static uint16_t last_seen[THREADS][THREADS];
static uint32_t sleep_now;
static int current; /* the actor that made the last step, or -1 */
static uint32_t n_accesses, n_choices_here;
static unsigned int n_preempted, n_killed, n_stale, n_failed;
static bool has_learned_range, is_redundant, is_priming;
static struct search_result *result;
static uint64_t n_runs_in_all; /* those before a search began anew too */

/*
 * Words that actors meet in.  A search learns them, and when it has ended it
 * begins anew with what it has learned, until there is nothing new.
 */

static uint16_t *touched, *written; /* by actors: bits */

#define BY_CHECK   0x0100 /* looked at when a run is over */
#define WILL_CHECK 0x0200 /* as that, in the next search */
#define IS_SHARED  0x1000
#define IS_LEARNED 0x2000 /* will be shared in the next search */
#define IS_TEXT    0x3000 /* for people: it decides nothing */
#define KIND       0x3000

#define LEARNED_MAX 4096

static uint64_t learned[LEARNED_MAX], checked[LEARNED_MAX];
static uint32_t n_learned, n_checked;

#define RANGES 64

/* What each actor ever copied out through the kernel. */
static struct {
	uint64_t from, to;
} ranges[MODEL_ACTORS][RANGES];
static int n_ranges[MODEL_ACTORS];

static bool
is_copied_by_other(uintptr_t address)
{
	for (int a = 0; a < MODEL_ACTORS; a++)
		for (int i = 0; a != self && i < n_ranges[a]; i++)
			if (address + 8 > ranges[a][i].from &&
			    address < ranges[a][i].to)
				return true;
	return false;
}

/* Does a word belong to what a slot says of its owner for people? */
static bool
is_text(uintptr_t address)
{
	uint64_t at = (address - SPACE_BASE) % FILE_ROOM;
	const struct cmxi_shm_header *h = (const void *)(address - at);
	uint64_t in_slot = (at - h->slot_offset) % sizeof(struct cmxi_shm_slot);

	if (scenario->looks_at_texts || address >= HEAPS_BASE ||
	    at < h->slot_offset || at >= h->stripe_offset)
		return false;
	return in_slot >= offsetof(struct cmxi_shm_slot, role) ||
	    (in_slot >= offsetof(struct cmxi_shm_slot, start_ticks) &&
		in_slot < offsetof(struct cmxi_shm_slot, role_version)) ||
	    (in_slot >= offsetof(struct cmxi_shm_slot, claimed_ns) &&
		in_slot < offsetof(struct cmxi_shm_slot, ready));
}

static bool
meet_in(uintptr_t address, uint64_t i)
{
	uint16_t by = touched[i] & ACTOR_BITS;

	return written[i] != 0 &&
	    ((by & (by - 1)) != 0 || is_copied_by_other(address));
}

static void
learn_word(uint64_t i)
{
	if (n_learned == LEARNED_MAX)
		fail("more shared words than the model has room for");
	touched[i] |= IS_LEARNED;
	learned[n_learned++] = i;
}

bool
word_is_shared(uintptr_t address, bool writes)
{
	uint64_t i = (address - SPACE_BASE) / 8;

	if (options->replay != NULL)
		return true;
	if ((touched[i] & KIND) != 0)
		return (touched[i] & KIND) == IS_SHARED;
	touched[i] |= (uint16_t)(1 << self);
	if (writes)
		written[i] |= (uint16_t)(1 << self);
	if (!meet_in(address, i))
		return false;
	if (is_text(address))
		touched[i] |= IS_TEXT;
	else
		learn_word(i);
	return false;
}

/*
 * A word that only its actor touches, and the check at the end: there is no
 * other order to try, but the actor may be killed before it.
 */
bool
word_matters_to_death(uintptr_t address)
{
	uint64_t i = (address - SPACE_BASE) / 8;

	return (touched[i] & (KIND | BY_CHECK)) == BY_CHECK &&
	    n_killed < options->kills &&
	    (scenario->killable >> actors[self].process & 1) != 0;
}

/* The check looks at a word: then a death before it is another story. */
void
word_is_checked(uintptr_t address)
{
	uint64_t i = (address - SPACE_BASE) / 8;

	if ((touched[i] & (KIND | BY_CHECK | WILL_CHECK)) != 0 ||
	    is_text(address))
		return;
	if (n_checked == LEARNED_MAX)
		fail("more words are checked than the model has room for");
	touched[i] |= WILL_CHECK;
	checked[n_checked++] = i;
}

bool
word_is_known(uintptr_t address)
{
	if (options->replay != NULL)
		return !is_text(address);
	return (touched[(address - SPACE_BASE) / 8] & KIND) == IS_SHARED;
}

static void
learn_range(const struct touch *t)
{
	int n = n_ranges[self];

	for (int i = 0; i < n; i++)
		if (ranges[self][i].from == t->from &&
		    ranges[self][i].to == t->to)
			return;
	if (n == RANGES)
		return;
	ranges[self][n].from = t->from;
	ranges[self][n].to = t->to;
	n_ranges[self]++;
	has_learned_range = true;
}

/* Choices */

static struct node *
next_node(void)
{
	if (depth == NODES_MAX)
		fail("a run of too many choices");
	return &nodes[depth++];
}

/*
 * REPLAY: "0x20 1x6 kill0 ~17.0=2".  An actor makes so many accesses and calls;
 * a process is killed; after so many accesses of all, the first choice within
 * a step is 2.  Accesses count whether they are steps of the search or not, so
 * that a replay need not learn what the search has learned.
 */

static struct {
	const char *at;
	int actor;
	unsigned int left;
} replay;

/* The next thread, or -1 where the schedule leaves the rest to the search. */
static int
replay_thread(void)
{
	unsigned int actor, n;
	int used = 0;

	while (replay.left == 0) {
		replay.at += strspn(replay.at, " ");
		if (replay.at[0] == '\0' || replay.at[0] == '~')
			return -1;
		if (sscanf(replay.at, "kill%u%n", &actor, &used) == 1 &&
		    actor < MODEL_PROCESSES) {
			replay.at += used;
			return (int)actor + 8;
		}
		used = 0;
		if (sscanf(replay.at, "%ux%u%n", &actor, &n, &used) != 2 ||
		    used == 0 || actor >= (unsigned int)n_actors)
			fail(
			    "REPLAY: \"%.20s\" is no actor x accesses, kill and a process, or ~n.k=option",
			    replay.at);
		replay.at += used;
		replay.actor = (int)actor;
		replay.left = n;
	}
	replay.left--;
	return replay.actor;
}

static unsigned int
replay_option(void)
{
	char key[32];
	const char *at;
	unsigned int option = 0;

	snprintf(key, sizeof(key), "~%u.%u=", n_accesses, n_choices_here);
	at = strstr(options->replay, key);
	if (at != NULL)
		sscanf(at + strlen(key), "%u", &option);
	return option;
}

/* How many accesses a thread had made when it was next chosen. */
static uint32_t
accesses_until_next(int thread, uint32_t from)
{
	for (uint32_t i = from; i < depth; i++)
		if (!nodes[i].is_data && nodes[i].chosen == thread)
			return nodes[i].at;
	return actors[thread].n_accesses;
}

static void
print_choices(void)
{
	uint32_t at = UINT32_MAX, n = 0;

	for (uint32_t i = 0; i < depth; i++) {
		if (!nodes[i].is_data)
			continue;
		n = nodes[i].at == at ? n + 1 : 0;
		at = nodes[i].at;
		if (nodes[i].chosen > 0)
			printf(" ~%u.%u=%u", at, n, nodes[i].chosen);
	}
}

uint64_t
search_n_runs(void)
{
	return result == NULL ? 0 : n_runs_in_all;
}

void
search_print_schedule(void)
{
	for (uint32_t i = 0; i < depth; i++) {
		uint32_t first = i, last = i;

		if (nodes[i].is_data)
			continue;
		if (nodes[i].chosen >= 8) {
			printf(" kill%d", nodes[i].chosen - 8);
			continue;
		}
		for (; i + 1 < depth; i++)
			if (!nodes[i + 1].is_data) {
				if (nodes[i + 1].chosen != nodes[first].chosen)
					break;
				last = i + 1;
			}
		printf(" %dx%u", nodes[first].chosen,
		    accesses_until_next(nodes[first].chosen, last + 1) -
			nodes[first].at);
	}
	print_choices();
}

/* An access or a call that is no step of the search. */
void
search_note_access(void)
{
	if (!is_exploring || self < 0)
		return;
	actors[self].n_accesses++;
	n_accesses++;
	n_choices_here = 0;
}

unsigned int
search_choose(unsigned int n)
{
	struct node *v;

	if (n <= 1 || !is_exploring)
		return 0;
	if (n > UINT8_MAX)
		n = UINT8_MAX;
	v = next_node();
	if (depth > n_nodes) {
		*v = (struct node){ .is_data = true,
			.n = (uint8_t)n,
			.at = n_accesses };
		if (options->replay != NULL && replay_option() < n)
			v->chosen = (uint8_t)replay_option();
		n_nodes = depth;
	}
	n_choices_here++;
	return v->chosen;
}

unsigned int
search_choose_stale(unsigned int n)
{
	unsigned int k = n_stale < options->stale ? search_choose(n) : 0;

	n_stale += k > 0;
	return k;
}

bool
search_fails(enum model_failure failure)
{
	bool fails = is_exploring && (scenario->failures & failure) != 0 &&
	    n_failed < options->failures && search_choose(2) == 1;

	n_failed += fails;
	return fails;
}

/* Conflicts */

static bool
touches_conflict(const struct touch *a, const struct touch *b)
{
	return a->object == b->object && (a->writes || b->writes) &&
	    a->from < b->to && b->from < a->to;
}

static bool
steps_conflict(const struct step *a, const struct step *b)
{
	for (int i = 0; i < a->n_touches; i++)
		for (int j = 0; j < b->n_touches; j++)
			if (touches_conflict(&a->touches[i], &b->touches[j]))
				return true;
	return false;
}

static void
step_of_thread(int thread, struct step *s)
{
	if (thread < 8) {
		*s = actors[thread].next;
		return;
	}
	*s = (struct step){ .kind = STEP_KILL };
	kernel_touch_locks_of(thread - 8, s);
}

static int
process_of(int thread)
{
	return thread < 8 ? actors[thread].process : thread - 8;
}

static bool
threads_conflict(int a, const struct step *sa, int b, const struct step *sb)
{
	if (a == b || (a >= 8 && b >= 8) ||
	    ((a >= 8 || b >= 8) && process_of(a) == process_of(b)))
		return true;
	/* A child has what each thread of its parent has at that instant. */
	if ((sa->kind == STEP_FORK || sb->kind == STEP_FORK) &&
	    process_of(a) == process_of(b))
		return true;
	return steps_conflict(sa, sb);
}

/* Which of the sleeping threads go on sleeping after this step. */
static uint32_t
still_asleep(uint32_t asleep, int thread, const struct step *s)
{
	for (int q = 0; q < THREADS; q++) {
		struct step other;

		if (!(asleep & (1u << q)))
			continue;
		step_of_thread(q, &other);
		if (threads_conflict(q, &other, thread, s))
			asleep &= ~(1u << q);
	}
	return asleep;
}

/*
 * Dynamic partial order reduction: a step that conflicts with an earlier one,
 * and that nothing orders after it, might have come first.  So its thread is to
 * be tried there.
 */
static void
find_races(int thread, const struct step *s, uint32_t node)
{
	struct made *m = &made[n_made];
	uint16_t *seen = last_seen[thread];

	m->step = *s;
	m->thread = (uint8_t)thread;
	m->node = node;
	memcpy(m->seen, seen, sizeof(m->seen));
	for (uint32_t j = n_made; j-- > 0;) {
		const struct made *e = &made[j];
		struct node *v = &nodes[e->node];

		if (!threads_conflict(e->thread, &e->step, thread, s) ||
		    e->seen[e->thread] <= m->seen[e->thread])
			continue;
		if (e->thread != thread)
			v->todo |= v->enabled & (1u << thread) ?
			    1u << thread :
			    v->enabled & ACTOR_BITS;
		for (int i = 0; i < THREADS; i++)
			if (e->seen[i] > m->seen[i])
				m->seen[i] = e->seen[i];
	}
	m->seen[thread]++;
	memcpy(seen, m->seen, sizeof(m->seen));
	n_made++;
}

/* Whom a kill could hit before this step, so that it is another story. */
static uint32_t
kills_that_matter(uint32_t enabled, int thread, const struct step *s)
{
	uint32_t kills = 0;

	for (int q = 8; q < THREADS; q++) {
		struct step kill;

		if (!(enabled & (1u << q)))
			continue;
		step_of_thread(q, &kill);
		if (threads_conflict(q, &kill, thread, s))
			kills |= 1u << q;
	}
	return kills;
}

/* Scheduling */

static bool
can_go_on(const struct actor *a)
{
	return a->is_started && !a->has_ended && !a->is_waiting &&
	    (a->mutex == NULL || a->process != process_self() ||
		kernel_mutex_is_free(a->mutex));
}

static uint32_t
enabled_actors(void)
{
	uint32_t enabled = 0;
	bool waits = false, lives = false;

	for (int i = 0; i < n_actors; i++) {
		if (can_go_on(&actors[i]))
			enabled |= 1u << i;
		lives |= actors[i].is_started && !actors[i].has_ended;
		waits |= !actors[i].has_ended && actors[i].is_waiting;
	}
	if (enabled != 0 || !lives)
		return enabled;
	if (!waits)
		fail(
		    "nobody can go on: somebody waits for what nobody will do");
	kernel_pass_time();
	for (int i = 0; i < n_actors; i++)
		actors[i].is_waiting = false;
	return enabled_actors();
}

/* Who may be killed now. */
static uint32_t
enabled_kills(void)
{
	uint32_t enabled = 0;

	if (n_killed >= options->kills)
		return 0;
	for (int i = 0; i < n_actors; i++)
		if (actors[i].has_begun && kernel_is_alive(actors[i].process) &&
		    (scenario->killable & (1u << actors[i].process)))
			enabled |= KILL_BIT(actors[i].process);
	return enabled;
}

/*
 * Of these the kills that are not the same as earlier or later ones: a kill
 * moves over steps that do not conflict with it.  So one comes right after a
 * step of its process, or before a step that conflicts.
 */
static uint32_t
distinct_kills(uint32_t kills, uint32_t enabled)
{
	uint32_t distinct = 0;

	if (current >= 0)
		distinct = kills & KILL_BIT(actors[current].process);
	for (int i = 0; i < n_actors; i++)
		if (enabled & (1u << i))
			distinct |=
			    kills_that_matter(kills, i, &actors[i].next);
	return distinct;
}

static int
lowest(uint32_t mask)
{
	return __builtin_ctz(mask);
}

static int
first_choice(uint32_t candidates)
{
	if (current >= 0 && (candidates & (1u << current)))
		return current;
	return lowest(
	    candidates & ACTOR_BITS ? candidates & ACTOR_BITS : candidates);
}

/*
 * What is to be tried here.  Sleep sets leave out what was seen in another
 * order, so they need every kill.
 */
static uint32_t
first_todo(const struct node *v, uint32_t candidates)
{
	uint32_t kills = v->enabled & ~ACTOR_BITS;

	if (options->mode == DPOR)
		return 1u << v->chosen;
	if (options->mode == BOUNDED)
		kills = distinct_kills(kills, v->enabled);
	return candidates | kills;
}

/* A new choice of who goes on; false: everything from here on was seen. */
static bool
make_node(struct node *v, uint32_t actors_enabled)
{
	bool is_current = current >= 0 && (actors_enabled & (1u << current));
	uint32_t candidates = actors_enabled;

	*v = (struct node){ .enabled = actors_enabled | enabled_kills(),
		.sleep = sleep_now };
	if (options->mode == BOUNDED && is_current &&
	    (n_preempted >= options->bound || actors[current].next.is_private))
		candidates = 1u << current;
	candidates &= ~v->sleep;
	/* Who sleeps may still be killed, which is another story. */
	if (candidates == 0 && options->mode == SLEEP_SETS)
		candidates = v->enabled & ~ACTOR_BITS & ~v->sleep;
	if (candidates == 0)
		return false;
	v->chosen = (uint8_t)first_choice(candidates);
	v->todo = first_todo(v, candidates);
	if (options->replay != NULL) {
		int thread = replay_thread();

		if (thread >= 0 && (v->enabled & (1u << thread)))
			v->chosen = (uint8_t)thread;
		else if (thread >= 0)
			fail("REPLAY: %d cannot go on here", thread);
	}
	return true;
}

static void
end_actors_of(int process)
{
	for (int i = 0; i < n_actors; i++)
		if (actors[i].process == process)
			actors[i].has_ended = true;
	kernel_end_process(process);
}

/* When all actors have ended, their processes may be killed as well. */
static void
kill_at_end(void)
{
	uint32_t kills;

	while ((kills = enabled_kills()) != 0) {
		unsigned int k =
		    search_choose(1 + (unsigned int)__builtin_popcount(kills));

		if (k == 0)
			return;
		while (k-- > 1)
			kills &= kills - 1;
		n_killed++;
		end_actors_of(lowest(kills) - 8);
	}
}

static void
note_step(int thread, uint32_t node, const struct step *s)
{
	struct node *v = &nodes[node];

	if (options->mode == DPOR) {
		v->todo |= kills_that_matter(v->enabled, thread, s);
		find_races(thread, s, node);
	}
	if (options->mode == DPOR || options->mode == SLEEP_SETS)
		sleep_now = still_asleep(v->sleep | v->done, thread, s);
}

/* Choose who goes on: an actor, or -1 when the run is over. */
static int
pick(void)
{
	for (;;) {
		uint32_t enabled = enabled_actors();
		struct node *v;
		struct step s;
		int thread;

		if (enabled == 0) {
			kill_at_end();
			return -1;
		}
		if (trace_size() >= STEPS_MAX)
			fail("a run of more than %d steps", STEPS_MAX);
		v = next_node();
		if (depth > n_nodes) {
			if (!make_node(v, enabled)) {
				depth--;
				is_redundant = true;
				return -1;
			}
			n_nodes = depth;
		}
		thread = v->chosen;
		if (thread < 8)
			v->at = actors[thread].n_accesses;
		step_of_thread(thread, &s);
		note_step(thread, depth - 1, &s);
		if (thread >= 8) {
			s.actor = (uint8_t)(thread - 8);
			trace_add(&s);
			n_killed++;
			end_actors_of(thread - 8);
			continue;
		}
		n_preempted += current >= 0 && thread != current &&
		    (enabled & (1u << current)) != 0;
		current = thread;
		/* A forked actor begins: that counts too. */
		if (!actors[thread].is_primed) {
			actors[thread].n_accesses++;
			n_accesses++;
		}
		for (int i = 0; i < n_actors; i++)
			if (i != thread)
				actors[i].is_waiting = false;
		return thread;
	}
}

static struct step ignored;

struct step *
step_begin(enum kind kind, const void *code)
{
	struct step *s =
	    self >= 0 && is_exploring ? &actors[self].next : &ignored;

	*s = (struct step){ .kind = (uint8_t)kind,
		.actor = (uint8_t)(self < 0 ? 0 : self),
		.code = code };
	if (s == &ignored && kind == STEP_WAIT)
		kernel_pass_time();
	if (s != &ignored && kind == STEP_WAIT) {
		if (options->mode == DPOR || options->mode == SLEEP_SETS)
			give_up("waits: only MODE=bounded explores it");
		actors[self].is_waiting = true;
	}
	return s;
}

void
step_touch(struct step *s, enum object object, bool writes, uint64_t from,
    uint64_t to)
{
	s->touches[s->n_touches++] = (struct touch){ .object = (uint8_t)object,
		.writes = writes,
		.from = from,
		.to = to };
	if (s->kind == STEP_READ && is_exploring)
		learn_range(&s->touches[s->n_touches - 1]);
}

struct step *
step_wait(struct step *s)
{
	int next;

	if (s == &ignored)
		return s;
	if (!actors[self].is_primed && is_priming) {
		actors[self].is_primed = true;
		actor_switch(-1);
	} else if (actors[self].together == 0 || actors[self].has_ended) {
		actors[self].is_primed = true;
		next = pick();
		actor_switch(next);
	}
	actors[self].has_begun = true;
	search_note_access();
	result->n_steps++;
	return trace_add(&actors[self].next);
}

void
model_together_begin(void)
{
	if (self >= 0)
		actors[self].together++;
}

void
model_together_end(void)
{
	if (self >= 0)
		actors[self].together--;
}

_Noreturn void
model_exit(void)
{
	struct step *s = step_begin(STEP_EXIT, __builtin_return_address(0));

	kernel_touch_locks_of(process_self(), s);
	step_wait(s);
	end_actors_of(process_self());
	actor_switch(pick());
	abort();
}

/* Runs */

static void
reset(void)
{
	memory_restore();
	kernel_restore();
	processes_restore();
	actors_reset(scenario);
	clocks_reset();
	trace_reset();
	memset(model_notes, 0, sizeof(model_notes));
	depth = n_made = sleep_now = 0;
	n_accesses = n_choices_here = 0;
	n_preempted = n_killed = n_stale = n_failed = 0;
	memset(last_seen, 0, sizeof(last_seen));
	current = -1;
	is_redundant = false;
}

static void
prime(void)
{
	is_priming = true;
	for (int i = 0; i < n_actors; i++)
		if (actors[i].is_started && !actors[i].has_ended)
			actor_switch(i);
	is_priming = false;
}

static void
run_once(void)
{
	int first;

	reset();
	is_exploring = true;
	prime();
	first = pick();
	if (first >= 0)
		actor_switch(first);
	is_exploring = false;
	result->n_runs++;
	n_runs_in_all++;
	if (!is_redundant && scenario->check != NULL)
		scenario->check();
}

/* Go back to the last choice that has another way; false: there is none. */
static bool
next_schedule(void)
{
	while (n_nodes > 0) {
		struct node *v = &nodes[n_nodes - 1];
		uint32_t left;

		if (v->is_data) {
			if (++v->chosen < v->n)
				return true;
			n_nodes--;
			continue;
		}
		v->done |= 1u << v->chosen;
		left = v->todo & ~v->done & ~v->sleep;
		if (left != 0) {
			v->chosen = (uint8_t)lowest(left);
			return true;
		}
		n_nodes--;
	}
	return false;
}

/* Distinct states at the end of runs. */

static uint64_t states[1 << 16];

static void
count_state(void)
{
	uint64_t h = kernel_hash(memory_hash()), at;

	for (int i = 0; i < MODEL_NOTES; i++)
		h = (h ^ model_notes[i]) * UINT64_C(0x9e3779b97f4a7c15);
	h |= 1;
	for (at = h >> 48; states[at] != 0 && states[at] != h; at++)
		at %= 1 << 16;
	if (states[at] == 0) {
		states[at] = h;
		result->n_states++;
	}
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
has_learned(void)
{
	for (uint32_t i = 0; i < n_checked; i++)
		if (written[checked[i]] != 0)
			return true;
	return n_learned > 0 || has_learned_range;
}

/* Was there something to learn?  Then the search begins anew. */
static bool
begins_anew(void)
{
	if (!has_learned())
		return false;
	for (uint32_t i = 0; i < n_learned; i++)
		touched[learned[i]] =
		    (uint16_t)((touched[learned[i]] & ~KIND) | IS_SHARED);
	for (uint32_t i = 0; i < n_checked; i++)
		touched[checked[i]] |= BY_CHECK;
	n_learned = n_checked = 0;
	has_learned_range = false;
	n_nodes = 0;
	memset(states, 0, sizeof(states));
	result->n_states = 0;
	result->n_runs = 0;
	return true;
}

static bool
is_over_time(double begin)
{
	return options->seconds > 0 && result->n_runs % 16 == 0 &&
	    seconds_now() - begin > options->seconds;
}

void
search_run(const struct model_scenario *s, const struct search_options *o,
    struct search_result *r)
{
	double begin = seconds_now();

	scenario = s;
	options = o;
	result = r;
	*r = (struct search_result){ .n_runs = 0 };
	touched = calloc(SPACE_SIZE / 8, sizeof(*touched));
	written = calloc(SPACE_SIZE / 8, sizeof(*written));
	made = calloc(STEPS_MAX, sizeof(*made));
	if (touched == NULL || written == NULL || made == NULL)
		fail("no memory for the search");
	replay.at = o->replay;
	n_nodes = 0;
	do {
		run_once();
		if (o->replay != NULL || is_over_time(begin))
			return;
		if (o->counts_states && !is_redundant)
			count_state();
	} while (next_schedule() || begins_anew());
	r->is_exhausted = true;
}

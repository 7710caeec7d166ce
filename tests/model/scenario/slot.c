/*
 * slot.c: who owns which gauges: claims, deaths, successors, forks.
 */
#include "common.h"
#include "scenarios.h"

#define SCHEMA_FOR(processes)                                                 \
	"{\"version\":1,\"limits\":{\"series\":16,\"families\":4,"            \
	"\"processes\":" processes                                            \
	",\"label_bytes\":4096},\"metrics\":[{\"name\":\"g\",\"help\":\"h\"," \
	"\"type\":\"gauge\",\"aggregate\":\"each\"}]}"

/* A process sets its gauge to this, times its number. */
#define VALUE 10.0

/* Bits of the processes that have set their gauges. */
#define SET model_notes[0]

/* The family is there; the slot is not: the first look-up claims it. */
static void
open_gauge(int process)
{
	open_as(process);
	find_family(process, "g");
}

static void
set_value(int process, double v)
{
	struct cmx_gauge gauge;
	struct cmx_error err;
	int r = cmx_gauge_find(&family[process], 0, NULL, &gauge, &err);

	model_check(r == 0, "no gauge: %s", err.text);
	cmx_gauge_set(&gauge, v);
}

static void
open_0(void)
{
	open_gauge(0);
}

static void
open_1(void)
{
	open_gauge(1);
}

static void
open_2(void)
{
	open_gauge(2);
}

static void
read_3(void)
{
	read_as(3);
	take(3);
}

static void
set_up_for(const char *schema)
{
	have_segment(schema);
	model_in(0, open_0);
	model_in(1, open_1);
	model_in(2, open_2);
	model_in(3, read_3);
}

static void
set_gauge(int process)
{
	set_value(process, VALUE * (process + 1));
	SET |= 1u << process;
	model_tell();
}

static unsigned int
live_processes(void)
{
	unsigned int live = 0;

	for (int p = 0; p < MODEL_PROCESSES; p++)
		live |= (unsigned int)model_is_alive(p) << p;
	return live;
}

/*
 * Nobody shows a value of who had ended, or was killed, before the look began;
 * those of must_be that live and had set their gauges are shown.
 */
static void
look(int process, unsigned int must_be)
{
	const struct cmxr_snapshot *snapshot;
	unsigned int before, set;

	model_told();
	before = live_processes();
	set = (unsigned int)SET;
	snapshot = take(process);
	check_gauges(snapshot, "g", ~(set & ~before),
	    must_be & set & before & live_processes(), VALUE);
}

static void
look_once(void)
{
	look(3, 0);
}

static void
look_last_3(void)
{
	look(3, 7);
	check_nothing_invalid(3);
}

static void
check(void)
{
	model_in(3, look_last_3);
}

/* A owner that ends, a successor, a reader. */

static void
set_up_one_slot(void)
{
	set_up_for(SCHEMA_FOR("1"));
}

static void
set_and_end_0(void)
{
	set_gauge(0);
	model_exit();
}

static void
set_0(void)
{
	set_gauge(0);
}

static void
set_1(void)
{
	set_gauge(1);
}

static void
set_2(void)
{
	set_gauge(2);
}

static void
check_successor(void)
{
	/* With one slot it may have been refused: the next try is later. */
	model_in(3, look_once);
}

const struct model_scenario scenario_slot = {
	.name = "slot",
	.says = "a slot that is claimed again never shows its dead owner",
	.setup = set_up_one_slot,
	.actors = { { set_and_end_0, 0 }, { set_1, 1 }, { look_once, 3 } },
	.check = check_successor,
	.killable = 2,
};

/* Two claims, and slots for both. */

static void
set_up_three_slots(void)
{
	set_up_for(SCHEMA_FOR("3"));
}

const struct model_scenario scenario_claims = {
	.name = "claims",
	.says = "two processes that claim at once have two slots",
	.setup = set_up_three_slots,
	.actors = { { set_0, 0 }, { set_1, 1 } },
	.check = check,
	.killable = 3,
};

const struct model_scenario scenario_claims_read = {
	.name = "claims_read",
	.says =
	    "a reader beside two claims sees each value under its own process",
	.setup = set_up_three_slots,
	.actors = { { set_0, 0 }, { set_1, 1 }, { look_once, 3 } },
	.check = check,
	.killable = 3,
};

const struct model_scenario scenario_claims3 = {
	.name = "claims3",
	.says = "three processes that claim at once have three slots",
	.setup = set_up_three_slots,
	.actors = { { set_0, 0 }, { set_1, 1 }, { set_2, 2 } },
	.check = check,
	.killable = 7,
};

/* Too few slots: one is refused, and has the slot when the other has ended. */

static void
set_again_later(void)
{
	/* A look-up or an update asks again half a second later. */
	set_gauge(1);
	for (int i = 0; i < 6; i++)
		model_wait();
	set_gauge(1);
}

static void
check_shortage(void)
{
	unsigned int before = (unsigned int)SET;

	if (!model_is_alive(1))
		return;
	/* Process 0 is gone for good: its slot is free. */
	if (model_is_alive(0))
		return;
	SET = before;
	model_in(3, look_once);
}

const struct model_scenario scenario_shortage = {
	.name = "shortage",
	.says = "who was refused a slot has one when its owner has ended",
	.setup = set_up_one_slot,
	.actors = { { set_and_end_0, 0 }, { set_again_later, 1 } },
	.check = check_shortage,
	.killable = 1,
};

/* Threads of one process. */

static void
set_up_threads(void)
{
	set_up_for(SCHEMA_FOR("3"));
}

static void
set_0_too(void)
{
	set_gauge(0);
}

static void
look_slots(void)
{
	struct cmxr_process process;
	size_t cursor = 0;
	unsigned int n = 0;

	while (cmxr_process_next(take(3), &cursor, &process))
		n += process.is_alive && process.pid == model_pid(0);
	model_check(n == 1 || !model_is_alive(0),
	    "threads of one process have %u slots", n);
	look(3, 7);
}

static void
check_threads(void)
{
	model_in(3, look_slots);
}

const struct model_scenario scenario_threads = {
	.name = "threads",
	.says = "threads that claim at once share one slot",
	.setup = set_up_threads,
	.actors = { { set_0, 0 }, { set_0_too, 0 }, { look_once, 3 } },
	.check = check_threads,
	.killable = 1,
};

/* Forks. */

static void
set_up_fork(void)
{
	set_up_for(SCHEMA_FOR("3"));
}

static void
set_and_fork(void)
{
	set_gauge(0);
	model_fork(1);
}

/* The child goes on with its parent's handle. */
static void
set_as_child(void)
{
	set_value(0, VALUE * 5);
	SET |= 1u << 4;
	model_tell();
}

static void
look_forked(void)
{
	look(3, 0x11);
}

static void
check_forked(void)
{
	model_in(3, look_forked);
}

const struct model_scenario scenario_fork = {
	.name = "fork",
	.says =
	    "a child has a slot of its own, and its parent's ends with the parent",
	.setup = set_up_fork,
	.actors = { { set_and_fork, 0 }, { set_as_child, 4, true },
	    { look_once, 3 } },
	.check = check_forked,
	.killable = 0x11,
};

static void
fork_only(void)
{
	model_fork(2);
}

static void
live_on(void)
{
}

const struct model_scenario scenario_fork_gap = {
	.name = "fork_gap",
	.says = "a fork beside the first look-up of its process (L6)",
	.setup = set_up_fork,
	.actors = { { set_0, 0 }, { fork_only, 0 }, { live_on, 4, true } },
	.check = check,
	.killable = 1,
	.finds = "which has ended",
};

/* A process that cannot open the file again: it locks as a process. */

static void
lock_out_0(void)
{
	open_gauge(0);
	model_drop_privileges();
}

static void
lock_out_1(void)
{
	open_gauge(1);
	model_drop_privileges();
}

static void
set_up_locked_out(void)
{
	have_segment(SCHEMA_FOR("2"));
	model_in(0, lock_out_0);
	model_in(1, lock_out_1);
	model_in(3, read_3);
}

const struct model_scenario scenario_locked_out = {
	.name = "locked_out",
	.says = "processes that cannot open the file again own their gauges",
	.setup = set_up_locked_out,
	.actors = { { set_0, 0 }, { set_1, 1 }, { look_once, 3 } },
	.check = check,
	.killable = 3,
};

/*
 * It closes its descriptor, and so loses the slot; another process takes it.
 * Who lost it never writes into the other's.
 */
static void
set_and_lose_0(void)
{
	set_gauge(0);
	model_close(cmx_segment_fd(registry[0]));
	set_value(0, VALUE);
	set_value(0, VALUE);
}

static void
look_locked_out(void)
{
	unsigned int may_be = (unsigned int)model_is_alive(1) << 1;

	/* Before it is lost, or until another has it, its value is shown. */
	may_be |= (unsigned int)model_is_alive(0);
	check_gauges(take(3), "g", may_be, 0, VALUE);
}

static void
check_lost(void)
{
	model_in(3, look_locked_out);
}

const struct model_scenario scenario_lost_slot = {
	.name = "lost_slot",
	.says =
	    "who closed its descriptor may write once into a slot that was his (L8)",
	.setup = set_up_locked_out,
	.actors = { { set_and_lose_0, 0 }, { set_1, 1 },
	    { look_locked_out, 3 } },
	.check = check_lost,
	.killable = 2,
	.finds = "which another one set",
};

/* It waits until the other has the slot: then it finds its own lost. */
static void
set_lose_and_set_0(void)
{
	set_gauge(0);
	model_close(cmx_segment_fd(registry[0]));
	while (model_told() < 2)
		model_wait();
	set_value(0, VALUE);
}

static void
set_up_locked_out_one(void)
{
	have_segment(SCHEMA_FOR("1"));
	model_in(0, lock_out_0);
	model_in(1, lock_out_1);
	model_in(3, read_3);
}

static void
set_when_lost_1(void)
{
	/* Refused while the other has the slot: so it asks until it has it. */
	while (model_told() < 1)
		model_wait();
	for (int i = 0; i < 12; i++)
		model_wait();
	set_gauge(1);
}

const struct model_scenario scenario_lost_and_taken = {
	.name = "lost_and_taken",
	.says = "who finds that another has his slot leaves it alone",
	.setup = set_up_locked_out_one,
	.actors = { { set_lose_and_set_0, 0 }, { set_when_lost_1, 1 } },
	.check = check_lost,
};

/* Without a page the claim of a process that locks as such is given back. */
static void
look_for_either(void)
{
	struct cmxr_process process;
	size_t cursor = 0;
	unsigned int n = 0;

	look_once();
	while (cmxr_process_next(take(3), &cursor, &process))
		n += process.is_alive;
	model_check(n == 1, "%u processes have the only slot", n);
}

static void
check_given_back(void)
{
	model_in(3, look_for_either);
}

static void
set_often_1(void)
{
	set_gauge(1);
	for (int i = 0; i < 12; i++)
		model_wait();
	set_gauge(1);
}

const struct model_scenario scenario_given_back = {
	.name = "given_back",
	.says = "a claim that found no page is given back",
	.setup = set_up_locked_out_one,
	.actors = { { set_0, 0 }, { set_often_1, 1 } },
	.check = check_given_back,
	.failures = MODEL_FAIL_PAGES,
};

/* Roles. */

static void
set_role_0(void)
{
	cmx_set_role(registry[0], "aaaaaaaaaaaaaaaaaaaa");
}

static void
look_role(void)
{
	struct cmxr_process process;
	size_t cursor = 0;

	while (cmxr_process_next(take(3), &cursor, &process))
		if (process.is_alive)
			model_check(strcmp(process.role, "model") == 0 ||
				strcmp(process.role, "aaaaaaaaaaaaaaaaaaaa") ==
				    0,
			    "a role that nobody set: \"%s\"", process.role);
}

static void
open_with_slot(void)
{
	open_gauge(0);
	set_gauge(0);
}

static void
set_up_role(void)
{
	have_segment(SCHEMA_FOR("2"));
	model_in(0, open_with_slot);
	model_in(3, read_3);
}

static void
check_role(void)
{
	model_in(3, look_role);
}

const struct model_scenario scenario_role = {
	.name = "role",
	.says = "a role is the old text or the new one",
	.setup = set_up_role,
	.actors = { { set_role_0, 0 }, { look_role, 3 } },
	.check = check_role,
	.killable = 1,
	.looks_at_texts = true,
};

/* Whatever is short: nothing is shown of others, and it heals. */

static void
set_twice_0(void)
{
	set_gauge(0);
	set_gauge(0);
}

const struct model_scenario scenario_short_calls = {
	.name = "short_calls",
	.says = "a claim that a shortage ends leaves the slot to the next one",
	.setup = set_up_three_slots,
	.actors = { { set_twice_0, 0 }, { set_1, 1 } },
	.check = check_successor,
	.killable = 1,
	.failures = MODEL_FAIL_PAGES | MODEL_FAIL_DESCRIPTORS |
	    MODEL_FAIL_MAPPINGS | MODEL_FAIL_LOCKS,
};

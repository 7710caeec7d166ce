/*
 * replace.c: segments that are created, removed, replaced and carried over.
 */
#include "common.h"
#include "scenarios.h"

#define NEW_SCHEMA   "/m/b.json"
#define NEWER_SCHEMA "/m/c.json"

#define HEAD                                                      \
	"{\"version\":1,\"limits\":{\"series\":4,\"families\":2," \
	"\"processes\":1,\"label_bytes\":4096},\"metrics\":["
#define COUNTER "{\"name\":\"c_total\",\"help\":\"h\",\"type\":\"counter\"}"
/* Another definition of one family: the segment is replaced. */
#define GAUGE(aggregate)                                                                \
	",{\"name\":\"g\",\"help\":\"h\",\"type\":\"gauge\",\"aggregate\":\"" aggregate \
	"\"}]}"

static const char schema[] = HEAD COUNTER GAUGE("min");
static const char schema_b[] = HEAD COUNTER GAUGE("max");
static const char schema_c[] = HEAD COUNTER GAUGE("avg");

/* What each process began to count, and what has returned. */
#define BEGUN(i) model_notes[i]
#define DONE(i)  model_notes[6 + (i)]
#define SEEN     model_notes[12]

static uint64_t
sum_of(int first)
{
	uint64_t sum = 0;

	for (int i = first; i < first + 6; i++)
		sum += model_notes[i];
	return sum;
}

static void
have_schemas(void)
{
	have_file(SCHEMA, schema);
	have_file(NEW_SCHEMA, schema_b);
	have_file(NEWER_SCHEMA, schema_c);
}

static void
create_last(void)
{
	struct cmx_error err;
	int r = cmx_create(SEGMENT, SCHEMA, NULL, &err);

	model_check(r == 0, "cannot create: %s", err.text);
}

static void
count_in(struct cmx_registry *reg, int process)
{
	struct cmx_family f;
	struct cmx_counter c;
	struct cmx_error err;

	model_check(cmx_family_find(reg, "c_total", &f, &err) == 0 &&
		cmx_counter_find(&f, 0, NULL, &c, &err) == 0,
	    "no counter: %s", err.text);
	BEGUN(process)++;
	cmx_counter_inc(&c);
	DONE(process)++;
	model_tell();
}

static void
open_and_count(int process)
{
	open_as(process);
	count_in(registry[process], process);
}

static void
open_count_0(void)
{
	open_and_count(0);
}

static void
open_count_1(void)
{
	open_and_count(1);
}

static void
count_0(void)
{
	count_in(registry[0], 0);
}

static void
open_0(void)
{
	open_as(0);
}

static void
read_3(void)
{
	read_as(3);
}

/* Totals, at the end: what returned is there, and counted once. */
static void
look_last(void)
{
	struct cmx_error err;
	uint64_t total;
	int r;

	/* Whatever died: the next one applies, opens, counts. */
	r = cmx_apply(SEGMENT, NEWER_SCHEMA, NULL, &err);
	model_check(r == 0, "nobody can apply any more: %s", err.text);
	r = cmx_open(SEGMENT, NULL, CMX_ATTACH_ONLY, &registry[LAST_PROCESS],
	    &err);
	model_check(r == 0, "nobody can open it any more: %s", err.text);
	count_in(registry[LAST_PROCESS], LAST_PROCESS);
	read_as(LAST_PROCESS);
	total = total_of_all(take(LAST_PROCESS), "c_total");
	model_check(total >= sum_of(6) && total <= sum_of(0),
	    "at the end the total is %llu; %llu were begun and %llu returned",
	    (unsigned long long)total, (unsigned long long)sum_of(0),
	    (unsigned long long)sum_of(6));
	check_nothing_invalid(LAST_PROCESS);
}

static void
check(void)
{
	model_in(LAST_PROCESS, look_last);
}

/* A reader's looks: never less than returned, never back, never twice. */
static void
look_at_totals(int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t told = model_told();
		uint64_t total = total_of_all(take(3), "c_total");

		model_check(total >= told && total >= SEEN,
		    "a snapshot has %llu; %llu had returned, and %llu was seen",
		    (unsigned long long)total, (unsigned long long)told,
		    (unsigned long long)SEEN);
		model_check(total <= sum_of(0),
		    "a snapshot has %llu of %llu that were begun",
		    (unsigned long long)total, (unsigned long long)sum_of(0));
		SEEN = total;
	}
}

static void
look_once(void)
{
	look_at_totals(1);
}

static void
look_twice(void)
{
	look_at_totals(2);
}

/* Creators */

static void
set_up_nothing(void)
{
	have_schemas();
}

const struct model_scenario scenario_create2 = {
	.name = "create2",
	.says = "of two creators one opens the other's segment, and both count",
	.setup = set_up_nothing,
	.actors = { { open_count_0, 0 }, { open_count_1, 1 } },
	.check = check,
	.killable = 3,
	.is_long = true,
};

static void
remove_1(void)
{
	struct cmx_error err;
	int r = cmx_remove(SEGMENT, &err);

	model_check(r == 0 || r == CMX_ERR_NOT_FOUND, "cannot remove: %s",
	    err.text);
}

static void
set_up_segment(void)
{
	have_schemas();
	model_in(LAST_PROCESS, create_last);
}

static void
look_after_remove(void)
{
	uint64_t total;

	open_as(LAST_PROCESS);
	count_in(registry[LAST_PROCESS], LAST_PROCESS);
	read_as(LAST_PROCESS);
	total = total_of_all(take(LAST_PROCESS), "c_total");
	model_check(total >= 1 && total <= sum_of(0), "a new segment has %llu",
	    (unsigned long long)total);
}

static void
check_removed(void)
{
	model_in(LAST_PROCESS, look_after_remove);
}

const struct model_scenario scenario_remove = {
	.name = "remove",
	.says = "who opens beside a removal has the old segment or a new one",
	.setup = set_up_segment,
	.actors = { { open_count_0, 0 }, { remove_1, 1 } },
	.check = check_removed,
	.killable = 3,
	.is_long = true,
};

/* Appliers */

static void
apply(const char *to)
{
	struct cmx_error err;
	int r = cmx_apply(SEGMENT, to, NULL, &err);

	model_check(r == 0, "cannot apply: %s", err.text);
}

static void
apply_new(void)
{
	apply(NEW_SCHEMA);
}

static void
apply_newer(void)
{
	apply(NEWER_SCHEMA);
}

static void
set_up_writer(void)
{
	set_up_segment();
	model_in(0, open_0);
	model_in(3, read_3);
}

const struct model_scenario scenario_apply_writer = {
	.name = "apply_writer",
	.says =
	    "a writer of the replaced segment counts on, and readers add it",
	.setup = set_up_writer,
	.actors = { { count_0, 0 }, { apply_new, 1 }, { look_once, 3 } },
	.check = check,
	.killable = 2,
	.is_long = true,
};

const struct model_scenario scenario_apply_open = {
	.name = "apply_open",
	.says = "who opens while a schema is applied counts where readers look",
	.setup = set_up_segment,
	.actors = { { open_count_0, 0 }, { apply_new, 1 } },
	.check = check,
	.killable = 3,
	.is_long = true,
};

const struct model_scenario scenario_create_apply = {
	.name = "create_apply",
	.says = "who creates a segment beside one that applies loses no update",
	.setup = set_up_nothing,
	.actors = { { open_count_0, 0 }, { apply_new, 1 } },
	.check = check,
	.killable = 3,
	.is_long = true,
};

const struct model_scenario scenario_apply2 = {
	.name = "apply2",
	.says =
	    "two that apply at once leave one segment, and every total once",
	.setup = set_up_writer,
	.actors = { { apply_new, 1 }, { apply_newer, 2 } },
	.check = check,
	.killable = 6,
	.is_long = true,
};

/* A segment that was replaced, and whose writer has ended: it is carried. */

static void
set_up_carry(void)
{
	set_up_segment();
	model_in(0, open_count_0);
	model_in(1, apply_new);
	model_in(3, read_3);
	model_in(3, look_twice);
}

static void
leave_0(void)
{
	count_in(registry[0], 0);
	cmx_close(registry[0]);
}

/* Notes of setup are lost; the reader's own look says what there was. */
static void
leave_and_look(void)
{
	look_at_totals(3);
}

static void
count_before(void)
{
	BEGUN(5) = DONE(5) = 1;
}

static void
leave_0_after(void)
{
	count_before();
	leave_0();
}

static void
look_after(void)
{
	count_before();
	SEEN = 1;
	leave_and_look();
}

static void
apply_after(void)
{
	count_before();
	apply_new();
}

const struct model_scenario scenario_carry = {
	.name = "carry",
	.says = "totals are carried over once, and no snapshot misses them",
	.setup = set_up_carry,
	.actors = { { leave_0_after, 0 }, { apply_after, 1 },
	    { look_after, 3 } },
	.check = check,
	.killable = 3,
	.is_long = true,
};

/* A reader that has not looked yet: it opens what was replaced in the run. */
static void
close_in_0(void)
{
	cmx_close(registry[0]);
}

static void
set_up_carry_read(void)
{
	set_up_segment();
	model_in(0, open_count_0);
	model_in(1, apply_new);
	model_in(0, close_in_0);
	model_in(3, read_3);
}

const struct model_scenario scenario_carry_read = {
	.name = "carry_read",
	.says = "a reader that comes while totals are carried sees them once",
	.setup = set_up_carry_read,
	.actors = { { apply_after, 1 }, { look_after, 3 } },
	.check = check,
	.killable = 2,
	.is_long = true,
};

static void
apply_newer_after(void)
{
	count_before();
	apply_newer();
}

const struct model_scenario scenario_carry2 = {
	.name = "carry2",
	.says =
	    "two that carry at once, or one after the other's death, count once",
	.setup = set_up_carry_read,
	.actors = { { apply_after, 1 }, { apply_newer_after, 2 } },
	.check = check,
	.killable = 6,
	.is_long = true,
};

/* A reader that looks over two replacements. */

static void
apply_both(void)
{
	apply_new();
	open_and_count(1);
	apply_newer();
}

const struct model_scenario scenario_apply_twice = {
	.name = "apply_twice",
	.says = "a reader follows two replacements, and no total goes back",
	.setup = set_up_writer,
	.actors = { { apply_both, 1 }, { look_twice, 3 } },
	.check = check,
	.killable = 2,
	.is_long = true,
};

/* A fork beside an apply keeps nobody from applying. */

static void
fork_2(void)
{
	model_fork(2);
}

static void
live_on(void)
{
}

const struct model_scenario scenario_apply_fork = {
	.name = "apply_fork",
	.says =
	    "a child that was forked beside an apply keeps nobody from applying",
	.setup = set_up_segment,
	.actors = { { apply_new, 1 }, { fork_2, 1 }, { live_on, 4, true } },
	.check = check,
	.killable = 2,
	.is_long = true,
};

/* A segment is closed while it is read. */

static void
close_0(void)
{
	count_in(registry[0], 0);
	cmx_close(registry[0]);
}

const struct model_scenario scenario_close = {
	.name = "close",
	.says = "a writer that closes leaves its totals to a reader that looks",
	.setup = set_up_writer,
	.actors = { { close_0, 0 }, { look_twice, 3 } },
	.check = check,
	.killable = 1,
	.is_long = true,
};

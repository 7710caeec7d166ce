/*
 * insert.c: series that several processes insert at once.
 */
#include "common.h"
#include "scenarios.h"

static const char schema[] =
    "{\"version\":1,\"limits\":{\"series\":16,\"families\":4,\"processes\":6,"
    "\"label_bytes\":4096},\"metrics\":[{\"name\":\"c_total\",\"help\":\"h\","
    "\"type\":\"counter\",\"labels\":[\"l\"]}]}";

/* Notes: what a process began to count, and what has returned. */
#define BEGUN(i) model_notes[i]
#define DONE(i)  model_notes[4 + (i)]

/* What was counted in setup. */
#define N_BEFORE 3

static uint64_t
sum_of(uint64_t first)
{
	uint64_t sum = 0;

	for (uint64_t i = first; i < first + 4; i++)
		sum += model_notes[i];
	return sum;
}

/* A process that has a slot and counted before. */
static void
open_ready(int process)
{
	open_as(process);
	find_family(process, "c_total");
	count_one(&family[process], "before");
}

static void
open_0(void)
{
	open_ready(0);
}

static void
open_1(void)
{
	open_ready(1);
}

static void
open_2(void)
{
	open_ready(2);
}

static void
read_3(void)
{
	read_as(3);
}

static void
set_up(void)
{
	have_segment(schema);
	model_in(0, open_0);
	model_in(1, open_1);
	model_in(2, open_2);
	model_in(3, read_3);
}

static void
count(int process, const char *value)
{
	BEGUN(process)++;
	count_one(&family[process], value);
	DONE(process)++;
	model_tell();
}

static void
count_x_0(void)
{
	count(0, "x");
}

static void
count_x_1(void)
{
	count(1, "x");
}

static void
count_x_2(void)
{
	count(2, "x");
}

/* Two looks: nothing that was told is missing, nothing goes back. */
static void
look_twice(void)
{
	uint64_t before = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t told = model_told();
		uint64_t total = total_of_all(take(3), "c_total") - N_BEFORE;

		model_check(total >= told,
		    "a snapshot has %llu of %llu updates that had returned",
		    (unsigned long long)total, (unsigned long long)told);
		model_check(total >= before, "a total went from %llu to %llu",
		    (unsigned long long)before, (unsigned long long)total);
		model_check(total <= sum_of(0),
		    "a snapshot has %llu, more than the %llu that were begun",
		    (unsigned long long)total, (unsigned long long)sum_of(0));
		before = total;
	}
}

static void
look_last(void)
{
	const struct cmxr_snapshot *s;
	uint64_t total;

	open_as(LAST_PROCESS);
	find_family(LAST_PROCESS, "c_total");
	count_one(&family[LAST_PROCESS], "x");
	read_as(LAST_PROCESS);
	s = take(LAST_PROCESS);
	total = total_of_all(s, "c_total") - N_BEFORE - 1;
	model_check(total >= sum_of(4) && total <= sum_of(0),
	    "at the end the total is %llu; %llu were begun and %llu returned",
	    (unsigned long long)total, (unsigned long long)sum_of(0),
	    (unsigned long long)sum_of(4));
	model_check(n_series_of(s, "c_total", "x") == 1,
	    "the series \"x\" is there %u times",
	    n_series_of(s, "c_total", "x"));
	check_nothing_invalid(LAST_PROCESS);
}

static void
look_3(void)
{
	check_nothing_invalid(3);
}

static void
check(void)
{
	model_in(LAST_PROCESS, look_last);
	model_in(3, look_3);
}

const struct model_scenario scenario_insert2 = {
	.name = "insert2",
	.says =
	    "two processes that insert one key make one series, and no update is lost",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { count_x_1, 1 } },
	.check = check,
	.killable = 3,
};

const struct model_scenario scenario_insert2_read = {
	.name = "insert2_read",
	.says = "a reader beside two inserts sees every update that returned",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { count_x_1, 1 }, { look_twice, 3 } },
	.check = check,
	.killable = 3,
};

const struct model_scenario scenario_insert3 = {
	.name = "insert3",
	.says = "three processes that insert one key make one series",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { count_x_1, 1 }, { count_x_2, 2 } },
	.check = check,
	.killable = 7,
};

/* A reader alone beside one insert that may be killed: it looks often. */

static void
look_often(void)
{
	look_twice();
	look_twice();
}

const struct model_scenario scenario_insert_read = {
	.name = "insert_read",
	.says = "no series stays unseen, wherever its insert was killed",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { look_often, 3 } },
	.check = check,
	.killable = 1,
};

/* The page of the index is not there yet; the slot is. */

static void
open_slot(int process)
{
	open_as(process);
	find_family(process, "c_total");
	cmx_set_role(registry[process], "role");
}

static void
open_slot_0(void)
{
	open_slot(0);
}

static void
open_slot_1(void)
{
	open_slot(1);
}

static void
set_up_page(void)
{
	have_segment(schema);
	model_in(0, open_slot_0);
	model_in(1, open_slot_1);
	model_in(3, read_3);
}

static void
look_at_pages(void)
{
	for (int i = 0; i < 2; i++) {
		uint64_t told = model_told();
		uint64_t total = total_of_all(take(3), "c_total");

		model_check(total >= told && total <= sum_of(0),
		    "a snapshot has %llu; %llu had returned",
		    (unsigned long long)total, (unsigned long long)told);
	}
}

const struct model_scenario scenario_insert_page = {
	.name = "insert_page",
	.says = "nobody touches a page of the index before it is there",
	.setup = set_up_page,
	.actors = { { count_x_0, 0 }, { count_x_1, 1 }, { look_at_pages, 3 } },
	.killable = 3,
};

/* Two keys, which meet in one bucket of the index or not. */

static void
count_y_1(void)
{
	count(1, "y");
}

const struct model_scenario scenario_insert_keys = {
	.name = "insert_keys",
	.says = "inserts of two keys leave two series",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { count_y_1, 1 }, { look_twice, 3 } },
	.check = check,
	.killable = 3,
};

/* Who loses a key takes the next one from what is left over. */

static void
count_x_y_0(void)
{
	count(0, "x");
	count(0, "y");
}

static void
count_x_z_1(void)
{
	count(1, "x");
	count(1, "z");
}

static void
look_at_each(void)
{
	const struct cmxr_snapshot *s = take(LAST_PROCESS);
	uint64_t x = total_of(s, "c_total", "x");

	model_check(model_notes[8] == 1 ||
		(x == 3 && total_of(s, "c_total", "y") == 1 &&
		    total_of(s, "c_total", "z") == 1),
	    "x, y, z have %llu, %llu, %llu: two series share a cell",
	    (unsigned long long)x,
	    (unsigned long long)total_of(s, "c_total", "y"),
	    (unsigned long long)total_of(s, "c_total", "z"));
}

static void
check_spares(void)
{
	check();
	if (model_is_alive(0) && model_is_alive(1))
		model_in(LAST_PROCESS, look_at_each);
}

const struct model_scenario scenario_spares = {
	.name = "spares",
	.says = "what a lost insert leaves over is used once",
	.setup = set_up,
	.actors = { { count_x_y_0, 0 }, { count_x_z_1, 1 } },
	.check = check_spares,
	.killable = 3,
};

/* Threads of one process share what is left over. */

static void
count_y_0(void)
{
	BEGUN(0)++;
	count_one(&family[0], "y");
	DONE(0)++;
}

const struct model_scenario scenario_insert_threads = {
	.name = "insert_threads",
	.says = "threads of a process, and another process, insert at once",
	.setup = set_up,
	.actors = { { count_x_0, 0 }, { count_y_0, 0 }, { count_x_1, 1 } },
	.check = check,
	.killable = 2,
};

/* No place for one more series, or no page: it goes to the overflow series. */

#define SCHEMA_OF_ONE                                                         \
	"{\"version\":1,\"limits\":{\"series\":16,\"families\":4,"            \
	"\"processes\":6,\"label_bytes\":4096},\"metrics\":[{\"name\":"       \
	"\"c_total\",\"help\":\"h\",\"type\":\"counter\",\"labels\":[\"l\"]," \
	"\"max_series\":4}]}"

static void
set_up_full(void)
{
	have_segment(SCHEMA_OF_ONE);
	model_in(0, open_0);
	model_in(1, open_1);
	model_in(2, open_2);
	model_in(3, read_3);
}

static void
look_full(void)
{
	uint64_t total;

	read_as(LAST_PROCESS);
	total = total_of_all(take(LAST_PROCESS), "c_total") - N_BEFORE;
	model_check(total >= sum_of(4) && total <= sum_of(0),
	    "the total is %llu; %llu were begun and %llu returned",
	    (unsigned long long)total, (unsigned long long)sum_of(0),
	    (unsigned long long)sum_of(4));
	check_nothing_invalid(LAST_PROCESS);
}

static void
check_full(void)
{
	model_in(LAST_PROCESS, look_full);
}

const struct model_scenario scenario_full = {
	.name = "full",
	.says =
	    "at a limit updates go to the overflow series, and none is lost",
	.setup = set_up_full,
	.actors = { { count_x_y_0, 0 }, { count_x_z_1, 1 }, { look_twice, 3 } },
	.check = check_full,
	.killable = 3,
};

const struct model_scenario scenario_no_pages = {
	.name = "no_pages",
	.says =
	    "without a page updates go to the overflow series, and none is lost",
	.setup = set_up,
	.actors = { { count_x_y_0, 0 }, { count_x_1, 1 }, { look_twice, 3 } },
	.check = check,
	.killable = 3,
	.failures = MODEL_FAIL_PAGES,
};

/* A child goes on with its parent's handles, and with none of its spares. */

static void
count_and_fork(void)
{
	count(0, "x");
	model_fork(1);
	count(0, "y");
}

static void
count_as_child(void)
{
	BEGUN(2)++;
	count_one(&family[0], "z");
	DONE(2)++;
}

const struct model_scenario scenario_fork_counts = {
	.name = "fork_counts",
	.says = "a child counts on beside its parent, and no update is lost",
	.setup = set_up,
	.actors = { { count_and_fork, 0 }, { count_as_child, 4, true },
	    { count_x_1, 1 } },
	.check = check,
	.killable = 0x13,
};

/*
 * family.c: families that are registered at once, groups of helpers.
 */
#include "common.h"
#include "scenarios.h"

#include "codeai/metrics_codeai.h"

static const char schema[] =
    "{\"version\":1,\"limits\":{\"series\":16,\"families\":4,\"processes\":6,"
    "\"label_bytes\":4096},\"metrics\":[]}";

static void
open_0(void)
{
	open_as(0);
}

static void
open_1(void)
{
	open_as(1);
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
	model_in(3, read_3);
}

/* Register a counter without labels and add to it; notes count results. */
#define REGISTERED(i) model_notes[i]
#define REFUSED(i)    model_notes[8 + (i)]

static void
register_counter(int process, const char *name)
{
	const struct cmx_family_def def = { .name = name,
		.type = CMX_COUNTER,
		.help = "h" };
	struct cmx_counter c;
	struct cmx_error err;
	int r = cmx_register(registry[process], &def, &family[process], &err);

	if (r == CMX_ERR_CONFLICT) {
		REFUSED(process) = 1;
		return;
	}
	model_check(r == 0, "cannot register: %s", err.text);
	cmx_counter_find(&family[process], 0, NULL, &c, &err);
	cmx_counter_inc(&c);
	REGISTERED(process) = 1;
	model_tell();
}

static void
register_a_0(void)
{
	register_counter(0, "a_total");
}

static void
register_a_1(void)
{
	register_counter(1, "a_total");
}

/* A gauge "a_total_created" is what OpenMetrics shows of the counter. */
static void
register_clash_1(void)
{
	const struct cmx_family_def def = { .name = "a_created",
		.type = CMX_GAUGE,
		.help = "h" };
	struct cmx_error err;
	int r = cmx_register(registry[1], &def, &family[1], &err);

	model_check(r == 0 || r == CMX_ERR_CONFLICT, "cannot register: %s",
	    err.text);
	REFUSED(1) = r == CMX_ERR_CONFLICT;
	REGISTERED(1) = r == 0;
}

static void
look_at_a(void)
{
	uint64_t told = model_told();
	uint64_t total = total_of_all(take(3), "a_total");

	model_check(total >= told, "a_total is %llu, and %llu had returned",
	    (unsigned long long)total, (unsigned long long)told);
}

/* Families that are there of those that clash. */
static unsigned int
n_families(const struct cmxr_snapshot *s)
{
	struct cmxr_family found;
	unsigned int n = 0;

	for (size_t i = 0; i < cmxr_snapshot_n_families(s); i++) {
		cmxr_snapshot_family(s, i, &found);
		n += strcmp(found.def.name, "a_total") == 0 ||
		    strcmp(found.def.name, "a_created") == 0;
	}
	return n;
}

static void
look_last(void)
{
	const struct cmxr_snapshot *s;

	open_as(LAST_PROCESS);
	register_counter(LAST_PROCESS, "b_total");
	read_as(LAST_PROCESS);
	s = take(LAST_PROCESS);
	model_check(n_families(s) <= 1 && total_of_all(s, "b_total") == 1,
	    "%u families have the name or clash", n_families(s));
	check_nothing_invalid(LAST_PROCESS);
}

static void
look_at_both(void)
{
	uint64_t total;

	look_last();
	total = total_of_all(take(LAST_PROCESS), "a_total");
	model_check(!REFUSED(0) && !REFUSED(1),
	    "a definition conflicts with itself");
	model_check(total >= REGISTERED(0) + REGISTERED(1) && total <= 2,
	    "a_total is %llu; %llu had returned", (unsigned long long)total,
	    (unsigned long long)(REGISTERED(0) + REGISTERED(1)));
}

static void
look_3(void)
{
	check_nothing_invalid(3);
}

static void
check(void)
{
	model_in(LAST_PROCESS, look_at_both);
	model_in(3, look_3);
}

const struct model_scenario scenario_register2 = {
	.name = "register2",
	.says = "two processes that register one family have one",
	.setup = set_up,
	.actors = { { register_a_0, 0 }, { register_a_1, 1 } },
	.check = check,
	.killable = 3,
};

const struct model_scenario scenario_register_read = {
	.name = "register_read",
	.says = "a reader sees a family whole, or not yet",
	.setup = set_up,
	.actors = { { register_a_0, 0 }, { look_at_a, 3 } },
	.check = check,
	.killable = 1,
};

/* A family with labels and its first series, both new to a reader. */
static void
register_and_insert_0(void)
{
	static const char *const labels[] = { "l" };
	const struct cmx_family_def def = { .name = "a_total",
		.type = CMX_COUNTER,
		.help = "h",
		.n_labels = 1,
		.labels = labels };
	struct cmx_error err;
	int r = cmx_register(registry[0], &def, &family[0], &err);

	model_check(r == 0, "cannot register: %s", err.text);
	count_one(&family[0], "x");
	REGISTERED(0) = 1;
	model_tell();
}

static void
look_at_a_twice(void)
{
	look_at_a();
	look_at_a();
}

static void
look_again_3(void)
{
	look_at_a();
	check_nothing_invalid(3);
}

static void
check_inserted(void)
{
	model_in(3, look_again_3);
}

const struct model_scenario scenario_register_insert = {
	.name = "register_insert",
	.says =
	    "a reader shows the first series of a new family when it is told",
	.setup = set_up,
	.actors = { { register_and_insert_0, 0 }, { look_at_a_twice, 3 } },
	.check = check_inserted,
	.killable = 1,
};

static void
check_clash(void)
{
	model_check(!(REGISTERED(0) && REGISTERED(1)),
	    "two families that would expose one name were both registered");
	model_in(LAST_PROCESS, look_last);
}

const struct model_scenario scenario_register_clash = {
	.name = "register_clash",
	.says = "of two families that clash one is registered",
	.setup = set_up,
	.actors = { { register_a_0, 0 }, { register_clash_1, 1 } },
	.check = check_clash,
	.killable = 3,
};

/* The helper's families are there; its group is made in the run. */

static const char schema_cache[] =
    "{\"version\":1,\"limits\":{\"series\":32,\"families\":8,\"processes\":6,"
    "\"label_bytes\":4096},\"metrics\":["
    "{\"name\":\"codeai_db_queries_total\",\"help\":\"h\",\"type\":\"counter\","
    "\"labels\":[\"operation\",\"entity\"]},"
    "{\"name\":\"codeai_db_query_duration_seconds\",\"help\":\"h\","
    "\"type\":\"histogram\",\"labels\":[\"operation\",\"entity\"],"
    "\"buckets\":[1]},"
    "{\"name\":\"codeai_db_query_errors_total\",\"help\":\"h\","
    "\"type\":\"counter\",\"labels\":[\"operation\",\"entity\"]}]}";

static const char schema_wide[] =
    "{\"version\":1,\"limits\":{\"series\":32,\"families\":8,\"processes\":6,"
    "\"label_bytes\":4096},\"metrics\":["
    "{\"name\":\"codeai_db_query_duration_seconds\",\"help\":\"h\","
    "\"type\":\"histogram\",\"labels\":[\"operation\",\"entity\"],"
    "\"buckets\":[1]}]}";

/* The counter of queries, registered as the helper registers it. */
static void
register_queries_1(void)
{
	const struct cmx_family_def def = { .name = "codeai_db_queries_total",
		.type = CMX_COUNTER,
		.help = "Total number of database queries",
		.n_labels = 2,
		.labels = (const char *const[]){ "operation", "entity" } };
	struct cmx_error err;
	int r = cmx_register(registry[1], &def, &family[1], &err);

	model_check(r == 0, "cannot register: %s", err.text);
}

static void
query(int process)
{
	cmx_record_db_query(registry[process], "select", "x", 0.5, false);
	REGISTERED(process) = 1;
	model_tell();
}

static void
open_and_query(int process)
{
	open_as(process);
	cmx_record_db_query(registry[process], "insert", "before", 0.5, false);
}

static void
open_query_0(void)
{
	open_and_query(0);
}

static void
open_query_1(void)
{
	open_and_query(1);
}

static void
query_0(void)
{
	query(0);
}

static void
query_1(void)
{
	query(1);
}

static void
set_up_group(void)
{
	have_segment(schema_cache);
	model_in(0, open_query_0);
	model_in(1, open_query_1);
	model_in(3, read_3);
}

/* The families of the helper are registered in the run. */
static void
set_up_helpers(void)
{
	have_segment(schema_wide);
	model_in(0, open_0);
	model_in(1, open_1);
}

static void
query_0_too(void)
{
	query(0);
	REGISTERED(2) = 1;
}

static void
look_at_queries(void)
{
	uint64_t told = model_told();
	uint64_t total = total_of_all(take(3), "codeai_db_queries_total") - 2;

	model_check(total >= told, "%llu queries, and %llu had returned",
	    (unsigned long long)total, (unsigned long long)told);
}

static void
look_at_group(void)
{
	const struct cmxr_snapshot *s;
	uint64_t total;

	read_as(LAST_PROCESS);
	s = take(LAST_PROCESS);
	total = total_of_all(s, "codeai_db_queries_total") - 2;
	model_check(total >= REGISTERED(0) + REGISTERED(1) && total <= 2,
	    "%llu queries", (unsigned long long)total);
	check_nothing_invalid(LAST_PROCESS);
}

static void
look_at_threads(void)
{
	uint64_t total;

	read_as(LAST_PROCESS);
	total = total_of_all(take(LAST_PROCESS), "codeai_db_queries_total");
	model_check(total == 2, "%llu queries", (unsigned long long)total);
	check_nothing_invalid(LAST_PROCESS);
}

static void
check_threads(void)
{
	model_in(LAST_PROCESS, look_at_threads);
}

static void
check_group(void)
{
	model_in(LAST_PROCESS, look_at_group);
}

const struct model_scenario scenario_group = {
	.name = "group",
	.says = "helpers that make one group count every call",
	.setup = set_up_group,
	.actors = { { query_0, 0 }, { query_1, 1 } },
	.check = check_group,
	.killable = 3,
};

const struct model_scenario scenario_group_read = {
	.name = "group_read",
	.says = "a reader beside a helper sees every call that returned",
	.setup = set_up_group,
	.actors = { { query_0, 0 }, { look_at_queries, 3 } },
	.check = check_group,
	.killable = 1,
};

const struct model_scenario scenario_group_threads = {
	.name = "group_threads",
	.says =
	    "threads that call one helper for the first time count every call",
	.setup = set_up_helpers,
	.actors = { { query_0, 0 }, { query_0_too, 0 },
	    { register_queries_1, 1 } },
	.check = check_threads,
};

/*
 * cells.c: histograms, doubles, shared gauges, exemplars.
 */
#include "common.h"
#include "scenarios.h"

static const char schema[] =
    "{\"version\":1,\"limits\":{\"series\":16,\"families\":8,\"processes\":6,"
    "\"label_bytes\":4096},\"metrics\":["
    "{\"name\":\"h\",\"help\":\"h\",\"type\":\"histogram\",\"buckets\":[1]},"
    "{\"name\":\"d_total\",\"help\":\"h\",\"type\":\"counter\","
    "\"value\":\"double\"},"
    "{\"name\":\"e_total\",\"help\":\"h\",\"type\":\"counter\","
    "\"exemplars\":true},"
    "{\"name\":\"last\",\"help\":\"h\",\"type\":\"gauge\","
    "\"aggregate\":\"last\"}]}";

static struct cmx_histogram histogram[MODEL_PROCESSES];
static struct cmx_counter amount[MODEL_PROCESSES], example[MODEL_PROCESSES];

static void
open_ready(int process)
{
	struct cmx_error err;

	open_as(process);
	find_family(process, "h");
	cmx_histogram_find(&family[process], 0, NULL, &histogram[process],
	    &err);
	find_family(process, "d_total");
	cmx_counter_find(&family[process], 0, NULL, &amount[process], &err);
	find_family(process, "e_total");
	cmx_counter_find(&family[process], 0, NULL, &example[process], &err);
	/* Salts count up: processes 0 and 2 share a fallback stripe. */
	cmx_counter_inc(&example[process]);
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

/* The single series of a family. */
static struct cmxr_series
series_of(const struct cmxr_snapshot *s, const char *name)
{
	struct cmxr_series series = { .whole = 0 };
	struct cmxr_family found;
	size_t cursor;

	for (size_t i = 0; i < cmxr_snapshot_n_families(s); i++) {
		cmxr_snapshot_family(s, i, &found);
		cursor = 0;
		if (strcmp(found.def.name, name) == 0)
			cmxr_series_next(s, i, &cursor, &series);
	}
	return series;
}

static void
observe(int process)
{
	cmx_histogram_observe(&histogram[process], 0.5);
	cmx_histogram_observe(&histogram[process], 8);
	model_notes[process] = 2;
	model_tell();
}

static void
observe_0(void)
{
	observe(0);
}

static void
observe_2(void)
{
	observe(2);
}

static void
check_histogram(int process, uint64_t least)
{
	struct cmxr_series h = series_of(take(process), "h");
	double sum = 0.5 * (double)h.buckets[0] + 8 * (double)h.buckets[1];

	model_check(h.count >= least, "%llu observations, and %llu returned",
	    (unsigned long long)h.count, (unsigned long long)least);
	model_check(h.count == h.buckets[0] + h.buckets[1] && h.sum == sum,
	    "count, sum and buckets are not of the same observations");
}

static void
look_at_histogram(void)
{
	check_histogram(3, 2 * model_told());
}

static void
look_last(void)
{
	read_as(LAST_PROCESS);
	check_histogram(LAST_PROCESS, model_notes[0] + model_notes[2]);
}

static void
check(void)
{
	model_in(LAST_PROCESS, look_last);
}

const struct model_scenario scenario_pairs = {
	.name = "pairs",
	.says =
	    "count, sum and buckets of a histogram are of the same observations",
	.setup = set_up,
	.actors = { { observe_0, 0 }, { observe_2, 2 },
	    { look_at_histogram, 3 } },
	.check = check,
	.killable = 5,
};

const struct model_scenario scenario_pairs2 = {
	.name = "pairs2",
	.says = "no observation of two is lost",
	.setup = set_up,
	.actors = { { observe_0, 0 }, { observe_2, 2 } },
	.check = check,
	.killable = 5,
};

static void
add_double(int process)
{
	cmx_counter_add_double(&amount[process], 0.25);
	model_notes[process]++;
	cmx_counter_add_double(&amount[process], 0.25);
	model_notes[process]++;
}

static void
add_double_0(void)
{
	add_double(0);
}

static void
add_double_2(void)
{
	add_double(2);
}

static void
look_at_double(void)
{
	double v, done = 0.25 * (double)(model_notes[0] + model_notes[2]);

	read_as(LAST_PROCESS);
	v = series_of(take(LAST_PROCESS), "d_total").value;
	model_check(v >= done && v <= 1, "the total is %g; %g was added", v,
	    done);
}

static void
check_double(void)
{
	model_in(LAST_PROCESS, look_at_double);
}

const struct model_scenario scenario_doubles = {
	.name = "doubles",
	.says = "no addition to a counter of doubles is lost",
	.setup = set_up,
	.actors = { { add_double_0, 0 }, { add_double_2, 2 } },
	.check = check_double,
	.killable = 5,
};

/* A gauge that all processes share: nothing added is lost. */

static void
add_shared(int process)
{
	struct cmx_gauge g;
	struct cmx_error err;

	find_family(process, "last");
	model_check(cmx_gauge_find(&family[process], 0, NULL, &g, &err) == 0,
	    "no gauge: %s", err.text);
	cmx_gauge_add(&g, 1);
	model_notes[process]++;
	cmx_gauge_add(&g, 1);
	model_notes[process]++;
}

static void
add_shared_0(void)
{
	add_shared(0);
}

static void
add_shared_1(void)
{
	add_shared(1);
}

static void
look_at_shared(void)
{
	double v, done = (double)(model_notes[0] + model_notes[1]);

	read_as(LAST_PROCESS);
	v = series_of(take(LAST_PROCESS), "last").value;
	model_check(v >= done && v <= 4, "the gauge is %g; %g was added", v,
	    done);
}

static void
check_shared(void)
{
	model_in(LAST_PROCESS, look_at_shared);
}

const struct model_scenario scenario_gauge_add = {
	.name = "gauge_add",
	.says = "nothing that two processes add to a shared gauge is lost",
	.setup = set_up,
	.actors = { { add_shared_0, 0 }, { add_shared_1, 1 } },
	.check = check_shared,
	.killable = 3,
};

/* Exemplars: one of those that were given, whole. */

static void
give_example(int process, const char *text)
{
	cmx_counter_add_exemplar(&example[process], 1, 1,
	    (const struct cmx_label[]){ { "trace", text } });
}

static void
give_0(void)
{
	give_example(0, "aaaaaaaaaaaaaaaa");
}

static void
give_2(void)
{
	give_example(2, "bbbbbbbbbbbbbbbb");
}

static void
check_exposition(int process)
{
	const struct cmxr_snapshot *s = take(process);
	struct cmxr_buffer text = { .data = NULL };
	struct cmx_error err;
	int r = cmxr_encode(&(struct cmxr_input){ .snapshot = s }, 1,
	    CMXR_OPENMETRICS, NULL, &text, &err);
	const char *at;

	model_check(r == 0, "cannot encode: %s", err.text);
	at = strstr(text.data, "trace=\"");
	model_check(at == NULL ||
		strncmp(at, "trace=\"aaaaaaaaaaaaaaaa\"", 24) == 0 ||
		strncmp(at, "trace=\"bbbbbbbbbbbbbbbb\"", 24) == 0,
	    "an exemplar that nobody gave: %.30s", at == NULL ? "" : at);
	cmxr_buffer_free(&text);
}

static void
look_at_exemplar(void)
{
	check_exposition(3);
}

static void
check_exemplar(void)
{
	model_in(3, look_at_exemplar);
}

const struct model_scenario scenario_exemplar = {
	.name = "exemplar",
	.says = "of two exemplars that are given at once one is shown, or none",
	.setup = set_up,
	.actors = { { give_0, 0 }, { give_2, 2 } },
	.check = check_exemplar,
	.killable = 5,
};

const struct model_scenario scenario_exemplar_read = {
	.name = "exemplar_read",
	.says =
	    "an exemplar is shown whole, or not, beside the one who gives it",
	.setup = set_up,
	.actors = { { give_0, 0 }, { look_at_exemplar, 3 } },
	.check = check_exemplar,
	.killable = 1,
};

/* Counters whose cells are the first of a page. */

static const char schema_counters[] =
    "{\"version\":1,\"limits\":{\"series\":1024,\"families\":4,"
    "\"processes\":6,\"label_bytes\":65536},\"metrics\":[{\"name\":\"c_total\","
    "\"help\":\"h\",\"type\":\"counter\",\"labels\":[\"l\"]}]}";

static void
count_many(int process, int n)
{
	char value[8] = "c000";

	open_as(process);
	find_family(process, "c_total");
	for (int i = 0; i < n; i++) {
		value[1] = (char)('0' + i / 100);
		value[2] = (char)('0' + i / 10 % 10);
		value[3] = (char)('0' + i % 10);
		count_one(&family[process], value);
	}
}

/* The header of a stripe, the overflow series and 503 cells fill a page. */
static void
fill_cells(void)
{
	count_many(0, 502);
}

static void
open_counting_1(void)
{
	count_many(1, 1);
}

static void
set_up_cells(void)
{
	have_segment(schema_counters);
	model_in(0, fill_cells);
	model_in(1, open_counting_1);
	model_in(3, read_3);
}

static void
count_next_0(void)
{
	count_one(&family[0], "next_a");
	count_one(&family[0], "next_b");
}

static void
count_next_1(void)
{
	count_one(&family[1], "next_c");
	count_one(&family[1], "next_d");
}

static void
look_at_cells(void)
{
	take(3);
	check_nothing_invalid(3);
}

static void
check_cells(void)
{
	model_in(3, look_at_cells);
}

const struct model_scenario scenario_cell_page = {
	.name = "cell_page",
	.says = "nobody touches a page of cells before it is there",
	.setup = set_up_cells,
	.actors = { { count_next_0, 0 }, { count_next_1, 1 } },
	.check = check_cells,
	.killable = 3,
	.is_long = true,
};

const struct model_scenario scenario_cell_page_read = {
	.name = "cell_page_read",
	.says = "a reader touches no page of cells before it is there",
	.setup = set_up_cells,
	.actors = { { count_next_0, 0 }, { look_at_cells, 3 } },
	.check = check_cells,
	.killable = 1,
	.is_long = true,
};

/* A gauge whose page is not there yet: the slot's mark grows. */

static const char schema_wide[] =
    "{\"version\":1,\"limits\":{\"series\":1024,\"families\":4,"
    "\"processes\":2,\"label_bytes\":65536},\"metrics\":[{\"name\":\"g\","
    "\"help\":\"h\",\"type\":\"gauge\",\"labels\":[\"l\"],"
    "\"aggregate\":\"sum\"}]}";

static void
set_labelled(int process, const char *value, double v)
{
	struct cmx_gauge g;
	struct cmx_error err;
	int r = cmx_gauge_find(&family[process], 1, (const char *[]){ value },
	    &g, &err);

	model_check(r == 0, "no gauge: %s", err.text);
	cmx_gauge_set(&g, v);
}

/* The cells of 503 series and the stripe's header fill a page. */
static void
fill_a_page(void)
{
	char value[8] = "g000";

	open_as(0);
	find_family(0, "g");
	for (int i = 0; i < 503; i++) {
		value[1] = (char)('0' + i / 100);
		value[2] = (char)('0' + i / 10 % 10);
		value[3] = (char)('0' + i % 10);
		set_labelled(0, value, 1);
	}
}

static void
set_up_page(void)
{
	have_segment(schema_wide);
	model_in(0, fill_a_page);
	model_in(3, read_3);
}

static void
set_next_a(void)
{
	set_labelled(0, "next_a", 2);
}

static void
set_next_b(void)
{
	set_labelled(0, "next_b", 2);
}

static void
look_at_page(void)
{
	take(3);
}

static void
check_page(void)
{
	model_in(3, look_at_page);
}

const struct model_scenario scenario_gauge_page = {
	.name = "gauge_page",
	.says = "a reader touches a gauge's page after it is made",
	.setup = set_up_page,
	.actors = { { set_next_a, 0 }, { look_at_page, 3 } },
	.check = check_page,
	.killable = 1,
	.is_long = true,
};

const struct model_scenario scenario_gauge_threads = {
	.name = "gauge_threads",
	.says = "threads touch a gauge's page after it is made",
	.setup = set_up_page,
	.actors = { { set_next_a, 0 }, { set_next_b, 0 } },
	.check = check_page,
	.is_long = true,
};

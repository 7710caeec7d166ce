/*
 * Families: registered by any process, once, or refused with both sides.
 */
#include "metrics.h"

#include <fcntl.h>

#include "segment/protocols.h"

#define METRIC                                                       \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"]}"

TEST(a_schema_with_more_families_adds_them_to_a_live_segment)
{
	struct fixture f = fixture_open("", METRIC);
	const char *more = test_path(f.dir, "more.json");
	struct cmx_registry *second;
	struct cmx_counter b;

	test_write_file(more,
	    "{\"version\":1,\"metrics\":[" METRIC
	    ",{\"name\":\"b_total\",\"type\":\"counter\",\"help\":\"h\"}]}");
	assert_int_equal(cmx_open(f.segment_path, more, 0, &second, NULL), 0);
	b = counter(f.reg, "b_total", 0, NULL);
	cmx_counter_inc(&b);
	assert_shows(f.segment_path, "b_total 1");
	cmx_close(second);
	fixture_close(&f);
}

TEST(a_family_defined_differently_is_refused_with_both_definitions)
{
	struct fixture f = fixture_open("", METRIC);
	const char *label = "y";
	const struct cmx_family_def def = { .name = "a_total",
		.help = "h",
		.type = CMX_COUNTER,
		.n_labels = 1,
		.labels = &label };
	struct cmx_family found = { .entry = 7 };
	struct cmx_error err;

	assert_int_equal(cmx_register(f.reg, &def, &found, &err),
	    CMX_ERR_CONFLICT);
	assert_null(found.registry);
	assert_non_null(strstr(err.text, "there counter a_total{x}"));
	assert_non_null(strstr(err.text, "here counter a_total{y}"));
	assert_non_null(strstr(err.text, "codeai-metrics apply"));
	fixture_close(&f);
}

TEST(another_help_unit_limit_or_exemplars_is_no_conflict)
{
	struct fixture f = fixture_open("", METRIC);
	const char *label = "x", *schema = test_path(f.dir, "next.json");
	const struct cmx_family_def def = { .name = "a_total",
		.help = "another help",
		.type = CMX_COUNTER,
		.n_labels = 1,
		.labels = &label,
		.max_series = 5,
		.has_exemplars = true };
	struct cmx_registry *again;
	struct cmx_family found;

	assert_int_equal(cmx_register(f.reg, &def, &found, NULL), 0);
	assert_non_null(found.registry);
	test_write_file(schema,
	    "{\"version\":1,\"limits\":{\"series\":999},\"metrics\":["
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"new\","
	    "\"labels\":[\"x\"],\"exemplars\":true,\"max_series\":7}]}");
	assert_int_equal(cmx_open(f.segment_path, schema, 0, &again, NULL), 0);
	counter(again, "a_total", 1, VALUES("a"));
	cmx_close(again);
	fixture_close(&f);
}

#define OTHER_BOUNDS(bounds)                                           \
	"{\"name\":\"seconds\",\"type\":\"histogram\",\"help\":\"h\"," \
	"\"buckets\":[" bounds "]},"                                   \
	"{\"name\":\"level\",\"type\":\"gauge\",\"help\":\"h\"}," METRIC

TEST(families_that_conflict_are_sinks_and_all_others_count)
{
	struct fixture f = fixture_open("", OTHER_BOUNDS("1,2"));
	const char *schema = test_path(f.dir, "next.json");
	struct cmx_family found;
	struct cmx_registry *reg;
	struct cmx_counter c;
	struct cmx_error err;

	cmx_close(f.reg);
	test_write_file(schema,
	    "{\"version\":1,\"metrics\":["
	    "{\"name\":\"seconds\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"buckets\":[1,2,3]},"
	    "{\"name\":\"level\",\"type\":\"counter\",\"help\":\"h\"}," METRIC
	    ",{\"name\":\"b_total\",\"type\":\"counter\",\"help\":\"h\"}]}");
	assert_int_equal(cmx_open(f.segment_path, schema, 0, &reg, &err), 1);
	assert_non_null(reg);
	assert_int_equal(err.code, CMX_ERR_CONFLICT);
	assert_non_null(strstr(err.text, "family seconds"));
	assert_non_null(strstr(err.text, "\nfamily level"));
	assert_null(strstr(err.text, "a_total"));
	assert_int_equal(cmx_family_find(reg, "seconds", &found, &err),
	    CMX_ERR_CONFLICT);
	assert_null(found.registry);
	assert_int_equal(cmx_family_find(reg, "level", &found, &err),
	    CMX_ERR_CONFLICT);
	c = counter(reg, "a_total", 1, VALUES("a"));
	cmx_counter_inc(&c);
	c = counter(reg, "b_total", 0, NULL);
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1");
	assert_shows(f.segment_path, "b_total 1");
	assert_shows(f.segment_path, "seconds_count 0");
	/* Who defines them as the segment does has them again. */
	test_write_file(test_path(f.dir, "first.json"),
	    "{\"version\":1,\"metrics\":[" OTHER_BOUNDS("1,2") "]}");
	assert_int_equal(cmx_open(f.segment_path,
			     test_path(f.dir, "first.json"), 0, &reg, &err),
	    0);
	assert_int_equal(cmx_family_find(reg, "seconds", &found, &err), 0);
	cmx_close(reg);
	cmx_close(reg);
	/* With CMX_APPLY all of them count. */
	assert_int_equal(cmx_open(f.segment_path, schema, CMX_APPLY, &reg,
			     &err),
	    0);
	assert_int_equal(cmx_family_find(reg, "seconds", &found, &err), 0);
	counter(reg, "level", 0, NULL);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1");
	f.reg = reg;
	fixture_close(&f);
}

TEST(an_open_that_cannot_apply_says_so_and_counts)
{
	struct fixture f = fixture_open("", METRIC);
	const char *schema = test_path(f.dir, "next.json");
	pid_t pid = spawn_applier(f.segment_path);
	struct cmx_registry *reg;
	struct cmx_counter c;
	struct cmx_error err;

	assert_int_equal(setenv("CODEAI_METRICS_APPLY_WAIT", "10", 1), 0);
	test_write_file(schema,
	    "{\"version\":1,\"limits\":{\"series\":999},\"metrics\":[" METRIC
	    "]}");
	assert_int_equal(cmx_open(f.segment_path, schema, CMX_APPLY, &reg,
			     &err),
	    1);
	assert_non_null(
	    strstr(err.text, "applies a schema to it and does not end"));
	c = counter(reg, "a_total", 1, VALUES("a"));
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1");
	cmx_close(reg);
	unsetenv("CODEAI_METRICS_APPLY_WAIT");
	end_applier(pid);
	fixture_close(&f);
}

TEST(names_that_clash_in_a_format_are_refused)
{
	struct fixture f = fixture_open("", METRIC);
	const struct cmx_family_def def = { .name = "a",
		.help = "h",
		.type = CMX_GAUGE };
	struct cmx_family found;
	struct cmx_error err;

	assert_int_equal(cmx_register(f.reg, &def, &found, &err),
	    CMX_ERR_CONFLICT);
	assert_non_null(strstr(err.text,
	    "gauge a clashes with the counter a_total of the segment"));
	fixture_close(&f);
}

TEST(wrong_definitions_are_refused_with_the_rule)
{
	static const double bounds[] = { 2, 1 };
	static const struct {
		struct cmx_family_def def;
		const char *said;
	} cases[] = {
		{ { .name = "1a", .type = CMX_GAUGE }, "is not a metric name" },
		{ { .name = "a", .type = 9 }, "9 is not a type" },
		{ { .name = "a", .type = CMX_HISTOGRAM }, "0 bounds" },
		{ { .name = "a",
		      .type = CMX_HISTOGRAM,
		      .n_bounds = 2,
		      .bounds = bounds },
		    "bounds must increase (1 after 2)" },
		{ { .name = NULL, .type = CMX_GAUGE }, "is null" },
		{ { .name = "a", .type = CMX_GAUGE, .n_labels = 1 },
		    "is null" },
	};
	struct fixture f = fixture_open("", METRIC);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cmx_family found;
		struct cmx_error err;

		assert_int_equal(cmx_register(f.reg, &cases[i].def, &found,
				     &err),
		    CMX_ERR_ARGUMENT);
		if (strstr(err.text, cases[i].said) == NULL)
			fail_msg("%s", err.text);
	}
	fixture_close(&f);
}

static int
register_all(void *arg)
{
	const struct fixture *f = arg;

	for (int i = 0; i < 100; i++) {
		char name[32];
		struct cmx_family_def def = { .name = name,
			.help = "h",
			.type = CMX_COUNTER };
		struct cmx_family found;
		struct cmx_counter c;

		snprintf(name, sizeof(name), "r%d_total", i);
		if (cmx_register(f->reg, &def, &found, NULL) != 0 ||
		    cmx_counter_find(&found, 0, NULL, &c, NULL) != 0)
			return 1;
		cmx_counter_inc(&c);
	}
	return 0;
}

TEST(processes_that_register_the_same_families_at_once_make_each_once)
{
	struct fixture f = fixture_open("", METRIC);
	pid_t pids[16];

	for (int i = 0; i < 16; i++)
		pids[i] = test_fork(register_all, &f);
	for (int i = 0; i < 16; i++)
		test_wait_ok(pids[i]);
	assert_int_equal(info(f.segment_path).n_families, 101);
	for (int i = 0; i < 100; i++) {
		char line[32];

		snprintf(line, sizeof(line), "r%d_total 16", i);
		assert_shows(f.segment_path, line);
	}
	fixture_close(&f);
}

TEST(a_full_table_refuses_and_says_its_limit)
{
	struct fixture f = fixture_open("\"limits\":{\"families\":2},", METRIC);
	struct cmx_family_def def = { .name = "b_total",
		.help = "h",
		.type = CMX_COUNTER };
	struct cmx_family found;
	struct cmx_error err;

	assert_int_equal(cmx_register(f.reg, &def, &found, &err), 0);
	def.name = "c_total";
	assert_int_equal(cmx_register(f.reg, &def, &found, &err), CMX_ERR_FULL);
	assert_non_null(strstr(err.text, "2 families, its limit"));
	fixture_close(&f);
}

TEST(known_values_exist_at_zero_from_the_start)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","
	    "\"labels\":[\"x\",\"y\"],"
	    "\"values\":{\"x\":[\"1\",\"2\"],\"y\":[\"a\",\"b\",\"c\"]}}");

	assert_int_equal(info(f.segment_path).n_series, 6);
	assert_shows(f.segment_path, "a_total{x=\"2\",y=\"c\"} 0");
	fixture_close(&f);
}

/* What a family is comes back as it was registered. */
TEST(a_definition_is_told_as_the_segment_has_it)
{
	struct fixture f = fixture_open("", METRIC);
	static const double bounds[] = { 0.5, 8 };
	struct cmx_family_def def = { .name = "w_seconds",
		.help = "Waits",
		.unit = "seconds",
		.type = CMX_HISTOGRAM,
		.max_series = 9,
		.n_labels = 2,
		.labels = VALUES("x", "y"),
		.n_bounds = 2,
		.bounds = bounds },
			      told;
	const char *labels[CMX_LABELS_MAX];
	struct cmx_family found, sink = { .registry = NULL };

	assert_int_equal(cmx_register(f.reg, &def, &found, NULL), 0);
	assert_int_equal(cmx_family_definition(&found, &told, labels, NULL), 0);
	assert_string_equal(told.name, "w_seconds");
	assert_string_equal(told.help, "Waits");
	assert_string_equal(told.unit, "seconds");
	assert_int_equal(told.type, CMX_HISTOGRAM);
	assert_int_equal(told.max_series, 9);
	assert_int_equal(told.n_labels, 2);
	assert_ptr_equal(told.labels, labels);
	assert_string_equal(labels[0], "x");
	assert_string_equal(labels[1], "y");
	assert_int_equal(told.n_bounds, 2);
	assert_double(told.bounds[1], 8);
	/* And may be registered as it is. */
	assert_int_equal(cmx_register(f.reg, &told, &found, NULL), 0);
	assert_int_equal(cmx_family_definition(&sink, &told, labels, NULL),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_family_definition(&found, NULL, labels, NULL),
	    CMX_ERR_ARGUMENT);
	assert_string_equal(told.name, "w_seconds");
	fixture_close(&f);
}

TEST(a_definition_of_a_later_version_is_refused)
{
	struct fixture f = fixture_open("", "");
	struct cmx_family_def def = { .name = "later_total",
		.type = CMX_COUNTER,
		.reserved = { 0, 1 } };
	struct cmx_family family;
	struct cmx_error err;

	assert_int_equal(cmx_register(f.reg, &def, &family, &err),
	    CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "family later_total: its reserved"));
	def.reserved[1] = 0;
	assert_int_equal(cmx_register(f.reg, &def, &family, &err), 0);
	fixture_close(&f);
}

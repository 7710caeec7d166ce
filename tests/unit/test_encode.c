/*
 * Golden files: each directory of tests/data/exposition has a schema.json, a
 * list of updates, and what each format must show.  UPDATE=1 writes them.
 *
 *	counter NAME VALUE [LABEL ...]
 *	gauge NAME VALUE [LABEL ...]
 *	observe NAME VALUE [LABEL ...]
 *
 * Labels are values in the family's order, with C's \xHH and \n.
 */
#include "metrics.h"

#include <jansson.h>

#define DATA "tests/data/exposition"

/* \n, \\ and \xHH in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] == 'x') {
			char hex[3] = { s[2], s[3], '\0' };

			*to++ = (char)strtoul(hex, NULL, 16);
			s += 3;
		} else if (s[0] == '\\' && s[1] == 'n') {
			*to++ = '\n';
			s++;
		} else if (s[0] == '\\' && s[1] == 'e') {
			s++; /* the empty value */
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
apply(struct cmx_registry *reg, char *line)
{
	char *rest = line, *kind = strsep(&rest, " ");
	char *name = strsep(&rest, " "), *value = strsep(&rest, " ");
	const char *labels[CMX_LABELS_MAX];
	size_t n = 0;

	while (rest != NULL) {
		char *label = strsep(&rest, " ");

		unescape(label);
		labels[n++] = label;
	}
	if (strcmp(kind, "counter") == 0) {
		struct cmx_counter c = counter(reg, name, n, labels);

		if (strchr(value, '.') != NULL)
			cmx_counter_add_double(&c, strtod(value, NULL));
		else
			cmx_counter_add(&c, strtoull(value, NULL, 10));
	} else if (strcmp(kind, "gauge") == 0) {
		struct cmx_gauge g = gauge(reg, name, n, labels);

		cmx_gauge_set(&g, strtod(value, NULL));
	} else {
		struct cmx_histogram h = histogram(reg, name, n, labels);

		cmx_histogram_observe(&h, strtod(value, NULL));
	}
}

static void
compare(const char *dir, const char *name, const char *segment,
    enum cmxr_format format)
{
	char *text = exposition(segment, format);
	const char *path = test_path(dir, name);

	if (getenv("UPDATE") != NULL)
		test_write_file(path, text);
	char *wanted = test_read_file(path);
	if (strcmp(text, wanted) != 0)
		fail_msg("%s:\n%s\nwanted:\n%s", path, text, wanted);
	free(wanted);
	free(text);
}

static void
check_case(const char *dir)
{
	char *updates = test_read_file(test_path(dir, "updates"));
	char *rest = updates, *line, *tmp = test_make_dir();
	char segment[600];
	struct cmx_registry *reg;
	struct cmx_error err;

	snprintf(segment, sizeof(segment), "%s/a.seg", tmp);
	if (cmx_open(segment, test_path(dir, "schema.json"), 0, &reg, &err) !=
	    0)
		fail_msg("%s", err.text);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0' && line[0] != '#')
			apply(reg, line);
	compare(dir, "text", segment, CMXR_TEXT);
	compare(dir, "openmetrics", segment, CMXR_OPENMETRICS);
	compare(dir, "json", segment, CMXR_JSON);
	cmx_close(reg);
	test_remove_dir(tmp);
	free(updates);
}

TEST(expositions_are_those_of_the_golden_files)
{
	struct dirent *e;
	char path[600];
	DIR *d = opendir(DATA);
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), DATA "/%s", e->d_name);
		check_case(path);
		n++;
	}
	closedir(d);
	assert_true(n >= 4);
}

struct two {
	char *dir;
	struct cmx_registry *regs[2];
	struct cmxr_reader *readers[2];
	struct cmxr_input inputs[2];
};

static struct two
open_two(const char *first, const char *second)
{
	const char *metrics[] = { first, second };
	struct two t = { .dir = test_make_dir() };

	for (int i = 0; i < 2; i++) {
		char name[16];
		const char *path, *schema = test_path(t.dir, "s.json");
		char *text;

		snprintf(name, sizeof(name), "%d.seg", i);
		path = test_path(t.dir, name);
		assert_true(asprintf(&text, "{\"version\":1,\"metrics\":[%s]}",
				metrics[i]) > 0);
		test_write_file(schema, text);
		free(text);
		assert_int_equal(cmx_open(path, schema, 0, &t.regs[i], NULL),
		    0);
		assert_int_equal(cmxr_open(path, &t.readers[i], NULL), 0);
		cmxr_show_processes(t.readers[i], false);
		assert_int_equal(cmxr_snapshot_take(t.readers[i],
				     &t.inputs[i].snapshot, NULL),
		    0);
	}
	return t;
}

static void
close_two(struct two *t)
{
	for (int i = 0; i < 2; i++) {
		cmxr_close(t->readers[i]);
		cmx_close(t->regs[i]);
	}
	test_remove_dir(t->dir);
}

#define A "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}"
#define A_UNSET                                                      \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"]}"
#define B "{\"name\":\"b\",\"type\":\"gauge\",\"help\":\"h\"}"
#define A_LABELS                                                     \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"service\"],\"values\":{\"service\":[\"z\"]}}"
#define A_GAUGE "{\"name\":\"a_total\",\"type\":\"gauge\",\"help\":\"h\"}"

TEST(families_of_two_segments_are_one_group_each)
{
	struct two t = open_two(A "," B, A);
	const struct cmx_label one = { "service", "x" };
	const struct cmx_label two = { "service", "y\"\\" };
	struct cmxr_buffer body = { NULL, 0, 0 };

	t.inputs[0].labels = &one;
	t.inputs[1].labels = &two;
	t.inputs[0].n_labels = t.inputs[1].n_labels = 1;
	assert_int_equal(cmxr_encode(t.inputs, 2, CMXR_TEXT, NULL, &body, NULL),
	    0);
	assert_int_equal(body.size,
	    strlen(
		"# HELP a_total h\n# TYPE a_total counter\n"
		"a_total{service=\"x\"} 0\na_total{service=\"y\\\"\\\\\"} 0\n"
		"# HELP b h\n# TYPE b gauge\nb{service=\"x\"} 0\n"));
	assert_memory_equal(body.data,
	    "# HELP a_total h\n# TYPE a_total counter\n"
	    "a_total{service=\"x\"} 0\na_total{service=\"y\\\"\\\\\"} 0\n"
	    "# HELP b h\n# TYPE b gauge\nb{service=\"x\"} 0\n",
	    body.size);
	cmxr_buffer_free(&body);
	close_two(&t);
}

TEST(what_cannot_stand_in_one_group_is_left_out_and_told)
{
	struct two t = open_two(A, A_GAUGE);
	struct two u = open_two(A, A_LABELS);
	const struct cmx_label label = { "service", "x" };
	struct cmxr_buffer body = { NULL, 0, 0 };

	assert_int_equal(cmxr_encode(t.inputs, 2, CMXR_TEXT, NULL, &body, NULL),
	    1);
	u.inputs[1].labels = &label;
	u.inputs[1].n_labels = 1;
	assert_int_equal(cmxr_encode(u.inputs, 2, CMXR_TEXT, NULL, &body, NULL),
	    1);
	cmxr_buffer_free(&body);
	close_two(&u);
	close_two(&t);
}

TEST(globs_select_families_by_name)
{
	struct two t = open_two(A "," B, "");
	const char *globs[] = { "b*", "nothing" };
	const struct cmxr_options options = { .n_globs = 2, .globs = globs };
	struct cmxr_buffer body = { NULL, 0, 0 };

	assert_int_equal(cmxr_encode(t.inputs, 1, CMXR_TEXT, &options, &body,
			     NULL),
	    0);
	assert_memory_equal(body.data, "# HELP b h\n# TYPE b gauge\nb 0\n",
	    body.size);
	cmxr_buffer_free(&body);
	close_two(&t);
}

TEST(the_bytes_before_a_value_stay_the_same)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","
	    "\"labels\":[\"x\"]}");
	struct cmxr_buffer first = { NULL, 0, 0 }, second = { NULL, 0, 0 };
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;

	for (int i = 0; i < 9; i++) {
		char value[2] = { (char)('0' + i), '\0' };

		counter(f.reg, "a_total", 1, VALUES(value));
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	cmxr_show_processes(reader, false);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	cmxr_encode(&(struct cmxr_input){ .snapshot = s }, 1, CMXR_TEXT, NULL,
	    &first, NULL);
	/* New series come behind those that are known. */
	counter(f.reg, "a_total", 1, VALUES("new"));
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	cmxr_encode(&(struct cmxr_input){ .snapshot = s }, 1, CMXR_TEXT, NULL,
	    &second, NULL);
	assert_true(second.size > first.size);
	assert_memory_equal(first.data, second.data, first.size);
	cmxr_buffer_free(&first);
	cmxr_buffer_free(&second);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(json_of_several_inputs_is_json_where_the_first_shows_nothing)
{
	struct two t = open_two(A_UNSET, A_UNSET);
	const struct cmx_label one = { "service", "x" };
	const struct cmx_label two = { "service", "y" };
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_counter c = counter(t.regs[1], "a_total", 1, VALUES("v"));
	json_t *json;

	cmx_counter_inc(&c);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cmxr_snapshot_take(t.readers[i],
				     &t.inputs[i].snapshot, NULL),
		    0);
	t.inputs[0].labels = &one;
	t.inputs[1].labels = &two;
	t.inputs[0].n_labels = t.inputs[1].n_labels = 1;
	assert_int_equal(cmxr_encode(t.inputs, 2, CMXR_JSON, NULL, &body, NULL),
	    0);
	json = json_loadb(body.data, body.size, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	cmxr_buffer_free(&body);
	close_two(&t);
}

TEST(labels_of_an_input_that_would_break_the_format_are_refused)
{
	static const char *const reserved[] = { "le", "quantile", "__name__",
		"__x", "a-b", "" };
	const struct cmx_label twice[] = { { "a", "1" }, { "a", "2" } };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		const struct cmx_label label = { reserved[i], "x" };

		assert_int_equal(cmxr_labels_check(1, &label, NULL),
		    CMX_ERR_ARGUMENT);
	}
	assert_int_equal(cmxr_labels_check(2, twice, NULL), CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_labels_check(1, twice, NULL), 0);
}

TEST(nulls_are_refused)
{
	static const char *const none[] = { NULL };
	const struct cmx_label without_value = { "a", NULL };
	struct cmxr_buffer body = { NULL, 0, 0 };
	const struct cmxr_options bad[] = {
		{ .n_globs = 1 },
		{ .n_globs = 1, .globs = none },
		{ .n_names = 1 },
		{ .n_names = 1, .names = none },
	};
	struct cmx_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cmxr_encode(NULL, 0, CMXR_TEXT, &bad[i], &body,
				     NULL),
		    CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_labels_check(1, NULL, NULL), CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_labels_check(1, &without_value, &err),
	    CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "label \"a\" has no value"));
}

TEST(options_of_a_later_version_are_refused)
{
	struct cmxr_options options = { .reserved = { 1 } };
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error err;

	assert_int_equal(cmxr_encode(NULL, 0, CMXR_TEXT, &options, &body, &err),
	    CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "reserved"));
	options.reserved[0] = 0;
	assert_int_equal(cmxr_encode(NULL, 0, CMXR_TEXT, &options, &body, &err),
	    0);
	cmxr_buffer_free(&body);
}

/*
 * Each directory of tests/data/schema/invalid holds an input.json and the
 * exact errors; of valid, an input.json that has none.
 */
#include "test.h"

#include "codeai/metrics.h"

#include "schema/json_position.h"
#include "schema/schema.h"

#define DATA "tests/data/schema"

struct text {
	char *data;
	size_t size;
	FILE *file;
	bool with_warnings;
};

static void
collect(void *arg, const struct cmx_diagnostic *d)
{
	struct text *t = arg;

	if (d->is_warning && !t->with_warnings)
		return;
	fprintf(t->file, "%d:%d: %s%s%s%s\n", d->line, d->column,
	    d->is_warning ? "warning: " : "", d->path,
	    d->path[0] != '\0' ? ": " : "", d->text);
}

static int
check(const char *path, bool with_warnings, struct text *t)
{
	int n;

	t->with_warnings = with_warnings;
	t->file = open_memstream(&t->data, &t->size);
	n = cmx_schema_check(path, collect, t, NULL);
	fclose(t->file);
	return n;
}

/* Run body for each directory of kind. */
static int
each_case(const char *kind, void (*body)(const char *dir))
{
	char path[512], whole[1024];
	struct dirent *e;
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), DATA "/%s", kind);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(whole, sizeof(whole), "%s/%s", path, e->d_name);
		body(whole);
		n++;
	}
	closedir(d);
	return n;
}

static void
check_invalid(const char *dir)
{
	char *wanted = test_read_file(test_path(dir, "error"));
	struct text t;
	int n = check(test_path(dir, "input.json"), false, &t);

	if (n <= 0 || strcmp(t.data, wanted) != 0)
		fail_msg("%s: %d errors:\n%swanted:\n%s", dir, n, t.data,
		    wanted);
	free(t.data);
	free(wanted);
}

static void
check_valid(const char *dir)
{
	struct text t;
	int n = check(test_path(dir, "input.json"), false, &t);

	if (n != 0)
		fail_msg("%s: %d errors:\n%s", dir, n, t.data);
	free(t.data);
}

static void
check_lint(const char *dir)
{
	char *wanted = test_read_file(test_path(dir, "warning"));
	struct text t;

	assert_int_equal(check(test_path(dir, "input.json"), true, &t), 0);
	assert_string_equal(t.data, wanted);
	free(t.data);
	free(wanted);
}

TEST(every_mistake_is_reported_with_its_place)
{
	assert_true(each_case("invalid", check_invalid) >= 10);
}

TEST(valid_schemas_are_accepted)
{
	assert_true(each_case("valid", check_valid) >= 3);
}

TEST(naming_rules_are_warnings)
{
	assert_true(each_case("lint", check_lint) >= 1);
}

TEST(the_built_in_schema_has_neither_errors_nor_warnings)
{
	struct text t;

	assert_int_equal(check(NULL, true, &t), 0);
	assert_string_equal(t.data, "");
	free(t.data);
}

TEST(a_file_that_cannot_be_read_is_an_error_with_its_name)
{
	struct cmxi_schema *schema = NULL;
	struct cmx_error err;

	assert_int_equal(cmxi_schema_load("/nonexistent/x.json", &schema, &err),
	    CMX_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/x.json"));
	assert_int_equal(cmxi_schema_load("/tmp", &schema, &err),
	    CMX_ERR_SCHEMA);
	assert_null(schema);
}

TEST(errors_are_joined_and_their_number_is_told_when_they_do_not_fit)
{
	struct cmxi_schema *schema = NULL;
	struct cmx_error err;
	char *dir = test_make_dir();
	const char *path = test_path(dir, "many.json");
	FILE *f = fopen(path, "w");

	fprintf(f, "{\"version\":1,\"metrics\":[");
	for (int i = 0; i < 50; i++)
		fprintf(f, "%s\n{\"name\":\"m%d_total\",\"type\":\"x\"}",
		    i > 0 ? "," : "", i);
	fprintf(f, "]}");
	fclose(f);
	assert_int_equal(cmxi_schema_load(path, &schema, &err), CMX_ERR_SCHEMA);
	assert_int_equal(err.line, 2);
	assert_non_null(strstr(err.text, "metrics[0].type"));
	assert_non_null(strstr(err.text, " more"));
	test_remove_dir(dir);
}

/* Whatever the bytes, the parser ends and either accepts or reports. */
TEST(damaged_schemas_never_crash)
{
	uint64_t random = 7;
	struct text t;

	for (int i = 0; i < test_rounds(3000); i++) {
		char *copy = malloc(cmxi_codeai_schema_size);
		struct cmxi_schema *schema = NULL;
		int n;

		memcpy(copy, cmxi_codeai_schema, cmxi_codeai_schema_size);
		for (int j = 0; j < 1 + i % 4; j++)
			copy[test_random(&random) % cmxi_codeai_schema_size] =
			    (char)test_random(&random);
		t.with_warnings = true;
		t.file = open_memstream(&t.data, &t.size);
		n = cmxi_schema_parse(copy, cmxi_codeai_schema_size, "x",
		    collect, &t, &schema);
		fclose(t.file);
		assert_true((n == 0) == (schema != NULL));
		assert_true(n == 0 || t.size > 0);
		cmxi_schema_free(schema);
		free(t.data);
		free(copy);
	}
}

/* The parser refuses these before; whoever calls it otherwise gets an end. */
TEST(positions_of_what_is_no_json_end)
{
	static const char *const texts[] = { "[}", "{]", "[,}", "{\"a\":}",
		"[\"", "}", ":", "" };

	alarm(20);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cmxi_json_positions_free(
		    cmxi_json_positions_build(texts[i], strlen(texts[i])));
	alarm(0);
}

/* Half a million bounds each: counted one by one they take minutes. */
TEST(two_thousand_windows_that_are_far_too_wide_are_refused)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "wide.json");
	FILE *out = fopen(path, "w");
	struct cmx_error err;

	assert_non_null(out);
	fprintf(out,
	    "{\"version\":1,\"limits\":{\"families\":2000},\"metrics\":[");
	for (int i = 0; i < 2000; i++)
		fprintf(out,
		    "%s{\"name\":\"h%d\",\"type\":\"histogram\",\"help\":\"h\","
		    "\"native\":{\"schema\":8,\"min\":1e-290,\"max\":1e290}}",
		    i > 0 ? "," : "", i);
	fprintf(out, "]}");
	fclose(out);
	assert_int_equal(cmx_create(test_path(dir, "a.seg"), path, NULL, &err),
	    CMX_ERR_SCHEMA);
	assert_non_null(strstr(err.text, "lower the schema"));
	test_remove_dir(dir);
}

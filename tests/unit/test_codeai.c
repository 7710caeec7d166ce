/*
 * The CodeAI helpers, and the built-in schema beside the specification.
 */
#include "metrics.h"

#include "codeai/metrics_db.h"
#include "codeai/metrics_http.h"

#include <math.h>

#include "base/number.h"
#include "family/compare.h"
#include "kit/codeai_families.h"

static void
append_number(char *text, size_t size, double v)
{
	char number[CMXI_NUMBER_MAX + 1];

	number[cmxi_double_to_general(v, number)] = '\0';
	if (text[0] != '\0')
		strncat(text, ",", size - strlen(text) - 1);
	strncat(text, number, size - strlen(text) - 1);
}

/* name|type|help|labels|bounds, as in tests/data/codeai/families */
static void
describe(const struct cmx_family_def *def, char *line, size_t size)
{
	char labels[256] = "", bounds[256] = "";

	for (size_t i = 0; i < def->n_labels; i++) {
		strcat(labels, i > 0 ? "," : "");
		strcat(labels, def->labels[i]);
	}
	for (size_t i = 0; i < def->n_bounds; i++)
		append_number(bounds, sizeof(bounds), def->bounds[i]);
	snprintf(line, size, "%s|%s|%s|%s|%s", def->name,
	    cmx_type_name(def->type), def->help, labels, bounds);
}

/* Ours, beside the specification: codeai-metrics(7) lists them. */
static bool
is_ours(const char *name)
{
	return strcmp(name, "codeai_db_query_errors_total") == 0 ||
	    strcmp(name, "codeai_http_requests_in_flight") == 0 ||
	    strcmp(name, "codeai_job_execution_duration_seconds") == 0;
}

TEST(all_families_are_those_of_the_specification)
{
	char *wanted = test_read_file("tests/data/codeai/families");
	const struct cmxr_snapshot *snapshot;
	struct cmx_registry *reg;
	struct cmxr_reader *reader;
	int n_same = 0;

	assert_int_equal(cmx_open(NULL, NULL, CMX_PRIVATE, &reg, NULL), 0);
	assert_int_equal(cmxr_open_fd(cmx_segment_fd(reg), "x", &reader, NULL),
	    0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	assert_int_equal(cmxr_snapshot_n_families(snapshot), 23);
	for (size_t i = 0; i < 23; i++) {
		struct cmxr_family f;
		char line[1024];

		cmxr_snapshot_family(snapshot, i, &f);
		describe(&f.def, line, sizeof(line));
		strcat(line, "\n");
		if (is_ours(f.def.name))
			continue;
		if (strstr(wanted, line) == NULL)
			fail_msg("not in the specification: %s", line);
		n_same++;
	}
	assert_int_equal(n_same, 20);
	cmxr_close(reader);
	cmx_close(reg);
	free(wanted);
}

/* The next family of the schema, beside the helpers' own definition of it. */
static void
compare_with_helpers(void *arg, const struct cmx_family_def *def,
    const struct cmx_label_values *values)
{
	size_t *n = arg;

	(void)values;
	assert_true(*n < CMXI_CODEAI_FAMILIES);
	assert_true(cmxi_def_equal(def, &cmxi_codeai_families[*n]));
	assert_int_equal(def->max_series, cmxi_codeai_families[*n].max_series);
	++*n;
}

TEST(helpers_know_the_families_of_the_schema)
{
	size_t n = 0;

	assert_int_equal(cmx_schema_read(NULL, compare_with_helpers, &n, NULL),
	    0);
	assert_int_equal(n, CMXI_CODEAI_FAMILIES);
}

static void
record_one_of_each(struct cmx_registry *reg)
{
	cmx_record_http_request(reg, "GET", "/users/{id}", 200, 0.03, 150, 99);
	cmx_record_http_request(reg, "GET", "/users/{id}", 404, 0.001, -1, -1);
	cmx_record_db_query(reg, "select", "users", 0.002, false);
	cmx_record_db_query(reg, "select", "users", 0.2, true);
	cmx_set_db_connections(reg, 2, 8);
	cmx_add_db_connections(reg, 1, -1);
	cmx_record_workflow_execution(reg, "order", "success", 2);
	cmx_record_workflow_step(reg, "order", "pay", 0.2);
	cmx_record_job_execution(reg, "mail", "error");
	cmx_set_job_queue_size(reg, "mail", 12);
	cmx_record_cache_access(reg, "users", true);
	cmx_record_cache_access(reg, "users", false);
	cmx_record_cache_access(reg, "users", false);
	cmx_record_integration_call(reg, "crm", "get", "success", 0.07);
	cmx_set_circuit_breaker_state(reg, "crm", CMX_CIRCUIT_HALF_OPEN);
	cmx_record_event(reg, "created");
	cmx_set_runtime_info(reg, "1.2.3", "C11");
}

static const char *const recorded[] = {
	"codeai_http_requests_total{method=\"GET\",path=\"/users/{id}\","
	"status=\"200\"} 1",
	"codeai_http_requests_total{method=\"GET\",path=\"/users/{id}\","
	"status=\"404\"} 1",
	"codeai_http_request_duration_seconds_count{method=\"GET\","
	"path=\"/users/{id}\"} 2",
	"codeai_http_request_size_bytes_count{method=\"GET\","
	"path=\"/users/{id}\"} 1",
	"codeai_http_request_size_bytes_bucket{method=\"GET\","
	"path=\"/users/{id}\",le=\"100\"} 0",
	"codeai_http_response_size_bytes_bucket{method=\"GET\","
	"path=\"/users/{id}\",le=\"100\"} 1",
	"codeai_db_queries_total{operation=\"select\",entity=\"users\"} 2",
	"codeai_db_query_errors_total{operation=\"select\",entity=\"users\"} 1",
	"codeai_db_query_duration_seconds_bucket{operation=\"select\","
	"entity=\"users\",le=\"0.005\"} 1",
	"codeai_db_connections_active 3",
	"codeai_db_connections_idle 7",
	"codeai_workflow_executions_total{workflow=\"order\","
	"status=\"success\"} 1",
	"codeai_workflow_execution_duration_seconds_sum{workflow=\"order\"} 2",
	"codeai_workflow_step_duration_seconds_sum{workflow=\"order\","
	"step=\"pay\"} 0.2",
	"codeai_job_executions_total{job=\"mail\",status=\"error\"} 1",
	"codeai_job_queue_size{queue=\"mail\"} 12",
	"codeai_cache_hits_total{cache=\"users\"} 1",
	"codeai_cache_misses_total{cache=\"users\"} 2",
	"codeai_integration_calls_total{integration=\"crm\","
	"operation=\"get\",status=\"success\"} 1",
	"codeai_integration_call_duration_seconds_sum{integration=\"crm\","
	"operation=\"get\"} 0.07",
	"codeai_circuit_breaker_state{integration=\"crm\"} 2",
	"codeai_events_emitted_total{event=\"created\"} 1",
	"codeai_runtime_info{version=\"1.2.3\",go_version=\"C11\"} 1",
};

static void
assert_recorded(const char *segment)
{
	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++)
		assert_shows(segment, recorded[i]);
}

TEST(each_helper_records_in_its_families)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "a.seg");
	struct cmx_registry *reg;

	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	record_one_of_each(reg);
	assert_recorded(path);
	assert_int_equal(info(path).failed_lookups, 0);
	cmx_close(reg);
	test_remove_dir(dir);
}

TEST(a_schema_without_them_gets_the_families_at_first_use)
{
	struct fixture f = fixture_open("", "");

	record_one_of_each(f.reg);
	assert_recorded(f.segment_path);
	fixture_close(&f);
}

TEST(a_family_of_another_shape_is_left_alone)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"codeai_events_emitted_total\",\"type\":\"counter\","
	    "\"help\":\"other\",\"labels\":[\"a\",\"b\"]}");

	cmx_record_event(f.reg, "x");
	assert_int_equal(info(f.segment_path).n_series, 0);
	assert_int_equal(info(f.segment_path).failed_lookups, 1);
	fixture_close(&f);
}

TEST(bad_input_is_bounded_and_counted)
{
	struct fixture f = fixture_open("", "");

	cmx_record_http_request(f.reg, NULL, NULL, 99999, -1, -1, -1);
	cmx_record_http_request(f.reg, "GET", "/", 0, NAN, -5, -5);
	cmx_record_event(f.reg, NULL);
	assert_shows(f.segment_path,
	    "codeai_http_requests_total{method=\"\","
	    "path=\"\",status=\"0\"} 1");
	assert_shows(f.segment_path,
	    "codeai_http_requests_total{method="
	    "\"GET\",path=\"/\",status=\"0\"} 1");
	assert_shows(f.segment_path,
	    "codeai_events_emitted_total{event=\"\"} 1");
	assert_int_equal(info(f.segment_path).invalid_updates, 2);
	fixture_close(&f);
}

TEST(a_counter_of_doubles_is_counted_as_one)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"codeai_db_queries_total\",\"type\":\"counter\","
	    "\"help\":\"h\",\"labels\":[\"o\",\"e\"],"
	    "\"value\":\"double\"}");

	for (int i = 0; i < 5; i++)
		cmx_record_db_query(f.reg, "select", "users", 0.1, false);
	assert_shows(f.segment_path,
	    "codeai_db_queries_total{o=\"select\",e=\"users\"} 5");
	fixture_close(&f);
}

TEST(timers_record_what_they_time)
{
	struct fixture f = fixture_open("", "");
	struct cmx_timer timer;

	cmx_http_begin(f.reg, &timer);
	cmx_http_end(&timer, "PROPFIND", "/{id}", 207, 1, 2);
	cmx_db_begin(f.reg, &timer);
	cmx_db_end(&timer, "select", "t", true);
	/* Without a registry nothing, as everywhere. */
	cmx_http_begin(NULL, &timer);
	cmx_http_end(&timer, "GET", "/", 200, 0, 0);
	cmx_http_begin(f.reg, NULL);
	cmx_db_end(NULL, "select", "t", false);
	assert_shows(f.segment_path,
	    "codeai_http_requests_total{method=\"other\",path=\"/{id}\","
	    "status=\"207\"} 1");
	assert_shows(f.segment_path,
	    "codeai_http_request_duration_seconds_bucket{method=\"other\","
	    "path=\"/{id}\",le=\"10\"} 1");
	assert_shows(f.segment_path,
	    "codeai_db_query_errors_total{operation=\"select\",entity=\"t\"} "
	    "1");
	assert_false(shows(f.segment_path,
	    "codeai_http_requests_total{method=\"GET\",path=\"/\","
	    "status=\"200\"} 1"));
	fixture_close(&f);
}

TEST(a_job_has_a_duration_and_a_request_is_in_flight)
{
	struct fixture f = fixture_open("", "");
	struct cmx_timer timer;

	cmx_record_job(f.reg, "import", "success", 2.5);
	cmx_record_job(f.reg, "import", "error", -1);
	assert_shows(f.segment_path,
	    "codeai_job_executions_total{job=\"import\",status=\"success\"} 1");
	assert_shows(f.segment_path,
	    "codeai_job_executions_total{job=\"import\",status=\"error\"} 1");
	assert_shows(f.segment_path,
	    "codeai_job_execution_duration_seconds_sum{job=\"import\"} 2.5");
	cmx_http_begin(f.reg, &timer);
	assert_shows(f.segment_path, "codeai_http_requests_in_flight 1");
	cmx_http_end(&timer, "GET", "/", 200, 0, 0);
	assert_shows(f.segment_path, "codeai_http_requests_in_flight 0");
	cmx_http_begin(NULL, &timer);
	cmx_http_end(&timer, "GET", "/", 200, 0, 0);
	assert_shows(f.segment_path, "codeai_http_requests_in_flight 0");
	fixture_close(&f);
}

TEST(a_timer_serves_any_histogram)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"work_seconds\",\"type\":\"histogram\","
	    "\"help\":\"h\",\"unit\":\"seconds\",\"buckets\":[60]}");
	struct cmx_histogram h = histogram(f.reg, "work_seconds", 0, NULL);
	struct cmx_timer timer = { .registry = NULL };

	/* Not begun. */
	cmx_timer_observe(&timer, &h);
	assert_double(cmx_timer_seconds(&timer), 0.0);
	cmx_timer_begin(&timer);
	while (cmx_timer_seconds(&timer) < 0.001)
		;
	cmx_timer_observe(&timer, &h);
	cmx_timer_observe(&timer, &h);
	cmx_timer_observe(NULL, &h);
	assert_shows(f.segment_path, "work_seconds_bucket{le=\"60\"} 2");
	assert_shows(f.segment_path, "work_seconds_count 2");
	fixture_close(&f);
}

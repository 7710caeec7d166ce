/*
 * metrics.h: a segment on tmpfs with a schema, and looking at its values.
 */
#ifndef TEST_METRICS_H
#define TEST_METRICS_H

#include "test.h"

#include "codeai/metrics.h"
#include "codeai/metrics_codeai.h"
#include "codeai/metrics_reader.h"

#include "segment/segment_file.h"
#include "segment/segment_lock.h"

struct fixture {
	char *dir;
	const char *segment;
	struct cmx_registry *reg;
	char segment_path[600];
};

/* A schema of these metrics (a JSON list) and a segment made from it. */
static inline struct fixture
fixture_open(const char *limits, const char *metrics)
{
	struct fixture f = { .dir = test_make_dir() };
	const char *schema = test_path(f.dir, "schema.json");
	struct cmx_error err;
	char *text;

	snprintf(f.segment_path, sizeof(f.segment_path), "%s/a.seg", f.dir);
	assert_true(asprintf(&text, "{\"version\":1,%s\"metrics\":[%s]}",
			limits, metrics) > 0);
	test_write_file(schema, text);
	free(text);
	if (cmx_open(f.segment_path, schema, 0, &f.reg, &err) != 0)
		fail_msg("%s", err.text);
	return f;
}

static inline void
fixture_close(struct fixture *f)
{
	cmx_close(f->reg);
	test_remove_dir(f->dir);
}

static int
lock_to_apply(const char *path, int ready)
{
	struct cmxi_segment s;
	struct cmx_error err;

	if (cmxi_segment_open(&s, path, CMXI_WRITE, 0, &err) != 0 ||
	    cmxi_segment_lock_apply(&s, &err) != 0 || write(ready, "", 1) != 1)
		return 1;
	pause();
	return 0;
}

/* A process that has the right to apply to a segment, until it is killed. */
static inline pid_t
spawn_applier(const char *path)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = test_spawn();
	if (pid == 0)
		_exit(lock_to_apply(path, ready[1]));
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static inline void
end_applier(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline struct cmx_family
family(struct cmx_registry *reg, const char *name)
{
	struct cmx_family found;
	struct cmx_error err;

	if (cmx_family_find(reg, name, &found, &err) != 0)
		fail_msg("%s", err.text);
	return found;
}

static inline struct cmx_counter
counter(struct cmx_registry *reg, const char *name, size_t n,
    const char *const *values)
{
	struct cmx_family of = family(reg, name);
	struct cmx_counter found;
	struct cmx_error err;

	if (cmx_counter_find(&of, n, values, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

static inline struct cmx_gauge
gauge(struct cmx_registry *reg, const char *name, size_t n,
    const char *const *values)
{
	struct cmx_family of = family(reg, name);
	struct cmx_gauge found;
	struct cmx_error err;

	if (cmx_gauge_find(&of, n, values, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

static inline struct cmx_histogram
histogram(struct cmx_registry *reg, const char *name, size_t n,
    const char *const *values)
{
	struct cmx_family of = family(reg, name);
	struct cmx_histogram found;
	struct cmx_error err;

	if (cmx_histogram_find(&of, n, values, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

/* The exposition of a segment in a format; the caller frees. */
static inline char *
exposition(const char *segment, enum cmxr_format format)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmxr_reader *reader;
	struct cmx_error err = { .text = "" };
	char *text;

	if (cmxr_open(segment, &reader, &err) != 0)
		fail_msg("%s", err.text);
	/* This process's memory and time differ at each call. */
	cmxr_show_processes(reader, false);
	if (cmxr_snapshot_take(reader, &snapshot, &err) != 0 ||
	    cmxr_encode(&(struct cmxr_input){ .snapshot = snapshot }, 1, format,
		NULL, &body, &err) != 0)
		fail_msg("%s", err.text);
	text = strndup(body.data, body.size);
	cmxr_buffer_free(&body);
	cmxr_close(reader);
	return text;
}

/* Is this line in the exposition as text? */
static inline bool
shows(const char *segment, const char *line)
{
	char *text = exposition(segment, CMXR_TEXT);
	size_t n = strlen(line);
	bool found = false;

	for (const char *p = strstr(text, line); p != NULL && !found;
	     p = strstr(p + 1, line))
		found = (p == text || p[-1] == '\n') && p[n] == '\n';
	free(text);
	return found;
}

static inline void
assert_shows(const char *segment, const char *line)
{
	char *text;

	if (shows(segment, line))
		return;
	text = exposition(segment, CMXR_TEXT);
	fail_msg("not shown: %s\nbut:\n%s", line, text);
}

/* The series is shown with this value, or, of 0, not at all. */
static inline void
assert_count(const char *segment, const char *series, int n)
{
	char line[300], *text = exposition(segment, CMXR_TEXT);

	if (n == 0 && strstr(text, series) != NULL)
		fail_msg("shown: %s", strstr(text, series));
	free(text);
	snprintf(line, sizeof(line), "%s %d", series, n);
	if (n > 0)
		assert_shows(segment, line);
}

/* So many queries, of which so many failed, each with its duration. */
static inline void
assert_db_queries(const char *segment, const char *operation,
    const char *entity, int n, int n_failed)
{
	static const char *const names[] = { "queries_total",
		"query_duration_seconds_count", "query_errors_total" };
	char series[256];

	for (int i = 0; i < 3; i++) {
		snprintf(series, sizeof(series),
		    "codeai_db_%s{operation=\"%s\",entity=\"%s\"}", names[i],
		    operation, entity);
		assert_count(segment, series, i == 2 ? n_failed : n);
	}
}

static inline void
assert_db_connections(const char *segment, int active, int idle)
{
	char line[80];

	snprintf(line, sizeof(line), "codeai_db_connections_active %d", active);
	assert_shows(segment, line);
	snprintf(line, sizeof(line), "codeai_db_connections_idle %d", idle);
	assert_shows(segment, line);
}

static inline struct cmxr_info
info(const char *segment)
{
	struct cmxr_reader *reader;
	struct cmxr_info found;

	assert_int_equal(cmxr_open(segment, &reader, NULL), 0);
	assert_int_equal(cmxr_info_get(reader, &found, NULL), 0);
	cmxr_close(reader);
	return found;
}

#define VALUES(...) ((const char *const[]){ __VA_ARGS__ })

#endif

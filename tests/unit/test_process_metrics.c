/*
 * The processes of a service: who lives, in which role, and what they take.
 */
#include "metrics.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "segment/format.h"
#include "segment/layout.h"
#include "segment/procfs.h"

#define METRIC                                                       \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"]}"

static void
use(struct cmx_registry *reg)
{
	struct cmx_counter c = counter(reg, "a_total", 1, VALUES("a"));

	cmx_counter_inc(&c);
}

/* A reader that stays, as the exporter's does. */
struct watch {
	struct cmxr_reader *reader;
	const struct cmxr_snapshot *snapshot;
};

static struct watch
watch_open(const struct fixture *f)
{
	struct watch w;

	assert_int_equal(cmxr_open(f->segment_path, &w.reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(w.reader, &w.snapshot, NULL), 0);
	return w;
}

/* The value of a process family for a role; -1: absent. */
static double
value(struct watch *w, const char *name, const char *role)
{
	const struct cmxr_snapshot *s;
	size_t n;

	assert_int_equal(cmxr_snapshot_take(w->reader, &s, NULL), 0);
	w->snapshot = s;
	n = cmxr_snapshot_n_families(s);
	for (size_t i = 0; i < n; i++) {
		struct cmxr_family f;
		struct cmxr_series series;
		size_t cursor = 0;

		cmxr_snapshot_family(s, i, &f);
		if (strcmp(f.def.name, name) != 0)
			continue;
		while (cmxr_series_next(s, i, &cursor, &series))
			if (strcmp(series.values[0], role) == 0)
				return series.value;
	}
	return -1;
}

/* The record of slot 0, changed in the file. */
static void
forge(const struct fixture *f, size_t offset, const void *bytes, size_t n)
{
	int fd = open(f->segment_path, O_RDWR);
	struct cmxi_shm_header h;

	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	assert_int_equal(pwrite(fd, bytes, n, (off_t)(h.slot_offset + offset)),
	    n);
	close(fd);
}

/*
 * A member of the service that has a role, perhaps burns a little time, and
 * waits for its end.
 */
static pid_t
start_busy_member(const struct fixture *f, const char *role, clock_t burn)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = test_spawn();
	if (pid == 0) {
		if (role != NULL)
			cmx_set_role(f->reg, role);
		else
			use(f->reg);
		while (clock() < burn)
			;
		if (write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static pid_t
start_member(const struct fixture *f, const char *role)
{
	return start_busy_member(f, role, 0);
}

static void
end_member(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(processes_are_counted_by_role_while_they_live)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	pid_t a, b;

	/* Opening is not using: nobody is there yet. */
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    -1);
	use(f.reg);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    1);
	a = start_member(&f, "worker");
	b = start_member(&f, "worker");
	assert_int_equal(value(&w, "codeai_process_count", "worker"), 2);
	end_member(a);
	assert_int_equal(value(&w, "codeai_process_count", "worker"), 1);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    1);
	end_member(b);
	/* A role that was seen is shown with nobody in it. */
	assert_int_equal(value(&w, "codeai_process_count", "worker"), 0);
	assert_int_equal(value(&w, "codeai_process_threads", "worker"), -1);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(a_child_begins_with_the_default_role)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	pid_t child;

	cmx_set_role(f.reg, "master");
	child = start_member(&f, NULL);
	assert_int_equal(value(&w, "codeai_process_count", "master"), 1);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    1);
	cmx_set_role(f.reg, NULL);
	assert_int_equal(value(&w, "codeai_process_count", "master"), 0);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    2);
	end_member(child);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(odd_bytes_of_a_role_are_repaired_and_long_ones_cut)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);

	cmx_set_role(f.reg, "bad\xff\"\\\n");
	assert_int_equal(value(&w, "codeai_process_count",
			     "bad\xef\xbf\xbd\"\\\n"),
	    1);
	/* 38 bytes, and a character of 2 that does not fit. */
	cmx_set_role(f.reg, "12345678901234567890123456789012345678é");
	assert_int_equal(value(&w, "codeai_process_count",
			     "12345678901234567890123456789012345678"),
	    1);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(what_processes_take_is_summed)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	pid_t a = start_member(&f, "w"), b = start_member(&f, "w");
	struct rlimit limit;
	double n_fds;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(
	    value(&w, "codeai_process_resident_memory_bytes", "w") > 2 * 100e3);
	assert_true(value(&w, "codeai_process_virtual_memory_bytes", "w") >
	    value(&w, "codeai_process_resident_memory_bytes", "w"));
	assert_int_equal(value(&w, "codeai_process_threads", "w"), 2);
	n_fds = value(&w, "codeai_process_open_fds", "w");
	assert_true(n_fds >= 6 && n_fds < 200);
	/* valgrind keeps some descriptors, and tells of fewer. */
	if (limit.rlim_cur != RLIM_INFINITY && getenv("VALGRIND") == NULL)
		assert_int_equal(value(&w, "codeai_process_max_fds", "w"),
		    2 * limit.rlim_cur);
	assert_true(value(&w, "codeai_process_start_time_seconds", "w") >
	    (double)time(NULL) - 600);
	assert_true(value(&w, "codeai_process_start_time_seconds", "w") <
	    (double)time(NULL) + 5);
	end_member(a);
	end_member(b);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(cpu_time_of_the_dead_is_kept)
{
	static const char name[] = "codeai_process_cpu_seconds_total";
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	double last = 0;

	for (int i = 0; i < 3; i++) {
		/* Each takes the slot that the one before it had. */
		pid_t pid =
		    start_busy_member(&f, "burner", CLOCKS_PER_SEC / 20);
		double now = value(&w, name, "burner");

		assert_true(now >= last + 0.03);
		last = now;
		end_member(pid);
		now = value(&w, name, "burner");
		assert_true(now >= last);
		last = now;
	}
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(cpu_time_stays_with_the_role_in_which_it_was_spent)
{
	static const char name[] = "codeai_process_cpu_seconds_total";
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	double before;

	cmx_set_role(f.reg, "first");
	while (clock() < CLOCKS_PER_SEC / 10)
		;
	before = value(&w, name, "first");
	assert_true(before >= 0.05);
	cmx_set_role(f.reg, "second");
	assert_true(value(&w, name, "second") < before);
	assert_double(value(&w, name, "first"), before);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(a_process_with_an_old_and_a_new_segment_counts_once)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	struct cmx_registry *second;
	double before;

	test_write_file(test_path(f.dir, "next.json"),
	    "{\"version\":1,\"limits\":{\"series\":999},\"metrics\":[" METRIC
	    "]}");
	assert_int_equal(cmx_apply(f.segment_path,
			     test_path(f.dir, "next.json"), NULL, NULL),
	    0);
	assert_int_equal(cmx_open(f.segment_path, NULL, 0, &second, NULL), 0);
	assert_ptr_not_equal(second, f.reg);
	use(f.reg);
	use(second);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    1);
	before = value(&w, "codeai_process_cpu_seconds_total",
	    "test_process_metrics");
	cmx_close(f.reg);
	f.reg = second;
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    1);
	/* And its time does not count again. */
	assert_true(value(&w, "codeai_process_cpu_seconds_total",
			"test_process_metrics") < before + 0.5);
	cmxr_close(w.reader);
	fixture_close(&f);
}

/* Write another value into the slot of this process: its numbers are hidden. */
static void
check_forged(size_t member, uint64_t forged, double wanted_count)
{
	static const char role[] = "test_process_metrics";
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);

	use(f.reg);
	forge(&f, member, &forged, sizeof(forged));
	assert_double(value(&w, "codeai_process_count", role), wanted_count);
	assert_double(value(&w, "codeai_process_threads", role), -1);
	assert_double(value(&w, "codeai_process_cpu_seconds_total", role), -1);
	cmxr_close(w.reader);
	fixture_close(&f);
}

/* In another pid namespace the pid means nothing; the process still counts. */
TEST(what_another_pid_namespace_hides_is_absent)
{
	check_forged(offsetof(struct cmxi_shm_slot, pid_namespace), 1, 1);
}

TEST(a_pid_that_is_another_process_now_is_not_asked)
{
	check_forged(offsetof(struct cmxi_shm_slot, start_ticks), 12345, 0);
}

TEST(a_family_of_the_segment_with_such_a_name_is_shown_instead)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"codeai_process_count\",\"type\":\"gauge\","
	    "\"help\":\"h\",\"labels\":[\"x\"]}");
	struct watch w = watch_open(&f);
	struct cmx_gauge g =
	    gauge(f.reg, "codeai_process_count", 1, VALUES("mine"));

	cmx_gauge_set(&g, 77);
	assert_int_equal(value(&w, "codeai_process_count", "mine"), 77);
	assert_int_equal(value(&w, "codeai_process_count",
			     "test_process_metrics"),
	    -1);
	cmxr_close(w.reader);
	fixture_close(&f);
}

/* Roles are anybody's words: they are told apart up to a limit. */
TEST(too_many_roles_become_one)
{
	struct fixture f = fixture_open("", METRIC);
	struct watch w = watch_open(&f);
	char role[32];

	for (int i = 0; i < 300; i++) {
		snprintf(role, sizeof(role), "role %d", i);
		cmx_set_role(f.reg, role);
		value(&w, "", "");
	}
	assert_int_equal(value(&w, "codeai_process_count", "role 255"), 0);
	assert_int_equal(value(&w, "codeai_process_count", "role 299"), -1);
	assert_int_equal(value(&w, "codeai_process_count", "__overflow__"), 1);
	cmxr_close(w.reader);
	fixture_close(&f);
}

TEST(slots_are_listed_with_their_gauges_and_the_dead)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\","
	    "\"labels\":[\"x\"]}");
	struct watch w = watch_open(&f);
	struct cmxr_process p;
	struct cmx_gauge g;
	size_t cursor = 0;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		g = gauge(f.reg, "g", 1, VALUES(i == 0 ? "a" : "b"));
		cmx_gauge_set(&g, i);
	}
	pid = start_member(&f, "dies");
	end_member(pid);
	value(&w, "", "");
	assert_true(cmxr_process_next(w.snapshot, &cursor, &p));
	assert_int_equal(p.slot, 0);
	assert_int_equal(p.pid, getpid());
	assert_true(p.is_alive);
	assert_int_equal(p.n_gauges, 2);
	assert_string_equal(p.role, "test_process_metrics");
	assert_true(cmxr_process_next(w.snapshot, &cursor, &p));
	assert_int_equal(p.pid, pid);
	assert_false(p.is_alive);
	assert_string_equal(p.role, "dies");
	assert_false(cmxr_process_next(w.snapshot, &cursor, &p));
	cmxr_close(w.reader);
	fixture_close(&f);
}

/* A program may call itself anything, parentheses and blanks too. */
TEST(a_stat_line_is_read_behind_its_name)
{
	struct cmxi_procfs_stat s;

	assert_true(cmxi_procfs_stat_parse(
	    "42 (a) b) (c) S 1 42 42 0 -1 4194560 9 0 0 0 11 22 0 0 20 0 3 0 "
	    "777 8192 5 18446744073709551615 1 1",
	    &s));
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.cpu_ticks, 33);
	assert_int_equal(s.n_threads, 3);
	assert_int_equal(s.start_ticks, 777);
	assert_int_equal(s.virtual_bytes, 8192);
	assert_int_equal(s.resident_pages, 5);
	assert_false(cmxi_procfs_stat_parse("", &s));
	assert_false(cmxi_procfs_stat_parse("42 (a)", &s));
	assert_false(cmxi_procfs_stat_parse("42 (a) S 1 2", &s));
}

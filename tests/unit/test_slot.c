/*
 * Gauges: one value for each process, merged over the live ones.
 */
#include "metrics.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define GAUGE(name, aggregate)                                      \
	"{\"name\":\"" name "\",\"type\":\"gauge\",\"help\":\"h\"," \
	"\"labels\":[\"x\"],\"aggregate\":\"" aggregate "\"}"

#define METRICS                                                          \
	GAUGE("sum", "sum")                                              \
	"," GAUGE("min", "min") "," GAUGE("max", "max") "," GAUGE("avg", \
	    "avg") "," GAUGE("last", "last") "," GAUGE("each",           \
	    "each") ","                                                  \
		    "{\"name\":\"plain\",\"type\":\"gauge\",\"help\":\"h\"}"

/* A process that sets every gauge and then waits to be killed. */
struct member {
	pid_t pid;
	int ready;
};

static void
set_all(const struct fixture *f, double v)
{
	static const char *const names[] = { "sum", "min", "max", "avg", "last",
		"each" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct cmx_gauge g = gauge(f->reg, names[i], 1, VALUES("a"));

		cmx_gauge_set(&g, v);
	}
}

static struct member
start_member(const struct fixture *f, double v)
{
	struct member m;
	int fds[2];
	char c;

	assert_int_equal(pipe(fds), 0);
	m.pid = test_spawn();
	if (m.pid == 0) {
		set_all(f, v);
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return m;
}

static void
kill_member(struct member m)
{
	kill(m.pid, SIGKILL);
	waitpid(m.pid, NULL, 0);
}

TEST(values_of_live_processes_are_merged_as_the_family_says)
{
	struct fixture f = fixture_open("", METRICS);
	struct member a = start_member(&f, 1), b = start_member(&f, 2.5);
	struct member c = start_member(&f, 10);
	char line[64];

	assert_shows(f.segment_path, "sum{x=\"a\"} 13.5");
	assert_shows(f.segment_path, "min{x=\"a\"} 1");
	assert_shows(f.segment_path, "max{x=\"a\"} 10");
	assert_shows(f.segment_path, "avg{x=\"a\"} 4.5");
	assert_shows(f.segment_path, "last{x=\"a\"} 10");
	snprintf(line, sizeof(line), "each{x=\"a\",pid=\"%d\"} 2.5",
	    (int)b.pid);
	assert_shows(f.segment_path, line);
	assert_int_equal(info(f.segment_path).n_live_slots, 3);
	kill_member(a);
	assert_shows(f.segment_path, "sum{x=\"a\"} 12.5");
	assert_shows(f.segment_path, "min{x=\"a\"} 2.5");
	kill_member(b);
	kill_member(c);
	/* Only what is nobody's stays. */
	assert_false(shows(f.segment_path, "sum{x=\"a\"} 0"));
	assert_shows(f.segment_path, "last{x=\"a\"} 10");
	assert_int_equal(info(f.segment_path).n_live_slots, 0);
	fixture_close(&f);
}

TEST(a_gauge_that_nobody_set_is_not_shown_unless_it_has_no_labels)
{
	struct fixture f = fixture_open("", METRICS);
	char *text;

	gauge(f.reg, "sum", 1, VALUES("unset"));
	text = exposition(f.segment_path, CMXR_TEXT);
	assert_null(strstr(text, "unset"));
	assert_non_null(strstr(text, "\nplain 0\n"));
	free(text);
	fixture_close(&f);
}

TEST(every_double_can_be_set)
{
	static const struct {
		double v;
		const char *line;
	} cases[] = {
		{ 0, "plain 0" },
		{ -0.0, "plain -0" },
		{ -1.5, "plain -1.5" },
		{ 1e300, "plain 1e+300" },
		{ 5e-324, "plain 5e-324" },
		{ HUGE_VAL, "plain +Inf" },
		{ -HUGE_VAL, "plain -Inf" },
		{ NAN, "plain NaN" },
		{ 0.1, "plain 0.1" },
	};
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cmx_gauge_set(&g, cases[i].v);
		assert_shows(f.segment_path, cases[i].line);
	}
	fixture_close(&f);
}

TEST(add_and_sub_begin_at_zero)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);

	cmx_gauge_inc(&g);
	cmx_gauge_add(&g, 2.5);
	cmx_gauge_sub(&g, 1);
	cmx_gauge_dec(&g);
	assert_shows(f.segment_path, "plain 1.5");
	fixture_close(&f);
}

static int
count_in_flight(void *arg)
{
	struct cmx_gauge *g = arg;

	cmx_gauge_inc(g);
	cmx_gauge_inc(g);
	kill(getpid(), SIGKILL);
	return 1;
}

TEST(what_a_killed_process_had_in_flight_is_gone)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);

	cmx_gauge_inc(&g);
	for (int i = 0; i < 20; i++) {
		pid_t pid = test_fork(count_in_flight, &g);

		waitpid(pid, NULL, 0);
		assert_shows(f.segment_path, "plain 1");
	}
	/* Slots are taken again: two are enough for all of them. */
	assert_int_equal(info(f.segment_path).n_live_slots, 1);
	assert_int_equal(info(f.segment_path).no_free_slot, 0);
	fixture_close(&f);
}

TEST(a_new_owner_of_a_slot_starts_with_nothing)
{
	struct fixture f = fixture_open("", METRICS);
	struct member a = start_member(&f, 7);
	struct cmx_gauge g;

	kill_member(a);
	g = gauge(f.reg, "plain", 0, NULL);
	cmx_gauge_set(&g, 1);
	assert_int_equal(info(f.segment_path).n_live_slots, 1);
	assert_false(shows(f.segment_path, "sum{x=\"a\"} 7"));
	assert_shows(f.segment_path, "plain 1");
	fixture_close(&f);
}

/* A child made by the bare system call: no handler of libc runs. */
TEST(children_of_raw_clone_have_values_of_their_own)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);
	int fds[2];
	char c;
	pid_t pid;

	cmx_gauge_set(&g, 1);
	assert_int_equal(pipe(fds), 0);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		cmx_gauge_set(&g, 10);
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_shows(f.segment_path, "plain 11");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_shows(f.segment_path, "plain 1");
	close(fds[0]);
	close(fds[1]);
	fixture_close(&f);
}

TEST(without_a_slot_updates_are_dropped_and_counted_until_one_is_free)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"processes\":2},", METRICS);
	struct member a = start_member(&f, 1), b = start_member(&f, 2);
	struct cmx_gauge g = gauge(f.reg, "sum", 1, VALUES("a"));
	struct cmx_gauge last = gauge(f.reg, "last", 1, VALUES("a"));
	time_t deadline = time(NULL) + 30;

	for (int i = 0; i < 3; i++)
		cmx_gauge_set(&g, 4);
	cmx_gauge_set(&last, 9);
	assert_shows(f.segment_path, "sum{x=\"a\"} 3");
	/* What belongs to nobody needs no slot. */
	assert_shows(f.segment_path, "last{x=\"a\"} 9");
	assert_int_equal(info(f.segment_path).no_free_slot, 1);
	assert_int_equal(info(f.segment_path).dropped_gauges, 3);
	kill_member(a);
	/* The slot of the dead is asked for soon. */
	do
		cmx_gauge_set(&g, 4);
	while (
	    !shows(f.segment_path, "sum{x=\"a\"} 6") && time(NULL) < deadline);
	assert_shows(f.segment_path, "sum{x=\"a\"} 6");
	assert_int_equal(info(f.segment_path).no_free_slot, 1);
	kill_member(b);
	assert_shows(f.segment_path, "sum{x=\"a\"} 4");
	fixture_close(&f);
}

/* More gauges than a page holds, looked up after the slot was claimed. */
TEST(gauges_of_a_later_page_are_written_and_read)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);

	cmx_gauge_set(&g, 1);
	for (int i = 0; i < 1500; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		g = gauge(f.reg, "sum", 1, VALUES(value));
		cmx_gauge_set(&g, i);
	}
	assert_shows(f.segment_path, "sum{x=\"1499\"} 1499");
	fixture_close(&f);
}

/* A process that has an old segment and its successor has a slot in each. */
TEST(one_process_with_two_slots_is_one_series)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_registry *second;
	struct cmx_gauge a, b;
	char line[64], *text, *first;

	test_write_file(test_path(f.dir, "next.json"),
	    "{\"version\":1,\"limits\":{\"series\":999},\"metrics\":[" METRICS
	    "]}");
	assert_int_equal(cmx_apply(f.segment_path,
			     test_path(f.dir, "next.json"), NULL, NULL),
	    0);
	assert_int_equal(cmx_open(f.segment_path, NULL, 0, &second, NULL), 0);
	assert_ptr_not_equal(second, f.reg);
	a = gauge(f.reg, "each", 1, VALUES("a"));
	b = gauge(second, "each", 1, VALUES("a"));
	cmx_gauge_set(&a, 1);
	cmx_gauge_set(&b, 2);
	snprintf(line, sizeof(line), "each{x=\"a\",pid=\"%d\"} 3",
	    (int)getpid());
	assert_shows(f.segment_path, line);
	text = exposition(f.segment_path, CMXR_TEXT);
	first = strstr(text, "\neach{");
	assert_null(strstr(first + 1, "\neach{"));
	free(text);
	cmx_close(second);
	fixture_close(&f);
}

/* The first write finds no descriptor: it is dropped, and the next is not. */
TEST(want_of_descriptors_does_not_last)
{
	struct fixture f = fixture_open("", METRICS);
	struct rlimit old, none;
	struct cmx_gauge g;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	g = gauge(f.reg, "plain", 0, NULL);
	cmx_gauge_set(&g, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(info(f.segment_path).dropped_gauges, 1);
	cmx_gauge_set(&g, 2);
	assert_shows(f.segment_path, "plain 2");
	assert_int_equal(info(f.segment_path).n_live_slots, 1);
	fixture_close(&f);
}

/* A child that lives on holds nothing of its parent's. */
TEST(a_death_is_seen_while_the_dead_ones_child_lives)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "plain", 0, NULL);
	pid_t owner,
	    *child = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fds[2];
	char c;

	assert_int_equal(pipe(fds), 0);
	owner = test_spawn();
	if (owner == 0) {
		cmx_gauge_set(&g, 5);
		/* Not test_spawn(): this one outlives its parent. */
		pid_t pid = fork();

		if (pid == 0) {
			alarm(60);
			for (;;)
				pause();
		}
		*child = pid;
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_shows(f.segment_path, "plain 5");
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	assert_true(*child > 0);
	assert_int_equal(kill(*child, 0), 0);
	assert_shows(f.segment_path, "plain 0");
	kill(*child, SIGKILL);
	close(fds[0]);
	close(fds[1]);
	munmap(child, sizeof(pid_t));
	fixture_close(&f);
}

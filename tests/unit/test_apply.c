/*
 * A live segment gets another schema: nothing is lost, nothing counts twice.
 */
#include "metrics.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "segment/format.h"

#define COUNTER(name)                                                \
	"{\"name\":\"" name "\",\"type\":\"counter\",\"help\":\"h\"" \
	",\"labels\":[\"x\"]}"
#define HISTOGRAM(bounds)                                               \
	"{\"name\":\"h_seconds\",\"type\":\"histogram\",\"help\":\"h\"" \
	",\"buckets\":[" bounds "]}"
#define GAUGE(name, aggregate)                                     \
	"{\"name\":\"" name "\",\"type\":\"gauge\",\"help\":\"h\"" \
	",\"labels\":[\"x\"],\"aggregate\":\"" aggregate "\"}"
#define GAUGES                                                           \
	GAUGE("sum", "sum")                                              \
	"," GAUGE("min", "min") "," GAUGE("max", "max") "," GAUGE("avg", \
	    "avg") "," GAUGE("last", "last") "," GAUGE("each", "each")
#define OLD_METRICS COUNTER("a_total") "," HISTOGRAM("1,2") "," GAUGES
#define NEW_LIMITS  "\"limits\":{\"series\":4096},"

/* The schema of these metrics, in a file. */
static const char *
schema_file(const struct fixture *f, const char *limits, const char *metrics)
{
	const char *path = test_path(f->dir, "next.json");
	char *text;

	assert_true(asprintf(&text, "{\"version\":1,%s\"metrics\":[%s]}",
			limits, metrics) > 0);
	test_write_file(path, text);
	free(text);
	return path;
}

static struct cmx_apply_result
apply(const struct fixture *f, const char *limits, const char *metrics)
{
	struct cmx_apply_result result;
	struct cmx_error err;

	if (cmx_apply(f->segment_path, schema_file(f, limits, metrics), &result,
		&err) != 0)
		fail_msg("%s", err.text);
	return result;
}

static struct cmx_registry *
open_again(const struct fixture *f)
{
	struct cmx_registry *reg;
	struct cmx_error err;

	if (cmx_open(f->segment_path, NULL, CMX_ATTACH_ONLY, &reg, &err) != 0)
		fail_msg("%s", err.text);
	return reg;
}

static void
add(struct cmx_registry *reg, const char *name, const char *x, uint64_t n)
{
	struct cmx_counter c = counter(reg, name, 1, VALUES(x));

	cmx_counter_add(&c, n);
}

static void
observe(struct cmx_registry *reg, double v)
{
	struct cmx_histogram h = histogram(reg, "h_seconds", 0, NULL);

	cmx_histogram_observe(&h, v);
}

static void
set(struct cmx_registry *reg, const char *name, double v)
{
	struct cmx_gauge g = gauge(reg, name, 1, VALUES("a"));

	cmx_gauge_set(&g, v);
}

static int
n_files(const struct fixture *f)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && strstr(e->d_name, ".json") == NULL;
	closedir(d);
	return n;
}

static ino_t
inode_of(const struct fixture *f)
{
	struct stat st;

	assert_int_equal(stat(f->segment_path, &st), 0);
	return st.st_ino;
}

static uint64_t
total_of(struct cmxr_reader *reader)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_series series;
	struct cmx_error err;
	size_t cursor = 0;

	if (cmxr_snapshot_take(reader, &snapshot, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(cmxr_series_next(snapshot, 0, &cursor, &series));
	return series.whole;
}

TEST(families_that_are_new_are_added_in_place)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	ino_t before = inode_of(&f);
	struct cmx_apply_result r =
	    apply(&f, "", OLD_METRICS "," COUNTER("b_total"));

	assert_false(r.is_replaced);
	assert_int_equal(r.n_added, 1);
	assert_int_equal(inode_of(&f), before);
	add(f.reg, "b_total", "a", 3);
	assert_shows(f.segment_path, "b_total{x=\"a\"} 3");
	fixture_close(&f);
}

TEST(a_segment_that_is_not_there_is_created)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_apply_result r;

	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	r = apply(&f, "", OLD_METRICS);
	assert_true(r.is_created);
	assert_shows(f.segment_path, "h_seconds_count 0");
	fixture_close(&f);
}

TEST(a_replaced_segment_counts_while_it_has_writers_and_after)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_registry *new;
	struct cmx_apply_result r;

	add(f.reg, "a_total", "both", 5);
	add(f.reg, "a_total", "old", 7);
	observe(f.reg, 0.1);
	r = apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_true(r.is_replaced);
	assert_int_equal(r.n_waiting, 1);
	assert_shows(f.segment_path, "a_total{x=\"both\"} 5");

	new = open_again(&f);
	add(new, "a_total", "both", 10);
	add(new, "a_total", "new", 1);
	observe(new, 0.2);
	observe(new, 5);
	/* The old writers go on, with new series too. */
	add(f.reg, "a_total", "both", 100);
	add(f.reg, "a_total", "late", 9);
	for (int i = 0; i < 2; i++) {
		assert_shows(f.segment_path, "a_total{x=\"both\"} 115");
		assert_shows(f.segment_path, "a_total{x=\"old\"} 7");
		assert_shows(f.segment_path, "a_total{x=\"new\"} 1");
		assert_shows(f.segment_path, "a_total{x=\"late\"} 9");
		assert_shows(f.segment_path, "h_seconds_bucket{le=\"1\"} 2");
		assert_shows(f.segment_path, "h_seconds_count 3");
		assert_shows(f.segment_path, "h_seconds_sum 5.3");
		if (i == 0) {
			assert_int_equal(n_files(&f), 2);
			cmx_close(f.reg);
			r = apply(&f, NEW_LIMITS, OLD_METRICS);
			assert_false(r.is_replaced);
			assert_int_equal(r.n_carried, 1);
			assert_int_equal(r.n_waiting, 0);
			assert_int_equal(n_files(&f), 1);
		}
	}
	/* And what was carried goes on counting. */
	add(new, "a_total", "both", 1);
	assert_shows(f.segment_path, "a_total{x=\"both\"} 116");
	f.reg = new;
	fixture_close(&f);
}

TEST(gauges_of_both_are_merged_and_the_last_one_stays)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_registry *new;
	char line[64];

	set(f.reg, "sum", 1);
	set(f.reg, "min", 1);
	set(f.reg, "max", 1);
	set(f.reg, "avg", 1);
	set(f.reg, "last", 1);
	set(f.reg, "each", 1);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_shows(f.segment_path, "last{x=\"a\"} 1");
	new = open_again(&f);
	set(new, "sum", 4);
	set(new, "min", 4);
	set(new, "max", 4);
	set(new, "avg", 4);
	set(new, "each", 4);
	assert_shows(f.segment_path, "sum{x=\"a\"} 5");
	assert_shows(f.segment_path, "min{x=\"a\"} 1");
	assert_shows(f.segment_path, "max{x=\"a\"} 4");
	assert_shows(f.segment_path, "avg{x=\"a\"} 2.5");
	snprintf(line, sizeof(line), "each{x=\"a\",pid=\"%d\"} 5",
	    (int)getpid());
	assert_shows(f.segment_path, line);
	cmx_close(f.reg);
	assert_shows(f.segment_path, "sum{x=\"a\"} 4");
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_shows(f.segment_path, "last{x=\"a\"} 1");
	assert_shows(f.segment_path, "sum{x=\"a\"} 4");
	set(new, "last", 2);
	assert_shows(f.segment_path, "last{x=\"a\"} 2");
	f.reg = new;
	fixture_close(&f);
}

/* The gauge was set anew before the old segment ended: that one is newer. */
TEST(a_newer_last_value_is_not_overwritten)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_registry *new;

	set(f.reg, "last", 1);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	new = open_again(&f);
	set(new, "last", 2);
	assert_shows(f.segment_path, "last{x=\"a\"} 2");
	cmx_close(f.reg);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_shows(f.segment_path, "last{x=\"a\"} 2");
	f.reg = new;
	fixture_close(&f);
}

TEST(what_the_schema_changes_or_leaves_out_ends_with_the_old_writers)
{
	struct fixture f =
	    fixture_open("", OLD_METRICS "," COUNTER("gone_total"));
	const struct cmx_family_def def = { .name = "registered_total",
		.help = "h",
		.type = CMX_COUNTER };
	struct cmx_counter c;

	assert_int_equal(cmx_register(f.reg, &def, NULL, NULL), 0);
	c = counter(f.reg, "registered_total", 0, NULL);
	cmx_counter_add(&c, 6);
	add(f.reg, "gone_total", "a", 8);
	observe(f.reg, 0.5);
	apply(&f, "", COUNTER("a_total") "," HISTOGRAM("3,4"));
	/* Its old bounds are another family's: they are not shown beside. */
	assert_shows(f.segment_path, "h_seconds_bucket{le=\"3\"} 0");
	assert_shows(f.segment_path, "gone_total{x=\"a\"} 8");
	cmx_close(f.reg);
	apply(&f, "", COUNTER("a_total") "," HISTOGRAM("3,4"));
	assert_false(shows(f.segment_path, "gone_total{x=\"a\"} 8"));
	assert_shows(f.segment_path, "registered_total 6");
	f.reg = NULL;
	fixture_close(&f);
}

TEST(a_broken_schema_changes_nothing)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	ino_t before = inode_of(&f);
	struct cmx_apply_result r;
	struct cmx_error err;

	add(f.reg, "a_total", "a", 1);
	test_write_file(test_path(f.dir, "bad.json"),
	    "{\"version\":1,\"metrics\":[{\"name\":\"0\",\"type\":\"x\"}]}");
	assert_int_equal(cmx_apply(f.segment_path, test_path(f.dir, "bad.json"),
			     &r, &err),
	    CMX_ERR_SCHEMA);
	assert_int_equal(cmx_apply(f.segment_path,
			     test_path(f.dir, "none.json"), &r, &err),
	    CMX_ERR_NOT_FOUND);
	assert_int_equal(inode_of(&f), before);
	assert_int_equal(n_files(&f), 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1");
	fixture_close(&f);
}

/* Three segments in a row, the first of which has a writer the longest. */
TEST(segments_in_a_row_are_added_and_carried_in_order)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_registry *second, *third;
	struct cmx_apply_result r;

	add(f.reg, "a_total", "a", 1);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	second = open_again(&f);
	add(second, "a_total", "a", 10);
	r = apply(&f, "", OLD_METRICS);
	assert_int_equal(r.n_waiting, 2);
	third = open_again(&f);
	add(third, "a_total", "a", 100);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 111");
	assert_int_equal(n_files(&f), 3);

	cmx_close(second);
	r = apply(&f, "", OLD_METRICS);
	assert_int_equal(r.n_carried, 0);
	add(f.reg, "a_total", "a", 1000);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1111");
	cmx_close(f.reg);
	r = apply(&f, "", OLD_METRICS);
	assert_int_equal(r.n_carried, 2);
	assert_int_equal(n_files(&f), 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 1111");
	f.reg = third;
	fixture_close(&f);
}

/* Seven may wait; once nobody writes to them the next apply goes on. */
TEST(segments_that_nobody_writes_to_make_room_for_the_next)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	char limits[64];

	add(f.reg, "a_total", "a", 5);
	for (int i = 0; i < 7; i++) {
		snprintf(limits, sizeof(limits), "\"limits\":{\"series\":%d},",
		    1000 + i);
		assert_int_equal(apply(&f, limits, OLD_METRICS).n_waiting,
		    i + 1);
	}
	cmx_close(f.reg);
	assert_int_equal(apply(&f, "", OLD_METRICS).n_waiting, 0);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 5");
	f.reg = open_again(&f);
	fixture_close(&f);
}

/*
 * A deployment that is taken back: the schema in the middle has no a_total, and
 * its total is shown with the newest one's before and after it is carried.
 */
TEST(a_total_survives_a_schema_that_is_taken_back)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *reader;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	add(f.reg, "a_total", "a", 5);
	assert_int_equal(total_of(reader), 5);
	apply(&f, NEW_LIMITS, COUNTER("other_total"));
	apply(&f, "", OLD_METRICS);
	assert_int_equal(total_of(reader), 5);
	cmx_close(f.reg);
	f.reg = open_again(&f);
	add(f.reg, "a_total", "a", 3);
	assert_int_equal(total_of(reader), 8);
	assert_int_equal(apply(&f, "", OLD_METRICS).n_carried, 2);
	assert_int_equal(total_of(reader), 8);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_reader_of_a_removed_segment_shows_no_smaller_total)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmx_registry *new;

	add(f.reg, "a_total", "a", 5);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	new = open_again(&f);
	add(new, "a_total", "a", 5);
	/* It has the new one, and not yet the old one. */
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL),
	    CMX_ERR_NOT_FOUND);
	cmxr_close(reader);
	cmx_close(new);
	fixture_close(&f);
}

TEST(a_reader_goes_on_where_no_segment_takes_the_name)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *reader;

	add(f.reg, "a_total", "a", 5);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(unlink(f.segment_path), 0);
	assert_int_equal(mkdir(f.segment_path, 0700), 0);
	assert_int_equal(total_of(reader), 5);
	assert_int_equal(rmdir(f.segment_path), 0);
	assert_int_equal(symlink("nothing", f.segment_path), 0);
	assert_int_equal(total_of(reader), 5);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(more_than_seven_in_a_row_are_refused)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_registry *regs[8];
	struct cmx_apply_result r;
	struct cmx_error err;

	for (int i = 0; i < 7; i++) {
		apply(&f, i % 2 == 0 ? NEW_LIMITS : "", OLD_METRICS);
		regs[i] = open_again(&f);
		add(regs[i], "a_total", "a", 1);
	}
	assert_int_equal(cmx_apply(f.segment_path,
			     schema_file(&f, "", OLD_METRICS), &r, &err),
	    CMX_ERR_FULL);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 7");
	for (int i = 0; i < 7; i++)
		cmx_close(regs[i]);
	cmx_close(f.reg);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 7");
	assert_int_equal(n_files(&f), 1);
	f.reg = NULL;
	fixture_close(&f);
}

/* A reader that is open the whole time sees no total go back. */
TEST(an_open_reader_follows_the_name)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	struct cmx_registry *new = NULL;
	uint64_t last = 0;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	for (int step = 0; step < 5; step++) {
		size_t cursor = 0;

		if (step == 0)
			add(f.reg, "a_total", "a", 5);
		if (step == 1)
			apply(&f, NEW_LIMITS, OLD_METRICS);
		if (step == 2) {
			new = open_again(&f);
			add(new, "a_total", "a", 1);
			add(f.reg, "a_total", "a", 1);
		}
		if (step == 3)
			cmx_close(f.reg);
		if (step == 4)
			apply(&f, NEW_LIMITS, OLD_METRICS);
		assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL),
		    0);
		assert_true(cmxr_is_current(reader));
		assert_true(cmxr_series_next(snapshot, 0, &cursor, &series));
		assert_true(series.whole >= last);
		last = series.whole;
	}
	assert_int_equal(last, 7);
	cmxr_close(reader);
	f.reg = new;
	fixture_close(&f);
}

/*
 * Each replacement is carried before the next one, so no segment leads from the
 * last one to the one that the reader has.
 */
TEST(a_reader_that_slept_over_many_replacements_finds_the_last_one)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *reader;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	add(f.reg, "a_total", "a", 100);
	assert_int_equal(total_of(reader), 100);
	for (int i = 0; i < 12; i++) {
		char limits[64];

		snprintf(limits, sizeof(limits), "\"limits\":{\"series\":%d},",
		    1000 + i);
		cmx_close(f.reg);
		assert_true(apply(&f, limits, OLD_METRICS).is_replaced);
		f.reg = open_again(&f);
		add(f.reg, "a_total", "a", 1);
		if (i % 4 == 3)
			assert_int_equal(total_of(reader), 100 + i + 1);
	}
	assert_true(cmxr_is_current(reader));
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_reader_lives_through_any_number_of_segments)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *shows, *hides;

	assert_int_equal(cmxr_open(f.segment_path, &shows, NULL), 0);
	assert_int_equal(cmxr_open(f.segment_path, &hides, NULL), 0);
	cmxr_show_processes(hides, false);
	for (int i = 0; i < 40; i++) {
		char limits[64];

		snprintf(limits, sizeof(limits), "\"limits\":{\"series\":%d},",
		    1000 + i);
		/* Now and then six old ones wait, and go all at once. */
		if (i % 7 == 6) {
			cmx_close(f.reg);
			f.reg = NULL;
		}
		assert_true(apply(&f, limits, OLD_METRICS).is_replaced);
		if (f.reg == NULL)
			f.reg = open_again(&f);
		add(f.reg, "a_total", "a", 1);
		assert_int_equal(total_of(shows), i + 1);
		assert_int_equal(total_of(hides), i + 1);
	}
	cmxr_close(shows);
	cmxr_close(hides);
	fixture_close(&f);
}

/*
 * What counts and cannot be opened now: the snapshot fails, and the total is
 * whole again when it can.
 */
static void
assert_want_of_descriptors_is_an_error(struct cmxr_reader *reader,
    uint64_t total)
{
	const struct cmxr_snapshot *snapshot;
	struct rlimit old, few;
	struct cmx_error err;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, &err),
	    CMX_ERR_SYSTEM);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_non_null(strstr(err.text, "open"));
	assert_int_equal(total_of(reader), total);
}

TEST(a_successor_that_cannot_be_opened_now_is_an_error)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *reader;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	add(f.reg, "a_total", "a", 1000);
	assert_int_equal(total_of(reader), 1000);
	cmx_close(f.reg);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	f.reg = open_again(&f);
	add(f.reg, "a_total", "a", 1);
	assert_want_of_descriptors_is_an_error(reader, 1001);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_predecessor_that_cannot_be_opened_now_is_an_error_and_no_smaller_total)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxr_reader *reader;

	add(f.reg, "a_total", "a", 1000);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	/* The reader has the new one, and looks for the old one only now. */
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_want_of_descriptors_is_an_error(reader, 1000);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_predecessor_without_permission_is_an_error_and_no_smaller_total)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmx_error err;
	struct stat st;
	char name[700];
	DIR *d;

	add(f.reg, "a_total", "a", 1000);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	/* Root may read everything, but no link is followed. */
	d = opendir(f.dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strncmp(e->d_name, "a.seg.", 6) == 0)
			snprintf(name, sizeof(name), "%s/%.60s", f.dir,
			    e->d_name);
	closedir(d);
	assert_int_equal(lstat(name, &st), 0);
	assert_int_equal(rename(name, test_path(f.dir, "away")), 0);
	assert_int_equal(symlink("away", name), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, &err),
	    CMX_ERR_PERMISSION);
	assert_int_equal(rename(test_path(f.dir, "away"), name), 0);
	assert_int_equal(total_of(reader), 1000);
	cmxr_close(reader);
	fixture_close(&f);
}

/* A child that never opened anything can write, and is waited for. */
TEST(an_inherited_mapping_is_a_writer)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_counter c = counter(f.reg, "a_total", 1, VALUES("a"));
	struct cmx_apply_result r;
	int go[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(go), 0);
	pid = test_spawn();
	if (pid == 0) {
		close(go[1]);
		/* As daemons do: the lock is not a descriptor's. */
		closefrom(go[0] + 1);
		if (read(go[0], &byte, 1) == 1)
			cmx_counter_add(&c, 3);
		_exit(0);
	}
	close(go[0]);
	cmx_close(f.reg);
	f.reg = NULL;
	r = apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(r.n_waiting, 1);
	assert_int_equal(write(go[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	r = apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(r.n_carried, 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 3");
	close(go[1]);
	fixture_close(&f);
}

TEST(what_an_apply_would_lose_is_said_before_it_is_done)
{
	struct fixture f = fixture_open("", OLD_METRICS "," COUNTER("b_total"));
	struct cmx_apply_result r;
	struct cmx_error err;
	ino_t before = inode_of(&f);
	const char *schema = schema_file(&f, "",
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","
	    "\"labels\":[\"x\"],\"max_series\":2}," HISTOGRAM("1,2,3"));

	add(f.reg, "a_total", "1", 1);
	add(f.reg, "a_total", "2", 1);
	add(f.reg, "a_total", "3", 1);
	assert_int_equal(cmx_apply_check(f.segment_path, schema, &r, &err), 0);
	assert_int_equal(err.code, CMX_OK);
	assert_true(r.is_replaced);
	assert_int_equal(r.n_overflowed, 1);
	/* b_total, the six gauges, the histogram's buckets. */
	assert_int_equal(r.n_uncarried, 8);
	assert_non_null(strstr(err.text,
	    "family a_total: has 3 series, and the schema's max_series is 2"));
	assert_non_null(
	    strstr(err.text, "family h_seconds: the schema defines it"));
	assert_int_equal(inode_of(&f), before);
	schema =
	    schema_file(&f, "\"limits\":{\"series\":40},", COUNTER("a_total"));
	for (int i = 0; i < 60; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		add(f.reg, "a_total", value, 1);
	}
	assert_int_equal(cmx_apply_check(f.segment_path, schema, &r, &err), 0);
	assert_int_equal(r.n_overflowed, 20);
	assert_non_null(strstr(err.text, "limits.series: the segment has 60"));
	schema = schema_file(&f, "",
	    OLD_METRICS "," COUNTER("b_total") "," COUNTER("c_total"));
	assert_int_equal(cmx_apply_check(f.segment_path, schema, &r, &err), 0);
	assert_false(r.is_replaced);
	assert_int_equal(r.n_added, 1);
	assert_string_equal(err.text, "");
	fixture_close(&f);
}

/* Strangers' locks */

static int
lock_as_stranger(const struct fixture *f, int flags, short type, off_t from,
    off_t n)
{
	struct flock lock = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = from,
		.l_len = n };
	int fd = open(f->segment_path, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

TEST(who_may_only_read_stops_no_apply_and_no_carry)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmx_apply_result r;
	int fd, second;

	add(f.reg, "a_total", "a", 5);
	fd = lock_as_stranger(&f, O_RDONLY, F_RDLCK, (off_t)CMXI_APPLY_OFFSET,
	    1);
	r = apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_true(r.is_replaced);
	assert_int_equal(r.n_waiting, 1);
	cmx_close(f.reg);
	/* The old one's writers are gone, whatever he has locked there. */
	assert_int_equal(fcntl(fd, F_OFD_SETLK,
			     &(struct flock){ .l_type = F_RDLCK,
				 .l_start = (off_t)CMXI_WRITERS_OFFSET,
				 .l_len = 0 }),
	    0);
	second = lock_as_stranger(&f, O_RDONLY, F_RDLCK, 0, 0);
	r = apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(r.n_carried, 1);
	assert_int_equal(r.n_waiting, 0);
	/* A writer that opens under his lock is still a writer. */
	f.reg = open_again(&f);
	add(f.reg, "a_total", "a", 1);
	r = apply(&f, "", OLD_METRICS);
	assert_true(r.is_replaced);
	assert_int_equal(r.n_waiting, 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 6");
	close(second);
	cmx_close(f.reg);
	r = apply(&f, "", OLD_METRICS);
	assert_int_equal(r.n_carried, 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 6");
	close(fd);
	f.reg = open_again(&f);
	fixture_close(&f);
}

TEST(a_wait_for_another_that_applies_ends)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	pid_t pid = spawn_applier(f.segment_path);
	struct cmx_error err;

	assert_int_equal(setenv("CODEAI_METRICS_APPLY_WAIT", "100", 1), 0);
	assert_int_equal(cmx_apply(f.segment_path,
			     schema_file(&f, NEW_LIMITS, OLD_METRICS), NULL,
			     &err),
	    CMX_ERR_SYSTEM);
	assert_non_null(
	    strstr(err.text, "applies a schema to it and does not end"));
	assert_int_equal(unsetenv("CODEAI_METRICS_APPLY_WAIT"), 0);
	end_applier(pid);
	assert_true(apply(&f, NEW_LIMITS, OLD_METRICS).is_replaced);
	fixture_close(&f);
}

/*
 * Who is killed between the lock and the word leaves the lock to a child that
 * he has forked, and nobody's word.
 */
TEST(a_lock_that_no_word_explains_holds_nobody_up_for_ever)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	int fd =
	    lock_as_stranger(&f, O_RDWR, F_WRLCK, (off_t)CMXI_APPLY_OFFSET, 1);

	assert_int_equal(setenv("CODEAI_METRICS_APPLY_WAIT", "100", 1), 0);
	assert_true(apply(&f, NEW_LIMITS, OLD_METRICS).is_replaced);
	assert_int_equal(unsetenv("CODEAI_METRICS_APPLY_WAIT"), 0);
	close(fd);
	fixture_close(&f);
}

/* A process that applies all the time, while a thread of it forks children. */
static void *
fork_children(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, 0);
			alarm(60);
			for (;;)
				pause();
		}
	return NULL;
}

static int
apply_and_fork(void *arg)
{
	const struct fixture *f = arg;
	pthread_t thread;

	setpgid(0, 0);
	pthread_create(&thread, NULL, fork_children, NULL);
	for (int i = 0; i < 1000000; i++)
		apply(f, i % 2 == 0 ? NEW_LIMITS : "", OLD_METRICS);
	return 0;
}

TEST(a_child_forked_beside_an_apply_keeps_nobody_from_applying)
{
	struct fixture f = fixture_open("", OLD_METRICS);

	add(f.reg, "a_total", "a", 5);
	cmx_close(f.reg);
	f.reg = NULL;
	for (int i = 0; i < test_rounds(20); i++) {
		pid_t pid = test_fork(apply_and_fork, &f);
		struct timespec some = { .tv_nsec = 1000000 * (5 + 3 * i) };

		setpgid(pid, pid);
		/* Any instant will do. */
		nanosleep(&some, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* Its children live, with every descriptor that it had. */
		alarm(20);
		apply(&f, i % 2 == 0 ? "" : NEW_LIMITS, OLD_METRICS);
		alarm(0);
		assert_shows(f.segment_path, "a_total{x=\"a\"} 5");
		kill(-pid, SIGKILL);
	}
	fixture_close(&f);
}

TEST(of_many_that_apply_at_once_one_replaces)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	const char *schema = schema_file(&f, NEW_LIMITS, OLD_METRICS);
	int n_replaced = 0, n_carried = 0;

	add(f.reg, "a_total", "a", 3);
	cmx_close(f.reg);
	f.reg = NULL;
	for (int i = 0; i < 16; i++)
		if (test_spawn() == 0) {
			struct cmx_apply_result r;

			if (cmx_apply(f.segment_path, schema, &r, NULL) != 0)
				_exit(100);
			_exit((r.is_replaced ? 1 : 0) + (int)r.n_carried * 2);
		}
	for (int i = 0; i < 16; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 4);
		n_replaced += WEXITSTATUS(status) & 1;
		n_carried += WEXITSTATUS(status) >> 1;
	}
	assert_int_equal(n_replaced, 1);
	assert_int_equal(n_carried, 1);
	assert_int_equal(n_files(&f), 1);
	assert_shows(f.segment_path, "a_total{x=\"a\"} 3");
	fixture_close(&f);
}

static int
apply_where_nothing_is(void *arg)
{
	const struct fixture *f = arg;

	return cmx_apply(f->segment_path, test_path(f->dir, "next.json"), NULL,
		   NULL) != 0;
}

TEST(of_many_that_apply_at_once_where_nothing_is_one_creates)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	pid_t pids[8];

	schema_file(&f, NEW_LIMITS, OLD_METRICS);
	for (int round = 0; round < test_rounds(40); round++) {
		assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
		for (int i = 0; i < 8; i++)
			pids[i] = test_fork(apply_where_nothing_is, &f);
		for (int i = 0; i < 8; i++)
			test_wait_ok(pids[i]);
		assert_int_equal(n_files(&f), 1);
	}
	fixture_close(&f);
}

TEST(the_new_one_has_the_owner_and_mode_of_the_old)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct stat st;

	assert_int_equal(chmod(f.segment_path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(f.segment_path, 65534, 65534), 0);
	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(stat(f.segment_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 65534);
	}
	fixture_close(&f);
}

/* Whoever was to replace it was killed before the new one had the name. */
TEST(a_second_name_that_was_left_is_taken_away)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	struct cmxi_shm_header h;
	char second[700];
	FILE *file = fopen(f.segment_path, "r");

	assert_int_equal(fread(&h, sizeof(h), 1, file), 1);
	fclose(file);
	snprintf(second, sizeof(second), "%s.%016llx", f.segment_path,
	    (unsigned long long)h.seed);
	assert_int_equal(link(f.segment_path, second), 0);
	apply(&f, "", OLD_METRICS);
	assert_int_equal(n_files(&f), 1);
	fixture_close(&f);
}

/* An applier that was killed leaves a new segment and a second name. */
TEST(removing_takes_what_a_killed_apply_has_left)
{
	struct fixture f = fixture_open("", OLD_METRICS);
	const char *other = test_path(f.dir, "b.seg");

	assert_int_equal(cmx_create(other, NULL, NULL, NULL), 0);
	assert_int_equal(rename(other, test_path(f.dir, "a.seg.new")), 0);
	test_write_file(test_path(f.dir, "a.seg.old"), "not ours");
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_int_equal(n_files(&f), 1);
	fixture_close(&f);
}

TEST(removing_takes_the_replaced_ones_too)
{
	struct fixture f = fixture_open("", OLD_METRICS);

	apply(&f, NEW_LIMITS, OLD_METRICS);
	assert_int_equal(n_files(&f), 2);
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_int_equal(n_files(&f), 0);
	fixture_close(&f);
}

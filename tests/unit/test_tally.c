/*
 * test_tally.c: groups of series, and what changes between samples.
 */
#include <math.h>

#include "metrics.h"
#include "watch/quantile.h"
#include "watch/tally.h"

#define SECOND UINT64_C(1000000000)

static const char families[] =
    "{\"name\":\"c_total\",\"type\":\"counter\",\"labels\":[\"a\",\"b\"]},"
    "{\"name\":\"g\",\"type\":\"gauge\",\"labels\":[\"a\"],\"aggregate\":\"max\"},"
    "{\"name\":\"l\",\"type\":\"gauge\",\"labels\":[\"a\"],\"aggregate\":\"last\"},"
    "{\"name\":\"e\",\"type\":\"gauge\",\"aggregate\":\"each\"},"
    "{\"name\":\"h\",\"type\":\"histogram\",\"labels\":[\"a\"],\"buckets\":[1,2,4]}";

struct view {
	struct fixture f;
	struct cmxr_reader *reader;
	uint64_t now;
};

static struct view
view_open(void)
{
	struct view v = { .f = fixture_open("", families), .now = SECOND };
	struct cmx_error error;

	assert_int_equal(cmxr_open(v.f.segment_path, &v.reader, &error), 0);
	return v;
}

static void
view_close(struct view *v)
{
	cmxr_close(v->reader);
	fixture_close(&v->f);
}

static void
sample_of(struct view *v, struct tally *t, uint64_t sources)
{
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;

	assert_int_equal(cmxr_snapshot_take(v->reader, &snapshot, &error), 0);
	tally_begin(t, v->now, sources);
	assert_true(tally_add(t, snapshot, 0, NULL));
	tally_end(t);
	v->now += 2 * SECOND;
}

static void
sample(struct view *v, struct tally *t)
{
	sample_of(v, t, 1);
}

static void
count(struct view *v, const char *a, const char *b, uint64_t n)
{
	struct cmx_counter c = counter(v->f.reg, "c_total", 2, VALUES(a, b));

	cmx_counter_add(&c, n);
}

static void
set(struct view *v, const char *name, const char *a, double value)
{
	struct cmx_gauge g = gauge(v->f.reg, name, a != NULL, VALUES(a));

	cmx_gauge_set(&g, value);
}

static void
observe(struct view *v, const char *a, double value, int times)
{
	struct cmx_histogram h = histogram(v->f.reg, "h", 1, VALUES(a));

	while (times-- > 0)
		cmx_histogram_observe(&h, value);
}

static size_t
group_named(const struct tally *t, const char *value)
{
	for (size_t i = 0; i < tally_n_groups(t); i++)
		if (strcmp(tally_value(t, i, 0), value) == 0)
			return i;
	fail_msg("no group %s", value);
	return 0;
}

TEST(series_are_added_up_by_a_label)
{
	struct view v = view_open();
	struct tally *t = tally_new(&(struct tally_query){ .family = "c_total",
	    .n_by = 1,
	    .by = { "b" } });

	count(&v, "1", "x", 5);
	count(&v, "2", "x", 7);
	count(&v, "1", "y", 1);
	sample(&v, t);
	assert_int_equal(tally_n_groups(t), 2);
	assert_true(tally_total(t, group_named(t, "x")) == 12);
	assert_int_equal(tally_n_series(t, group_named(t, "x")), 2);
	assert_true(isnan(tally_growth(t, 0)));
	count(&v, "3", "x", 10);
	sample(&v, t);
	assert_true(tally_total(t, group_named(t, "x")) == 22);
	assert_true(tally_growth(t, group_named(t, "x")) == 10);
	assert_true(tally_growth(t, group_named(t, "y")) == 0);
	assert_true(tally_seconds(t) == 2);
	tally_free(t);
	view_close(&v);
}

TEST(a_series_that_is_new_has_grown_from_0)
{
	struct view v = view_open();
	struct tally *t = tally_new(
	    &(struct tally_query){ .family = "c_total", .by_all = true });

	sample(&v, t);
	count(&v, "1", "x", 5);
	sample(&v, t);
	assert_true(tally_growth(t, group_named(t, "1")) == 5);
	assert_string_equal(tally_by(t, 1), "b");
	assert_string_equal(tally_value(t, 0, 1), "x");
	tally_free(t);
	view_close(&v);
}

TEST(other_segments_are_not_compared)
{
	struct view v = view_open();
	struct tally *t =
	    tally_new(&(struct tally_query){ .family = "c_total" });

	count(&v, "1", "x", 5);
	sample_of(&v, t, 1);
	sample_of(&v, t, 2);
	assert_true(isnan(tally_growth(t, 0)));
	sample_of(&v, t, 2);
	assert_true(tally_growth(t, 0) == 0);
	tally_free(t);
	view_close(&v);
}

TEST(gauges_are_combined_as_their_family_says)
{
	struct view v = view_open();
	struct tally *max = tally_new(&(struct tally_query){ .family = "g" });
	struct tally *last = tally_new(&(struct tally_query){ .family = "l" });
	struct tally *each =
	    tally_new(&(struct tally_query){ .family = "e", .by_all = true });
	char pid[16];

	set(&v, "g", "x", -3);
	set(&v, "g", "y", -2);
	set(&v, "l", "x", 3);
	set(&v, "l", "y", 4);
	set(&v, "e", NULL, 9);
	sample(&v, max);
	sample(&v, last);
	sample(&v, each);
	assert_true(tally_total(max, 0) == -2);
	assert_true(tally_total(last, 0) == 7);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_string_equal(tally_by(each, 0), TALLY_PID);
	assert_string_equal(tally_value(each, 0, 0), pid);
	tally_free(max);
	tally_free(last);
	tally_free(each);
	view_close(&v);
}

TEST(a_histogram_has_the_buckets_of_the_interval)
{
	struct view v = view_open();
	struct tally *t = tally_new(&(struct tally_query){ .family = "h" });
	double counts[4];

	observe(&v, "x", 0.5, 1);
	sample(&v, t);
	observe(&v, "x", 3, 100);
	observe(&v, "y", 100, 1);
	sample(&v, t);
	assert_true(tally_growth(t, 0) == 101);
	assert_true(tally_sum_growth(t, 0) == 400);
	assert_true(tally_counts_growth(t, 0, counts));
	assert_true(counts[0] == 0 && counts[2] == 100 && counts[3] == 1);
	assert_true(fabs(quantile(3, tally_family(t)->bounds, counts, 0.5) -
			(2 + 2 * 0.505)) < 1e-9);
	assert_true(quantile(3, tally_family(t)->bounds, counts, 1) == 4);
	tally_free(t);
	view_close(&v);
}

TEST(a_quantile_of_nothing_is_not_known)
{
	const double counts[2] = { 0, 0 }, bound = -1;

	assert_true(isnan(quantile(1, &bound, counts, 0.5)));
	assert_true(quantile(1, &bound, (const double[]){ 1, 0 }, 0.5) == -1);
}

TEST(the_history_has_rates_and_the_values_of_gauges)
{
	struct view v = view_open();
	struct tally *t = tally_new(
	    &(struct tally_query){ .family = "c_total", .n_history = 4 });

	for (int i = 1; i <= 6; i++) {
		count(&v, "1", "x", 2 * (uint64_t)i);
		sample(&v, t);
	}
	assert_true(tally_history(t, 0, 0) == 6);
	assert_true(tally_history(t, 0, 3) == 3);
	assert_true(isnan(tally_history(t, 0, 4)));
	assert_true(tally_rate(t, 0, 2) == 6);
	assert_true(tally_rate(t, 0, 4) == 5.5);
	assert_true(tally_rate(t, 0, 1) == 6);
	assert_true(tally_rate(t, 0, 60) == 4.5);
	tally_free(t);
	view_close(&v);
}

TEST(groups_without_room_are_one_and_counted)
{
	struct view v = view_open();
	struct tally *t = tally_new(&(struct tally_query){ .family = "c_total",
	    .n_by = 1,
	    .by = { "a" },
	    .max_bytes = 2500 });
	double total = 0;
	char text[16];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		count(&v, text, "x", 1);
	}
	sample(&v, t);
	assert_in_range(tally_n_groups(t), 5, 50);
	assert_true(tally_is_rest(t, tally_n_groups(t) - 1));
	assert_string_equal(tally_value(t, tally_n_groups(t) - 1, 0), "");
	for (size_t i = 0; i < tally_n_groups(t); i++)
		total += tally_total(t, i);
	assert_true(total == 100);
	assert_int_equal(tally_n_left_out(t), 101 - tally_n_groups(t));
	tally_free(t);
	view_close(&v);
}

static double
rest_growth(const struct tally *t)
{
	for (size_t i = 0; i < tally_n_groups(t); i++)
		if (tally_is_rest(t, i))
			return tally_growth(t, i);
	return -1;
}

TEST(the_rest_grows_by_what_comes_and_by_nothing_else)
{
	struct view v = view_open();
	struct tally *t = tally_new(&(struct tally_query){ .family = "c_total",
	    .n_by = 1,
	    .by = { "a" },
	    .max_bytes = 2500 });
	size_t n;
	char text[16];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		count(&v, text, "x", 1000);
	}
	sample(&v, t);
	assert_true(tally_has_rest(t));
	n = tally_n_groups(t);
	count(&v, "99", "x", 7);
	sample(&v, t);
	assert_true(rest_growth(t) == 7);
	tally_set_max_bytes(t, 0);
	count(&v, "98", "x", 2);
	count(&v, "new", "x", 3);
	sample(&v, t);
	assert_true(rest_growth(t) == 5);
	assert_int_equal(tally_n_groups(t), n);
	tally_restart(t);
	sample(&v, t);
	assert_false(tally_has_rest(t));
	assert_int_equal(tally_n_groups(t), 101);
	assert_true(isnan(tally_growth(t, 0)));
	tally_free(t);
	view_close(&v);
}

TEST(a_family_that_comes_back_otherwise_is_not_compared)
{
	struct view v = view_open();
	struct fixture other = fixture_open("",
	    "{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\",\"buckets\":[7]}");
	struct cmx_histogram h = histogram(other.reg, "h", 0, NULL);
	struct tally *t = tally_new(&(struct tally_query){ .family = "h" });
	struct cmxr_reader *was = v.reader;

	observe(&v, "x", 1, 5);
	sample(&v, t);
	for (int i = 0; i < 1000; i++)
		cmx_histogram_observe(&h, 1);
	assert_int_equal(cmxr_open(other.segment_path, &v.reader, NULL), 0);
	sample_of(&v, t, 2);
	assert_null(tally_family(t));
	sample_of(&v, t, 2);
	assert_true(tally_total(t, 0) == 1000);
	assert_true(isnan(tally_growth(t, 0)));
	sample_of(&v, t, 2);
	assert_true(tally_growth(t, 0) == 0);
	cmxr_close(v.reader);
	v.reader = was;
	tally_free(t);
	fixture_close(&other);
	view_close(&v);
}

TEST(short_samples_are_remembered_as_a_second)
{
	struct view v = view_open();
	struct tally *t = tally_new(
	    &(struct tally_query){ .family = "c_total", .n_history = 96 });

	count(&v, "1", "x", 1);
	for (int i = 0; i < 700; i++) {
		sample(&v, t);
		v.now -= 2 * SECOND - SECOND / 10;
		count(&v, "1", "x", i < 600 ? 1 : 10);
	}
	/* The last ten seconds had 99 times ten, the minute 500 times one. */
	assert_true(fabs(tally_rate(t, 0, 10) - 100) < 2);
	assert_true(fabs(tally_rate(t, 0, 60) - (990 + 500) / 60.0) < 1);
	assert_true(fabs(tally_history(t, 0, 0) - 100) < 0.01);
	tally_free(t);
	view_close(&v);
}

TEST(times_of_day_are_not_added_up)
{
	struct tally *t = tally_new(
	    &(struct tally_query){ .family = "x_start_time_seconds" });
	const char *const label[] = { "a" };
	struct cmxr_table *table;
	struct cmx_error error;
	int x;

	assert_int_equal(cmxr_table_new(1, label, &table, &error), 0);
	x = cmxr_table_add_family(table, "x_start_time_seconds", "X", CMX_GAUGE,
	    &error);
	for (int i = 0; i < 3; i++) {
		const char *const value[] = { i == 0 ? "a" :
			    i == 1                   ? "b" :
						       "c" };

		cmxr_table_set(table, cmxr_table_add_row(table, value, &error),
		    x, 1000 + i);
	}
	tally_begin(t, SECOND, 1);
	assert_true(tally_add(t, cmxr_table_snapshot(table), 0, NULL));
	tally_end(t);
	assert_true(tally_total(t, 0) == 1000);
	cmxr_table_free(table);
	tally_free(t);
}

TEST(groups_that_are_gone_are_dropped)
{
	struct tally *t = tally_new(&(struct tally_query){ .family = "x",
	    .n_by = 1,
	    .by = { "a" },
	    .n_history = 2 });
	const char *const label[] = { "a" };
	struct cmxr_table *table;
	struct cmx_error error;
	int x;

	assert_int_equal(cmxr_table_new(1, label, &table, &error), 0);
	x = cmxr_table_add_family(table, "x", "X", CMX_GAUGE, &error);
	for (int round = 0; round < 8; round++) {
		cmxr_table_clear(table);
		for (int i = 0; i < 500; i++) {
			char text[16];
			const char *const value[] = { text };

			snprintf(text, sizeof(text), "%d",
			    i == 0 ? -1 : round * 500 + i);
			cmxr_table_set(table,
			    cmxr_table_add_row(table, value, &error), x, i);
		}
		tally_begin(t, (uint64_t)(round + 1) * SECOND, 1);
		assert_true(tally_add(t, cmxr_table_snapshot(table), 0, NULL));
		tally_end(t);
	}
	assert_in_range(tally_n_groups(t), 500, 1500);
	assert_true(tally_is_there(t, group_named(t, "-1")));
	assert_true(tally_is_there(t, group_named(t, "3999")));
	assert_true(tally_history(t, group_named(t, "-1"), 1) == 0);
	cmxr_table_free(table);
	tally_free(t);
}

TEST(labels_of_the_segment_are_labels_of_the_groups)
{
	struct view v = view_open();
	struct tally *t = tally_new(&(struct tally_query){ .family = "c_total",
	    .n_by = 1,
	    .by = { "service" } });
	struct tally *all = tally_new(
	    &(struct tally_query){ .family = "c_total", .by_all = true });
	const struct cmx_label shop = { "service", "shop" };
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;

	count(&v, "1", "x", 5);
	assert_int_equal(cmxr_snapshot_take(v.reader, &snapshot, &error), 0);
	tally_begin(t, SECOND, 1);
	assert_true(tally_add(t, snapshot, 1, &shop));
	assert_true(tally_add(t, snapshot, 0, NULL));
	tally_end(t);
	assert_string_equal(tally_value(t, 0, 0), "shop");
	assert_string_equal(tally_value(t, 1, 0), "");
	tally_begin(all, SECOND, 1);
	assert_true(tally_add(all, snapshot, 1, &shop));
	tally_end(all);
	assert_int_equal(tally_n_by(all), 3);
	assert_string_equal(tally_value(all, 0, 0), "shop");
	assert_string_equal(tally_value(all, 0, 2), "x");
	tally_free(t);
	tally_free(all);
	view_close(&v);
}

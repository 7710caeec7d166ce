/*
 * Updates: exact with many threads and processes, harmless when wrong.
 */
#include "metrics.h"

#include <math.h>
#include <pthread.h>

#include "codeai/metrics_inline.h"

#define METRICS                                                       \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}," \
	"{\"name\":\"d_total\",\"type\":\"counter\",\"help\":\"h\","  \
	"\"value\":\"double\"},"                                      \
	"{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","      \
	"\"buckets\":[-1,0,0.5,1,2,3,4,5,6]}"

static void
assert_shows_number(const char *segment, const char *name, long n)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %ld", name, n);
	assert_shows(segment, line);
}

TEST(counters_add_what_they_are_given)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a = counter(f.reg, "a_total", 0, NULL);
	struct cmx_counter d = counter(f.reg, "d_total", 0, NULL);

	cmx_counter_inc(&a);
	cmx_counter_add(&a, 41);
	cmx_counter_add_double(&a, 8.0);
	cmx_counter_inc(&d);
	cmx_counter_add(&d, 2);
	cmx_counter_add_double(&d, 0.25);
	assert_shows(f.segment_path, "a_total 50");
	assert_shows(f.segment_path, "d_total 3.25");
	fixture_close(&f);
}

TEST(bad_values_change_nothing_and_are_counted)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a = counter(f.reg, "a_total", 0, NULL);
	struct cmx_counter d = counter(f.reg, "d_total", 0, NULL);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);

	cmx_counter_add_double(&a, 0.5);
	cmx_counter_add_double(&a, -1);
	cmx_counter_add_double(&a, NAN);
	cmx_counter_add_double(&a, 1e300);
	cmx_counter_add_double(&d, -0.5);
	cmx_counter_add_double(&d, NAN);
	cmx_counter_add_double(&d, HUGE_VAL);
	cmx_histogram_observe(&h, NAN);
	cmx_histogram_observe(&h, HUGE_VAL);
	cmx_histogram_observe(&h, -HUGE_VAL);
	assert_shows(f.segment_path, "a_total 0");
	assert_shows(f.segment_path, "d_total 0");
	assert_shows(f.segment_path, "h_count 0");
	assert_shows(f.segment_path, "h_sum 0");
	assert_int_equal(info(f.segment_path).invalid_updates, 10);
	fixture_close(&f);
}

TEST(sinks_and_null_registries_do_nothing)
{
	const struct cmx_counter c = { .cell = NULL };
	const struct cmx_gauge g = { .registry = NULL };
	const struct cmx_histogram h = { .cell = NULL };

	cmx_counter_inc(&c);
	cmx_counter_add(&c, 2);
	cmx_counter_add_double(&c, -2);
	cmx_gauge_set(&g, 1);
	cmx_gauge_add(&g, 1);
	cmx_gauge_sub(&g, 1);
	cmx_gauge_inc(&g);
	cmx_gauge_dec(&g);
	cmx_histogram_observe(&h, 1);
	cmx_record_http_request(NULL, "GET", "/", 200, 1, 1, 1);
	cmx_record_event(NULL, "e");
	cmx_close(NULL);
}

/* Every observation lies in the bucket of the first bound not below it. */
TEST(observations_fall_into_the_bucket_of_their_bound)
{
	static const double bounds[] = { -1, 0, 0.5, 1, 2, 3, 4, 5, 6 };
	static const double values[] = { -5, -1, -0.5, -0.0, 0, 1e-300, 0.5,
		0.51, 1, 1.5, 3, 5.99, 6, 6.01, 1e300 };
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	char line[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		cmx_histogram_observe(&h, values[i]);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		int n = 0;

		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
			n += values[j] <= bounds[i];
		snprintf(line, sizeof(line), "h_bucket{le=\"%g\"} %d",
		    bounds[i], n);
		assert_shows(f.segment_path, line);
	}
	assert_shows(f.segment_path, "h_bucket{le=\"+Inf\"} 15");
	assert_shows(f.segment_path, "h_count 15");
	fixture_close(&f);
}

TEST(histograms_of_each_width_count_in_the_right_bucket)
{
	struct fixture f = fixture_open("", METRICS);
	double bounds[40];

	for (size_t i = 0; i < 40; i++)
		bounds[i] = (double)i;
	for (size_t n = 1; n <= 40; n++) {
		char name[16], line[64];
		struct cmx_family_def def = { .name = name,
			.help = "h",
			.type = CMX_HISTOGRAM,
			.n_bounds = n,
			.bounds = bounds };
		struct cmx_histogram h;

		snprintf(name, sizeof(name), "w%zu", n);
		assert_int_equal(cmx_register(f.reg, &def,
				     &(struct cmx_family){ 0 }, NULL),
		    0);
		h = histogram(f.reg, name, 0, NULL);
		for (size_t i = 0; i <= n; i++)
			cmx_histogram_observe(&h, (double)i - 0.5);
		for (size_t i = 0; i < n; i++) {
			snprintf(line, sizeof(line),
			    "w%zu_bucket{le=\"%zu\"} "
			    "%zu",
			    n, i, i + 1);
			assert_shows(f.segment_path, line);
		}
	}
	fixture_close(&f);
}

#define THREADS    4
#define ITERATIONS (test_rounds(200000) / 8 * 8)

struct work {
	struct cmx_counter a, d;
	struct cmx_histogram h;
};

static void *
hammer(void *arg)
{
	const struct work *w = arg;

	int n = ITERATIONS;

	for (int i = 0; i < n; i++) {
		cmx_counter_inc(&w->a);
		cmx_counter_add_double(&w->d, 0.5);
		cmx_histogram_observe(&w->h, i % 8);
	}
	return NULL;
}

static int
hammer_in_threads(void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, hammer, arg) != 0)
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

TEST(threads_of_forked_processes_lose_nothing)
{
	struct fixture f = fixture_open("", METRICS);
	struct work w = { counter(f.reg, "a_total", 0, NULL),
		counter(f.reg, "d_total", 0, NULL),
		histogram(f.reg, "h", 0, NULL) };
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = test_fork(hammer_in_threads, &w);
	for (int i = 0; i < 4; i++)
		test_wait_ok(pids[i]);
	assert_shows_number(f.segment_path, "a_total", 16 * ITERATIONS);
	assert_shows_number(f.segment_path, "d_total", 8 * ITERATIONS);
	assert_shows_number(f.segment_path, "h_count", 16 * ITERATIONS);
	assert_shows_number(f.segment_path, "h_sum", 56 * ITERATIONS);
	fixture_close(&f);
}

/*
 * While writers run: +Inf is _count, buckets are cumulative, the sum is that
 * of the counted observations (all are 2), and nothing ever decreases.
 */
TEST(snapshots_are_consistent_and_monotone_while_writers_run)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmx_counter a = counter(f.reg, "a_total", 0, NULL);
	struct cmxr_reader *reader;
	uint64_t last = 0, last_count = 0;
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = test_spawn();
		if (pids[i] == 0)
			for (;;) {
				cmx_histogram_observe(&h, 2);
				cmx_counter_inc(&a);
			}
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	for (int i = 0; i < test_rounds(20000); i++) {
		const struct cmxr_snapshot *s;
		struct cmxr_series series;
		size_t cursor = 0;

		assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
		assert_true(cmxr_series_next(s, 2, &cursor, &series));
		assert_double(series.sum, 2.0 * (double)series.count);
		assert_true(series.count >= last_count);
		last_count = series.count;
		cursor = 0;
		assert_true(cmxr_series_next(s, 0, &cursor, &series));
		assert_true(series.whole >= last);
		last = series.whole;
	}
	for (int i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	cmxr_close(reader);
	fixture_close(&f);
}

/* A thread that was there before the segment. */
static struct work late;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *
wait_and_update(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return hammer(&late);
}

TEST(a_thread_that_is_older_than_the_segment_updates_it)
{
	struct fixture f;
	pthread_t thread;

	pthread_mutex_lock(&gate);
	assert_int_equal(pthread_create(&thread, NULL, wait_and_update, NULL),
	    0);
	f = fixture_open("", METRICS);
	late = (struct work){ counter(f.reg, "a_total", 0, NULL),
		counter(f.reg, "d_total", 0, NULL),
		histogram(f.reg, "h", 0, NULL) };
	pthread_mutex_unlock(&gate);
	pthread_join(thread, NULL);
	assert_shows_number(f.segment_path, "a_total", ITERATIONS);
	assert_shows_number(f.segment_path, "h_count", ITERATIONS);
	fixture_close(&f);
}

/* A program of another time: its handles are not filled, and say so. */
TEST(another_layout_of_handles_is_refused)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_family of = family(f.reg, "a_total");
	struct cmx_counter c;
	struct cmx_error err;

	assert_int_equal(cmx_counter_find_layout(CMX_HANDLE_LAYOUT + 1, &of, 0,
			     NULL, &c, &err),
	    CMX_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "compile it again"));
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "a_total 0");
	fixture_close(&f);
}

static struct work *signal_work;
static volatile sig_atomic_t n_signals;

static void
on_alarm(int number)
{
	(void)number;
	cmx_counter_inc(&signal_work->a);
	cmx_histogram_observe(&signal_work->h, 1);
	n_signals++;
}

TEST(handlers_may_update_what_they_interrupt)
{
	struct fixture f = fixture_open("", METRICS);
	struct work w = { .a = counter(f.reg, "a_total", 0, NULL),
		.h = histogram(f.reg, "h", 0, NULL) };
	struct sigaction action = { .sa_handler = on_alarm };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1 };
	struct itimerspec often = { { 0, 50000 }, { 0, 50000 } };
	char line[64];
	timer_t timer;
	int n = 0;

	signal_work = &w;
	n_signals = 0;
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	timer_settime(timer, 0, &often, NULL);
	for (; n_signals < test_rounds(2000); n++) {
		cmx_counter_inc(&w.a);
		cmx_histogram_observe(&w.h, 1);
	}
	timer_delete(timer);
	signal(SIGUSR1, SIG_IGN);
	snprintf(line, sizeof(line), "a_total %d", n + (int)n_signals);
	assert_shows(f.segment_path, line);
	snprintf(line, sizeof(line), "h_count %d", n + (int)n_signals);
	assert_shows(f.segment_path, line);
	fixture_close(&f);
}

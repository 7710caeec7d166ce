/*
 * ours.c: one row of the benchmark, measured with this library.
 *
 *	ours ROW SEGMENT
 *
 * Prints nanoseconds for each operation.  Compiled twice: with updates inlined
 * and, with CMX_NO_INLINE, as calls of the shared library.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_reader.h>

#include "clock.h"

#define SERIES 100000

static struct cmx_registry *reg;
static const char *segment;

static struct cmx_family
family(const char *name)
{
	struct cmx_family found;
	struct cmx_error error;

	if (cmx_family_find(reg, name, &found, &error) != 0)
		errx(1, "%s", error.text);
	return found;
}

static struct cmx_counter counter;
static struct cmx_histogram histogram;

static void
inc(long n)
{
	for (long i = 0; i < n; i++)
		cmx_counter_inc(&counter);
}

/* Values over all buckets, as durations are. */
static void
observe(long n)
{
	for (long i = 0; i < n; i++)
		cmx_histogram_observe(&histogram, (double)(i & 63) * 0.2);
}

static void
look_up(long n)
{
	struct cmx_family requests = family("codeai_http_requests_total");
	char paths[64][32];

	for (int i = 0; i < 64; i++)
		snprintf(paths[i], sizeof(paths[i]), "/route/%d/{id}", i);
	for (long i = 0; i < n; i++) {
		const char *const values[] = { "GET", paths[i & 63], "200" };
		struct cmx_counter found;

		cmx_counter_find(&requests, 3, values, &found, NULL);
		cmx_counter_inc(&found);
	}
}

static void
http(long n)
{
	for (long i = 0; i < n; i++)
		cmx_record_http_request(reg, "GET", "/users/{id}", 200,
		    (double)(i & 63) * 0.2, 150, 5000);
}

/* ns for each of n operations, while others run the same if there are two. */
static double
measure(void (*body)(long), long n, int n_processes)
{
	int *go = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t other = 0;
	double begun, end;

	body(n / 10);
	if (n_processes == 2 && (other = fork()) == 0) {
		__atomic_store_n(go, 1, __ATOMIC_SEQ_CST);
		for (;;)
			body(n);
	}
	while (n_processes == 2 && !__atomic_load_n(go, __ATOMIC_SEQ_CST))
		;
	begun = now_ns();
	body(n);
	end = now_ns();
	if (other != 0) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	return (end - begun) / (double)n;
}

static void
make_series(int n)
{
	struct cmx_family requests = family("codeai_http_requests_total");

	for (int i = 0; i < n; i++) {
		char path[32];
		const char *const values[] = { "GET", path, "200" };
		struct cmx_counter c;

		snprintf(path, sizeof(path), "/path/%d", i);
		if (cmx_counter_find(&requests, 3, values, &c, NULL) != 0)
			errx(1, "series %d is in the overflow", i);
		cmx_counter_add(&c, (uint64_t)i * 1001);
	}
}

/* One scrape: snapshot and text, into memory that is kept. */
static double
scrape(struct cmxr_reader *reader, struct cmxr_buffer *body)
{
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;
	double begun = now_ns();

	if (cmxr_snapshot_take(reader, &snapshot, &error) != 0 ||
	    cmxr_encode(&(struct cmxr_input){ .snapshot = snapshot }, 1,
		CMXR_TEXT, NULL, body, &error) != 0)
		errx(1, "%s", error.text);
	return now_ns() - begun;
}

static double
scrape_first_or_steady(bool is_first)
{
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmxr_reader *reader;
	struct cmx_error error;
	double best, ns;

	make_series(SERIES);
	if (cmxr_open(segment, &reader, &error) != 0)
		errx(1, "%s", error.text);
	best = scrape(reader, &body);
	for (int i = 0; !is_first && i < 20; i++) {
		ns = scrape(reader, &body);
		best = ns < best ? ns : best;
	}
	cmxr_close(reader);
	cmxr_buffer_free(&body);
	return best / SERIES;
}

/* A reader that scrapes 100 times a second; its pid. */
static pid_t
start_scraper(void)
{
	struct cmxr_buffer body = { NULL, 0, 0 };
	const struct timespec pause = { 0, 10000000 };
	struct cmxr_reader *reader;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (cmxr_open(segment, &reader, NULL) != 0)
		_exit(1);
	for (;;) {
		scrape(reader, &body);
		nanosleep(&pause, NULL);
	}
}

static double
measure_scraped(void (*body)(long), long n)
{
	pid_t scraper;
	double ns;

	make_series(1000);
	scraper = start_scraper();
	ns = measure(body, n, 1);
	kill(scraper, SIGKILL);
	waitpid(scraper, NULL, 0);
	return ns;
}

static double
run(const char *row)
{
	if (strcmp(row, "inc") == 0)
		return measure(inc, 60000000, 1);
	if (strcmp(row, "inc2") == 0)
		return measure(inc, 60000000, 2);
	if (strcmp(row, "inc-scraped") == 0)
		return measure_scraped(inc, 60000000);
	if (strcmp(row, "lookup") == 0)
		return measure(look_up, 4000000, 1);
	if (strcmp(row, "observe") == 0)
		return measure(observe, 20000000, 1);
	if (strcmp(row, "observe2") == 0)
		return measure(observe, 20000000, 2);
	if (strcmp(row, "observe-scraped") == 0)
		return measure_scraped(observe, 20000000);
	if (strcmp(row, "http") == 0)
		return measure(http, 2000000, 1);
	if (strcmp(row, "scrape") == 0)
		return scrape_first_or_steady(false);
	if (strcmp(row, "scrape-first") == 0)
		return scrape_first_or_steady(true);
	errx(2, "%s: is not a row", row);
}

int
main(int argc, char *argv[])
{
	struct cmx_family events, durations;
	const char *const labels[] = { "GET", "/" };
	struct cmx_error error;

	if (argc != 3)
		errx(2, "usage: ours ROW SEGMENT");
	segment = argv[2];
	if (cmx_open(segment, getenv("BENCH_SCHEMA"), 0, &reg, &error) != 0)
		errx(1, "%s", error.text);
	events = family("codeai_events_emitted_total");
	durations = family("codeai_http_request_duration_seconds");
	cmx_counter_find(&events, 1, labels, &counter, NULL);
	cmx_histogram_find(&durations, 2, labels, &histogram, NULL);
	printf("%.3f\n", run(argv[1]));
	cmx_close(reg);
	return 0;
}

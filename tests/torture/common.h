/*
 * common.h: what the torture programs share: a segment on tmpfs, its totals,
 * and ends with a message.
 */
#ifndef TORTURE_COMMON_H
#define TORTURE_COMMON_H

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "codeai/metrics.h"
#include "codeai/metrics_reader.h"

#define METRICS                                                           \
	"{\"name\":\"whole_total\",\"type\":\"counter\",\"help\":\"h\"}," \
	"{\"name\":\"double_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"value\":\"double\"},"                                          \
	"{\"name\":\"pairs\",\"type\":\"histogram\",\"help\":\"h\","      \
	"\"buckets\":[1,2,3,4,5,6,7,8,9,10,11]},"                         \
	"{\"name\":\"in_flight\",\"type\":\"gauge\",\"help\":\"h\"},"     \
	"{\"name\":\"events_total\",\"type\":\"counter\","                \
	"\"help\":\"h\",\"labels\":[\"x\"]}"

#define SCHEMA "{\"version\":1,\"metrics\":[" METRICS "]}"

struct segment {
	char dir[64], path[96], schema[96];
};

/* What a writer updates, each by the same number. */
struct handles {
	struct cmx_registry *reg;
	struct cmx_counter whole, doubles;
	struct cmx_histogram pairs;
	struct cmx_gauge in_flight;
	struct cmx_family events;
};

struct totals {
	unsigned long long whole, count;
	double doubles, sum;
};

/* A child that does not outlive this program, however that ends. */
static inline pid_t
spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static inline double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline void
open_families(struct handles *h)
{
	struct cmx_family family;
	struct cmx_error error = { .text = "" };

	cmx_family_find(h->reg, "whole_total", &family, &error);
	cmx_counter_find(&family, 0, NULL, &h->whole, &error);
	cmx_family_find(h->reg, "double_total", &family, &error);
	cmx_counter_find(&family, 0, NULL, &h->doubles, &error);
	cmx_family_find(h->reg, "pairs", &family, &error);
	cmx_histogram_find(&family, 0, NULL, &h->pairs, &error);
	cmx_family_find(h->reg, "in_flight", &family, &error);
	cmx_gauge_find(&family, 0, NULL, &h->in_flight, &error);
	cmx_family_find(h->reg, "events_total", &h->events, &error);
}

static inline void
open_handles(const struct segment *s, struct handles *h)
{
	struct cmx_error error;

	if (cmx_open(s->path, s->schema, 0, &h->reg, &error) != 0)
		errx(1, "%s", error.text);
	open_families(h);
}

static inline struct segment
make_segment(struct handles *h)
{
	struct segment s;
	FILE *f;

	strcpy(s.dir, "/dev/shm/codeai-test-XXXXXX");
	if (mkdtemp(s.dir) == NULL)
		err(1, "%s", s.dir);
	snprintf(s.path, sizeof(s.path), "%s/a.seg", s.dir);
	snprintf(s.schema, sizeof(s.schema), "%s/schema.json", s.dir);
	f = fopen(s.schema, "w");
	if (f == NULL || fputs(SCHEMA, f) < 0 || fclose(f) != 0)
		err(1, "%s", s.schema);
	open_handles(&s, h);
	return s;
}

static inline void
remove_segment(const struct segment *s)
{
	unlink(s->path);
	unlink(s->schema);
	rmdir(s->dir);
}

/* One of each, of the value 2. */
static inline void
update(const struct handles *h)
{
	cmx_counter_inc(&h->whole);
	cmx_counter_add_double(&h->doubles, 2);
	cmx_histogram_observe(&h->pairs, 2);
}

/* The gauge, of all live processes. */
static inline double
read_in_flight(const struct cmxr_snapshot *s)
{
	struct cmxr_series series;
	size_t cursor = 0;

	cmxr_series_next(s, 3, &cursor, &series);
	return series.value;
}

/* The totals of a snapshot; ends the program where a pair is torn. */
static inline struct totals
read_totals(struct cmxr_reader *reader)
{
	const struct cmxr_snapshot *s;
	struct cmxr_series series;
	struct cmx_error error;
	struct totals t;
	size_t cursor;

	if (cmxr_snapshot_take(reader, &s, &error) != 0)
		errx(1, "%s", error.text);
	cursor = 0;
	cmxr_series_next(s, 0, &cursor, &series);
	t.whole = series.whole;
	cursor = 0;
	cmxr_series_next(s, 1, &cursor, &series);
	t.doubles = series.value;
	cursor = 0;
	cmxr_series_next(s, 2, &cursor, &series);
	t.count = series.count;
	t.sum = series.sum;
	if (t.sum != 2 * (double)t.count)
		errx(1, "torn: count %llu, sum %.0f", t.count, t.sum);
	return t;
}

static inline struct totals
final_totals(const struct segment *s, struct cmxr_info *info)
{
	struct cmxr_reader *reader;
	struct cmx_error error;
	struct totals t;

	if (cmxr_open(s->path, &reader, &error) != 0)
		errx(1, "%s", error.text);
	t = read_totals(reader);
	cmxr_info_get(reader, info, &error);
	cmxr_close(reader);
	return t;
}

static inline uint64_t
random_of(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline void *
shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

#endif

/*
 * deployments.c: four schemas, applied over and over while workers count, die
 * and come back.
 *
 *	deployments SECONDS [DIRECTORY [PAUSE]]
 *
 * The segment is a.seg in the directory, which stays, or in one of its own.
 * After each life, and each look, there is a pause of so many milliseconds.
 * Twelve workers open, count and are killed; two appliers are killed at
 * random; two readers stay, two come and go.  At each instant a total is at
 * least what had been counted before the look, at most what was begun after
 * it, and never less than at an earlier look; at the end it is exact.
 */
#include "common.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define N_SCHEMAS  4
#define N_WORKERS  12
#define N_APPLIERS 2
#define N_READERS  4

/* What all processes see. */
static struct shared {
	atomic_ulong begun, done; /* increments */
	atomic_ulong looks, failed_looks, applies, lives, killed;
	atomic_bool stops, is_wrong;
} * shared;

static unsigned int pause_us;
static char dir[256] = "/dev/shm/codeai-test-XXXXXX";
static char segment[300], schemas[N_SCHEMAS][300];

static void
write_schemas(void)
{
	snprintf(segment, sizeof(segment), "%s/a.seg", dir);
	for (int i = 0; i < N_SCHEMAS; i++) {
		FILE *f;

		snprintf(schemas[i], sizeof(schemas[i]), "%s/%d.json", dir, i);
		f = fopen(schemas[i], "w");
		if (f == NULL)
			err(1, "%s", schemas[i]);
		fprintf(f,
		    "{\"version\":1,\"limits\":{\"series\":%d},\"metrics\":["
		    "{\"name\":\"t_total\",\"type\":\"counter\",\"help\":\"h\","
		    "\"labels\":[\"x\"]}%s]}",
		    1000 + i / 2,
		    i % 2 == 0 ?
			"" :
			",{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"}");
		fclose(f);
	}
}

/* Count for a while; a kill may come between begun and done. */
static void
work(unsigned int *random)
{
	struct cmx_registry *reg;
	struct cmx_family family;
	struct cmx_counter c;
	char value[8];
	const char *values = value;

	if (cmx_open(segment, schemas[0], CMX_ATTACH_ONLY, &reg, NULL) < 0)
		_exit(0);
	if (cmx_family_find(reg, "t_total", &family, NULL) != 0)
		_exit(1);
	for (int n = rand_r(random) % 3000; n > 0; n--) {
		snprintf(value, sizeof(value), "%d", rand_r(random) % 40);
		if (cmx_counter_find(&family, 1, &values, &c, NULL) != 0)
			_exit(1);
		atomic_fetch_add(&shared->begun, 1);
		cmx_counter_inc(&c);
		atomic_fetch_add(&shared->done, 1);
	}
	_exit(0);
}

static void
apply(unsigned int *random)
{
	cmx_apply(segment, schemas[rand_r(random) % N_SCHEMAS], NULL, NULL);
	atomic_fetch_add(&shared->applies, 1);
	_exit(0);
}

/* Live again and again; every second life is ended from outside. */
static void
live(void (*body)(unsigned int *), unsigned int random, int us)
{
	while (!shared->stops) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			random += (unsigned int)getpid();
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			body(&random);
		}
		atomic_fetch_add(&shared->lives, 1);
		if (rand_r(&random) % 2 == 0) {
			usleep((useconds_t)(rand_r(&random) % us));
			if (kill(pid, SIGKILL) == 0)
				atomic_fetch_add(&shared->killed, 1);
		}
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			shared->is_wrong = true;
		usleep(pause_us);
	}
	_exit(0);
}

static unsigned long
total_of(const struct cmxr_snapshot *s)
{
	struct cmxr_series series;
	unsigned long total = 0;
	size_t cursor = 0;

	while (cmxr_series_next(s, 0, &cursor, &series))
		total += series.whole;
	return total;
}

static void
look(bool stays)
{
	struct cmxr_reader *reader = NULL;
	unsigned long last = 0;

	while (!shared->stops) {
		unsigned long done = shared->done, total;
		const struct cmxr_snapshot *s;
		struct cmx_error error;

		if ((reader == NULL &&
			cmxr_open(segment, &reader, &error) != 0) ||
		    cmxr_snapshot_take(reader, &s, &error) != 0) {
			printf("# %s\n", error.text);
			atomic_fetch_add(&shared->failed_looks, 1);
			continue;
		}
		total = total_of(s);
		if (total < done || total > shared->begun || total < last) {
			printf("not ok: %lu, was %lu, counted %lu, begun %lu\n",
			    total, last, done, shared->begun);
			shared->is_wrong = true;
		}
		last = total;
		atomic_fetch_add(&shared->looks, 1);
		if (!stays) {
			cmxr_close(reader);
			reader = NULL;
		}
		usleep(pause_us);
	}
	fflush(stdout);
	_exit(0);
}

static void
start(int i)
{
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i < N_WORKERS)
		live(work, (unsigned int)i, 4000);
	else if (i < N_WORKERS + N_APPLIERS)
		live(apply, (unsigned int)i, 6000);
	else
		look(i % 2 == 0);
}

/* Nobody lives any more: everything is carried, and exact. */
static bool
is_exact(void)
{
	const struct cmxr_snapshot *s;
	struct cmx_apply_result result;
	struct cmxr_reader *reader;
	struct cmx_error error;
	unsigned long total;

	if (cmx_apply(segment, schemas[0], &result, &error) != 0 ||
	    cmxr_open(segment, &reader, &error) != 0 ||
	    cmxr_snapshot_take(reader, &s, &error) != 0)
		errx(1, "%s", error.text);
	total = total_of(s);
	printf(
	    "%lu counted, from %lu to %lu; %lu lives, %lu killed; %lu looks, %lu failed; %lu applies; %u wait\n",
	    total, shared->done, shared->begun, shared->lives, shared->killed,
	    shared->looks, shared->failed_looks, shared->applies,
	    result.n_waiting);
	cmxr_close(reader);
	return total >= shared->done && total <= shared->begun &&
	    result.n_waiting == 0 && shared->failed_looks == 0;
}

int
main(int argc, char *argv[])
{
	char command[300];
	bool ok;

	if (argc < 2 || argc > 4)
		errx(2, "usage: deployments SECONDS [DIRECTORY [PAUSE]]");
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc == 4)
		pause_us = 1000 * (unsigned int)atoi(argv[3]);
	if (argc > 2)
		snprintf(dir, sizeof(dir), "%s", argv[2]);
	if (shared == MAP_FAILED || (argc == 2 && mkdtemp(dir) == NULL))
		err(1, "no memory");
	write_schemas();
	if (cmx_create(segment, schemas[0], NULL, NULL) != 0)
		errx(1, "no segment");
	for (int i = 0; i < N_WORKERS + N_APPLIERS + N_READERS; i++)
		start(i);
	sleep((unsigned int)atoi(argv[1]));
	shared->stops = true;
	while (wait(NULL) > 0)
		;
	ok = is_exact() && !shared->is_wrong;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (argc == 2 && system(command) != 0)
		ok = false;
	return !ok;
}

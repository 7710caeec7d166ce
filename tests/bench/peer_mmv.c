/*
 * peer_mmv.c: the rows that PCP's memory-mapped values have.
 *
 *	peer_mmv ROW
 *
 * Its increment is not atomic, and a file has one writing process.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <pcp/pmapi.h>
#include <pcp/mmv_stats.h>

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int
main(int argc, char *argv[])
{
	static mmv_instances_t instances[] = { { 0, "GET /users/{id} 200" } };
	static mmv_indom_t indoms[] = { { .serial = 1, .count = 1,
	    .instances = instances, .shorttext = "s", .helptext = "h" } };
	static mmv_metric_t metrics[] = { { .name = "requests", .item = 1,
	    .type = MMV_TYPE_U64, .semantics = MMV_SEM_COUNTER,
	    .dimension = MMV_UNITS(0, 0, 1, 0, 0, PM_COUNT_ONE), .indom = 1,
	    .shorttext = "s", .helptext = "h" } };
	const long n = 20000000;
	pmAtomValue *value;
	double begun;
	void *handle;

	if (argc != 2)
		errx(2, "usage: peer_mmv ROW");
	handle = mmv_stats_init("bench", 1, MMV_FLAG_PROCESS, metrics, 1,
	    indoms, 1);
	if (handle == NULL)
		err(1, "mmv_stats_init");
	value = mmv_lookup_value_desc(handle, "requests",
	    "GET /users/{id} 200");
	begun = now_ns();
	if (strcmp(argv[1], "inc") == 0)
		for (long i = 0; i < n; i++)
			mmv_inc_value(handle, value, 1);
	else if (strcmp(argv[1], "lookup") == 0)
		for (long i = 0; i < n; i++)
			mmv_stats_inc(handle, "requests",
			    "GET /users/{id} 200");
	else
		errx(2, "%s: is not a row", argv[1]);
	printf("%.3f\n", (now_ns() - begun) / (double)n);
	mmv_stats_stop("bench", handle);
	return 0;
}

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

#include <pcp/pmapi.h>

#include <pcp/mmv_stats.h>

#include "clock.h"

#define METRICS 21
#define SERIES  64

int
main(int argc, char *argv[])
{
	static mmv_instances_t instances[SERIES];
	static mmv_indom_t indoms[] = { { .serial = 1,
	    .count = SERIES,
	    .instances = instances,
	    .shorttext = "s",
	    .helptext = "h" } };
	static mmv_metric_t metrics[METRICS];
	const long n = 10000000;
	pmAtomValue *value;
	double begun;
	void *handle;

	if (argc != 2)
		errx(2, "usage: peer_mmv ROW");
	/* As many metrics as the CodeAI schema has, one of them with series. */
	for (int i = 0; i < METRICS; i++) {
		snprintf(metrics[i].name, sizeof(metrics[i].name),
		    "metric_%d_total", i);
		metrics[i].item = (__uint32_t)i + 1;
		metrics[i].type = MMV_TYPE_U64;
		metrics[i].semantics = MMV_SEM_COUNTER;
		metrics[i].indom = 1;
	}
	for (int i = 0; i < SERIES; i++) {
		instances[i].internal = i;
		snprintf(instances[i].external, sizeof(instances[i].external),
		    "GET /route/%d/{id} 200", i);
	}
	handle = mmv_stats_init("bench", 1, MMV_FLAG_PROCESS, metrics, METRICS,
	    indoms, 1);
	if (handle == NULL)
		err(1, "mmv_stats_init");
	value = mmv_lookup_value_desc(handle, metrics[0].name,
	    instances[0].external);
	begun = now_ns();
	if (strcmp(argv[1], "inc") == 0)
		for (long i = 0; i < n; i++)
			mmv_inc_value(handle, value, 1);
	else if (strcmp(argv[1], "lookup") == 0)
		for (long i = 0; i < n; i++)
			mmv_stats_inc(handle, metrics[0].name,
			    instances[i % SERIES].external);
	else
		errx(2, "%s: is not a row", argv[1]);
	printf("%.3f\n", (now_ns() - begun) / (double)n);
	mmv_stats_stop("bench", handle);
	return 0;
}

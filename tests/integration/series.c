/*
 * series.c: a process with many series, some of which move, until it is killed.
 *
 *	series SEGMENT SCHEMA N
 *
 * Of N series half are of codeai_http_requests_total, half of
 * codeai_http_request_duration_seconds, with a path for each.  Each tenth of a
 * second 1,000 updates go over them, each tenth one to the first.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <codeai/metrics.h>

#define STEP_US 100000
#define UPDATES 1000

struct route {
	struct cmx_counter requests;
	struct cmx_histogram seconds;
};

static struct route *
make_routes(struct cmx_registry *reg, size_t n)
{
	struct route *routes = calloc(n, sizeof(*routes));
	struct cmx_family requests, seconds;

	if (routes == NULL)
		err(1, NULL);
	cmx_family_find(reg, "codeai_http_requests_total", &requests, NULL);
	cmx_family_find(reg, "codeai_http_request_duration_seconds", &seconds,
	    NULL);
	for (size_t i = 0; i < n; i++) {
		char path[32];
		const char *const of_requests[] = { "GET", path, "200" };

		snprintf(path, sizeof(path), "/route/%zu", i);
		cmx_counter_find(&requests, 3, of_requests, &routes[i].requests,
		    NULL);
		cmx_histogram_find(&seconds, 2, of_requests, &routes[i].seconds,
		    NULL);
	}
	return routes;
}

int
main(int argc, char *argv[])
{
	struct cmx_registry *reg;
	struct cmx_error error;
	struct route *routes;
	size_t n;

	if (argc != 4)
		errx(2, "usage: series SEGMENT SCHEMA N");
	n = strtoul(argv[3], NULL, 10) / 2;
	if (cmx_open(argv[1], argv[2], 0, &reg, &error) < 0)
		errx(1, "%s", error.text);
	routes = make_routes(reg, n);
	cmx_set_role(reg, "series");
	puts("ready");
	fflush(stdout);
	for (size_t round = 0;; round++) {
		for (size_t i = 0; i < UPDATES; i++) {
			size_t at = i % 10 == 0 ? 0 : (i + round * UPDATES) % n;

			cmx_counter_inc(&routes[at].requests);
			cmx_histogram_observe(&routes[at].seconds,
			    0.001 * (double)(at % 500));
		}
		usleep(STEP_US);
	}
}

/*
 * scrape.c: what a scrape costs, by format and number of counter series.
 *
 *	scrape SEGMENT SCHEMA SERIES FORMAT
 *
 * Prints nanoseconds for a series of a steady scrape (the fastest of several,
 * snapshot and encoding), the body's bytes, the reader's memory in bytes for
 * a series, and what gzip makes of the body: milliseconds, bytes.
 */
#include <err.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <codeai/metrics.h>
#include <codeai/metrics_reader.h>

#include "clock.h"

static const struct {
	const char *name;
	enum cmxr_format format;
} formats[] = { { "text", CMXR_TEXT }, { "openmetrics", CMXR_OPENMETRICS },
	{ "protobuf", CMXR_PROTOBUF } };

/* Anonymous memory of this process: the segment is not counted. */
static long
own_memory(void)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = atol(line + 8);
	if (f != NULL)
		fclose(f);
	return kb * 1024;
}

/* In a child, so that this process's memory is the reader's alone. */
static void
make_series(const char *segment, const char *schema, int n)
{
	struct cmx_registry *reg;
	struct cmx_family requests;
	struct cmx_error error;
	int status;
	pid_t pid = fork();

	if (pid != 0) {
		waitpid(pid, &status, 0);
		if (status != 0)
			exit(1);
		return;
	}
	if (cmx_open(segment, schema, 0, &reg, &error) != 0)
		errx(1, "%s", error.text);
	cmx_family_find(reg, "codeai_http_requests_total", &requests, NULL);
	for (int i = 0; i < n; i++) {
		char path[32];
		const char *values[] = { "GET", path, "200" };
		struct cmx_counter c;

		snprintf(path, sizeof(path), "/path/%d", i);
		if (cmx_counter_find(&requests, 3, values, &c, NULL) != 0)
			errx(1, "series %d is in the overflow", i);
		cmx_counter_add(&c, (uint64_t)i * 1001);
	}
	_exit(0);
}

static double
scrape(struct cmxr_reader *reader, enum cmxr_format format,
    struct cmxr_buffer *body)
{
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;
	double begun = now_ns();

	if (cmxr_snapshot_take(reader, &snapshot, &error) != 0 ||
	    cmxr_encode(&(struct cmxr_input){ .snapshot = snapshot }, 1, format,
		NULL, body, &error) != 0)
		errx(1, "%s", error.text);
	return now_ns() - begun;
}

static void
compress(const struct cmxr_buffer *body, double *ms, size_t *size)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	size_t room = libdeflate_gzip_compress_bound(c, body->size);
	char *out = malloc(room);
	double begun;

	memset(out, 0, room);
	begun = now_ns();
	*size = libdeflate_gzip_compress(c, body->data, body->size, out, room);
	*ms = (now_ns() - begun) / 1e6;
	free(out);
	libdeflate_free_compressor(c);
}

int
main(int argc, char *argv[])
{
	struct cmxr_buffer body = { NULL, 0, 0 };
	enum cmxr_format format = CMXR_TEXT;
	struct cmxr_reader *reader;
	struct cmx_error error;
	double best, ms;
	long memory;
	size_t size;
	int n;

	if (argc != 5)
		errx(2, "usage: scrape SEGMENT SCHEMA SERIES FORMAT");
	n = atoi(argv[3]);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(argv[4], formats[i].name) == 0)
			format = formats[i].format;
	make_series(argv[1], argv[2], n);
	memory = own_memory();
	if (cmxr_open(argv[1], &reader, &error) != 0)
		errx(1, "%s", error.text);
	cmxr_show_processes(reader, false);
	best = scrape(reader, format, &body);
	for (int i = 0; i < (n > 100000 ? 5 : 20); i++) {
		double ns = scrape(reader, format, &body);

		best = ns < best ? ns : best;
	}
	memory = own_memory() - memory;
	compress(&body, &ms, &size);
	printf("%.1f %zu %.0f %.2f %zu\n", best / n, body.size,
	    (double)memory / n, ms, size);
	cmxr_close(reader);
	cmxr_buffer_free(&body);
	return 0;
}

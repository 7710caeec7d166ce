/*
 * endpoint.c: path -> answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define TEXT "text/plain; charset=utf-8"
#define HTML "text/html; charset=utf-8"

static struct answer
answer_metrics(const struct endpoints *e, const struct want *want)
{
	struct answer a = { .content_type = cmxr_content_type(want->format) };

	if (want->has_too_many_names)
		return (struct answer){ 400, TEXT,
			"More than 256 name[] are not allowed; leave them out to get all families.\n",
			NULL };
	a.request = collect(e->collector, want, &a.status);
	if (a.request == NULL) {
		a.content_type = TEXT;
		a.text = a.status == 503 ?
		    "Too many scrapes at once, try again later.\n" :
		    "The metrics could not be encoded; see the log.\n";
	}
	return a;
}

static struct answer
answer_landing_page(const struct endpoints *e)
{
	return (struct answer){ 200, HTML, e->landing_page, NULL };
}

static struct answer
answer_healthy(const struct endpoints *e)
{
	(void)e;
	return (
	    struct answer){ 200, TEXT, "codeai-metricsd is healthy.\n", NULL };
}

static struct answer
answer_ready(const struct endpoints *e)
{
	(void)e;
	return (
	    struct answer){ 200, TEXT, "codeai-metricsd is ready.\n", NULL };
}

/* The telemetry path is compared first, because it may be "/". */
static const struct {
	const char *path;
	struct answer (*answer)(const struct endpoints *);
} fixed_endpoints[] = {
	{ "/", answer_landing_page },
	{ "/-/healthy", answer_healthy },
	{ "/-/ready", answer_ready },
};

struct answer
endpoint_answer(const struct endpoints *e, const char *method, const char *path,
    const struct want *want)
{
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return (struct answer){ 405, TEXT,
			"Only GET and HEAD are allowed.\n", NULL };
	if (strcmp(path, e->telemetry_path) == 0)
		return answer_metrics(e, want);
	for (size_t i = 0;
	     i < sizeof(fixed_endpoints) / sizeof(fixed_endpoints[0]); i++)
		if (strcmp(path, fixed_endpoints[i].path) == 0)
			return fixed_endpoints[i].answer(e);
	return (struct answer){ 404, TEXT, "There is nothing here; see /.\n",
		NULL };
}

static void
print_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			putc(*text, out);
		}
}

static void
print_landing_page(FILE *out, const struct endpoints *e)
{
	fputs(
	    "<!DOCTYPE html>\n"
	    "<html lang=\"en\"><head><title>codeai-metricsd</title></head><body>\n"
	    "<h1>codeai-metricsd " CMX_VERSION "</h1>\n"
	    "<p>Prometheus metrics that many processes share.</p>\n"
	    "<ul>\n"
	    "<li><a href=\"",
	    out);
	print_escaped(out, e->telemetry_path);
	fputs("\">Metrics</a></li>\n"
	      "<li><a href=\"/-/healthy\">Health</a></li>\n"
	      "<li><a href=\"/-/ready\">Readiness</a></li>\n"
	      "</ul>\n"
	      "<p>Segments:</p>\n"
	      "<ul>\n",
	    out);
	for (size_t i = 0; i < e->n_sources; i++) {
		fputs("<li><code>", out);
		print_escaped(out, e->sources[i].path);
		fputs("</code></li>\n", out);
	}
	fputs("</ul>\n</body></html>\n", out);
}

bool
endpoints_init(struct endpoints *e, const char *telemetry_path,
    struct collector *collector, const struct source *sources, size_t n_sources)
{
	size_t size;
	FILE *out;

	*e = (struct endpoints){ .telemetry_path = telemetry_path,
		.collector = collector,
		.sources = sources,
		.n_sources = n_sources };
	out = open_memstream(&e->landing_page, &size);
	if (out == NULL)
		return false;
	print_landing_page(out, e);
	return fclose(out) == 0;
}

void
endpoints_fini(struct endpoints *e)
{
	free(e->landing_page);
}

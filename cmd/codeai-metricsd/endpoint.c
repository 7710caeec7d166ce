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
static const struct endpoint {
	const char *path;
	struct answer (*answer)(const struct endpoints *);
	bool is_health;
} fixed_endpoints[] = {
	{ "/", answer_landing_page, false },
	{ "/-/healthy", answer_healthy, true },
	{ "/-/ready", answer_ready, true },
};

static const struct endpoint *
find_endpoint(const char *path)
{
	for (size_t i = 0;
	     i < sizeof(fixed_endpoints) / sizeof(fixed_endpoints[0]); i++)
		if (strcmp(path, fixed_endpoints[i].path) == 0)
			return &fixed_endpoints[i];
	return NULL;
}

const char *
endpoint_name(const struct endpoints *e, const char *path)
{
	const struct endpoint *found = find_endpoint(path);

	if (e != NULL && strcmp(path, e->telemetry_path) == 0)
		return e->telemetry_path;
	return found != NULL ? found->path : "other";
}

static bool
is_allowed(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static const struct answer not_allowed = { 405, TEXT,
	"Only GET and HEAD are allowed.\n", NULL };
static const struct answer not_found = { 404, TEXT,
	"There is nothing here; see /.\n", NULL };

struct answer
endpoint_answer(const struct endpoints *e, const char *method, const char *path,
    const struct want *want)
{
	const struct endpoint *found = find_endpoint(path);

	if (!is_allowed(method))
		return not_allowed;
	if (strcmp(path, e->telemetry_path) == 0)
		return answer_metrics(e, want);
	return found != NULL ? found->answer(e) : not_found;
}

struct answer
endpoint_answer_health(const char *method, const char *path)
{
	const struct endpoint *found = find_endpoint(path);

	if (!is_allowed(method))
		return not_allowed;
	return found != NULL && found->is_health ?
	    found->answer(NULL) :
	    (struct answer){ 404, TEXT,
		    "Here are /-/healthy and /-/ready only.\n", NULL };
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
print_landing_page(FILE *out, const struct endpoints *e,
    const struct fleet *fleet)
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
	for (size_t i = 0; i < fleet_n_origins(fleet); i++) {
		bool is_pattern;

		fputs("<li><code>", out);
		print_escaped(out, fleet_origin(fleet, i, &is_pattern));
		fputs("</code></li>\n", out);
	}
	fputs("</ul>\n</body></html>\n", out);
}

bool
endpoints_init(struct endpoints *e, const char *telemetry_path,
    struct collector *collector, const struct fleet *fleet)
{
	size_t size;
	FILE *out;

	*e = (struct endpoints){ .telemetry_path = telemetry_path,
		.collector = collector };
	out = open_memstream(&e->landing_page, &size);
	if (out == NULL)
		return false;
	print_landing_page(out, e, fleet);
	return fclose(out) == 0;
}

void
endpoints_fini(struct endpoints *e)
{
	free(e->landing_page);
}

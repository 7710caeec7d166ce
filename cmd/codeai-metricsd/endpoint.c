/*
 * endpoint.c: path -> answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define TEXT "text/plain; charset=utf-8"
#define HTML "text/html; charset=utf-8"
#define API  "/api/v1/"

/*
 * Nothing of another origin is loaded or asked, no text becomes HTML, and no
 * other page shows this one.
 */
const struct header endpoint_headers[] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
	{ NULL, NULL },
};

static const struct answer bad_argument = { .status = 400,
	.content_type = TEXT,
	.text = "An argument must not have a NUL.\n" };

static struct answer
answer_metrics(const struct endpoints *e, const struct want *want)
{
	struct answer a = { .content_type = cmxr_content_type(want->format) };

	if (want->has_nul)
		return bad_argument;
	if (want->has_too_many_names)
		return (struct answer){
			.status = 400,
			.content_type = TEXT,
			.text =
			    "More than 256 name[] are not allowed; leave them out to get all families.\n"
		};
	a.request = collect(e->collector, want, &a.status);
	if (a.request == NULL) {
		a.content_type = TEXT;
		a.text = a.status == 503 ?
		    "Too many scrapes at once, try again later.\n" :
		    "The metrics could not be encoded; see the log.\n";
	}
	return a;
}

/* Below /api/v1: what the page reads. */
static struct answer
answer_live(const struct endpoints *e, const char *path,
    const struct want *want)
{
	struct answer a = { .content_type = "application/json" };

	if (want->has_nul)
		return bad_argument;
	if (want->live.mistake != NULL)
		return (struct answer){ .status = 400,
			.content_type = TEXT,
			.text = want->live.mistake };
	a.status = live_answer(e->live, path, &want->live, &a.owned);
	if (a.status == 200)
		a.is_gzip = want->gzip && compress_body(&a.owned);
	else {
		a.content_type = TEXT;
		a.text = a.status == 404 ?
		    "There is nothing here; see codeai-metricsd(8).\n" :
		    "There is no memory for the answer.\n";
	}
	return a;
}

/* The start page, or a file of it.  Returns false where the path is none. */
static bool
answer_page(const struct endpoints *e, const char *path, struct answer *a)
{
	const struct page_file *file = page_find(path);

	if (strcmp(path, "/") == 0)
		*a = (struct answer){ .status = 200,
			.content_type = HTML,
			.text = e->start_page };
	else if (file != NULL && e->live != NULL)
		*a = (struct answer){ .status = 200,
			.content_type = file->content_type,
			.text = file->text };
	else
		return false;
	return true;
}

static struct answer
answer_healthy(void)
{
	return (struct answer){ .status = 200,
		.content_type = TEXT,
		.text = "codeai-metricsd is healthy.\n" };
}

static struct answer
answer_ready(void)
{
	return (struct answer){ .status = 200,
		.content_type = TEXT,
		.text = "codeai-metricsd is ready.\n" };
}

static const struct endpoint {
	const char *path;
	struct answer (*answer)(void);
} health_endpoints[] = {
	{ "/-/healthy", answer_healthy },
	{ "/-/ready", answer_ready },
};

static const struct endpoint *
find_health(const char *path)
{
	for (size_t i = 0;
	     i < sizeof(health_endpoints) / sizeof(health_endpoints[0]); i++)
		if (strcmp(path, health_endpoints[i].path) == 0)
			return &health_endpoints[i];
	return NULL;
}

static bool
is_api(const struct endpoints *e, const char *path)
{
	return e->live != NULL && strncmp(path, API, strlen(API)) == 0;
}

const char *
endpoint_name(const struct endpoints *e, const char *path)
{
	const struct endpoint *health = find_health(path);
	const struct page_file *file = page_find(path);

	if (e != NULL && strcmp(path, e->telemetry_path) == 0)
		return e->telemetry_path;
	if (e != NULL && is_api(e, path))
		return API;
	return health != NULL      ? health->path :
	    file != NULL           ? file->path :
	    strcmp(path, "/") == 0 ? "/" :
				     "other";
}

static bool
is_allowed(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static const struct answer not_allowed = { .status = 405,
	.content_type = TEXT,
	.text = "Only GET and HEAD are allowed.\n" };
static const struct answer not_found = { .status = 404,
	.content_type = TEXT,
	.text = "There is nothing here; see /.\n" };

/* The telemetry path is compared first, because it may be "/". */
struct answer
endpoint_answer(const struct endpoints *e, const char *method, const char *path,
    const struct want *want)
{
	const struct endpoint *health = find_health(path);
	struct answer page;

	if (!is_allowed(method))
		return not_allowed;
	if (strcmp(path, e->telemetry_path) == 0)
		return answer_metrics(e, want);
	if (health != NULL)
		return health->answer();
	if (is_api(e, path))
		return answer_live(e, path, want);
	return answer_page(e, path, &page) ? page : not_found;
}

struct answer
endpoint_answer_health(const char *method, const char *path)
{
	const struct endpoint *health = find_health(path);

	if (!is_allowed(method))
		return not_allowed;
	return health != NULL ?
	    health->answer() :
	    (struct answer){ .status = 404,
		    .content_type = TEXT,
		    .text = "Here are /-/healthy and /-/ready only.\n" };
}

/* The start page without the live page: links. */

void
print_html(FILE *out, const char *text)
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
	    "<li><a href=\".",
	    out);
	print_html(out, e->telemetry_path);
	fputs("\">Metrics</a></li>\n"
	      "<li><a href=\"./-/healthy\">Health</a></li>\n"
	      "<li><a href=\"./-/ready\">Readiness</a></li>\n"
	      "</ul>\n"
	      "<p>Segments:</p>\n"
	      "<ul>\n",
	    out);
	for (size_t i = 0; i < fleet_n_origins(fleet); i++) {
		bool is_pattern;

		fputs("<li><code>", out);
		print_html(out, fleet_origin(fleet, i, &is_pattern));
		fputs("</code></li>\n", out);
	}
	fputs("</ul>\n</body></html>\n", out);
}

static bool
make_landing_page(struct endpoints *e, const struct fleet *fleet)
{
	size_t size;
	FILE *out = open_memstream(&e->start_page, &size);

	if (out == NULL)
		return false;
	print_landing_page(out, e, fleet);
	return fclose(out) == 0;
}

bool
endpoints_init(struct endpoints *e, const char *telemetry_path,
    struct collector *collector, const struct fleet *fleet, bool has_page)
{
	*e = (struct endpoints){ .telemetry_path = telemetry_path,
		.collector = collector };
	if (!has_page)
		return make_landing_page(e, fleet);
	e->live = live_new(collector);
	e->start_page = page_make(telemetry_path);
	return e->live != NULL && e->start_page != NULL;
}

void
endpoints_fini(struct endpoints *e)
{
	live_free(e->live);
	free(e->start_page);
}

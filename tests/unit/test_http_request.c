/*
 * The requests of a server, without any server.
 */
#include "metrics.h"

#include "codeai/metrics_http_server.h"

struct bench {
	struct fixture f;
	struct cmx_http_server server;
};

static struct bench
make(void)
{
	struct bench b = { .f = fixture_open("", "") };

	cmx_http_server_init(&b.server, b.f.reg);
	return b;
}

static void
assert_requests(struct bench *b, const char *method, const char *path,
    const char *status, int n)
{
	char series[256];

	snprintf(series, sizeof(series),
	    "codeai_http_requests_total{method=\"%s\",path=\"%s\",status=\"%s\"}",
	    method, path, status);
	assert_count(b->f.segment_path, series, n);
}

/* A request to a target that a handler took, with so many bytes out. */
static void
serve(struct bench *b, const char *method, const char *target, int status,
    int64_t bytes)
{
	struct cmx_http_request request;

	cmx_http_request_begin(&b->server, &request, target);
	cmx_http_request_handle(&request, method);
	request.response_bytes = bytes;
	cmx_http_request_end(&b->server, &request, status);
}

TEST(a_request_is_recorded_at_its_end_under_its_path)
{
	struct bench b = make();

	serve(&b, "GET", "/users/17?x=1", 200, 5);
	assert_requests(&b, "GET", "/users/{id}", "200", 1);
	assert_shows(b.f.segment_path,
	    "codeai_http_response_size_bytes_sum{method=\"GET\",path=\"/users/{id}\"} 5");
	fixture_close(&b.f);
}

TEST(a_route_is_the_path)
{
	struct bench b = make();
	struct cmx_http_request request;

	cmx_http_request_begin(&b.server, &request, "/a/b");
	cmx_http_request_handle(&request, "PUT");
	cmx_http_request_handle(&request, "GET");
	cmx_http_request_set_route(&request, "/a/{name}");
	cmx_http_request_end(&b.server, &request, 404);
	assert_requests(&b, "PUT", "/a/{name}", "404", 1);
	fixture_close(&b.f);
}

TEST(what_only_a_client_decides_makes_no_series)
{
	struct bench b = make();
	struct cmx_http_request request;

	serve(&b, "GET", "/nothing/here", 404, 0);
	serve(&b, "BREW", "/pot", 200, 0);
	/* No handler was found. */
	cmx_http_request_begin(&b.server, &request, "/x");
	cmx_http_request_end(&b.server, &request, 400);
	assert_requests(&b, "GET", "other", "404", 1);
	assert_requests(&b, "other", "/pot", "200", 1);
	assert_requests(&b, "other", "other", "400", 1);
	fixture_close(&b.f);
}

TEST(a_response_without_a_body_has_no_bytes)
{
	static const struct {
		const char *method;
		int status;
	} without[] = { { "HEAD", 200 }, { "GET", 204 }, { "GET", 304 },
		{ "GET", 101 } };
	struct bench b = make();

	for (size_t i = 0; i < 4; i++)
		serve(&b, without[i].method, "/a", without[i].status, 700);
	/* Not known is not observed. */
	serve(&b, "GET", "/a", 200, -1);
	assert_shows(b.f.segment_path,
	    "codeai_http_response_size_bytes_sum{method=\"GET\",path=\"/a\"} 0");
	assert_shows(b.f.segment_path,
	    "codeai_http_response_size_bytes_count{method=\"GET\",path=\"/a\"} 3");
	assert_shows(b.f.segment_path,
	    "codeai_http_response_size_bytes_sum{method=\"HEAD\",path=\"/a\"} 0");
	fixture_close(&b.f);
}

TEST(requests_are_in_flight_until_they_end)
{
	struct bench b = make();
	struct cmx_http_request one, two;

	cmx_http_request_begin(&b.server, &one, "/");
	cmx_http_request_begin(&b.server, &two, NULL);
	assert_shows(b.f.segment_path, "codeai_http_requests_in_flight 2");
	cmx_http_request_end(&b.server, &one, 200);
	cmx_http_request_end(&b.server, &two, 200);
	assert_shows(b.f.segment_path, "codeai_http_requests_in_flight 0");
	fixture_close(&b.f);
}

TEST(a_null_registry_records_nothing)
{
	struct cmx_http_server server;
	struct cmx_http_request request;

	cmx_http_server_init(&server, NULL);
	cmx_http_request_begin(&server, &request, "/");
	cmx_http_request_set_route(&request, NULL);
	cmx_http_request_end(&server, &request, 200);
}

/*
 * codeai/metrics_http_server.h: the requests of an HTTP server.
 *
 * For adapters: what codeai/metrics_microhttpd.h and an adapter of another
 * server have in common.  A request is recorded once, at its end, as of
 * cmx_record_http_request(); codeai_http_requests_in_flight is the number of
 * those that have begun and not ended, summed over live processes.
 *
 *   path	the route that was set; else, of a request that was answered
 *		with 404 or that no handler took, "other", so that clients
 *		cannot make series; else cmx_http_normalize_path()'s
 *   method	as of cmx_http_method(); "other" where no handler took it
 *   response	no bytes of a HEAD, a 1xx, a 204, a 304; below 0 is unknown,
 *		and not observed
 *
 * In common:
 *   Bad input:	a null registry records nothing.
 *   Safety:	thread, as its request: one call at a time.
 *   Cost:	a microsecond for each request ("make bench-kit").
 */
#ifndef CODEAI_METRICS_HTTP_SERVER_H
#define CODEAI_METRICS_HTTP_SERVER_H

#include <codeai/metrics.h>
#include <codeai/metrics_http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What requests are recorded with; its members are its own. */
struct cmx_http_server {
	struct cmx_registry *registry;
	struct cmx_gauge in_flight;
	uint64_t reserved[4];
};

/* A request while it lasts. */
struct cmx_http_request {
	struct cmx_timer timer;
	const char *method; /* static */
	/* The adapter's to change: bytes of the bodies; below 0: unknown. */
	int64_t request_bytes, response_bytes;
	bool is_handled;
	bool has_route;
	uint64_t reserved[2];
	char path[CMX_HTTP_PATH_MAX];
};

/*
 * cmx_http_server_init: before the first request.
 *
 * Owner:     the caller; it must live as long as the requests.  A child that
 *            is forked goes on with it.
 */
CMX_PUBLIC void cmx_http_server_init(struct cmx_http_server *,
    struct cmx_registry *);

/*
 * cmx_http_request_begin: a request begins.
 *
 * @target is that of the request line, or a path; null is "/".  Bytes of the
 * request are 0 now, those of the response unknown.
 * Owner:     the caller.
 */
CMX_PUBLIC void cmx_http_request_begin(const struct cmx_http_server *,
    struct cmx_http_request *, const char *target);

/* A handler takes it; only the first call does something. */
CMX_PUBLIC void cmx_http_request_handle(struct cmx_http_request *,
    const char *method);

/*
 * Its path is this template, as "/users/{id}"; at most CMX_HTTP_PATH_MAX - 1
 * bytes are kept, null is "".
 */
CMX_PUBLIC void cmx_http_request_set_route(struct cmx_http_request *,
    const char *route);

/* It has ended with this status. */
CMX_PUBLIC void cmx_http_request_end(const struct cmx_http_server *,
    struct cmx_http_request *, int status);

#ifdef __cplusplus
}
#endif

#endif

/*
 * codeai/metrics_http_server.h: the requests of an HTTP server.
 *
 * For adapters: the common part of codeai/metrics_microhttpd.h and of an
 * adapter of any other server.  A request is recorded once, at its end, with
 * cmx_record_http_request().  codeai_http_requests_in_flight is the number of
 * requests that have begun and not ended, summed over live processes.
 *
 *   path	the route, if one was set; otherwise "other" for a request that
 *		was answered with 404 or that no handler took, so that clients
 *		cannot make series; otherwise the target, normalized by
 *		cmx_http_normalize_path()
 *   method	what cmx_http_method() makes of it; "other" if no handler took
 *		the request
 *   response	0 bytes for a HEAD, a 1xx, a 204 and a 304; a size below 0 is
 *		unknown, and not observed
 *
 * In common:
 *   Bad input:	a null registry records nothing.
 *   Safety:	thread; one thread at a time may use a request, several may
 *		share the server.  Not for signal handlers.
 *   Cost:	a microsecond for each request ("make bench-kit").
 */
#ifndef CODEAI_METRICS_HTTP_SERVER_H
#define CODEAI_METRICS_HTTP_SERVER_H

#include <codeai/metrics.h>
#include <codeai/metrics_http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What all requests share.  Programs do not use the members. */
struct cmx_http_server {
	struct cmx_registry *registry;
	uint64_t reserved[8];
};

/* A request, from its begin to its end. */
struct cmx_http_request {
	struct cmx_timer timer;
	const char *method; /* static */
	/* Set by the adapter: bytes of the bodies; below 0: unknown. */
	int64_t request_bytes, response_bytes;
	bool is_handled;
	bool has_route;
	uint64_t reserved[2];
	char path[CMX_HTTP_PATH_MAX];
};

/*
 * cmx_http_server_init: make a server ready, before its first request.
 *
 * Owner:     the caller; it must live as long as the requests.  A forked child
 *            may use it.
 */
CMX_PUBLIC void cmx_http_server_init(struct cmx_http_server *,
    struct cmx_registry *);

/*
 * cmx_http_request_begin: a request begins.
 *
 * @target is the target of the request line, or a path; null is "/".  The
 * request has 0 bytes then, and the response an unknown number.
 * Owner:     the caller.
 */
CMX_PUBLIC void cmx_http_request_begin(const struct cmx_http_server *,
    struct cmx_http_request *, const char *target);

/* A handler takes the request; a second call does nothing. */
CMX_PUBLIC void cmx_http_request_handle(struct cmx_http_request *,
    const char *method);

/*
 * Set the path of a request to a template such as "/users/{id}"; at most
 * CMX_HTTP_PATH_MAX - 1 bytes are kept, null is "".
 */
CMX_PUBLIC void cmx_http_request_set_route(struct cmx_http_request *,
    const char *route);

/* End a request with a status, and record it.  Requires: it has begun. */
CMX_PUBLIC void cmx_http_request_end(const struct cmx_http_server *,
    struct cmx_http_request *, int status);

#ifdef __cplusplus
}
#endif

#endif

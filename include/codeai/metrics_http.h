/*
 * codeai/metrics_http.h: label values for HTTP requests, from a bounded set.
 *
 * A label value for each path that a client asks for would make an unbounded
 * number of series.  A server that knows its routes records the route's
 * template ("/users/{id}").  For any other server cmx_http_normalize_path()
 * replaces the variable segments of the path by placeholders.
 *
 *	char path[CMX_HTTP_PATH_MAX];
 *	struct cmx_timer timer;
 *
 *	cmx_http_begin(reg, &timer);
 *	...
 *	cmx_http_normalize_path(request->path, path, sizeof(path));
 *	cmx_http_end(&timer, request->method, path, status, request_bytes,
 *	    response_bytes);
 */
#ifndef CODEAI_METRICS_HTTP_H
#define CODEAI_METRICS_HTTP_H

#include <codeai/metrics_base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a buffer for any result, with its NUL. */
#define CMX_HTTP_PATH_MAX 800

/* The number of segments that are kept; "{more}" stands for the rest. */
#define CMX_HTTP_PATH_DEPTH 12

/*
 * cmx_http_normalize_path: replace the variable parts of a path.
 *
 * Scheme, host, query and fragment are removed, and so are empty segments and
 * "."; ".." is resolved.  %41 is decoded where it stands for a letter, a digit
 * or one of the characters "-._~".  Then a segment that identifies something
 * becomes "{id}", of whatever kind it is, so that a route has one path:
 *
 *	digits; 8-4-4-4-12 hexadecimal digits (UUID)
 *	2024-02-29, with a time behind it or without
 *	26 characters of Crockford's base 32 (ULID)
 *	8 or more hexadecimal digits, one of them 0-9
 *	something@something.something
 *	16 or more of base 64, capitals, small letters and digits among them
 *	whatever is longer than 64 bytes
 *
 * An extension of letters stays: "/7.json" is "/{id}.json".
 *
 * Returns:   the length of the result, which is in buf with a NUL; it is cut
 *            at size - 1.  Null and "" are "/".
 * Safety:    thread, process, signal, fork.  Does not allocate.
 * Cost:      linear in what is kept of the path: CMX_HTTP_PATH_DEPTH segments
 *            of 64 bytes, and the search for the end of longer ones.
 */
CMX_PUBLIC size_t cmx_http_normalize_path(const char *path, char *buf,
    size_t size);

/*
 * cmx_http_begin, cmx_http_end: time a request and record it.
 *
 * path is the label: the route's template, or what
 * cmx_http_normalize_path() made.  The method becomes cmx_http_method()'s,
 * and the rest is as of cmx_record_http_request().  Between the two the request
 * is one of codeai_http_requests_in_flight; a timer that is never ended stays
 * there until its process ends, and records nothing.
 *
 * Safety:    thread, process, fork.
 */
CMX_PUBLIC void cmx_http_begin(struct cmx_registry *, struct cmx_timer *);
CMX_PUBLIC void cmx_http_end(const struct cmx_timer *, const char *method,
    const char *path, int status, int64_t request_bytes,
    int64_t response_bytes);

/*
 * cmx_http_method: the method as a label: one of the registered ones (GET,
 * HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT, TRACE), or "other".
 *
 * Null is "other"; methods are case-sensitive.  Never null; static.
 */
CMX_PUBLIC const char *cmx_http_method(const char *method);

#ifdef __cplusplus
}
#endif

#endif

/*
 * codeai/metrics_microhttpd.h: the HTTP metrics of a libmicrohttpd server.
 *
 * Header only; the program links with -lmicrohttpd itself.
 *
 *	static struct cmx_mhd metrics;
 *
 *	cmx_mhd_init(&metrics, reg, handler, NULL, arg);
 *	MHD_start_daemon(flags, port, NULL, NULL, cmx_mhd_handler, &metrics,
 *	    MHD_OPTION_URI_LOG_CALLBACK, cmx_mhd_uri, &metrics,
 *	    MHD_OPTION_NOTIFY_COMPLETED, cmx_mhd_completed, &metrics,
 *	    MHD_OPTION_END);
 *
 * and in the handler, where a response's size is known,
 *
 *	cmx_mhd_set_route(req_cls, "/users/{id}");
 *	cmx_mhd_queue_response(connection, req_cls, MHD_HTTP_OK, response,
 *	    size);
 *
 * The handler is called as libmicrohttpd would call it; what it stores behind
 * its req_cls is its own.  Each request is recorded once, at its end, as of
 * cmx_record_http_request(): method, path, status, seconds since its request
 * line, bytes of the bodies.  codeai_http_requests_in_flight is the number of
 * requests that have begun and not ended, summed over live processes.
 *
 *   path	what cmx_mhd_set_route() said; else, of a request that was
 *		answered with 404 or never came to the handler, "other"; else
 *		cmx_http_normalize_path()'s
 *   status	the queued one.  Without any: 499 where the client went away,
 *		408 where its time was over, 503 where the daemon ended (with
 *		a thread for each connection 499), and 500 where the handler
 *		returned MHD_NO
 *   request	Content-Length where the client said it, read or not; else the
 *		bytes that the handler took
 *   response	bytes that cmx_mhd_queue_response() was told, or that a reader
 *		gave; 0 of a HEAD, a 204, a 304.  Not observed where they are
 *		not known: MHD_queue_response(), a client that went away
 *
 * Suspended connections count as in flight; an answer may be queued from any
 * thread that libmicrohttpd allows.
 *
 * In common:
 *   Requires:	libmicrohttpd 0.9.74.
 *   Safety:	thread, process; daemons may be started before or after fork.
 *   Bad input:	a null registry measures nothing, and serves.
 *   Cost:	a microsecond for each request ("make bench-kit"), and 900 bytes
 *		while it lasts; without that memory the connection is closed,
 *		as libmicrohttpd does without its own.
 */
#ifndef CODEAI_METRICS_MICROHTTPD_H
#define CODEAI_METRICS_MICROHTTPD_H

#include <limits.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_http_server.h>

#if MHD_VERSION < 0x00097400
#error "codeai/metrics_microhttpd.h needs libmicrohttpd 0.9.74"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What all requests of a daemon share.  Programs do not use the members. */
struct cmx_mhd {
	struct cmx_http_server server;
	MHD_AccessHandlerCallback handler;
	MHD_RequestCompletedCallback completed;
	void *arg;
};

/*
 * The reader of a response, and the number of bytes that it gave.  Request and
 * response share it; the last of them frees it.
 */
struct cmx_mhd_reader {
	unsigned int n_owners;
	uint64_t n_bytes;
	MHD_ContentReaderCallback read;
	MHD_ContentReaderFreeCallback release;
	void *arg;
	const struct MHD_Response *response; /* only compared, never used */
};

/* A request, from its begin to its end. */
struct cmx_mhd_request {
	struct cmx_mhd_reader *reader;
	int status;          /* 0: no response was queued */
	void *application;   /* the application's *req_cls */
	int64_t taken_bytes; /* of the body, by the handler */
	bool has_length;     /* the client said the size */
	struct cmx_http_request http;
};

/* The request that belongs to the req_cls of the application's handler. */
static inline struct cmx_mhd_request *
cmx_mhd_request_of(void **req_cls)
{
	return (struct cmx_mhd_request *)(void *)((char *)req_cls -
	    offsetof(struct cmx_mhd_request, application));
}

/*
 * cmx_mhd_init: measure the requests that handler serves.
 *
 * completed may be null.  It is called at the end of each request that reached
 * the handler, as a callback of MHD_OPTION_NOTIFY_COMPLETED is.  arg is the
 * first argument of both.
 *
 * Owner:     the caller; it must live as long as the daemon.
 */
static inline void
cmx_mhd_init(struct cmx_mhd *mhd, struct cmx_registry *registry,
    MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback completed,
    void *arg)
{
	cmx_http_server_init(&mhd->server, registry);
	mhd->handler = handler;
	mhd->completed = completed;
	mhd->arg = arg;
}

/* Begin a request; null where there is no memory. */
static inline struct cmx_mhd_request *
cmx_mhd_begin(struct cmx_mhd *mhd, const char *uri)
{
	struct cmx_mhd_request *request =
	    (struct cmx_mhd_request *)malloc(sizeof(*request));

	if (request == NULL)
		return NULL;
	memset(request, 0, offsetof(struct cmx_mhd_request, http));
	cmx_http_request_begin(&mhd->server, &request->http, uri);
	return request;
}

/*
 * cmx_mhd_uri: for MHD_OPTION_URI_LOG_CALLBACK, with the struct cmx_mhd.
 *
 * With it, a request is measured from its first line on, and requests that
 * libmicrohttpd refuses because of what follows that line (400, 413, 431) are
 * measured too.  Without it, a request is measured from its last header on.
 * libmicrohttpd has one such callback, so the application cannot have its own.
 */
static inline void *
cmx_mhd_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	(void)connection;
	return cmx_mhd_begin((struct cmx_mhd *)cls, uri);
}

/* The size of a request is its Content-Length, read or not. */
static inline void
cmx_mhd_note_length(struct cmx_mhd_request *request,
    struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection,
	    MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	char *end;
	long long n;

	if (text == NULL || *text < '0' || *text > '9')
		return;
	n = strtoll(text, &end, 10);
	if (*end != '\0' || n < 0 || n == LLONG_MAX)
		return;
	request->http.request_bytes = (int64_t)n;
	request->has_length = true;
}

/* cmx_mhd_handler: the daemon's access handler, with the struct cmx_mhd. */
static CMX_UNUSED enum MHD_Result
cmx_mhd_handler(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_data_size, void **req_cls)
{
	struct cmx_mhd *mhd = (struct cmx_mhd *)cls;
	struct cmx_mhd_request *request = (struct cmx_mhd_request *)*req_cls;
	size_t offered = *upload_data_size;
	enum MHD_Result result;

	if (request == NULL)
		*req_cls = request = cmx_mhd_begin(mhd, url);
	if (request == NULL)
		return MHD_NO;
	if (!request->http.is_handled)
		cmx_mhd_note_length(request, connection);
	cmx_http_request_handle(&request->http, method);
	result = mhd->handler(mhd->arg, connection, url, method, version,
	    upload_data, upload_data_size, &request->application);
	request->taken_bytes += (int64_t)(offered - *upload_data_size);
	if (!request->has_length)
		request->http.request_bytes = request->taken_bytes;
	return result;
}

/*
 * cmx_mhd_set_route: set the path of this request's metrics to a template such
 * as "/users/{id}".
 *
 * req_cls is that of the handler.  At most CMX_HTTP_PATH_MAX - 1 bytes are
 * kept; null is "".
 */
static inline void
cmx_mhd_set_route(void **req_cls, const char *route)
{
	cmx_http_request_set_route(&cmx_mhd_request_of(req_cls)->http, route);
}

static inline void
cmx_mhd_reader_leave(struct cmx_mhd_reader *reader)
{
	/*
	 * Release a reference.  The last one to release sees what the other
	 * side stored.
	 */
	if (__atomic_sub_fetch(&reader->n_owners, 1, __ATOMIC_ACQ_REL) == 0)
		free(reader);
}

/*
 * cmx_mhd_queue_response: MHD_queue_response(), and what is recorded.
 *
 * req_cls is the handler's; size is that of the body, below 0 where it is not
 * known or where cmx_mhd_create_response_from_callback() counts it.
 */
static CMX_UNUSED enum MHD_Result
cmx_mhd_queue_response(struct MHD_Connection *connection, void **req_cls,
    unsigned int status, struct MHD_Response *response, int64_t size)
{
	struct cmx_mhd_request *request = cmx_mhd_request_of(req_cls);
	int status_before = request->status;
	int64_t bytes_before = request->http.response_bytes;

	/*
	 * The request made a response with a reader, but queues another one:
	 * its reader counts nothing for this request.
	 */
	if (request->reader != NULL &&
	    (request->reader->response != response || size >= 0)) {
		cmx_mhd_reader_leave(request->reader);
		request->reader = NULL;
	}
	/*
	 * MHD_queue_response() may close the connection and free the request:
	 * so the members are set before the call.
	 */
	request->status = (int)(status & ~(unsigned int)MHD_ICY_FLAG);
	request->http.response_bytes = size;
	if (MHD_queue_response(connection, status, response) == MHD_YES)
		return MHD_YES;
	request->status = status_before;
	request->http.response_bytes = bytes_before;
	return MHD_NO;
}

static inline ssize_t
cmx_mhd_read(void *cls, uint64_t position, char *buf, size_t size)
{
	struct cmx_mhd_reader *reader = (struct cmx_mhd_reader *)cls;
	ssize_t n = reader->read(reader->arg, position, buf, size);

	if (n > 0)
		__atomic_add_fetch(&reader->n_bytes, (uint64_t)n,
		    __ATOMIC_RELAXED);
	return n;
}

static inline void
cmx_mhd_release(void *cls)
{
	struct cmx_mhd_reader *reader = (struct cmx_mhd_reader *)cls;

	if (reader->release != NULL)
		reader->release(reader->arg);
	cmx_mhd_reader_leave(reader);
}

/*
 * cmx_mhd_create_response_from_callback: MHD_create_response_from_callback(),
 * and the bytes that read gives are counted as this request's.
 *
 * The response is for one request: if it is queued again, its bytes still count
 * for the first one.
 */
static CMX_UNUSED struct MHD_Response *
cmx_mhd_create_response_from_callback(void **req_cls, uint64_t size,
    size_t block_size, MHD_ContentReaderCallback read, void *arg,
    MHD_ContentReaderFreeCallback release)
{
	struct cmx_mhd_request *request = cmx_mhd_request_of(req_cls);
	struct cmx_mhd_reader *reader =
	    (struct cmx_mhd_reader *)malloc(sizeof(*reader));
	struct MHD_Response *response;

	if (reader == NULL)
		return NULL;
	memset(reader, 0, sizeof(*reader));
	reader->n_owners = 2;
	reader->read = read;
	reader->release = release;
	reader->arg = arg;
	response = MHD_create_response_from_callback(size, block_size,
	    cmx_mhd_read, reader, cmx_mhd_release);
	if (response == NULL) {
		free(reader);
		return NULL;
	}
	if (request->reader != NULL)
		cmx_mhd_reader_leave(request->reader);
	reader->response = response;
	request->reader = reader;
	return response;
}

/* The status that a request which ended is recorded with. */
static CMX_UNUSED int
cmx_mhd_status(const struct cmx_mhd_request *request,
    struct MHD_Connection *connection, enum MHD_RequestTerminationCode end)
{
	const union MHD_ConnectionInfo *info;

	if (request->status != 0)
		return request->status;
	info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_HTTP_STATUS);
	if (info != NULL && info->http_status != 0)
		return (int)info->http_status;
	switch (end) {
	case MHD_REQUEST_TERMINATED_CLIENT_ABORT:
	case MHD_REQUEST_TERMINATED_READ_ERROR:
		return 499;
	case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED:
		return 408;
	case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN:
		return 503;
	default:
		return 500;
	}
}

/*
 * cmx_mhd_completed: for MHD_OPTION_NOTIFY_COMPLETED, with the struct cmx_mhd.
 * Records the request, and calls the application's callback.
 */
static CMX_UNUSED void
cmx_mhd_completed(void *cls, struct MHD_Connection *connection, void **req_cls,
    enum MHD_RequestTerminationCode end)
{
	struct cmx_mhd *mhd = (struct cmx_mhd *)cls;
	struct cmx_mhd_request *request = (struct cmx_mhd_request *)*req_cls;

	if (request == NULL)
		return;
	if (mhd->completed != NULL && request->http.is_handled)
		mhd->completed(mhd->arg, connection, &request->application,
		    end);
	/*
	 * The bytes that a reader gave are known, whatever ended the request.
	 */
	if (request->reader != NULL)
		request->http.response_bytes =
		    (int64_t)__atomic_load_n(&request->reader->n_bytes,
			__ATOMIC_RELAXED);
	else if (end != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		request->http.response_bytes = -1;
	cmx_http_request_end(&mhd->server, &request->http,
	    cmx_mhd_status(request, connection, end));
	if (request->reader != NULL)
		cmx_mhd_reader_leave(request->reader);
	free(request);
	*req_cls = NULL;
}

#ifdef __cplusplus
}
#endif

#endif

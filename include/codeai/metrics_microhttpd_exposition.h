/*
 * codeai/metrics_microhttpd_exposition.h: a /metrics of the application's own,
 * for libmicrohttpd.
 *
 * Header only; the program links with -lmicrohttpd itself.
 *
 *	static struct cmx_mhd_metrics exposition;
 *
 *	cmx_mhd_metrics_open(&exposition, NULL, NULL, &err);
 *
 * and in the access handler
 *
 *	if (strcmp(url, "/metrics") == 0)
 *		return cmx_mhd_metrics_handler(&exposition, connection, url,
 *		    method, version, upload_data, upload_data_size, req_cls);
 *
 * codeai-metricsd(8) does the same outside of the application, where nothing
 * that is in the segment can hurt it.
 *
 * In common:
 *   Requires:	libmicrohttpd 0.9.74, pthreads.
 *   Safety:	thread.  A child that is forked while a thread answers a scrape
 *		needs one of its own.
 */
#ifndef CODEAI_METRICS_MICROHTTPD_EXPOSITION_H
#define CODEAI_METRICS_MICROHTTPD_EXPOSITION_H

#include <microhttpd.h>
#include <pthread.h>
#include <string.h>

#include <codeai/metrics.h>
#include <codeai/metrics_reader.h>

#if MHD_VERSION < 0x00097400
#error "codeai/metrics_microhttpd_exposition.h needs libmicrohttpd 0.9.74"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A handler of /metrics.  Programs do not use the members. */
struct cmx_mhd_metrics {
	struct cmxr_reader *reader;
	const char *segment;
	pthread_mutex_t lock; /* only one thread may use a reader */
	bool has_path;
};

/*
 * cmx_mhd_metrics_open: make a handler of /metrics.
 *
 * segment is the path that cmx_open() was given, and must live as long as the
 * handler; null is the default one.  A private segment has no path: registry
 * is its own, and null otherwise.
 *
 * Returns:   0, or a negative enum cmx_err, as cmxr_open(); the handler then
 *            answers 503 and, of a segment with a path, tries again at each
 *            request.
 * Safety:    thread.  A child that is forked while a thread answers a scrape
 *            needs one of its own.
 */
static CMX_UNUSED int
cmx_mhd_metrics_open(struct cmx_mhd_metrics *metrics,
    struct cmx_registry *registry, const char *segment, struct cmx_error *err)
{
	memset(metrics, 0, sizeof(*metrics));
	pthread_mutex_init(&metrics->lock, NULL);
	metrics->segment = segment;
	metrics->has_path = registry == NULL;
	if (registry != NULL)
		return cmxr_open_fd(cmx_segment_fd(registry), "private",
		    &metrics->reader, err);
	return cmxr_open(segment, &metrics->reader, err);
}

/*
 * cmx_mhd_metrics_close: free the handler.
 * Requires:  no request is under way.
 */
static inline void
cmx_mhd_metrics_close(struct cmx_mhd_metrics *metrics)
{
	cmxr_close(metrics->reader);
	metrics->reader = NULL;
	pthread_mutex_destroy(&metrics->lock);
}

/*
 * If the path names another segment now, open that one in place of the old one.
 */
static CMX_UNUSED int
cmx_mhd_metrics_renew(struct cmx_mhd_metrics *metrics, struct cmx_error *err)
{
	struct cmxr_reader *reader;
	int result;

	if (!metrics->has_path ||
	    (metrics->reader != NULL && cmxr_is_current(metrics->reader)))
		return 0;
	result = cmxr_open(metrics->segment, &reader, err);
	if (result == 0) {
		cmxr_close(metrics->reader);
		metrics->reader = reader;
	}
	/*
	 * A segment that was removed keeps its reader, and is shown as it was.
	 */
	return metrics->reader != NULL ? 0 : result;
}

static CMX_UNUSED int
cmx_mhd_metrics_encode(struct cmx_mhd_metrics *metrics, enum cmxr_format format,
    struct cmxr_buffer *body, struct cmx_error *err)
{
	struct cmxr_input input;
	int result;

	memset(&input, 0, sizeof(input));
	pthread_mutex_lock(&metrics->lock);
	result = cmx_mhd_metrics_renew(metrics, err);
	if (result == 0 && metrics->reader == NULL) {
		result = CMX_ERR_NOT_FOUND;
		strcpy(err->text, "the segment cannot be read");
	}
	if (result == 0)
		result =
		    cmxr_snapshot_take(metrics->reader, &input.snapshot, err);
	if (result == 0)
		result = cmxr_encode(&input, 1, format, NULL, body, err);
	pthread_mutex_unlock(&metrics->lock);
	return result;
}

/*
 * cmx_mhd_metrics_handler: an access handler that answers with the metrics,
 * with the struct cmx_mhd_metrics.
 *
 * In the format that the request's Accept header asks for; not compressed.
 * 405 where the method is neither GET nor HEAD, 503 with the reason where the
 * segment cannot be read.  A scrape waits for another one that is under way.
 * codeai-metricsd(8) does the same outside of the application, where nothing
 * that is in the segment can hurt it.
 */
static CMX_UNUSED enum MHD_Result
cmx_mhd_metrics_handler(void *cls, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload_data, size_t *upload_data_size, void **req_cls)
{
	static const char other_method[] = "only GET and HEAD are allowed\n";
	struct cmx_mhd_metrics *metrics = (struct cmx_mhd_metrics *)cls;
	enum cmxr_format format = cmxr_negotiate(
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error err;
	struct MHD_Response *response;
	unsigned int status = MHD_HTTP_OK;
	const char *type = "text/plain; charset=utf-8";
	enum MHD_Result result;

	(void)url;
	(void)version;
	(void)upload_data;
	(void)upload_data_size;
	(void)req_cls;
	err.text[0] = '\0';
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		response =
		    MHD_create_response_from_buffer(sizeof(other_method) - 1,
			(void *)(uintptr_t)other_method,
			MHD_RESPMEM_PERSISTENT);
	} else if (cmx_mhd_metrics_encode(metrics, format, &body, &err) < 0) {
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
		response = MHD_create_response_from_buffer(strlen(err.text),
		    err.text, MHD_RESPMEM_MUST_COPY);
	} else {
		type = cmxr_content_type(format);
		response = MHD_create_response_from_buffer(body.size, body.data,
		    MHD_RESPMEM_MUST_COPY);
	}
	cmxr_buffer_free(&body);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

#ifdef __cplusplus
}
#endif

#endif

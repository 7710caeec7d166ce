/*
 * http_request.c: the requests of an HTTP server.
 */
#include "codeai/metrics_http_server.h"

#include <bsd/string.h>
#include <string.h>

#include "kit/codeai_families.h"

void
cmx_http_server_init(struct cmx_http_server *server,
    struct cmx_registry *registry)
{
	memset(server, 0, sizeof(*server));
	server->registry = registry;
	/* The gauge is there before the first request. */
	cmxi_codeai_in_flight(registry, 0);
}

void
cmx_http_request_begin(const struct cmx_http_server *server,
    struct cmx_http_request *request, const char *target)
{
	memset(request, 0, offsetof(struct cmx_http_request, path));
	request->method = "other";
	request->response_bytes = -1;
	cmx_http_normalize_path(target, request->path, sizeof(request->path));
	cmx_http_begin(server->registry, &request->timer);
}

void
cmx_http_request_handle(struct cmx_http_request *request, const char *method)
{
	if (request->is_handled)
		return;
	request->is_handled = true;
	request->method = cmx_http_method(method);
}

void
cmx_http_request_set_route(struct cmx_http_request *request, const char *route)
{
	strlcpy(request->path, route == NULL ? "" : route,
	    sizeof(request->path));
	request->has_route = true;
}

static bool
has_no_body(const struct cmx_http_request *request, int status)
{
	return status < 200 || status == 204 || status == 304 ||
	    strcmp(request->method, "HEAD") == 0;
}

void
cmx_http_request_end(const struct cmx_http_server *server,
    struct cmx_http_request *request, int status)
{
	int64_t bytes =
	    has_no_body(request, status) ? 0 : request->response_bytes;
	const char *path = request->path;

	(void)server;
	if (!request->has_route && (status == 404 || !request->is_handled))
		path = "other";
	cmx_http_end(&request->timer, request->method, path, status,
	    request->request_bytes, bytes);
}

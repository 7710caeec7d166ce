/*
 * mod_codeai.c: an Apache module that counts requests: the root master opens
 * the segment, its workers give up their privileges and count.
 */
#include <httpd.h>

#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_http.h>

static struct cmx_registry *metrics;

/* Runs twice at each start and graceful restart, as root. */
static int
open_metrics(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temp,
    server_rec *server)
{
	struct cmx_error error;

	(void)pool;
	(void)log;
	(void)temp;
	if (cmx_open(NULL, NULL, 0, &metrics, &error) != 0)
		ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, "%s",
		    error.text);
	return OK;
}

/* Runs in each worker, after it has become another user. */
static void
begin_worker(apr_pool_t *pool, server_rec *server)
{
	(void)pool;
	(void)server;
	cmx_set_role(metrics, "worker");
	cmx_set_db_connections(metrics, 0, 1);
}

static int
record_request(request_rec *r)
{
	char path[CMX_HTTP_PATH_MAX];

	cmx_http_normalize_path(r->uri, path, sizeof(path));
	cmx_record_http_request(metrics, cmx_http_method(r->method), path,
	    r->status, (double)(apr_time_now() - r->request_time) / 1e6,
	    r->remaining, r->bytes_sent);
	return OK;
}

static void
register_hooks(apr_pool_t *pool)
{
	(void)pool;
	ap_hook_post_config(open_metrics, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_child_init(begin_worker, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_log_transaction(record_request, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA codeai_module = { STANDARD20_MODULE_STUFF, NULL,
	NULL, NULL, NULL, NULL, register_hooks, 0 };

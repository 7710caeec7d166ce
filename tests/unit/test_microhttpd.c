/*
 * A real libmicrohttpd server, and clients that do all that clients do.
 */
#include "metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "codeai/metrics_microhttpd.h"
#include "codeai/metrics_microhttpd_exposition.h"

struct site {
	struct fixture f;
	struct cmx_mhd metrics;
	struct cmx_mhd_metrics exposition;
	struct MHD_Daemon *daemon;
	int port;
	/* what the application's callbacks saw */
	int n_completed, n_freed;
	struct MHD_Connection *suspended;
};

static int application_state;

static enum MHD_Result
reply(struct MHD_Connection *connection, void **req_cls, unsigned int status,
    const char *body)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(strlen(body),
		(void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = cmx_mhd_queue_response(connection, req_cls,
	    status, response, (int64_t)strlen(body));

	MHD_destroy_response(response);
	return result;
}

/* 1,000 bytes, 100 at a time; or for ever. */
static ssize_t
read_some(void *arg, uint64_t position, char *buf, size_t size)
{
	size_t n = size < 100 ? size : 100;

	if (arg == NULL && position >= 1000)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memset(buf, 'x', n);
	return (ssize_t)n;
}

static struct site *the_site;

static void
count_freed(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&the_site->n_freed, 1, __ATOMIC_RELAXED);
}

static enum MHD_Result
reply_from_reader(struct MHD_Connection *connection, void **req_cls, void *arg)
{
	struct MHD_Response *response =
	    cmx_mhd_create_response_from_callback(req_cls, MHD_SIZE_UNKNOWN,
		512, read_some, arg, count_freed);
	enum MHD_Result result = cmx_mhd_queue_response(connection, req_cls,
	    MHD_HTTP_OK, response, -1);

	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
reply_plainly(struct MHD_Connection *connection)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(2,
	    (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result =
	    MHD_queue_response(connection, MHD_HTTP_ACCEPTED, response);

	MHD_destroy_response(response);
	return result;
}

/* Each path is a way to answer. */
static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **req_cls)
{
	struct site *site = arg;

	if (strcmp(url, "/metrics") == 0)
		return cmx_mhd_metrics_handler(&site->exposition, connection,
		    url, method, version, upload, upload_size, req_cls);
	if (*req_cls == NULL) {
		*req_cls = &application_state;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/no") == 0)
		return MHD_NO;
	if (strcmp(url, "/reader") == 0)
		return reply_from_reader(connection, req_cls, NULL);
	if (strcmp(url, "/instead") == 0) {
		/* A reader that is given up for a plain answer. */
		MHD_destroy_response(
		    cmx_mhd_create_response_from_callback(req_cls, 1000, 512,
			read_some, NULL, count_freed));
		return reply(connection, req_cls, 200, "instead");
	}
	if (strcmp(url, "/endless") == 0)
		return reply_from_reader(connection, req_cls, site);
	if (strcmp(url, "/plain") == 0)
		return reply_plainly(connection);
	if (strcmp(url, "/nothing") == 0)
		return reply(connection, req_cls, 404, "nothing");
	if (strcmp(url, "/same") == 0)
		return reply(connection, req_cls, 304, "");
	if (strcmp(url, "/wait") == 0 && site->suspended == NULL) {
		MHD_suspend_connection(connection);
		__atomic_store_n(&site->suspended, connection,
		    __ATOMIC_RELEASE);
		return MHD_YES;
	}
	if (strncmp(url, "/routed/", 8) == 0)
		cmx_mhd_set_route(req_cls, "/routed/{name}");
	return reply(connection, req_cls, 200, "hello world");
}

static void
complete(void *arg, struct MHD_Connection *connection, void **req_cls,
    enum MHD_RequestTerminationCode end)
{
	struct site *site = arg;

	(void)connection;
	(void)end;
	if (*req_cls == &application_state)
		__atomic_add_fetch(&site->n_completed, 1, __ATOMIC_RELAXED);
}

static void
open_site(struct site *site)
{
	const union MHD_DaemonInfo *daemon_info;

	memset(site, 0, sizeof(*site));
	the_site = site;
	site->f = fixture_open("", "");
	assert_int_equal(cmx_mhd_metrics_open(&site->exposition, NULL,
			     site->f.segment_path, NULL),
	    0);
	cmx_mhd_init(&site->metrics, site->f.reg, handle, complete, site);
	site->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
		MHD_ALLOW_SUSPEND_RESUME,
	    0, NULL, NULL, cmx_mhd_handler, &site->metrics,
	    MHD_OPTION_URI_LOG_CALLBACK, cmx_mhd_uri, &site->metrics,
	    MHD_OPTION_NOTIFY_COMPLETED, cmx_mhd_completed, &site->metrics,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)4096, MHD_OPTION_END);
	assert_non_null(site->daemon);
	daemon_info =
	    MHD_get_daemon_info(site->daemon, MHD_DAEMON_INFO_BIND_PORT);
	site->port = daemon_info->port;
}

static void
close_site(struct site *site)
{
	MHD_stop_daemon(site->daemon);
	assert_shows(site->f.segment_path, "codeai_http_requests_in_flight 0");
	cmx_mhd_metrics_close(&site->exposition);
	fixture_close(&site->f);
}

/* A connection on which this was sent. */
static int
send_request(const struct site *site, const char *bytes)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)site->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	/* A server may close before it has read all of it. */
	assert_true(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) > 0);
	return fd;
}

/* What the server says until it closes; in a static buffer. */
static const char *
receive_all(int fd)
{
	static char answer[1 << 16];
	size_t used = 0;
	ssize_t n;

	while ((n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0)
		used += (size_t)n;
	answer[used] = '\0';
	close(fd);
	return answer;
}

static const char *
ask(const struct site *site, const char *method, const char *path,
    const char *more)
{
	char request[512];

	snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s%s", method,
	    path, more, strstr(more, "\r\n\r\n") != NULL ? "" : "\r\n");
	return receive_all(send_request(site, request));
}

/* A request is recorded behind its answer's last byte: wait for it. */
static void
await(const struct site *site, const char *line)
{
	for (int i = 0; i < 3000; i++) {
		if (shows(site->f.segment_path, line))
			return;
		usleep(10 * 1000);
	}
	assert_shows(site->f.segment_path, line);
}

static void
await_request(const struct site *site, const char *method, const char *path,
    int status, int n)
{
	char line[300];

	snprintf(line, sizeof(line),
	    "codeai_http_requests_total{method=\"%s\",path=\"%s\","
	    "status=\"%d\"} %d",
	    method, path, status, n);
	await(site, line);
}

static void
await_bytes(const struct site *site, const char *which, const char *method,
    const char *path, int sum, int n)
{
	char line[300];

	snprintf(line, sizeof(line),
	    "codeai_http_%s_size_bytes_sum{method=\"%s\",path=\"%s\"} %d",
	    which, method, path, sum);
	await(site, line);
	snprintf(line, sizeof(line),
	    "codeai_http_%s_size_bytes_count{method=\"%s\",path=\"%s\"} %d",
	    which, method, path, n);
	await(site, line);
}

TEST(requests_are_recorded)
{
	struct site site;

	open_site(&site);
	assert_non_null(
	    strstr(ask(&site, "GET", "/users/7?x=1", ""), "hello world"));
	ask(&site, "GET", "/users/8#y", "");
	await_request(&site, "GET", "/users/{id}", 200, 2);
	await_bytes(&site, "response", "GET", "/users/{id}", 22, 2);
	await_bytes(&site, "request", "GET", "/users/{id}", 0, 2);
	ask(&site, "GET", "/routed/anything", "");
	await_request(&site, "GET", "/routed/{name}", 200, 1);
	ask(&site, "BREW", "/pot", "");
	await_request(&site, "other", "/pot", 200, 1);
	ask(&site, "GET", "/nothing", "");
	await_request(&site, "GET", "other", 404, 1);
	assert_int_equal(site.n_completed, 5);
	close_site(&site);
}

TEST(bodies_are_measured)
{
	struct site site;

	open_site(&site);
	ask(&site, "POST", "/form", "Content-Length: 10\r\n\r\n0123456789");
	await_bytes(&site, "request", "POST", "/form", 10, 1);
	ask(&site, "PUT", "/form",
	    "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n2\r\nfg\r\n"
	    "0\r\n\r\n");
	await_bytes(&site, "request", "PUT", "/form", 7, 1);
	assert_non_null(strstr(ask(&site, "GET", "/reader", ""), "xxx"));
	await_bytes(&site, "response", "GET", "/reader", 1000, 1);
	await_request(&site, "GET", "/reader", 200, 1);
	assert_int_equal(site.n_freed, 1);
	ask(&site, "HEAD", "/reader", "");
	await_bytes(&site, "response", "HEAD", "/reader", 0, 1);
	ask(&site, "HEAD", "/a", "");
	await_bytes(&site, "response", "HEAD", "/a", 0, 1);
	ask(&site, "GET", "/same", "");
	await_bytes(&site, "response", "GET", "/same", 0, 1);
	await_request(&site, "GET", "/same", 304, 1);
	ask(&site, "GET", "/instead", "");
	await_bytes(&site, "response", "GET", "/instead", 7, 1);
	/* Queued by libmicrohttpd's own call: only its size is unknown. */
	ask(&site, "GET", "/plain", "");
	await_request(&site, "GET", "/plain", 202, 1);
	assert_shows(site.f.segment_path,
	    "codeai_http_response_size_bytes_count{method=\"GET\","
	    "path=\"/plain\"} 0");
	close_site(&site);
}

TEST(one_connection_has_many_requests)
{
	struct site site;
	const char *answer;
	int n = 0;

	open_site(&site);
	answer = receive_all(send_request(&site,
	    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	for (const char *p = answer; (p = strstr(p, "hello")) != NULL; p++)
		n++;
	assert_int_equal(n, 3);
	await_request(&site, "GET", "/a", 200, 3);
	close_site(&site);
}

/* libmicrohttpd answers these by itself, or not at all. */
TEST(requests_without_the_handlers_answer)
{
	struct site site;
	char *path = malloc(1 << 20);

	open_site(&site);
	ask(&site, "GET", "/no", "");
	await_request(&site, "GET", "/no", 500, 1);
	assert_non_null(
	    strstr(ask(&site, "POST", "/form", "Content-Length: nine\r\n\r\n"),
		" 400 "));
	/* What a client alone decides makes no series. */
	await_request(&site, "other", "other", 400, 1);
	memset(path, 'a', (1 << 20) - 1);
	path[(1 << 20) - 1] = '\0';
	memcpy(path, "GET /", 5);
	close(send_request(&site, path));
	free(path);
	ask(&site, "GET", "/alive", "");
	await_request(&site, "GET", "/alive", 200, 1);
	close_site(&site);
}

TEST(clients_that_go_away)
{
	struct site site;
	char some[1000];
	int fd;

	open_site(&site);
	fd = send_request(&site,
	    "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
	await(&site, "codeai_http_requests_in_flight 1");
	close(fd);
	await_request(&site, "POST", "/form", 499, 1);
	/* As large as the client said, though the handler saw less. */
	await_bytes(&site, "request", "POST", "/form", 100, 1);
	await(&site, "codeai_http_requests_in_flight 0");
	fd = send_request(&site, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(recv(fd, some, sizeof(some), 0) > 0);
	close(fd);
	await_request(&site, "GET", "/endless", 200, 1);
	await(&site,
	    "codeai_http_response_size_bytes_count{method=\"GET\","
	    "path=\"/endless\"} 1");
	await(&site, "codeai_http_requests_in_flight 0");
	assert_int_equal(site.n_freed, 1);
	close_site(&site);
}

TEST(a_suspended_request_is_in_flight)
{
	struct site site;
	struct MHD_Connection *suspended;
	int fd;

	open_site(&site);
	fd = send_request(&site,
	    "GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	while ((suspended = __atomic_load_n(&site.suspended,
		    __ATOMIC_ACQUIRE)) == NULL)
		usleep(1000);
	ask(&site, "GET", "/a", "");
	await_request(&site, "GET", "/a", 200, 1);
	await(&site, "codeai_http_requests_in_flight 1");
	MHD_resume_connection(suspended);
	assert_non_null(strstr(receive_all(fd), "hello world"));
	await_request(&site, "GET", "/wait", 200, 1);
	close_site(&site);
}

TEST(a_daemon_that_ends_records_what_it_cut)
{
	struct site site;
	int fd;

	open_site(&site);
	fd = send_request(&site,
	    "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
	await(&site, "codeai_http_requests_in_flight 1");
	MHD_stop_daemon(site.daemon);
	close(fd);
	await_request(&site, "POST", "/form", 503, 1);
	await(&site, "codeai_http_requests_in_flight 0");
	cmx_mhd_metrics_close(&site.exposition);
	fixture_close(&site.f);
}

TEST(metrics_are_served)
{
	struct site site;
	struct cmx_registry *newer;
	const char *answer;

	open_site(&site);
	ask(&site, "GET", "/a", "");
	await_request(&site, "GET", "/a", 200, 1);
	answer = ask(&site, "GET", "/metrics", "");
	assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
	assert_non_null(strstr(answer,
	    "codeai_http_requests_total{method=\"GET\",path=\"/a\","
	    "status=\"200\"} 1\n"));
	answer = ask(&site, "GET", "/metrics",
	    "Accept: application/openmetrics-text;version=1.0.0\r\n");
	assert_non_null(strstr(answer, "# EOF\n"));
	answer = ask(&site, "HEAD", "/metrics", "");
	assert_non_null(strstr(answer, " 200 "));
	answer = ask(&site, "DELETE", "/metrics", "");
	assert_non_null(strstr(answer, " 405 "));
	assert_non_null(strstr(answer, "Allow: GET, HEAD"));
	/* Another segment takes the name. */
	assert_int_equal(cmx_remove(site.f.segment_path, NULL), 0);
	assert_non_null(strstr(ask(&site, "GET", "/metrics", ""), " 200 "));
	assert_int_equal(cmx_open(site.f.segment_path, NULL, 0, &newer, NULL),
	    0);
	answer = ask(&site, "GET", "/metrics", "");
	assert_non_null(strstr(answer, "codeai_db_connections_idle"));
	MHD_stop_daemon(site.daemon);
	cmx_mhd_metrics_close(&site.exposition);
	cmx_close(newer);
	fixture_close(&site.f);
}

/* Neither a segment nor a registry: the server serves. */
TEST(a_server_needs_no_metrics)
{
	struct site site = { .suspended = NULL };

	assert_int_not_equal(cmx_mhd_metrics_open(&site.exposition, NULL,
				 "/dev/shm/codeai-test-none", NULL),
	    0);
	cmx_mhd_init(&site.metrics, NULL, handle, NULL, &site);
	site.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL,
	    NULL, cmx_mhd_handler, &site.metrics, MHD_OPTION_NOTIFY_COMPLETED,
	    cmx_mhd_completed, &site.metrics, MHD_OPTION_END);
	site.port =
	    MHD_get_daemon_info(site.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	assert_non_null(strstr(ask(&site, "GET", "/a", ""), "hello world"));
	assert_non_null(strstr(ask(&site, "GET", "/metrics", ""), " 503 "));
	MHD_stop_daemon(site.daemon);
	cmx_mhd_metrics_close(&site.exposition);
}

TEST(a_private_segment_is_served_by_its_owner)
{
	const char *line = "codeai_events_emitted_total{event=\"x\"} 1\n";
	struct cmx_registry *reg;
	struct cmx_mhd_metrics exposition;
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error err;

	assert_int_equal(cmx_open(NULL, NULL, CMX_PRIVATE, &reg, &err), 0);
	cmx_record_event(reg, "x");
	assert_int_equal(cmx_mhd_metrics_open(&exposition, reg, NULL, &err), 0);
	assert_int_equal(cmx_mhd_metrics_encode(&exposition, CMXR_TEXT, &body,
			     &err),
	    0);
	assert_non_null(memmem(body.data, body.size, line, strlen(line)));
	cmxr_buffer_free(&body);
	cmx_mhd_metrics_close(&exposition);
	cmx_close(reg);
}

/*
 * server.c: HTTP.  The only file that knows libmicrohttpd.
 *
 * A thread for each connection, so that a slow client delays nobody, and the
 * health endpoint answers while a scrape runs.
 */
#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "web/web.h"

#define CONNECTIONS_MAX         256
#define CONNECTIONS_MIN         4
#define CONNECTIONS_PER_ADDRESS 32
/* Of silence, and from the first byte of a request to its last header. */
#define REQUEST_SECONDS 10
/* For an answer to be made and sent; no scraper waits longer. */
#define ANSWER_SECONDS 120
/* The request with its arguments: NAMES_MAX names of families fit. */
#define CONNECTION_MEMORY (64 * 1024)

#define TEXT "text/plain; charset=utf-8"

/* Descriptors that a segment takes, with those that it replaced. */
#define SOURCE_DESCRIPTORS 8
/* A found one; few of them are replaced at one time. */
#define FOUND_DESCRIPTORS 2
#define FOUND_SOURCES     64
#define OTHER_DESCRIPTORS 32
#define LEAST_DESCRIPTORS 16

struct server {
	struct MHD_Daemon *daemon;
	struct service service;
	struct deadlines *deadlines;
	int socket;
};

/* A connection. */
struct visit {
	struct client *client;
	struct tls_visit tls;
};

/* A request, from its first header to the end of its answer. */
struct exchange {
	uint64_t begun_ns;
	const char *endpoint;
	const char *method;
	int status;
	size_t bytes;
};

static struct visit *
begin_visit(const struct server *server, struct MHD_Connection *connection)
{
	struct visit *visit = calloc(1, sizeof(*visit));
	const int one = 1;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_CONNECTION_FD);

	if (visit == NULL || info == NULL) {
		/* It has a session without rules: it must not go on. */
		if (info != NULL)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(visit);
		return NULL;
	}
	/* A handshake has many small messages. */
	setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one));
	visit->client = deadline_begin(server->deadlines, info->connect_fd,
	    REQUEST_SECONDS);
	info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info != NULL && info->tls_session != NULL)
		tls_visit_begin(&visit->tls, server->service.web,
		    info->tls_session);
	return visit;
}

/* A connection begins or ends. */
static void
on_connection(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_ConnectionNotificationCode code)
{
	const struct server *server = arg;
	struct visit *visit = *state;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*state = begin_visit(server, connection);
		return;
	}
	*state = NULL;
	if (visit == NULL)
		return;
	deadline_end(visit->client);
	tls_visit_end(&visit->tls);
	free(visit);
}

static struct client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct visit *visit = info == NULL ? NULL : info->socket_context;

	return visit == NULL ? NULL : visit->client;
}

/* The address of a client; IPv4's as IPv6 has it. */
static void
read_address(struct MHD_Connection *connection, unsigned char address[16])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info == NULL ? NULL : info->client_addr;

	memset(address, 0, 16);
	if (from == NULL)
		return;
	if (from->sa_family == AF_INET6) {
		memcpy(address,
		    &((const struct sockaddr_in6 *)(const void *)from)
			 ->sin6_addr,
		    16);
	} else if (from->sa_family == AF_INET) {
		address[10] = address[11] = 0xff;
		memcpy(address + 12,
		    &((const struct sockaddr_in *)(const void *)from)->sin_addr,
		    4);
	}
}

/* The log has no byte of what a client sent. */
static void
log_exchange(struct MHD_Connection *connection, const struct exchange *x)
{
	_Alignas(struct in6_addr) unsigned char address[16];
	char client[INET6_ADDRSTRLEN];
	const struct log_field fields[] = { { "client", client, 0 },
		{ "method", x->method, 0 }, { "endpoint", x->endpoint, 0 },
		{ "status", NULL, x->status },
		{ "bytes", NULL, (double)x->bytes },
		{ "seconds", NULL,
		    (double)(now_ns() - x->begun_ns) / (double)NS_PER_SECOND },
		{ NULL, NULL, 0 } };

	if (!log_has_level(LOG_LEVEL_DEBUG))
		return;
	read_address(connection, address);
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address))
		inet_ntop(AF_INET, address + 12, client, sizeof(client));
	else
		inet_ntop(AF_INET6, address, client, sizeof(client));
	log_fields(LOG_LEVEL_DEBUG, "request", fields);
}

/* An answer was sent: the connection may have another request. */
static void
on_completed(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	(void)arg;
	(void)code;
	if (x != NULL && x->status != 0)
		log_exchange(connection, x);
	free(x);
	*state = NULL;
	deadline_set(client_of(connection), REQUEST_SECONDS);
}

static void
end_request(void *request)
{
	request_end(request);
}

/* The bytes of an answer.  Requires: it has a body, or owns what it has. */
static const struct cmxr_buffer *
buffer_of(const struct answer *a)
{
	return a->request != NULL ? &a->request->body->buffer : &a->owned;
}

static size_t
size_of(const struct answer *a)
{
	return a->text != NULL ? strlen(a->text) : buffer_of(a)->size;
}

static bool
is_gzip(const struct answer *a)
{
	return a->request != NULL ? a->request->body->is_gzip : a->is_gzip;
}

/* It gets what the answer owns. */
static struct MHD_Response *
make_body(const struct answer *a)
{
	struct MHD_Response *response;

	if (a->text != NULL)
		return MHD_create_response_from_buffer(strlen(a->text),
		    (void *)(uintptr_t)a->text, MHD_RESPMEM_PERSISTENT);
	if (a->request == NULL) {
		response = MHD_create_response_from_buffer_with_free_callback(
		    a->owned.size, a->owned.data, free);
		if (response == NULL)
			free(a->owned.data);
		return response;
	}
	response = MHD_create_response_from_buffer_with_free_callback_cls(
	    buffer_of(a)->size, buffer_of(a)->data, end_request, a->request);
	if (response == NULL)
		request_end(a->request);
	return response;
}

static struct MHD_Response *
make_response(const struct answer *a)
{
	bool has_gzip = a->text == NULL && is_gzip(a);
	struct MHD_Response *response = make_body(a);

	if (response == NULL)
		return NULL;
	MHD_add_response_header(response, "Content-Type", a->content_type);
	if (a->text == NULL)
		MHD_add_response_header(response, "Vary",
		    "Accept, Accept-Encoding");
	if (has_gzip)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (a->status == 405)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	return response;
}

/* An argument of /api/v1. */
static void
add_argument(struct live_want *want, const char *key, const char *value)
{
	const char *reason = NULL;

	if (strcmp(key, "segment") == 0)
		want->segment = value[0] != '\0' ? value : NULL;
	else if (strcmp(key, "match") == 0)
		want->match = value;
	else if (strcmp(key, "top") == 0)
		want->top = (size_t)strtonum(value, 1, LIVE_TOP_MAX, &reason);
	else if (strcmp(key, "q") == 0 && want->n_queries < LIVE_QUERIES_MAX)
		want->queries[want->n_queries++] = value;
	else if (strcmp(key, "q") == 0)
		want->mistake = "More than 32 q= are not allowed.\n";
	if (reason != NULL)
		want->mistake = "top= must be a number from 1 to 200.\n";
}

static enum MHD_Result
add_name(void *arg, enum MHD_ValueKind kind, const char *key, size_t key_size,
    const char *value, size_t value_size)
{
	struct want *want = arg;

	(void)kind;
	if (strlen(key) != key_size ||
	    (value != NULL && strlen(value) != value_size)) {
		want->has_nul = true;
		return MHD_YES;
	}
	if (strcmp(key, "name[]") != 0) {
		add_argument(&want->live, key, value != NULL ? value : "");
		return MHD_YES;
	}
	if (want->n_names == NAMES_MAX)
		want->has_too_many_names = true;
	else
		want->names[want->n_names++] = value != NULL ? value : "";
	return MHD_YES;
}

/* Read the request's headers and query. */
static void
read_want(struct MHD_Connection *connection, struct want *want)
{
	want->format = cmxr_negotiate(
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));
	want->gzip = cmxr_accepts_gzip(MHD_lookup_connection_value(connection,
	    MHD_HEADER_KIND, "Accept-Encoding"));
	read_address(connection, want->client);
	want->n_names = 0;
	want->has_too_many_names = want->has_nul = false;
	want->live = (struct live_want){ .top = LIVE_TOP };
	memcpy(want->live.client, want->client, sizeof(want->client));
	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_name,
	    want);
}

/* What is answered before the endpoints are asked. */
static const struct answer refusals[] = {
	[ACCESS_BROKEN] = { .status = 500,
	    .content_type = TEXT,
	    .text = "Internal Server Error\n" },
	[ACCESS_TOO_MANY] = { .status = 429,
	    .content_type = TEXT,
	    .text = "Too Many Requests\n" },
	[ACCESS_DENIED] = { .status = 401,
	    .content_type = TEXT,
	    .text = "Unauthorized\n" },
};

/*
 * Let the request in, or not.  Returns the configuration whose headers the
 * answer gets, or null.
 */
static struct web_config *
admit(const struct server *server, struct MHD_Connection *connection,
    enum access *access)
{
	struct web_config *config = NULL;

	*access = ACCESS_ALLOWED;
	if (server->service.web != NULL)
		*access = web_access(server->service.web,
		    MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
			"Authorization"),
		    &config);
	return config;
}

static struct answer
make_answer(const struct server *server, struct MHD_Connection *connection,
    const char *method, const char *url)
{
	const struct endpoints *endpoints = server->service.endpoints;
	struct want want;

	if (endpoints == NULL)
		return endpoint_answer_health(method, url);
	read_want(connection, &want);
	return endpoint_answer(endpoints, method, url, &want);
}

static bool
has_header(const struct web_config *config, const char *name)
{
	for (size_t i = 0; config != NULL && i < config->headers.n; i++)
		if (strcmp(config->headers.at[i].name, name) == 0)
			return true;
	return false;
}

/* Those of the configuration, which may be null, and those of all answers. */
static void
add_headers(struct MHD_Response *response, const struct web_config *config)
{
	for (size_t i = 0; config != NULL && i < config->headers.n; i++)
		MHD_add_response_header(response, config->headers.at[i].name,
		    config->headers.at[i].value);
	for (const struct header *h = endpoint_headers; h->name != NULL; h++)
		if (!has_header(config, h->name))
			MHD_add_response_header(response, h->name, h->value);
}

static enum MHD_Result
answer_request(const struct server *server, struct MHD_Connection *connection,
    const char *method, const char *url, struct exchange *x)
{
	enum access access;
	struct web_config *config = admit(server, connection, &access);
	struct answer answer = access == ACCESS_ALLOWED ?
	    make_answer(server, connection, method, url) :
	    refusals[access];
	size_t bytes = size_of(&answer);
	struct MHD_Response *response = make_response(&answer);
	enum MHD_Result result;

	x->status = answer.status;
	x->bytes = bytes;
	if (response != NULL && access == ACCESS_DENIED)
		MHD_add_response_header(response, "WWW-Authenticate", "Basic");
	if (response != NULL)
		add_headers(response, config);
	if (config != NULL)
		web_put(server->service.web, config);
	if (response == NULL)
		return MHD_NO;
	result = MHD_queue_response(connection, (unsigned int)answer.status,
	    response);
	MHD_destroy_response(response);
	return result;
}

/* The methods that the log has by their names. */
static const char *
method_name(const char *method)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT",
		"DELETE", "OPTIONS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(method, names[i]) == 0)
			return names[i];
	return "other";
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_size, void **state)
{
	const struct server *server = arg;
	struct exchange *x = *state;

	(void)version;
	(void)upload_data;
	/* The first call has the headers only; a body is read and dropped. */
	if (x == NULL) {
		*state = x = calloc(1, sizeof(*x));
		if (x == NULL)
			return MHD_NO;
		x->begun_ns = now_ns();
		x->method = method_name(method);
		x->endpoint = endpoint_name(server->service.endpoints, url);
		deadline_set(client_of(connection), ANSWER_SECONDS);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	return answer_request(server, connection, method, url, x);
}

/* Raise the limit of descriptors as far as it may be.  Returns it. */
static size_t
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return SIZE_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return (size_t)limit.rlim_cur;
}

bool
server_capacity(size_t n_servers, const struct fleet *fleet,
    struct capacity *to)
{
	size_t limit = raise_limit(), least = LEAST_DESCRIPTORS + n_servers;
	size_t others = OTHER_DESCRIPTORS, n = fleet_n_origins(fleet);
	bool is_pattern;

	for (size_t i = 0; i < n; i++) {
		fleet_origin(fleet, i, &is_pattern);
		least += 2;
		others += is_pattern ? FOUND_SOURCES * FOUND_DESCRIPTORS :
				       SOURCE_DESCRIPTORS;
	}
	if (limit < least) {
		log_error(
		    "%zu descriptors may be open, at least %zu are needed (ulimit -n)",
		    limit, least);
		return false;
	}
	to->connections =
	    limit > others ? (limit - others) / n_servers : CONNECTIONS_MIN;
	if (to->connections > CONNECTIONS_MAX)
		to->connections = CONNECTIONS_MAX;
	if (to->connections < CONNECTIONS_MIN)
		to->connections = CONNECTIONS_MIN;
	others = OTHER_DESCRIPTORS + n_servers * (to->connections + 4);
	to->sources = limit > others + n * FOUND_DESCRIPTORS ?
	    (limit - others) / FOUND_DESCRIPTORS :
	    n;
	return true;
}

/* What libmicrohttpd takes for the end of it: an end with a reason. */
static void
on_panic(void *arg, const char *file, unsigned int line, const char *reason)
{
	(void)arg;
	log_error("libmicrohttpd, %s:%u: %s", file, line,
	    reason != NULL ? reason : "no reason");
	_exit(1);
}

struct server *
server_new(int socket)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server != NULL)
		server->socket = socket;
	return server;
}

bool
server_start(struct server *server, const struct service *service)
{
	bool has_tls = service->web != NULL && web_has_tls(service->web);
	unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD |
	    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
	    (has_tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
					    tls_no_certificate() },
		{ MHD_OPTION_END, 0, NULL } };

	MHD_set_panic_func(on_panic, NULL);
	server->service = *service;
	server->deadlines = deadlines_new();
	server->daemon = server->deadlines == NULL ?
	    NULL :
	    MHD_start_daemon(flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_ARRAY, has_tls ? tls : tls + 1,
		MHD_OPTION_LISTEN_SOCKET, server->socket,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)service->connections,
		/*
	         * Fewer than scrapes at once: no address alone keeps others
	         * out.
	         */
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_PER_ADDRESS,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)REQUEST_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (server->daemon == NULL)
		log_error("port %d: the HTTP server could not be started",
		    listen_port(server->socket));
	return server->daemon != NULL;
}

void
server_stop(struct server *server)
{
	if (server == NULL)
		return;
	/* It closes the socket. */
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	else
		close(server->socket);
	deadlines_free(server->deadlines);
	free(server);
}

const char *
server_library_version(void)
{
	return MHD_get_version();
}

/*
 * server.c: listening and HTTP.  The only file that knows libmicrohttpd.
 *
 * A thread for each connection, so that a slow client delays nobody, and the
 * health endpoint answers while a scrape runs.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"

#define CONNECTIONS_MAX         256
#define CONNECTIONS_MIN         4
#define CONNECTIONS_PER_ADDRESS 32
/* Of silence, and from the first byte of a request to its last header. */
#define REQUEST_SECONDS 10
/* For an answer to be made and sent; no scraper waits longer. */
#define ANSWER_SECONDS 120
/* The request with its arguments: NAMES_MAX names of families fit. */
#define CONNECTION_MEMORY (64 * 1024)

/* Descriptors that a segment takes, with those that it replaced. */
#define SOURCE_DESCRIPTORS 8
#define OTHER_DESCRIPTORS  32
#define LEAST_DESCRIPTORS  16

struct server {
	struct MHD_Daemon *daemon;
	const struct endpoints *endpoints;
	struct deadlines *deadlines;
	int socket;
	int port;
};

/* A connection begins or ends. */
static void
on_connection(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_ConnectionNotificationCode code)
{
	const struct server *server = arg;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		deadline_end(*state);
		*state = NULL;
		return;
	}
	info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		*state = deadline_begin(server->deadlines, info->connect_fd,
		    REQUEST_SECONDS);
}

static struct client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

/* An answer was sent: the connection may have another request. */
static void
on_completed(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	(void)arg;
	(void)state;
	(void)code;
	deadline_set(client_of(connection), REQUEST_SECONDS);
}

static void
end_request(void *request)
{
	request_end(request);
}

static struct MHD_Response *
make_response(const struct answer *a)
{
	const struct body *body = a->request == NULL ? NULL : a->request->body;
	struct MHD_Response *response;

	if (body == NULL)
		response = MHD_create_response_from_buffer(strlen(a->text),
		    (void *)(uintptr_t)a->text, MHD_RESPMEM_PERSISTENT);
	else
		response =
		    MHD_create_response_from_buffer_with_free_callback_cls(
			body->buffer.size, body->buffer.data, end_request,
			a->request);
	if (response == NULL) {
		if (a->request != NULL)
			request_end(a->request);
		return NULL;
	}
	MHD_add_response_header(response, "Content-Type", a->content_type);
	if (body != NULL) {
		MHD_add_response_header(response, "Vary",
		    "Accept, Accept-Encoding");
		if (body->is_gzip)
			MHD_add_response_header(response, "Content-Encoding",
			    "gzip");
	}
	if (a->status == 405)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	return response;
}

static enum MHD_Result
add_name(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct want *want = arg;

	(void)kind;
	if (strcmp(key, "name[]") != 0)
		return MHD_YES;
	if (want->n_names == NAMES_MAX)
		want->has_too_many_names = true;
	else
		want->names[want->n_names++] = value != NULL ? value : "";
	return MHD_YES;
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
	want->has_too_many_names = false;
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_name,
	    want);
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_size, void **state)
{
	static int headers_seen;
	struct server *server = arg;
	struct MHD_Response *response;
	struct answer answer;
	struct want want;
	enum MHD_Result result;

	(void)version;
	(void)upload_data;
	/* The first call has the headers only; a body is read and dropped. */
	if (*state == NULL) {
		*state = &headers_seen;
		deadline_set(client_of(connection), ANSWER_SECONDS);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	read_want(connection, &want);
	answer = endpoint_answer(server->endpoints, method, url, &want);
	response = make_response(&answer);
	if (response == NULL)
		return MHD_NO;
	result = MHD_queue_response(connection, (unsigned int)answer.status,
	    response);
	MHD_destroy_response(response);
	return result;
}

/* Split "host:port"; the host may be empty or in brackets. */
static bool
split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (colon == NULL)
		return false;
	*port = colon + 1;
	n = (size_t)(colon - address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	if (n >= size)
		return false;
	memcpy(host, address, n);
	host[n] = '\0';
	return true;
}

static bool
is_port(const char *text)
{
	const char *reason;

	strtonum(text, 0, 65535, &reason);
	return reason == NULL && text[0] >= '0' && text[0] <= '9';
}

static int
listen_on(const struct addrinfo *a, bool with_ipv4)
{
	int s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	int only_ipv6 = !with_ipv4, saved;

	if (s < 0)
		return -1;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6,
		    sizeof(only_ipv6));
	if (bind(s, a->ai_addr, a->ai_addrlen) == 0 && listen(s, 128) == 0)
		return s;
	saved = errno;
	close(s);
	errno = saved;
	return -1;
}

bool
server_address_is_valid(const char *address)
{
	char host[256];
	const char *port;

	if (split_address(address, host, sizeof(host), &port) && is_port(port))
		return true;
	log_error(
	    "--web.listen-address=%s: must be HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to 65535",
	    address);
	return false;
}

/* Open a listening socket; prints why that fails, and returns -1. */
static int
open_socket(const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char host[256];
	const char *port;
	int r, s;

	if (!split_address(address, host, sizeof(host), &port))
		return -1;
	r = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
	if (r != 0) {
		log_error("--web.listen-address=%s: %s", address,
		    gai_strerror(r));
		return -1;
	}
	/* ":PORT" means every address: IPv6 with IPv4 in it, or IPv4 alone. */
	s = -1;
	for (const struct addrinfo *a = list; s < 0 && a != NULL;
	     a = a->ai_next)
		if (host[0] != '\0' || a->ai_family == AF_INET6)
			s = listen_on(a, host[0] == '\0');
	for (const struct addrinfo *a = list;
	     s < 0 && a != NULL && errno != EADDRINUSE; a = a->ai_next)
		if (host[0] == '\0' && a->ai_family == AF_INET)
			s = listen_on(a, false);
	if (s < 0)
		log_error("--web.listen-address=%s: %s%s", address,
		    strerror(errno),
		    errno == EADDRINUSE ? "; another program listens there" :
					  "");
	freeaddrinfo(list);
	return s;
}

static int
port_of(int socket)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char port[16];

	if (getsockname(socket, (struct sockaddr *)&address, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&address, size, NULL, 0, port,
		sizeof(port), NI_NUMERICSERV) != 0)
		return 0;
	return atoi(port);
}

/* A descriptor from systemd or another program may be anything: check it. */
static bool
is_listening(int socket)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) ==
		0 &&
	    listens)
		return true;
	log_error("LISTEN_FDS: descriptor %d is not a listening socket",
	    socket);
	return false;
}

size_t
server_connections(size_t n_servers, size_t n_sources)
{
	size_t others = OTHER_DESCRIPTORS + n_sources * SOURCE_DESCRIPTORS;
	size_t wanted = others + n_servers * (CONNECTIONS_MAX + 4), most;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return CONNECTIONS_MAX;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur =
		    limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return CONNECTIONS_MAX;
	if (limit.rlim_cur < LEAST_DESCRIPTORS + 2 * n_sources + n_servers) {
		log_error(
		    "%lu descriptors may be open, at least %zu are needed (ulimit -n)",
		    (unsigned long)limit.rlim_cur,
		    LEAST_DESCRIPTORS + 2 * n_sources + n_servers);
		return 0;
	}
	most = limit.rlim_cur > others ?
	    ((size_t)limit.rlim_cur - others) / n_servers :
	    0;
	return most > CONNECTIONS_MIN ? most : CONNECTIONS_MIN;
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
server_open(const char *address, int socket)
{
	struct server *server = calloc(1, sizeof(*server));

	if (address != NULL)
		socket = open_socket(address);
	else if (!is_listening(socket))
		socket = -1;
	if (server == NULL || socket < 0) {
		free(server);
		return NULL;
	}
	server->socket = socket;
	server->port = port_of(socket);
	return server;
}

bool
server_start(struct server *server, size_t connections,
    const struct endpoints *endpoints)
{
	MHD_set_panic_func(on_panic, NULL);
	server->endpoints = endpoints;
	server->deadlines = deadlines_new();
	server->daemon = server->deadlines == NULL ?
	    NULL :
	    MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
		    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC,
		0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
		server->socket, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)connections,
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
		    server->port);
	return server->daemon != NULL;
}

int
server_port(const struct server *server)
{
	return server->port;
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

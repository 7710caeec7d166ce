/*
 * request.c: the bytes that a client sends to the daemon, whose parts run here
 * but for main().
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon.h"

static struct endpoints endpoints;
static struct server *server;
static int port;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct budget budget = { .max_requests = 40,
		.timeout_ns = NS_PER_SECOND,
		.max_bytes = 1 << 20 };
	static const struct fleet_budget fleet_budget = { 1 << 20, 1 };
	struct fleet *fleet = fleet_new();
	struct collector *collector;
	struct service service = { .connections = 64 };
	struct cmx_error error;
	int listening;

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	MUST(fleet != NULL && fleet_add(fleet, "/dev/shm/no-such-segment"));
	collector = collector_new(fleet, &budget, true, &error);
	MUST(collector != NULL && fleet_start(fleet, &fleet_budget));
	MUST(endpoints_init(&endpoints, "/metrics", collector, fleet, true));
	listening = listen_open("fuzz", "127.0.0.1:0");
	port = listen_port(listening);
	server = server_new(listening);
	service.endpoints = &endpoints;
	MUST(server != NULL && server_start(server, &service));
	return 0;
}

static int
connect_to_server(void)
{
	const struct timeval patience = { .tv_sec = 20 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	/* One address has too few ports for all that were just closed. */
	static uint32_t n;
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + n++ % 60000) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	MUST(s >= 0 && bind(s, (struct sockaddr *)&from, sizeof(from)) == 0);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror("connect");
		abort();
	}
	return s;
}

/* Each request is answered, or its connection ends, in time. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[65536];
	int s = connect_to_server();
	size_t had = 0;
	ssize_t n;

	while (size > 0 && (n = send(s, data, size, MSG_NOSIGNAL)) > 0) {
		data += n;
		size -= (size_t)n;
	}
	shutdown(s, SHUT_WR);
	while ((n = recv(s, answer + had, sizeof(answer) - had, 0)) > 0)
		had =
		    had + (size_t)n < sizeof(answer) / 2 ? had + (size_t)n : 16;
	/* The patience has no end; a reset is an end. */
	MUST(n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK));
	MUST(had == 0 || memcmp(answer, "HTTP/1.", had < 7 ? had : 7) == 0);
	close(s);
	return 0;
}

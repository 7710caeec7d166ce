/*
 * evserver.c: a prefork server on libevent.
 *
 *	evserver WORKERS
 *
 * Prints "worker PID" for each worker; a worker that dies is started anew.
 */
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_http.h>

static struct cmx_registry *metrics;

static void
serve(struct evhttp_request *request, void *arg)
{
	struct evbuffer *body = evbuffer_new();
	char path[CMX_HTTP_PATH_MAX];
	struct cmx_timer timer;

	(void)arg;
	cmx_http_begin(metrics, &timer);
	evbuffer_add_printf(body, "hello\n");
	cmx_http_normalize_path(evhttp_request_get_uri(request), path,
	    sizeof(path));
	/* Counted before it is answered: an answer was counted for sure. */
	cmx_http_end(&timer, "GET", path, 200, 0,
	    (int64_t)evbuffer_get_length(body));
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
}

static void
work(int fd)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);

	cmx_set_role(metrics, "worker");
	cmx_set_db_connections(metrics, 1, 2);
	evhttp_set_gencb(http, serve, NULL);
	if (evhttp_accept_socket(http, fd) != 0)
		errx(1, "cannot accept");
	event_base_dispatch(base);
	_exit(0);
}

static void
start_worker(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(fd);
	}
	printf("worker %d\n", (int)pid);
	fflush(stdout);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct cmx_error error;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc != 2)
		errx(2, "usage: evserver WORKERS");
	if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		err(1, "socket");
	if (cmx_open(NULL, NULL, 0, &metrics, &error) != 0)
		warnx("%s", error.text);
	printf("port %d\n", ntohs(address.sin_port));
	for (int i = 0; i < atoi(argv[1]); i++)
		start_worker(fd);
	while (wait(NULL) > 0)
		start_worker(fd);
	return 0;
}

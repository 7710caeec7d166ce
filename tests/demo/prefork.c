/*
 * prefork.c: a prefork HTTP server with a SQLite database, instrumented with
 * the CodeAI helpers: the main job of this library, in one file.
 *
 *	prefork [-n WORKERS] [-p PORT] -d DATABASE -s SEGMENT
 *
 * A master opens the segment, listens on 127.0.0.1, forks the workers and
 * forks a new one for each that dies.  It prints "port N", and a line
 * "worker PID" for each worker.  A request is recorded before its answer is
 * sent; so a worker that is killed leaves at most one request recorded that
 * its client has no answer to.
 */
#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics_codeai.h>

#define WORKERS_MAX     64
#define CONNECTIONS_MAX 256
#define REQUEST_MAX     4096

static struct cmx_registry *registry;
static sqlite3 *database;
static volatile sig_atomic_t is_ending;

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Queries */

static int
query(const char *operation, const char *entity, const char *sql)
{
	double begun = now_seconds();
	int r = sqlite3_exec(database, sql, NULL, NULL, NULL);

	cmx_record_db_query(registry, operation, entity, now_seconds() - begun,
	    r != SQLITE_OK);
	return r;
}

static void
create_tables(const char *path)
{
	if (sqlite3_open(path, &database) != SQLITE_OK ||
	    sqlite3_exec(database,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
		"CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);"
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, user INTEGER);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		" WHERE i < 1000) INSERT INTO users SELECT i, 'user ' || i "
		"FROM n;",
		NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(database));
	sqlite3_close(database);
}

/* Routes: each answers with a status and fills the body. */

struct request {
	char method[16];
	char path[256];
	int64_t size;
};

struct reply {
	int status;
	char body[512];
};

static void
get_index(const struct request *request, struct reply *reply)
{
	(void)request;
	snprintf(reply->body, sizeof(reply->body), "prefork, pid %d\n",
	    (int)getpid());
}

static void
get_user(const struct request *request, struct reply *reply)
{
	int id = atoi(request->path + strlen("/users/"));
	bool is_cached = id % 3 == 0;
	char sql[128];

	cmx_record_cache_access(registry, "users", is_cached);
	if (!is_cached) {
		snprintf(sql, sizeof(sql), "SELECT name FROM users WHERE id=%d",
		    id);
		query("select", "users", sql);
	}
	reply->status = id >= 1 && id <= 1000 ? 200 : 404;
	snprintf(reply->body, sizeof(reply->body), "user %d\n", id);
}

static void
post_order(const struct request *request, struct reply *reply)
{
	double begun = now_seconds();
	int r;

	(void)request;
	r = query("insert", "orders", "INSERT INTO orders(user) VALUES(1)");
	cmx_record_workflow_step(registry, "order", "store",
	    now_seconds() - begun);
	if (r == SQLITE_OK)
		cmx_record_event(registry, "order_created");
	cmx_record_workflow_execution(registry, "order",
	    r == SQLITE_OK ? "success" : "error", now_seconds() - begun);
	reply->status = r == SQLITE_OK ? 201 : 503;
	snprintf(reply->body, sizeof(reply->body), "order\n");
}

static void
get_report(const struct request *request, struct reply *reply)
{
	double begun = now_seconds();

	(void)request;
	query("select", "orders", "SELECT count(*) FROM orders");
	sleep_ms(15);
	cmx_record_integration_call(registry, "mailer", "send", "success",
	    now_seconds() - begun);
	cmx_set_circuit_breaker_state(registry, "mailer", CMX_CIRCUIT_CLOSED);
	cmx_record_job_execution(registry, "report", "success");
	cmx_set_job_queue_size(registry, "reports", 0);
	snprintf(reply->body, sizeof(reply->body), "%0500d\n", 0);
}

static void
get_error(const struct request *request, struct reply *reply)
{
	(void)request;
	query("select", "nowhere", "SELECT * FROM nowhere");
	reply->status = 500;
	snprintf(reply->body, sizeof(reply->body), "error\n");
}

static const struct route {
	const char *method, *prefix, *template;
	void (*run)(const struct request *, struct reply *);
} routes[] = {
	{ "GET", "/users/", "/users/{id}", get_user },
	{ "POST", "/orders", "/orders", post_order },
	{ "GET", "/report", "/report", get_report },
	{ "GET", "/error", "/error", get_error },
	{ "GET", "/", "/", get_index },
};

static const struct route *
find_route(const struct request *request)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		size_t n = strlen(routes[i].prefix);

		if (strcmp(routes[i].method, request->method) == 0 &&
		    strncmp(routes[i].prefix, request->path, n) == 0 &&
		    (n > 1 || request->path[1] == '\0'))
			return &routes[i];
	}
	return NULL;
}

/* HTTP, as much of it as wrk and curl need */

static bool
send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static bool
answer(int fd, const struct request *request)
{
	const struct route *route = find_route(request);
	struct reply reply = { .status = 200 };
	double begun = now_seconds();
	char text[1024];
	int n;

	if (route != NULL) {
		route->run(request, &reply);
	} else {
		reply.status = 404;
		strcpy(reply.body, "there is nothing here\n");
	}
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %d X\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    reply.status, strlen(reply.body), reply.body);
	cmx_record_http_request(registry, request->method,
	    route != NULL ? route->template : "{unknown}", reply.status,
	    now_seconds() - begun, request->size, (int64_t)strlen(reply.body));
	return send_all(fd, text, (size_t)n);
}

struct connection {
	int fd;
	size_t used;
	char bytes[REQUEST_MAX + 1];
};

static struct connection connections[CONNECTIONS_MAX];

static long
content_length(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");

	return p == NULL ? 0 : atol(p + strlen("\r\nContent-Length:"));
}

/* Answer every whole request in the buffer; false: close. */
static bool
serve(struct connection *c)
{
	struct request request;
	char *end;

	while ((end = strstr(c->bytes, "\r\n\r\n")) != NULL) {
		size_t head = (size_t)(end + 4 - c->bytes);
		long body = content_length(c->bytes);

		if (body < 0 || body > REQUEST_MAX ||
		    sscanf(c->bytes, "%15s %255s", request.method,
			request.path) != 2)
			return false;
		if (c->used < head + (size_t)body)
			break;
		request.size = body;
		if (!answer(c->fd, &request))
			return false;
		c->used -= head + (size_t)body;
		memmove(c->bytes, c->bytes + head + (size_t)body, c->used + 1);
	}
	return c->used < REQUEST_MAX;
}

static bool
receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->bytes + c->used, REQUEST_MAX - c->used, 0);

	if (n <= 0)
		return false;
	c->used += (size_t)n;
	c->bytes[c->used] = '\0';
	return serve(c);
}

/* Processes */

static void
accept_one(int listener, size_t *n)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	connections[*n].fd = fd;
	connections[*n].used = 0;
	connections[*n].bytes[0] = '\0';
	++*n;
}

/* One request at a time, of any connection. */
static void
work(int listener)
{
	struct pollfd polls[CONNECTIONS_MAX + 1];
	size_t n = 0;

	while (!is_ending) {
		polls[0] = (struct pollfd){ .fd = listener,
			.events = n < CONNECTIONS_MAX ? POLLIN : 0 };
		for (size_t i = 0; i < n; i++)
			polls[i + 1] =
			    (struct pollfd){ connections[i].fd, POLLIN, 0 };
		if (poll(polls, n + 1, 1000) <= 0)
			continue;
		for (size_t i = n; i > 0; i--) {
			if (polls[i].revents == 0 ||
			    receive(&connections[i - 1]))
				continue;
			close(connections[i - 1].fd);
			connections[i - 1] = connections[--n];
		}
		if (polls[0].revents != 0)
			accept_one(listener, &n);
	}
}

static void
on_signal(int number)
{
	(void)number;
	is_ending = 1;
}

static pid_t
start_worker(int listener, const char *path)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0) {
		printf("worker %d\n", (int)pid);
		fflush(stdout);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Nothing of the metrics has to be done again in the child. */
	if (sqlite3_open(path, &database) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(database));
	sqlite3_busy_timeout(database, 2000);
	cmx_set_db_connections(registry, 1, 0);
	cmx_set_runtime_info(registry, "1.0", "C11");
	work(listener);
	_exit(0);
}

static int
listen_on(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (s < 0 || bind(s, (struct sockaddr *)&address, size) != 0 ||
	    listen(s, 512) != 0 ||
	    getsockname(s, (struct sockaddr *)&address, &size) != 0)
		err(1, "port %d", port);
	printf("port %d\n", ntohs(address.sin_port));
	return s;
}

/* Keep n workers alive until a signal ends it. */
static void
supervise(int listener, const char *path, int n)
{
	pid_t workers[WORKERS_MAX];

	for (int i = 0; i < n; i++)
		workers[i] = start_worker(listener, path);
	while (!is_ending) {
		pid_t dead = wait(NULL);

		for (int i = 0; i < n && !is_ending; i++)
			if (workers[i] == dead)
				workers[i] = start_worker(listener, path);
	}
	for (int i = 0; i < n; i++)
		kill(workers[i], SIGKILL);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL, *segment = NULL, *reason;
	struct sigaction action = { .sa_handler = on_signal };
	struct cmx_error error;
	int ch, n = 4, port = 0, listener;

	while ((ch = getopt(argc, argv, "d:n:p:s:")) != -1) {
		if (ch == 'd')
			path = optarg;
		else if (ch == 's')
			segment = optarg;
		else if (ch == 'n')
			n = (int)strtonum(optarg, 1, WORKERS_MAX, &reason);
		else if (ch == 'p')
			port = (int)strtonum(optarg, 0, 65535, &reason);
		else
			return 2;
	}
	if (path == NULL || n == 0)
		errx(2,
		    "usage: prefork [-n WORKERS] [-p PORT] -d DATABASE "
		    "[-s SEGMENT]");
	if (cmx_open(segment, NULL, 0, &registry, &error) != 0)
		errx(1, "%s", error.text);
	create_tables(path);
	listener = listen_on(port);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	supervise(listener, path, n);
	cmx_close(registry);
	return 0;
}

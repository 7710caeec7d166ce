/*
 * server.c: a prefork HTTP server with a SQLite database, measured by two
 * headers.
 *
 *	server PORT DATABASE
 *
 * A master opens the segment and listens; four workers, forked anew when they
 * die, serve GET /users/NUMBER and GET /metrics with libmicrohttpd.  It prints
 * "port N", and a line "worker PID" for each worker.
 *
 * cc server.c -lcodeai-metrics -lmicrohttpd -lsqlite3
 */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CMX_SQLITE3_REPLACE
#include <codeai/metrics_microhttpd.h>
#include <codeai/metrics_microhttpd_exposition.h>
#include <codeai/metrics_sqlite3.h>

#define WORKERS 4

static struct cmx_registry *registry;
static struct cmx_mhd requests;
static struct cmx_mhd_metrics exposition;
static struct cmx_sqlite3 queries;
static sqlite3 *database;

static enum MHD_Result
answer(struct MHD_Connection *connection, void **req_cls, unsigned int status,
    const char *text)
{
	size_t size = strlen(text);
	struct MHD_Response *response = MHD_create_response_from_buffer(size,
	    (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = cmx_mhd_queue_response(connection, req_cls,
	    status, response, (int64_t)size);

	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
get_user(struct MHD_Connection *connection, void **req_cls, int id)
{
	enum MHD_Result result;
	sqlite3_stmt *statement;
	const char *name;

	cmx_mhd_set_route(req_cls, "/users/{id}");
	sqlite3_prepare_v2(database, "SELECT name FROM users WHERE id = ?", -1,
	    &statement, NULL);
	sqlite3_bind_int(statement, 1, id);
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		name = (const char *)sqlite3_column_text(statement, 0);
		result = answer(connection, req_cls, MHD_HTTP_OK,
		    name != NULL ? name : "");
		break;
	case SQLITE_DONE:
		result = answer(connection, req_cls, MHD_HTTP_NOT_FOUND,
		    "no such user\n");
		break;
	default:
		result = answer(connection, req_cls,
		    MHD_HTTP_SERVICE_UNAVAILABLE, "try again\n");
		break;
	}
	sqlite3_finalize(statement);
	return result;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_data_size, void **req_cls)
{
	(void)arg;
	if (strcmp(url, "/metrics") == 0)
		return cmx_mhd_metrics_handler(&exposition, connection, url,
		    method, version, upload_data, upload_data_size, req_cls);
	if (strcmp(method, "GET") != 0)
		return answer(connection, req_cls, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET\n");
	if (strncmp(url, "/users/", strlen("/users/")) == 0)
		return get_user(connection, req_cls,
		    atoi(url + strlen("/users/")));
	return answer(connection, req_cls, MHD_HTTP_NOT_FOUND, "nothing\n");
}

static void
open_database(const char *path)
{
	if (sqlite3_open(path, &database) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(database));
	sqlite3_busy_timeout(database, 2000);
	cmx_sqlite3_attach(&queries, registry, database);
}

static void
create_tables(const char *path)
{
	open_database(path);
	sqlite3_exec(database,
	    "CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, name);"
	    "INSERT OR IGNORE INTO users VALUES (1, 'ada'), (2, 'grace')",
	    NULL, NULL, NULL);
	/* A connection must not be carried through fork. */
	sqlite3_close(database);
}

static void
work(int listener, const char *path)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cmx_set_role(registry, "worker");
	open_database(path);
	if (MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
		cmx_mhd_handler, &requests, MHD_OPTION_LISTEN_SOCKET, listener,
		MHD_OPTION_URI_LOG_CALLBACK, cmx_mhd_uri, &requests,
		MHD_OPTION_NOTIFY_COMPLETED, cmx_mhd_completed, &requests,
		MHD_OPTION_END) == NULL)
		errx(1, "cannot start the server");
	for (;;)
		pause();
}

static int
listen_on(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (bind(listener, (struct sockaddr *)&address, size) != 0 ||
	    listen(listener, 512) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		err(1, "port %s", port);
	printf("port %d\n", ntohs(address.sin_port));
	return listener;
}

int
main(int argc, char *argv[])
{
	struct cmx_error error;
	int listener;

	if (argc != 3)
		errx(2, "usage: server PORT DATABASE");
	if (cmx_open(NULL, NULL, 0, &registry, &error) != 0)
		warnx("%s", error.text); /* and go on, uncounted */
	cmx_mhd_init(&requests, registry, handle, NULL, NULL);
	cmx_mhd_metrics_open(&exposition, NULL, NULL, NULL);
	cmx_sqlite3_init(registry);
	create_tables(argv[2]);
	listener = listen_on(argv[1]);
	for (int n = 0;; n++) {
		pid_t pid;

		if (n >= WORKERS)
			wait(NULL);
		if ((pid = fork()) == 0)
			work(listener, argv[2]);
		printf("worker %d\n", (int)pid);
		fflush(stdout);
	}
}

/*
 * kit.c: what the application kit costs.
 *
 *	kit paths			ns of a normalised path, each kind
 *	kit sql				ns of a statement's names
 *	kit sqlite			ns of a query, alone and attached
 *	kit serve plain|measured	a libmicrohttpd server; prints "port N"
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_db.h>
#include <codeai/metrics_microhttpd.h>
#include <codeai/metrics_sqlite3.h>

#include "clock.h"

#define ROUNDS 15

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* The median of some rounds of 200,000 calls. */
static double
measure(void (*call)(const char *), const char *text)
{
	double ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double begun = now_ns();

		for (int i = 0; i < 200000; i++)
			call(text);
		ns[round] = (now_ns() - begun) / 200000;
	}
	return median(ns, ROUNDS);
}

static char result[CMX_HTTP_PATH_MAX];

static void
normalize(const char *path)
{
	cmx_http_normalize_path(path, result, sizeof(result));
}

static void
name(const char *sql)
{
	cmx_db_operation(sql);
	cmx_db_entity(sql, result, sizeof(result));
}

static void
measure_paths(void)
{
	static const char *const paths[] = { "/", "/api/v1/users",
		"/api/v1/users/12345", "/api/v1/users/12345/orders?page=2",
		"/o/123e4567-e89b-12d3-a456-426614174000",
		"/blobs/5f2b8c1d9e3a7f60", "/report/2024-02-29.pdf",
		"/a/../b//./c%41", "/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		double ns = measure(normalize, paths[i]);

		printf("%6.1f  %-44s %s\n", ns, paths[i], result);
	}
}

static void
measure_sql(void)
{
	static const char *const texts[] = { "SELECT 1",
		"SELECT name FROM users WHERE id = ?",
		"INSERT INTO shop.orders(user, total) VALUES (?, ?)",
		"WITH a AS (SELECT id FROM x) SELECT * FROM orders JOIN a" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		double ns = measure(name, texts[i]);

		printf("%6.1f  %-60s %s %s\n", ns, texts[i],
		    cmx_db_operation(texts[i]), result);
	}
}

static struct cmx_registry *
open_private(void)
{
	struct cmx_registry *reg;
	struct cmx_error error;

	if (cmx_open(NULL, NULL, CMX_PRIVATE, &reg, &error) != 0)
		errx(1, "%s", error.text);
	return reg;
}

/* A database in memory with 1,000 users, and its query by number. */
static sqlite3_stmt *
open_query(sqlite3 **db)
{
	sqlite3_stmt *query;

	if (sqlite3_open(":memory:", db) != SQLITE_OK ||
	    sqlite3_exec(*db,
		"CREATE TABLE users(id INTEGER PRIMARY KEY, name);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
		"n WHERE i < 1000) INSERT INTO users SELECT i, 'u' || i FROM n",
		NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(*db, "SELECT name FROM users WHERE id = ?", -1,
		&query, NULL) != SQLITE_OK)
		errx(1, "%s", sqlite3_errmsg(*db));
	return query;
}

static double
run_queries(sqlite3_stmt *query)
{
	const int n = 100000;
	double begun = now_ns();

	for (int i = 0; i < n; i++) {
		sqlite3_bind_int(query, 1, i % 1000 + 1);
		while (sqlite3_step(query) == SQLITE_ROW)
			;
		sqlite3_reset(query);
	}
	return (now_ns() - begun) / n;
}

static void
measure_sqlite(void)
{
	struct cmx_registry *reg = open_private();
	double alone[ROUNDS], attached[ROUNDS];
	sqlite3 *dbs[2];
	sqlite3_stmt *queries[2];
	struct cmx_sqlite3 metrics;

	cmx_sqlite3_init(reg);
	for (int i = 0; i < 2; i++)
		queries[i] = open_query(&dbs[i]);
	cmx_sqlite3_attach(&metrics, reg, dbs[1]);
	for (int i = 0; i < ROUNDS; i++) {
		alone[i] = run_queries(queries[0]);
		attached[i] = run_queries(queries[1]);
	}
	printf("%6.1f  alone\n%6.1f  attached\n", median(alone, ROUNDS),
	    median(attached, ROUNDS));
	printf("%6.1f  overhead\n", attached[ROUNDS / 2] - alone[ROUNDS / 2]);
}

static struct cmx_mhd requests;

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_data_size, void **req_cls)
{
	static char text[] = "hello\n";
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(sizeof(text) - 1, text,
		MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued;

	(void)url;
	(void)method;
	(void)version;
	(void)upload_data;
	(void)upload_data_size;
	if (arg != NULL)
		queued = cmx_mhd_queue_response(connection, req_cls,
		    MHD_HTTP_OK, response, sizeof(text) - 1);
	else
		queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

static void
serve(bool is_measured)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD;
	struct MHD_Daemon *daemon;

	if (is_measured) {
		cmx_mhd_init(&requests, open_private(), handle, NULL,
		    &requests);
		daemon = MHD_start_daemon(flags, 0, NULL, NULL, cmx_mhd_handler,
		    &requests, MHD_OPTION_URI_LOG_CALLBACK, cmx_mhd_uri,
		    &requests, MHD_OPTION_NOTIFY_COMPLETED, cmx_mhd_completed,
		    &requests, MHD_OPTION_END);
	} else {
		daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, NULL,
		    MHD_OPTION_END);
	}
	if (daemon == NULL)
		errx(1, "cannot start the server");
	printf("port %d\n",
	    MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	pause();
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "paths") == 0)
		measure_paths();
	else if (strcmp(what, "sql") == 0)
		measure_sql();
	else if (strcmp(what, "sqlite") == 0)
		measure_sqlite();
	else if (strcmp(what, "serve") == 0 && argc > 2)
		serve(strcmp(argv[2], "measured") == 0);
	else
		errx(2, "usage: kit paths|sql|sqlite|serve plain|measured");
	return 0;
}

/*
 * Queries of real PostgreSQL connections: counted, timed, failures seen.
 *
 *	libpq		with the server's conninfo in $CONNINFO
 *
 * Written with libpq's own names, which CMX_LIBPQ_REPLACE makes the adapter's.
 */
#include "metrics.h"

#define CMX_LIBPQ_REPLACE
#include "codeai/metrics_libpq.h"

struct bench {
	struct fixture f;
	PGconn *conn;
};

static PGconn *
connect_to_server(void)
{
	PGconn *conn = PQconnectdb(getenv("CONNINFO"));

	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	return conn;
}

static void
assert_status(PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) != wanted)
		fail_msg("%s: %s", PQresStatus(PQresultStatus(result)),
		    PQresultErrorMessage(result));
	PQclear(result);
}

/* An attached connection with a table of its own. */
static void
make(struct bench *b)
{
	b->f = fixture_open("", "");
	b->conn = connect_to_server();
	assert_status(
	    PQexec(b->conn,
		"SET client_min_messages = error;"
		"CREATE TEMP TABLE users(id int PRIMARY KEY, n text)"),
	    PGRES_COMMAND_OK);
	assert_int_equal(cmx_pq_attach(b->conn, b->f.reg), 0);
}

static void
unmake(struct bench *b)
{
	PQfinish(b->conn);
	assert_db_connections(b->f.segment_path, 0, 0);
	fixture_close(&b->f);
}

TEST(calls_that_wait)
{
	struct bench b;
	const char *id = "1";

	make(&b);
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_status(PQexec(b.conn, "INSERT INTO users VALUES(1, 'a')"),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "insert", "users", 1, 0);
	assert_status(PQexecParams(b.conn, "SELECT n FROM users WHERE id = $1",
			  1, NULL, &id, NULL, NULL, 0),
	    PGRES_TUPLES_OK);
	assert_status(PQprepare(b.conn, "by_id",
			  "SELECT n FROM users WHERE id = $1", 1, NULL),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	assert_status(PQexecPrepared(b.conn, "by_id", 1, &id, NULL, NULL, 0),
	    PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "select", "users", 2, 0);
	/* A name may get another meaning. */
	assert_status(PQexec(b.conn, "DEALLOCATE by_id"), PGRES_COMMAND_OK);
	assert_status(PQprepare(b.conn, "by_id",
			  "DELETE FROM users WHERE id = $1", 1, NULL),
	    PGRES_COMMAND_OK);
	assert_status(PQexecPrepared(b.conn, "by_id", 1, &id, NULL, NULL, 0),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "delete", "users", 1, 0);
	/* Prepared by a statement: its text was not seen. */
	assert_status(PQexec(b.conn, "PREPARE hidden AS SELECT 1"),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 2, 0);
	assert_status(PQexecPrepared(b.conn, "hidden", 0, NULL, NULL, NULL, 0),
	    PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 3, 0);
	assert_db_connections(b.f.segment_path, 0, 1);
	unmake(&b);
}

TEST(failures_are_counted)
{
	struct bench b;
	const char *id = "1";

	make(&b);
	assert_status(PQexec(b.conn, "SELECT * FROM nowhere"),
	    PGRES_FATAL_ERROR);
	assert_db_queries(b.f.segment_path, "select", "nowhere", 1, 1);
	assert_status(PQexec(b.conn, "INSERT INTO users VALUES(1)"),
	    PGRES_COMMAND_OK);
	assert_status(PQexec(b.conn, "INSERT INTO users VALUES(1)"),
	    PGRES_FATAL_ERROR);
	assert_db_queries(b.f.segment_path, "insert", "users", 2, 1);
	assert_status(PQprepare(b.conn, "bad", "UPDATE nowhere SET a = 1", 0,
			  NULL),
	    PGRES_FATAL_ERROR);
	assert_db_queries(b.f.segment_path, "update", "nowhere", 1, 1);
	assert_status(PQexecPrepared(b.conn, "bad", 1, &id, NULL, NULL, 0),
	    PGRES_FATAL_ERROR);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 1);
	/* An empty text is none. */
	assert_status(PQexec(b.conn, ""), PGRES_EMPTY_QUERY);
	assert_db_queries(b.f.segment_path, "other", "other", 2, 1);
	assert_null(PQexec(b.conn, NULL));
	assert_db_queries(b.f.segment_path, "other", "other", 3, 2);
	unmake(&b);
}

/* All results of what was sent; how many, with the nulls. */
static int
fetch(PGconn *conn)
{
	PGresult *result;
	int n = 1;

	while ((result = PQgetResult(conn)) != NULL) {
		PQclear(result);
		n++;
	}
	return n;
}

TEST(calls_that_do_not_wait)
{
	struct bench b;
	const char *id = "1";

	make(&b);
	assert_true(PQsendQuery(b.conn,
	    "INSERT INTO users VALUES(1); SELECT * FROM users"));
	assert_db_connections(b.f.segment_path, 1, 0);
	assert_db_queries(b.f.segment_path, "insert", "users", 0, 0);
	assert_int_equal(fetch(b.conn), 3);
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_db_queries(b.f.segment_path, "insert", "users", 1, 0);
	assert_true(PQsendPrepare(b.conn, "by_id",
	    "SELECT n FROM users WHERE id = $1", 1, NULL));
	fetch(b.conn);
	assert_true(
	    PQsendQueryPrepared(b.conn, "by_id", 1, &id, NULL, NULL, 0));
	assert_true(PQsetSingleRowMode(b.conn));
	fetch(b.conn);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	assert_true(PQsendQueryParams(b.conn, "DELETE FROM users WHERE id = $1",
	    1, NULL, &id, NULL, NULL, 0));
	/* Two at once is one too many: libpq refuses. */
	assert_false(PQsendQuery(b.conn, "SELECT * FROM users"));
	assert_db_queries(b.f.segment_path, "select", "users", 2, 1);
	fetch(b.conn);
	assert_db_queries(b.f.segment_path, "delete", "users", 1, 0);
	assert_true(PQsendQuery(b.conn, "SELECT * FROM nowhere"));
	fetch(b.conn);
	assert_db_queries(b.f.segment_path, "select", "nowhere", 1, 1);
	assert_int_equal(fetch(b.conn), 1);
	/* A call that waits throws away what was not fetched. */
	assert_true(PQsendQuery(b.conn, "INSERT INTO nowhere VALUES(1)"));
	assert_status(PQexec(b.conn, "UPDATE users SET n = 'x'"),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "insert", "nowhere", 1, 1);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 0);
	assert_status(PQexec(b.conn, "DELETE FROM users"), PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "delete", "users", 2, 0);
	unmake(&b);
}

TEST(queries_in_a_pipeline)
{
	struct bench b;

	make(&b);
	assert_true(PQenterPipelineMode(b.conn));
	for (int i = 0; i < 10; i++)
		assert_true(PQsendQueryParams(b.conn,
		    "INSERT INTO users VALUES(nextval('none'))", 0, NULL, NULL,
		    NULL, NULL, 0));
	assert_true(PQsendDescribePrepared(b.conn, "none"));
	assert_true(PQsendQueryParams(b.conn, "DELETE FROM users", 0, NULL,
	    NULL, NULL, NULL, 0));
	assert_true(PQpipelineSync(b.conn));
	assert_true(PQsendQueryParams(b.conn, "SELECT n FROM users", 0, NULL,
	    NULL, NULL, NULL, 0));
	assert_true(PQpipelineSync(b.conn));
	/* libpq refuses it, and what was sent is still to come. */
	assert_null(PQexec(b.conn, "UPDATE users SET n = 'y'"));
	assert_db_queries(b.f.segment_path, "update", "users", 1, 1);
	assert_db_connections(b.f.segment_path, 1, 0);
	for (int i = 0; i < 12; i++)
		assert_int_equal(fetch(b.conn), 2);
	/* The first failed, the others were passed over. */
	assert_db_queries(b.f.segment_path, "insert", "users", 10, 10);
	assert_db_queries(b.f.segment_path, "delete", "users", 1, 1);
	/* Preparing and describing only count where they fail. */
	assert_db_queries(b.f.segment_path, "other", "other", 1, 1);
	assert_db_queries(b.f.segment_path, "select", "users", 0, 0);
	assert_db_connections(b.f.segment_path, 1, 0);
	assert_status(PQgetResult(b.conn), PGRES_PIPELINE_SYNC);
	assert_int_equal(fetch(b.conn), 2);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_status(PQgetResult(b.conn), PGRES_PIPELINE_SYNC);
	assert_true(PQexitPipelineMode(b.conn));
	unmake(&b);
}

/* All of a COPY's data are a part of it. */
TEST(copies_end_with_their_data)
{
	struct bench b;
	char *row;

	make(&b);
	assert_status(PQexec(b.conn, "COPY users FROM STDIN"), PGRES_COPY_IN);
	assert_db_connections(b.f.segment_path, 1, 0);
	assert_db_queries(b.f.segment_path, "other", "other", 0, 0);
	assert_int_equal(PQputCopyData(b.conn, "1\ta\n", 4), 1);
	assert_int_equal(PQputCopyEnd(b.conn, NULL), 1);
	assert_int_equal(fetch(b.conn), 2);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_status(PQexec(b.conn, "COPY users FROM STDIN"), PGRES_COPY_IN);
	assert_int_equal(PQputCopyData(b.conn, "one\n", 4), 1);
	assert_int_equal(PQputCopyEnd(b.conn, NULL), 1);
	fetch(b.conn);
	assert_db_queries(b.f.segment_path, "other", "other", 2, 1);
	assert_status(PQexec(b.conn, "COPY users TO STDOUT"), PGRES_COPY_OUT);
	while (PQgetCopyData(b.conn, &row, 0) > 0)
		PQfreemem(row);
	fetch(b.conn);
	assert_db_queries(b.f.segment_path, "other", "other", 3, 1);
	/* One that another call cuts. */
	assert_status(PQexec(b.conn, "COPY users TO STDOUT"), PGRES_COPY_OUT);
	assert_status(PQexec(b.conn, "SELECT * FROM users"), PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 4, 1);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	assert_status(PQexec(b.conn, "COPY users FROM STDIN"), PGRES_COPY_IN);
	assert_status(PQexec(b.conn, "SELECT * FROM users"), PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 5, 2);
	assert_db_connections(b.f.segment_path, 0, 1);
	unmake(&b);
}

TEST(prepared_statements_are_known_by_their_names)
{
	struct bench b;
	char name[16];

	make(&b);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_status(PQprepare(b.conn, name, "SELECT n FROM users", 0,
				  NULL),
		    PGRES_COMMAND_OK);
		/* This one is in use all the time. */
		assert_status(PQexecPrepared(b.conn, "s0", 0, NULL, NULL, NULL,
				  0),
		    PGRES_TUPLES_OK);
	}
	assert_db_queries(b.f.segment_path, "select", "users", 2000, 0);
	assert_status(PQexecPrepared(b.conn, "s5", 0, NULL, NULL, NULL, 0),
	    PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	/* The unnamed one is what was prepared last, by whatever call. */
	assert_status(PQprepare(b.conn, "", "SELECT n FROM users", 0, NULL),
	    PGRES_COMMAND_OK);
	assert_status(PQexecPrepared(b.conn, "", 0, NULL, NULL, NULL, 0),
	    PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "select", "users", 2001, 0);
	assert_status(PQexecParams(b.conn, "DELETE FROM users", 0, NULL, NULL,
			  NULL, NULL, 0),
	    PGRES_COMMAND_OK);
	assert_status(PQexecPrepared(b.conn, "", 0, NULL, NULL, NULL, 0),
	    PGRES_COMMAND_OK);
	assert_db_queries(b.f.segment_path, "delete", "users", 2, 0);
	unmake(&b);
}

TEST(connections_that_end)
{
	struct bench b;

	make(&b);
	assert_true(PQsendQuery(b.conn, "SELECT * FROM users"));
	PQreset(b.conn);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 1);
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_status(PQexec(b.conn,
			  "SELECT pg_terminate_backend(pg_backend_pid())"),
	    PGRES_FATAL_ERROR);
	assert_db_queries(b.f.segment_path, "select", "other", 1, 1);
	PQreset(b.conn);
	assert_true(PQsendQuery(b.conn, "DELETE FROM nowhere"));
	PQfinish(b.conn);
	assert_db_queries(b.f.segment_path, "delete", "nowhere", 1, 1);
	assert_db_connections(b.f.segment_path, 0, 0);
	fixture_close(&b.f);
}

TEST(connections_that_are_not_attached)
{
	struct bench b;
	PGconn *other = connect_to_server();

	make(&b);
	assert_int_equal(cmx_pq_attach(b.conn, b.f.reg), CMX_ERR_EXISTS);
	assert_int_equal(cmx_pq_attach(NULL, b.f.reg), CMX_ERR_ARGUMENT);
	assert_status(PQexec(other, "SELECT * FROM pg_class"), PGRES_TUPLES_OK);
	assert_true(PQsendQuery(other, "SELECT * FROM pg_class"));
	assert_int_equal(fetch(other), 2);
	assert_db_queries(b.f.segment_path, "select", "pg_class", 0, 0);
	assert_null(PQexec(NULL, "SELECT 1"));
	assert_int_equal(cmx_pq_attach(other, NULL), 0);
	assert_status(PQexec(other, "SELECT * FROM pg_class"), PGRES_TUPLES_OK);
	PQfinish(other);
	unmake(&b);
}

/* A text of 10 MB, of which the beginning is looked at. */
TEST(a_long_statement)
{
	struct bench b;
	size_t n = 10 * 1000 * 1000;
	char *sql = malloc(n + 64);

	make(&b);
	strcpy(sql, "SELECT n FROM users");
	memset(sql + strlen(sql), ' ', n);
	sql[n] = '\0';
	assert_status(PQexec(b.conn, sql), PGRES_TUPLES_OK);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	free(sql);
	unmake(&b);
}

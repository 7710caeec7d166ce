/*
 * Statements of real SQLite connections: counted, timed, failures seen.
 */
#include "metrics.h"

#include "codeai/metrics_sqlite3.h"

struct bench {
	struct fixture f;
	struct cmx_sqlite3 metrics;
	sqlite3 *db;
	char path[600];
};

/* A database with a table, attached; the error log is the registry's. */
static void
make(struct bench *b)
{
	b->f = fixture_open("", "");
	snprintf(b->path, sizeof(b->path), "%s/a.db", b->f.dir);
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	assert_int_equal(cmx_sqlite3_init(b->f.reg), SQLITE_OK);
	assert_int_equal(sqlite3_open(b->path, &b->db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(b->db,
			     "CREATE TABLE users(id INTEGER PRIMARY KEY, name);"
			     "CREATE TABLE log(line)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(cmx_sqlite3_attach(&b->metrics, b->f.reg, b->db),
	    SQLITE_OK);
}

static void
unmake(struct bench *b)
{
	assert_int_equal(sqlite3_close(b->db), SQLITE_OK);
	fixture_close(&b->f);
}

static int
run(struct bench *b, const char *sql)
{
	return sqlite3_exec(b->db, sql, NULL, NULL, NULL);
}

static sqlite3_stmt *
prepare(struct bench *b, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(b->db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(b->db));
	return statement;
}

TEST(every_statement_is_counted_under_its_names)
{
	struct bench b;
	sqlite3_stmt *s;

	make(&b);
	assert_int_equal(run(&b,
			     "INSERT INTO users(name) VALUES('a'), ('b');"
			     "-- a comment\nselect * from users;"
			     "WITH u AS (SELECT 1) SELECT * FROM users;"
			     "UPDATE users SET name = 'c';"
			     "DELETE FROM log; BEGIN; COMMIT"),
	    SQLITE_OK);
	s = prepare(&b, "SELECT name FROM users WHERE id = ?");
	for (int i = 1; i <= 3; i++) {
		sqlite3_bind_int(s, 1, i);
		while (sqlite3_step(s) == SQLITE_ROW)
			;
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "insert", "users", 1, 0);
	assert_db_queries(b.f.segment_path, "select", "users", 5, 0);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 0);
	assert_db_queries(b.f.segment_path, "delete", "log", 1, 0);
	assert_db_queries(b.f.segment_path, "other", "other", 2, 0);
	unmake(&b);
}

TEST(a_trigger_is_a_part_of_its_statement)
{
	struct bench b;

	make(&b);
	assert_int_equal(run(&b,
			     "CREATE TRIGGER t AFTER INSERT ON users BEGIN "
			     "INSERT INTO log VALUES(1); DELETE FROM log; END;"
			     "INSERT INTO users(name) VALUES('a')"),
	    SQLITE_OK);
	assert_db_queries(b.f.segment_path, "insert", "users", 1, 0);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	assert_db_queries(b.f.segment_path, "delete", "log", 0, 0);
	assert_db_connections(b.f.segment_path, 0, 1);
	unmake(&b);
}

static void
give_up(sqlite3_context *context, int n, sqlite3_value **values)
{
	(void)n;
	(void)values;
	sqlite3_result_error(context, "boom", -1);
}

TEST(failures_are_counted)
{
	struct bench b;
	sqlite3 *other;

	make(&b);
	assert_int_equal(run(&b, "INSERT INTO users VALUES(1, 'a')"),
	    SQLITE_OK);
	assert_int_equal(run(&b, "INSERT INTO users VALUES(1, 'a')"),
	    SQLITE_CONSTRAINT);
	/* It did what it was asked to do. */
	assert_int_equal(run(&b, "INSERT OR IGNORE INTO users VALUES(1, 'a')"),
	    SQLITE_OK);
	assert_db_queries(b.f.segment_path, "insert", "users", 3, 1);
	sqlite3_create_function(b.db, "give_up", 0, SQLITE_UTF8, NULL, give_up,
	    NULL, NULL);
	assert_int_equal(run(&b, "SELECT give_up() FROM users"), SQLITE_ERROR);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 1);
	/* The next one has nothing to do with it. */
	assert_int_equal(run(&b, "SELECT * FROM users"), SQLITE_OK);
	assert_db_queries(b.f.segment_path, "select", "users", 2, 1);
	/* What cannot be prepared. */
	assert_int_equal(run(&b, "DELETE FROM nowhere"), SQLITE_ERROR);
	assert_db_queries(b.f.segment_path, "delete", "nowhere", 1, 1);
	assert_int_equal(run(&b, "hello"), SQLITE_ERROR);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 1);
	/* What has to wait. */
	assert_int_equal(sqlite3_open(b.path, &other), SQLITE_OK);
	sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
	assert_int_equal(run(&b, "UPDATE users SET name = 'b'"), SQLITE_BUSY);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 1);
	sqlite3_close(other);
	unmake(&b);
}

static void
fail_within(sqlite3_context *context, int n, sqlite3_value **values)
{
	(void)n;
	(void)values;
	sqlite3_exec(sqlite3_context_db_handle(context),
	    "INSERT INTO users VALUES(1, 'again')", NULL, NULL, NULL);
	sqlite3_result_int(context, 1);
}

/* What fails beside or within a statement is not its failure. */
TEST(failures_of_others_are_not_a_statements_own)
{
	struct bench b;
	sqlite3 *none;
	sqlite3_stmt *s;

	make(&b);
	run(&b, "INSERT INTO users VALUES(1, 'a')");
	assert_int_equal(sqlite3_open("/dev/shm/codeai-test-none/a.db", &none),
	    SQLITE_CANTOPEN);
	sqlite3_close(none);
	/* Nor is that of the same text on another connection. */
	sqlite3_open(":memory:", &none);
	assert_int_equal(sqlite3_exec(none,
			     "CREATE TABLE users(name CHECK (name <> 'b'));"
			     "INSERT INTO users VALUES('a');"
			     "UPDATE users SET name = 'b'",
			     NULL, NULL, NULL),
	    SQLITE_CONSTRAINT);
	sqlite3_close(none);
	assert_int_equal(run(&b, "UPDATE users SET name = 'b'"), SQLITE_OK);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 0);
	sqlite3_create_function(b.db, "fail_within", 0, SQLITE_UTF8, NULL,
	    fail_within, NULL, NULL);
	assert_int_equal(run(&b, "SELECT fail_within() FROM users"), SQLITE_OK);
	assert_db_queries(b.f.segment_path, "insert", "users", 1, 0);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	/* While a statement is open, another connection's fails. */
	s = prepare(&b, "SELECT name FROM users");
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	sqlite3_open(b.path, &none);
	assert_int_equal(sqlite3_exec(none, "INSERT INTO users VALUES(1, 'a')",
			     NULL, NULL, NULL),
	    SQLITE_CONSTRAINT);
	sqlite3_close(none);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "select", "users", 2, 0);
	unmake(&b);
}

/* SQLite's own statements within one are a part of it. */
TEST(a_full_text_insert_is_one_statement)
{
	struct bench b;

	make(&b);
	if (run(&b, "CREATE VIRTUAL TABLE t USING fts5(x)") == SQLITE_OK) {
		run(&b, "INSERT INTO t VALUES('a b c')");
		assert_db_queries(b.f.segment_path, "insert", "t", 1, 0);
		assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	}
	unmake(&b);
}

/* Failures at a statement's end, which SQLite tells its caller only. */
TEST(failures_that_only_the_caller_sees)
{
	struct bench b;
	struct cmx_sqlite3 metrics;
	sqlite3 *reader, *late;
	sqlite3_stmt *s, *row;

	make(&b);
	assert_int_equal(run(&b,
			     "PRAGMA foreign_keys = ON;"
			     "CREATE TABLE c(u REFERENCES users(id));"
			     "INSERT INTO users VALUES(1, 'a');"
			     "INSERT INTO c VALUES(1)"),
	    SQLITE_OK);
	assert_int_equal(cmx_sqlite3_exec(b.db, "DELETE FROM users", NULL, NULL,
			     NULL),
	    SQLITE_CONSTRAINT);
	assert_db_queries(b.f.segment_path, "delete", "users", 1, 1);
	s = prepare(&b, "DELETE FROM users");
	assert_int_equal(cmx_sqlite3_step(s), SQLITE_CONSTRAINT);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "delete", "users", 2, 2);
	/* One that is seen already counts once. */
	assert_int_equal(cmx_sqlite3_exec(b.db,
			     "INSERT INTO users VALUES(1, 'a')", NULL, NULL,
			     NULL),
	    SQLITE_CONSTRAINT);
	assert_db_queries(b.f.segment_path, "insert", "users", 2, 1);
	/* The one before one that cannot be prepared has not failed. */
	assert_int_equal(cmx_sqlite3_exec(b.db,
			     "SELECT * FROM users; UPDATE nowhere SET a = 1",
			     NULL, NULL, NULL),
	    SQLITE_ERROR);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	assert_db_queries(b.f.segment_path, "update", "nowhere", 1, 1);
	/* One that waits for the lock of the schema does not run. */
	sqlite3_open(b.path, &reader);
	sqlite3_exec(reader, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
	sqlite3_open(b.path, &late);
	assert_int_equal(cmx_sqlite3_attach(&metrics, b.f.reg, late),
	    SQLITE_OK);
	assert_int_equal(cmx_sqlite3_exec(late, "SELECT 1; DELETE FROM users",
			     NULL, NULL, NULL),
	    SQLITE_BUSY);
	assert_db_queries(b.f.segment_path, "select", "other", 1, 0);
	sqlite3_close(late);
	sqlite3_close(reader);
	/* A lock that the end of an UPDATE does not get. */
	sqlite3_open(b.path, &reader);
	sqlite3_prepare_v2(reader, "SELECT * FROM users", -1, &row, NULL);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_int_equal(cmx_sqlite3_exec(b.db, "UPDATE users SET name = 'b'",
			     NULL, NULL, NULL),
	    SQLITE_BUSY);
	sqlite3_finalize(row);
	sqlite3_close(reader);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 1);
	unmake(&b);
}

struct rows {
	int n, n_until_abort;
	char text[64];
};

static int
take_row(void *arg, int n, char **values, char **names)
{
	struct rows *rows = arg;

	for (int i = 0; i < n; i++) {
		strcat(rows->text, names[i]);
		strcat(rows->text, values[i] != NULL ? values[i] : "-");
	}
	return ++rows->n == rows->n_until_abort;
}

/* The wrapper gives what SQLite's own function gives. */
TEST(exec_is_what_sqlite_says)
{
	static const char *const texts[] = { "", "  ", "-- c", ";;",
		"SELECT 1 AS a, NULL AS b; SELECT 2 AS c WHERE 0; SELECT 3",
		"SELECT 1; SELEC", "SELECT * FROM nowhere",
		"INSERT INTO log VALUES(1); SELECT * FROM log",
		"SELECT abs(-9223372036854775808)", "SELECT 'x" };
	struct bench b;

	make(&b);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (int abort = 0; abort < 3; abort++) {
			struct rows ours = { 0, abort, "" }, theirs = ours;
			char *message, *their_message;
			int result;

			run(&b, "BEGIN");
			result = cmx_sqlite3_exec(b.db, texts[i], take_row,
			    &ours, &message);
			run(&b, "ROLLBACK; BEGIN");
			assert_int_equal(result,
			    sqlite3_exec(b.db, texts[i], take_row, &theirs,
				&their_message));
			run(&b, "ROLLBACK");
			assert_string_equal(ours.text, theirs.text);
			assert_int_equal(message == NULL,
			    their_message == NULL);
			if (message != NULL)
				assert_string_equal(message, their_message);
			sqlite3_free(message);
			sqlite3_free(their_message);
		}
	/* SQLite says nothing of those that it cut; they are not left over. */
	run(&b, "SELECT 1");
	assert_db_connections(b.f.segment_path, 0, 1);
	assert_int_equal(cmx_sqlite3_exec(NULL, "", NULL, NULL, NULL),
	    SQLITE_MISUSE);
	assert_int_equal(cmx_sqlite3_exec(b.db, NULL, NULL, NULL, NULL),
	    SQLITE_OK);
	unmake(&b);
}

/* Another connection changes the schema: SQLite prepares once more. */
TEST(a_statement_that_is_prepared_again_counts_once)
{
	struct bench b;
	sqlite3 *other;
	sqlite3_stmt *s;

	make(&b);
	s = prepare(&b, "SELECT name FROM users");
	sqlite3_step(s);
	sqlite3_reset(s);
	sqlite3_open(b.path, &other);
	assert_int_equal(sqlite3_exec(other, "ALTER TABLE users ADD COLUMN x",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "select", "users", 2, 0);
	/* It fails afterwards. */
	run(&b, "INSERT INTO users(id) VALUES(1)");
	s = prepare(&b, "INSERT INTO users(id) VALUES(1)");
	sqlite3_exec(other, "CREATE TABLE new(x)", NULL, NULL, NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_CONSTRAINT);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "insert", "users", 2, 1);
	/* It cannot be prepared again. */
	s = prepare(&b, "DELETE FROM log");
	sqlite3_exec(other, "DROP TABLE log", NULL, NULL, NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_ERROR);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "delete", "log", 1, 1);
	assert_db_connections(b.f.segment_path, 0, 1);
	sqlite3_close(other);
	unmake(&b);
}

TEST(a_connection_is_active_while_a_statement_is_open)
{
	struct bench b;
	sqlite3_stmt *open[100];

	make(&b);
	assert_db_connections(b.f.segment_path, 0, 1);
	run(&b, "INSERT INTO users(name) VALUES('a')");
	assert_db_connections(b.f.segment_path, 0, 1);
	for (int i = 0; i < 100; i++) {
		open[i] = prepare(&b, "SELECT * FROM users");
		assert_int_equal(sqlite3_step(open[i]), SQLITE_ROW);
		assert_db_connections(b.f.segment_path, 1, 0);
	}
	for (int i = 0; i < 99; i++)
		sqlite3_finalize(open[(i * 37) % 100]);
	assert_db_connections(b.f.segment_path, 1, 0);
	sqlite3_finalize(open[(99 * 37) % 100]);
	assert_db_connections(b.f.segment_path, 0, 1);
	/* Left before its end, which is no failure. */
	assert_db_queries(b.f.segment_path, "select", "users", 100, 0);
	unmake(&b);
}

TEST(a_closed_connection_is_gone)
{
	struct bench b;
	sqlite3_stmt *s;

	make(&b);
	run(&b, "INSERT INTO users(name) VALUES('a')");
	s = prepare(&b, "SELECT * FROM users");
	sqlite3_step(s);
	assert_db_connections(b.f.segment_path, 1, 0);
	/* It lives on until its statement ends, and counts no more. */
	assert_int_equal(sqlite3_close_v2(b.db), SQLITE_OK);
	assert_db_connections(b.f.segment_path, 0, 0);
	sqlite3_reset(s);
	sqlite3_step(s);
	sqlite3_finalize(s);
	assert_db_connections(b.f.segment_path, 0, 0);
	fixture_close(&b.f);
}

TEST(a_detached_connection_is_left_alone)
{
	struct bench b;

	make(&b);
	cmx_sqlite3_detach(&b.metrics);
	assert_int_equal(run(&b, "INSERT INTO users(name) VALUES('a')"),
	    SQLITE_OK);
	assert_db_connections(b.f.segment_path, 0, 0);
	assert_db_queries(b.f.segment_path, "insert", "users", 0, 0);
	unmake(&b);
}

TEST(odd_statements_are_taken)
{
	struct bench b;
	size_t n = 900 * 1000;
	char *sql = malloc(n + 32);
	struct cmx_sqlite3 none;
	sqlite3_stmt *s;

	make(&b);
	memset(sql, ' ', n);
	strcpy(sql + n, "SELECT 1");
	assert_int_equal(run(&b, sql), SQLITE_OK);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	free(sql);
	/* A NUL ends it, for SQLite too. */
	assert_int_equal(sqlite3_prepare_v2(b.db, "DELETE FROM log\0x", 17, &s,
			     NULL),
	    SQLITE_OK);
	sqlite3_step(s);
	sqlite3_finalize(s);
	assert_db_queries(b.f.segment_path, "delete", "log", 1, 0);
	/* The old call keeps no text. */
	assert_int_equal(sqlite3_prepare(b.db, "DELETE FROM log", -1, &s, NULL),
	    SQLITE_OK);
	sqlite3_step(s);
	sqlite3_finalize(s);
	assert_int_equal(run(&b, ""), SQLITE_OK);
	assert_int_equal(cmx_sqlite3_attach(&none, b.f.reg, NULL),
	    SQLITE_MISUSE);
	unmake(&b);
}

TEST(without_a_registry_the_database_works)
{
	struct cmx_sqlite3 metrics;
	sqlite3 *db;

	sqlite3_shutdown();
	assert_int_equal(cmx_sqlite3_init(NULL), SQLITE_OK);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(cmx_sqlite3_attach(&metrics, NULL, db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE a(x)", NULL, NULL,
			     NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "no", NULL, NULL, NULL),
	    SQLITE_ERROR);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/*
 * SQL statements: what they do and to which table, in bounded time.
 */
#include "test.h"

#include "codeai/metrics_db.h"

TEST(statements_are_what_the_table_says)
{
	static const char *const rows[][3] = {
		{ "SELECT * FROM users", "select", "users" },
		{ "select 1", "select", "other" },
		{ "  \n\tSeLeCt a from t", "select", "t" },
		{ "INSERT INTO orders (a) VALUES (1)", "insert", "orders" },
		{ "insert or ignore into t values (1)", "insert", "t" },
		{ "REPLACE INTO t VALUES (1)", "insert", "t" },
		{ "UPDATE users SET a = 1", "update", "users" },
		{ "UPDATE ONLY users SET a = 1", "update", "users" },
		{ "update or rollback t set a = 1", "update", "t" },
		{ "DELETE FROM users WHERE a = 1", "delete", "users" },
		{ "delete from only t", "delete", "t" },
		/* comments, parentheses */
		{ "-- a comment\nSELECT a FROM t", "select", "t" },
		{ "/* x */ /* y */ DELETE FROM t", "delete", "t" },
		{ "/* /* nested */ */ SELECT a FROM t", "select", "t" },
		{ "/* insert into x */select a from t", "select", "t" },
		{ "((SELECT a FROM t) UNION (SELECT a FROM u))", "select",
		    "t" },
		{ "SELECT a -- FROM x\nFROM t", "select", "t" },
		{ "SELECT/**/a/**/FROM/**/t", "select", "t" },
		/* common table expressions */
		{ "WITH x AS (SELECT a FROM y) SELECT * FROM x", "select",
		    "x" },
		{ "WITH x AS (DELETE FROM y RETURNING *) INSERT INTO z "
		  "SELECT * FROM x",
		    "insert", "z" },
		{ "with recursive x(n) as (values(1)) update t set a = 1",
		    "update", "t" },
		{ "WITH x AS (SELECT 1), y AS (SELECT 2) DELETE FROM t",
		    "delete", "t" },
		{ "WITH x AS (SELECT ') DELETE FROM' FROM y) SELECT 1 FROM t",
		    "select", "t" },
		{ "WITH", "other", "other" },
		{ "WITH x AS (SELECT 1", "other", "other" },
		/* names */
		{ "SELECT a FROM public.users u", "select", "users" },
		{ "SELECT a FROM \"public\" . \"Users\"", "select", "Users" },
		{ "SELECT a FROM `users`", "select", "users" },
		{ "SELECT a FROM [dbo].[my users]", "select", "my users" },
		{ "SELECT a FROM t, u", "select", "t" },
		{ "SELECT a FROM t JOIN u ON 1", "select", "t" },
		{ "SELECT a FROM (SELECT b FROM t) x", "select", "other" },
		{ "SELECT 'FROM x' FROM t", "select", "t" },
		{ "SELECT 'it''s FROM x' FROM t", "select", "t" },
		{ "SELECT (SELECT b FROM u) FROM t", "select", "t" },
		{ "SELECT extract(year FROM d) FROM t", "select", "t" },
		{ "SELECT a FROM t\xc3\xa4glich", "select", "t\xc3\xa4glich" },
		{ "INSERT INTO \"a\"\"b\" VALUES (1)", "insert", "a\"\"b" },
		/* others */
		{ "EXPLAIN SELECT a FROM t", "other", "other" },
		{ "BEGIN", "other", "other" },
		{ "COMMIT;", "other", "other" },
		{ "CREATE TABLE t (a)", "other", "other" },
		{ "PRAGMA user_version", "other", "other" },
		{ "selects", "other", "other" },
		{ "select_x", "other", "other" },
		{ "", "other", "other" },
		{ "   ", "other", "other" },
		{ "--", "other", "other" },
		{ "/*", "other", "other" },
		{ "/* SELECT a FROM t", "other", "other" },
		{ "(", "other", "other" },
		{ "'SELECT'", "other", "other" },
		{ ";SELECT 1", "other", "other" },
		{ "SELECT a FROM \"t", "select", "t" },
		{ NULL, "other", "other" },
	};
	char entity[CMX_DB_ENTITY_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *operation = cmx_db_operation(rows[i][0]);
		size_t n = cmx_db_entity(rows[i][0], entity, sizeof(entity));

		if (strcmp(operation, rows[i][1]) != 0 ||
		    strcmp(entity, rows[i][2]) != 0)
			fail_msg("%s: %s of %s, wanted %s of %s", rows[i][0],
			    operation, entity, rows[i][1], rows[i][2]);
		assert_int_equal(n, strlen(entity));
	}
}

/* What stands behind the bytes that are looked at is not there. */
TEST(long_statements_are_looked_at_so_far)
{
	enum { SIZE = 10 * 1024 * 1024 };
	static const char *const fillers[] = { " ", "/*", "(", "a,", "'", "-- ",
		"\"", "with " };
	char *sql = malloc(SIZE + 1), entity[CMX_DB_ENTITY_MAX];

	for (size_t f = 0; f < sizeof(fillers) / sizeof(fillers[0]); f++) {
		size_t n = strlen(fillers[f]);

		for (size_t i = 0; i < SIZE; i++)
			sql[i] = fillers[f][i % n];
		sql[SIZE] = '\0';
		assert_string_equal(cmx_db_operation(sql), "other");
		cmx_db_entity(sql, entity, sizeof(entity));
		assert_string_equal(entity, "other");
	}
	memset(sql, ' ', SIZE);
	strcpy(sql + CMX_DB_LOOK_MAX, "SELECT a FROM t");
	assert_string_equal(cmx_db_operation(sql), "other");
	assert_string_equal(cmx_db_operation(sql + 16), "select");
	cmx_db_entity(sql + 16, entity, sizeof(entity));
	assert_string_equal(entity, "t");
	memcpy(sql, "SELECT a FROM ", 14);
	memset(sql + 14, 't', 100);
	sql[114] = '\0';
	cmx_db_entity(sql, entity, sizeof(entity));
	assert_string_equal(entity, "other");
	sql[14 + 63] = '\0';
	assert_int_equal(cmx_db_entity(sql, entity, sizeof(entity)), 63);
	assert_int_equal(cmx_db_entity(sql, entity, 4), 3);
	assert_string_equal(entity, "ttt");
	assert_int_equal(cmx_db_entity(sql, NULL, 4), 0);
	free(sql);
}

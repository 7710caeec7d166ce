/*
 * The queries of a connection, without any database.
 */
#include "metrics.h"

#include "codeai/metrics_db_session.h"

struct bench {
	struct fixture f;
	struct cmx_db_session session;
};

static struct bench
make(void)
{
	struct bench b = { .f = fixture_open("", "") };

	cmx_db_session_open(&b.session, b.f.reg);
	return b;
}

static void
unmake(struct bench *b)
{
	cmx_db_session_close(&b->session);
	fixture_close(&b->f);
}

TEST(a_query_is_recorded_at_its_end_under_its_names)
{
	struct bench b = make();
	struct cmx_db_query *q;

	q = cmx_db_session_begin(&b.session, NULL, "SELECT * FROM users");
	assert_db_queries(b.f.segment_path, "select", "users", 0, 0);
	cmx_db_query_end(q, 0);
	assert_db_queries(b.f.segment_path, "select", "users", 1, 0);
	q = cmx_db_session_begin(&b.session, NULL, "DELETE FROM users");
	cmx_db_query_note(q, CMX_DB_FAILED);
	cmx_db_query_end(q, 0);
	assert_db_queries(b.f.segment_path, "delete", "users", 1, 1);
	unmake(&b);
}

TEST(a_connection_is_active_while_a_query_is_under_way)
{
	struct bench b = make();
	struct cmx_db_query *one, *two;

	assert_db_connections(b.f.segment_path, 0, 1);
	one = cmx_db_session_begin(&b.session, NULL, "SELECT 1");
	two = cmx_db_session_begin(&b.session, NULL, "SELECT 2");
	assert_db_connections(b.f.segment_path, 1, 0);
	cmx_db_query_end(one, 0);
	assert_db_connections(b.f.segment_path, 1, 0);
	cmx_db_query_end(two, 0);
	assert_db_connections(b.f.segment_path, 0, 1);
	cmx_db_session_close(&b.session);
	assert_db_connections(b.f.segment_path, 0, 0);
	unmake(&b);
}

TEST(queries_are_found_by_their_keys_the_newest_first)
{
	struct bench b = make();
	int x, y;
	struct cmx_db_query *older, *newer, *other;

	older = cmx_db_session_begin(&b.session, &x, "SELECT 1");
	other = cmx_db_session_begin(&b.session, &y, "SELECT 2");
	newer = cmx_db_session_begin(&b.session, &x, "SELECT 3");
	assert_ptr_equal(cmx_db_session_find(&b.session, &x), newer);
	assert_ptr_equal(cmx_db_session_newest_key(&b.session), &x);
	cmx_db_query_renew(other);
	assert_ptr_equal(cmx_db_session_newest_key(&b.session), &y);
	cmx_db_query_end(newer, 0);
	assert_ptr_equal(cmx_db_session_find(&b.session, &x), older);
	cmx_db_session_end_all(&b.session, 0);
	assert_null(cmx_db_session_find(&b.session, &x));
	assert_null(cmx_db_session_newest_key(&b.session));
	unmake(&b);
}

TEST(a_silent_query_is_recorded_only_where_it_fails)
{
	struct bench b = make();

	for (int i = 0; i < 2; i++) {
		struct cmx_db_query *q =
		    cmx_db_session_begin(&b.session, NULL, "INSERT INTO log");

		cmx_db_query_note(q, CMX_DB_SILENT);
		cmx_db_query_end(q, i == 0 ? 0 : CMX_DB_FAILED);
	}
	assert_db_queries(b.f.segment_path, "insert", "log", 1, 1);
	unmake(&b);
}

TEST(the_prepared_names_that_were_used_last_are_known)
{
	struct bench b = make();
	struct cmx_db_query *q;
	char name[16];

	for (int i = 0; i <= 1024; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		cmx_db_session_prepare(&b.session, name, "UPDATE users SET a");
	}
	/* The first one made room for the last. */
	q = cmx_db_session_begin(&b.session, NULL, NULL);
	cmx_db_query_use_prepared(q, "p0");
	cmx_db_query_end(q, 0);
	assert_db_queries(b.f.segment_path, "other", "other", 1, 0);
	q = cmx_db_session_begin(&b.session, NULL, NULL);
	cmx_db_query_use_prepared(q, "p1");
	cmx_db_query_end(q, 0);
	assert_db_queries(b.f.segment_path, "update", "users", 1, 0);
	/* Used just now, it outlives the next. */
	cmx_db_session_prepare(&b.session, "new", "SELECT * FROM a");
	q = cmx_db_session_begin(&b.session, NULL, NULL);
	cmx_db_query_use_prepared(q, "p1");
	cmx_db_query_end(q, 0);
	assert_db_queries(b.f.segment_path, "update", "users", 2, 0);
	unmake(&b);
}

TEST(a_query_may_end_after_its_connection)
{
	struct bench b = make();
	struct cmx_db_query *q =
	    cmx_db_session_begin(&b.session, NULL, "SELECT 1");

	cmx_db_session_close(&b.session);
	assert_db_connections(b.f.segment_path, 0, 0);
	cmx_db_query_end(q, 0);
	assert_db_connections(b.f.segment_path, 0, 0);
	fixture_close(&b.f);
}

TEST(null_queries_and_null_registries_do_nothing)
{
	struct cmx_db_session session;

	cmx_db_session_open(&session, NULL);
	cmx_db_query_end(cmx_db_session_begin(&session, NULL, "SELECT 1"), 0);
	cmx_db_session_prepare(&session, NULL, "SELECT 1");
	cmx_db_query_end(NULL, CMX_DB_FAILED);
	cmx_db_query_note(NULL, CMX_DB_FAILED);
	cmx_db_query_renew(NULL);
	cmx_db_query_use_prepared(NULL, "a");
	assert_int_equal(cmx_db_query_flags(NULL), 0);
	cmx_db_session_close(&session);
	cmx_db_session_close(&session);
}

TEST(a_failure_is_that_of_its_text)
{
	char longer[512];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	cmx_db_thread()->failed[0] = '\0';
	assert_false(cmx_db_thread_has_failed("SELECT 1"));
	cmx_db_thread_fail("SELECT 1] no such table", true);
	assert_true(cmx_db_thread_has_failed("SELECT 1"));
	assert_false(cmx_db_thread_has_failed("SELECT 2"));
	assert_true(cmx_db_thread_has_failed(NULL));
	assert_true(cmx_db_thread()->goes_on);
	/* A text that is cut is the beginning of its statement. */
	cmx_db_thread_fail(longer, false);
	assert_true(cmx_db_thread_has_failed(longer));
}

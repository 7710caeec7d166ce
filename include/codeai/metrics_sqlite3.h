/*
 * codeai/metrics_sqlite3.h: the database metrics of SQLite connections.
 *
 * Header only; the program links with -lsqlite3 itself.
 *
 *	struct cmx_sqlite3 metrics;
 *
 *	cmx_sqlite3_init(reg);		(once, before the first connection)
 *	sqlite3_open(path, &db);
 *	cmx_sqlite3_attach(&metrics, reg, db);
 *
 * From then on each statement of the connection is recorded as of
 * cmx_record_db_query(), whoever runs it, by whatever call: its operation, its
 * table, the seconds from its first step to its end or reset, and whether it
 * failed.  What SQLite runs within a statement (triggers, full text indices,
 * SQL of functions) is a part of it; EXPLAIN is not recorded.  An attached
 * connection with a statement under way is one of
 * codeai_db_connections_active, another one of codeai_db_connections_idle.
 *
 * SQLite tells a trace callback neither the time in less than milliseconds nor
 * that a statement failed.  The time is taken here.  Failures are seen
 *
 *   -	where SQLite writes them to its error log, which cmx_sqlite3_init()
 *	reads: most of them, and also that a statement cannot be prepared,
 *	which is recorded as one that failed in no time;
 *   -	where a statement has to wait for a lock (SQLITE_BUSY);
 *   -	all others, which are those at a statement's very end (a foreign key,
 *	a lock that COMMIT does not get), where it is run by cmx_sqlite3_step()
 *	or cmx_sqlite3_exec(), which are sqlite3_step() and sqlite3_exec().  A
 *	file that defines CMX_SQLITE3_REPLACE before it includes this has them
 *	under SQLite's names.
 *
 * A statement that was told SQLITE_BUSY has ended, failed; stepped again, it
 * is not seen.
 *
 * In common:
 *   Requires:	SQLite 3.14.
 *   Safety:	as the connection's: its callbacks run one at a time.  A
 *		connection is not to be carried through fork, and nor is this.
 *   Bad input:	a null registry measures nothing.
 *   Cost:	a third of a microsecond for each statement ("make bench-kit").
 */
#ifndef CODEAI_METRICS_SQLITE3_H
#define CODEAI_METRICS_SQLITE3_H

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_db_session.h>

#if SQLITE_VERSION_NUMBER < 3014000
#error "codeai/metrics_sqlite3.h needs SQLite 3.14"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The data of an attached connection.  Programs do not use the members. */
struct cmx_sqlite3 {
	struct cmx_db_session session; /* the key of a query: its statement */
	sqlite3 *db;                   /* null: closed or detached */
};

/*
 * Does the trace event belong to the statement itself?  For what SQLite runs
 * within a statement (triggers) the text is a comment, and not the statement's
 * SQL.
 */
static inline bool
cmx_sqlite3_is_own(sqlite3_stmt *statement, const char *text)
{
	const char *sql = sqlite3_sql(statement);

	return sql == NULL || text == NULL || strcmp(sql, text) == 0;
}

/*
 * Record the end of a statement.  What the error log told of the thread's
 * earlier failure is out of date then.
 */
static inline void
cmx_sqlite3_record(struct cmx_db_query *query, unsigned int flags)
{
	struct cmx_db_thread *thread = cmx_db_thread();

	thread->failed[0] = '\0';
	thread->session = NULL;
	cmx_db_query_end(query, flags);
}

/*
 * A row function that ends sqlite3_exec() makes it finalize the statement
 * without a trace event.  So end the newest queries whose statement is no
 * longer one of the connection's.
 */
static CMX_UNUSED void
cmx_sqlite3_reap(struct cmx_sqlite3 *metrics)
{
	const void *newest;

	while (metrics->db != NULL &&
	    (newest = cmx_db_session_newest_key(&metrics->session)) != NULL) {
		sqlite3_stmt *s = NULL;

		while ((s = sqlite3_next_stmt(metrics->db, s)) != NULL)
			if (s == newest)
				return;
		cmx_db_query_end(cmx_db_session_find(&metrics->session, newest),
		    CMX_DB_TIMELESS);
	}
}

static CMX_UNUSED void
cmx_sqlite3_begin(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	struct cmx_db_thread *thread = cmx_db_thread();
	struct cmx_db_query *query =
	    cmx_db_session_find(&metrics->session, statement);

	/*
	 * Is the statement being prepared again after a change of the schema?
	 * Then it goes on.
	 */
	if (query != NULL && thread->session == &metrics->session)
		return;
	/* The pointer is that of a new statement: the old one is gone. */
	cmx_db_query_end(query, CMX_DB_TIMELESS);
	cmx_sqlite3_reap(metrics);
	thread->failed[0] = '\0';
	thread->session = NULL;
	cmx_db_session_begin(&metrics->session, statement,
	    sqlite3_sql(statement));
}

static CMX_UNUSED void
cmx_sqlite3_end(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	struct cmx_db_thread *thread = cmx_db_thread();
	struct cmx_db_query *query =
	    cmx_db_session_find(&metrics->session, statement);
	const char *sql = sqlite3_sql(statement);
	bool has_failed = cmx_db_thread_has_failed(sql);

	if (query == NULL)
		return;
	if (has_failed && thread->goes_on && sql != NULL) {
		/*
		 * Not the end of the statement: it goes on with the new schema.
		 */
		cmx_db_query_renew(query);
		thread->failed[0] = '\0';
		thread->session = &metrics->session;
		return;
	}
	/*
	 * A statement that waits for a lock is busy without having a row:
	 * SQLITE_BUSY.
	 */
	if (sqlite3_stmt_busy(statement) && sqlite3_data_count(statement) == 0)
		has_failed = true;
	cmx_sqlite3_record(query, has_failed ? CMX_DB_FAILED : 0);
}

/* The connection was closed; its statements may outlive it. */
static inline void
cmx_sqlite3_leave(struct cmx_sqlite3 *metrics)
{
	cmx_sqlite3_reap(metrics);
	cmx_db_session_close(&metrics->session);
	metrics->db = NULL;
}

/*
 * cmx_sqlite3_trace: the callback of sqlite3_trace_v2(), with the struct
 * cmx_sqlite3.
 *
 * A connection has one callback: an application that has its own, for
 * SQLITE_TRACE_STMT, _PROFILE and _CLOSE, calls this one from it after
 * cmx_sqlite3_attach() and its own sqlite3_trace_v2().
 */
static CMX_UNUSED int
cmx_sqlite3_trace(unsigned int event, void *arg, void *object, void *detail)
{
	struct cmx_sqlite3 *metrics = (struct cmx_sqlite3 *)arg;

	if (event == SQLITE_TRACE_STMT) {
		if (cmx_sqlite3_is_own((sqlite3_stmt *)object,
			(const char *)detail))
			cmx_sqlite3_begin(metrics, (sqlite3_stmt *)object);
	} else if (event == SQLITE_TRACE_PROFILE) {
		cmx_sqlite3_end(metrics, (sqlite3_stmt *)object);
	} else if (event == SQLITE_TRACE_CLOSE) {
		cmx_sqlite3_leave(metrics);
	}
	return 0;
}

/*
 * cmx_sqlite3_attach: record a connection's statements from now on.
 *
 * Once for each connection.  Ends by itself where the connection is closed; a
 * sqlite3_close() that fails takes it out of the gauges.
 *
 * Returns:   SQLITE_OK, or what sqlite3_trace_v2() said.
 * Owner:     the caller; it must live as long as the connection, which after
 *            sqlite3_close_v2() is as long as the connection's statements.
 */
static CMX_UNUSED int
cmx_sqlite3_attach(struct cmx_sqlite3 *metrics, struct cmx_registry *registry,
    sqlite3 *db)
{
	int result;

	memset(metrics, 0, sizeof(*metrics));
	if (db == NULL)
		return SQLITE_MISUSE;
	result = sqlite3_trace_v2(db,
	    SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE | SQLITE_TRACE_CLOSE,
	    cmx_sqlite3_trace, metrics);
	if (result != SQLITE_OK)
		return result;
	metrics->db = db;
	cmx_db_session_open(&metrics->session, registry);
	return SQLITE_OK;
}

/*
 * cmx_sqlite3_detach: stop recording.  Statements under way are not recorded.
 * The connection has no trace callback afterwards, not even one of the
 * application's.
 *
 * Requires:  sqlite3_close() was not called, not even a call that failed.
 */
static inline void
cmx_sqlite3_detach(struct cmx_sqlite3 *metrics)
{
	if (metrics->db != NULL)
		sqlite3_trace_v2(metrics->db, 0, NULL, NULL);
	cmx_db_session_end_all(&metrics->session, CMX_DB_UNRECORDED);
	cmx_sqlite3_leave(metrics);
}

/*
 * The part of an error log's message after a prefix; null where the message has
 * another prefix.
 */
static inline const char *
cmx_sqlite3_text(const char *message, const char *before)
{
	const char *text = strstr(message, before);

	return text == NULL ? NULL : text + strlen(before);
}

/*
 * cmx_sqlite3_log: SQLite's error log, with the registry.
 *
 * An application that has its own calls this one from it.  At most the first
 * 200 bytes of a statement that cannot be prepared are looked at.
 */
static CMX_UNUSED void
cmx_sqlite3_log(void *arg, int code, const char *message)
{
	/*
	 * abort at 9 in [INSERT ...]: UNIQUE constraint failed: a.x
	 * statement aborts at 1: [SELECT ...] no such function
	 * no such table: a in "SELECT * FROM a"
	 */
	bool is_run = strncmp(message, "abort at ", strlen("abort at ")) == 0 ||
	    strncmp(message, "statement aborts", strlen("statement aborts")) ==
		0;
	const char *sql = cmx_sqlite3_text(message, is_run ? "[" : " in \"");
	struct cmx_db_thread *thread = cmx_db_thread();
	char entity[CMX_DB_ENTITY_MAX];

	if (sql == NULL)
		return;
	if (is_run) {
		cmx_db_thread_fail(sql, (code & 0xff) == SQLITE_SCHEMA);
	} else if ((code & 0xff) != SQLITE_ERROR) {
		return;
	} else if (thread->session != NULL) {
		/* The statement that failed while it was prepared again. */
		cmx_sqlite3_record(cmx_db_session_find(thread->session,
				       cmx_db_session_newest_key(
					   thread->session)),
		    CMX_DB_FAILED);
	} else {
		thread->operation = NULL;
		cmx_db_entity(sql, entity, sizeof(entity));
		cmx_record_db_query((struct cmx_registry *)arg,
		    cmx_db_operation(sql), entity, 0, true);
	}
}

/*
 * cmx_sqlite3_init: read SQLite's error log, so that failures are seen in all
 * connections of the program.
 *
 * Requires:  SQLite is not yet in use (sqlite3_config()), and the registry
 *            stays open as long as SQLite is used.
 * Returns:   SQLITE_OK, or SQLITE_MISUSE where SQLite is in use already.
 */
static inline int
cmx_sqlite3_init(struct cmx_registry *registry)
{
	return sqlite3_config(SQLITE_CONFIG_LOG, cmx_sqlite3_log, registry);
}

/*
 * A call returned an error: if the thread recorded its last query as a success
 * during that call, count the error now.
 */
static inline int
cmx_sqlite3_returned(int result)
{
	struct cmx_db_thread *thread = cmx_db_thread();

	if (result != SQLITE_OK && result != SQLITE_ROW &&
	    result != SQLITE_DONE && thread->operation != NULL)
		cmx_record_db_query_error(thread->registry, thread->operation,
		    thread->entity);
	thread->operation = NULL;
	return result;
}

/* As sqlite3_step(), and sees each failure. */
static inline int
cmx_sqlite3_step(sqlite3_stmt *statement)
{
	cmx_db_thread()->operation = NULL;
	return cmx_sqlite3_returned(sqlite3_step(statement));
}

/*
 * Give a row to the callback of sqlite3_exec(); texts has room for all names
 * and values.
 */
static inline bool
cmx_sqlite3_give_row(sqlite3_stmt *statement, char **texts,
    int (*row)(void *, int, char **, char **), void *arg)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n; i++) {
		texts[i] = (char *)(uintptr_t)sqlite3_column_text(statement, i);
		texts[n + i] =
		    (char *)(uintptr_t)sqlite3_column_name(statement, i);
	}
	return row(arg, n, texts, texts + n) == 0;
}

/* Run the first statement of a text, and move *sql behind it. */
static CMX_UNUSED int
cmx_sqlite3_exec_first(sqlite3 *db, const char **sql,
    int (*row)(void *, int, char **, char **), void *arg)
{
	sqlite3_stmt *statement;
	char **texts = NULL;
	int result = sqlite3_prepare_v2(db, *sql, -1, &statement, sql);

	if (result != SQLITE_OK || statement == NULL)
		return result;
	if (row != NULL)
		texts = (char **)malloc(2 * sizeof(*texts) *
		    (size_t)(sqlite3_column_count(statement) + 1));
	if (row != NULL && texts == NULL) {
		sqlite3_finalize(statement);
		return SQLITE_NOMEM;
	}
	while ((result = cmx_sqlite3_step(statement)) == SQLITE_ROW)
		if (row != NULL &&
		    !cmx_sqlite3_give_row(statement, texts, row, arg)) {
			result = SQLITE_ABORT;
			break;
		}
	free(texts);
	if (result == SQLITE_ABORT)
		sqlite3_finalize(statement);
	else
		result = sqlite3_finalize(statement);
	return result;
}

/* As sqlite3_exec(), and sees each failure. */
static CMX_UNUSED int
cmx_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *arg, char **message)
{
	int result = SQLITE_OK;

	/* sqlite3_exec() handles a null connection or text. */
	if (db == NULL || sql == NULL)
		return sqlite3_exec(db, sql, row, arg, message);
	if (message != NULL)
		*message = NULL;
	sqlite3_mutex_enter(sqlite3_db_mutex(db));
	while (result == SQLITE_OK && *sql != '\0')
		result = cmx_sqlite3_exec_first(db, &sql, row, arg);
	if (result != SQLITE_OK && message != NULL)
		*message = sqlite3_mprintf("%s",
		    result == SQLITE_ABORT ? "query aborted" :
					     sqlite3_errmsg(db));
	sqlite3_mutex_leave(sqlite3_db_mutex(db));
	return result;
}

#ifdef CMX_SQLITE3_REPLACE
#define sqlite3_step cmx_sqlite3_step
#define sqlite3_exec cmx_sqlite3_exec
#endif

#ifdef __cplusplus
}
#endif

#endif

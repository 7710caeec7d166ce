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
#include <codeai/metrics_db.h>

#if SQLITE_VERSION_NUMBER < 3014000
#error "codeai/metrics_sqlite3.h needs SQLite 3.14"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A statement that has begun. */
struct cmx_sqlite3_statement {
	sqlite3_stmt *statement;
	struct cmx_timer timer;
	const char *operation;
	char entity[CMX_DB_ENTITY_MAX];
};

/* What a connection is recorded with; its members are its own. */
struct cmx_sqlite3 {
	struct cmx_registry *registry;
	sqlite3 *db;                   /* null: closed or detached */
	struct cmx_gauge active, idle; /* connections */
	struct cmx_sqlite3_statement *running;
	size_t n_running, n_room;
};

/*
 * What a thread knows of its statements: the text of the one that the error
 * log told of last, and the names of the last one that ended well.
 */
struct cmx_sqlite3_thread {
	char failed[256];          /* "": none */
	bool is_again;             /* SQLite prepares it again by itself */
	struct cmx_sqlite3 *again; /* whose newest statement that is */
	struct cmx_registry *registry;
	const char *operation; /* null: none */
	char entity[CMX_DB_ENTITY_MAX];
};
CMX_WEAK __thread struct cmx_sqlite3_thread cmx_sqlite3_thread;

/* The connection goes from idle to active, or back. */
static inline void
cmx_sqlite3_use(const struct cmx_sqlite3 *metrics, double n)
{
	cmx_gauge_add(&metrics->active, n);
	cmx_gauge_sub(&metrics->idle, n);
}

/* SQLite gives what it runs within a statement another text: a comment. */
static inline bool
cmx_sqlite3_is_own(sqlite3_stmt *statement, const char *text)
{
	const char *sql = sqlite3_sql(statement);

	return sql == NULL || text == NULL || strcmp(sql, text) == 0;
}

/* Did the error log tell of this statement?  It cuts long ones. */
static inline bool
cmx_sqlite3_is_told(const char *sql)
{
	const char *failed = cmx_sqlite3_thread.failed;
	size_t n = sql == NULL ? 0 : strlen(sql), room = strlen(failed);

	return room > 0 &&
	    (sql == NULL || strncmp(sql, failed, n < room ? n : room) == 0);
}

/* Behind the last entry, where the statement is not running. */
static inline size_t
cmx_sqlite3_find(const struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	for (size_t i = metrics->n_running; i > 0; i--)
		if (metrics->running[i - 1].statement == statement)
			return i - 1;
	return metrics->n_running;
}

/* Closed, and no statement is left: nothing will come any more. */
static inline void
cmx_sqlite3_release(struct cmx_sqlite3 *metrics)
{
	if (metrics->db != NULL || metrics->n_running > 0)
		return;
	free(metrics->running);
	metrics->running = NULL;
	metrics->n_room = 0;
}

/* The i-th statement that is running is so no more. */
static inline void
cmx_sqlite3_drop(struct cmx_sqlite3 *metrics, size_t i)
{
	metrics->running[i] = metrics->running[--metrics->n_running];
	if (metrics->n_running == 0 && metrics->db != NULL)
		cmx_sqlite3_use(metrics, -1);
	cmx_sqlite3_release(metrics);
}

/*
 * sqlite3_exec() whose row function ends it finalizes its statement without a
 * word: the i-th one has ended some time ago.
 */
static inline void
cmx_sqlite3_give_up(struct cmx_sqlite3 *metrics, size_t i)
{
	cmx_record_db_query(metrics->registry, metrics->running[i].operation,
	    metrics->running[i].entity, 0, false);
	cmx_sqlite3_drop(metrics, i);
}

/* The i-th statement that is running has ended. */
static inline void
cmx_sqlite3_record(struct cmx_sqlite3 *metrics, size_t i, bool has_failed)
{
	struct cmx_sqlite3_thread *thread = &cmx_sqlite3_thread;
	const struct cmx_sqlite3_statement *ended = &metrics->running[i];

	thread->failed[0] = '\0';
	thread->again = NULL;
	thread->registry = metrics->registry;
	thread->operation = has_failed ? NULL : ended->operation;
	memcpy(thread->entity, ended->entity, sizeof(thread->entity));
	cmx_db_end(&ended->timer, ended->operation, ended->entity, has_failed);
	cmx_sqlite3_drop(metrics, i);
}

/* The newest statements that are running: do they exist? */
static inline void
cmx_sqlite3_reap(struct cmx_sqlite3 *metrics)
{
	while (metrics->n_running > 0 && metrics->db != NULL) {
		size_t newest = metrics->n_running - 1;
		sqlite3_stmt *s = NULL;

		while ((s = sqlite3_next_stmt(metrics->db, s)) != NULL)
			if (s == metrics->running[newest].statement)
				return;
		cmx_sqlite3_give_up(metrics, newest);
	}
}

static inline void
cmx_sqlite3_begin(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	const char *sql = sqlite3_sql(statement);
	struct cmx_sqlite3_statement *running;
	size_t n_room = metrics->n_room;
	size_t i = cmx_sqlite3_find(metrics, statement);

	/* Prepared again, after its schema changed, it goes on. */
	if (i < metrics->n_running && cmx_sqlite3_thread.again == metrics)
		return;
	/* Another one in the place of one that is gone. */
	if (i < metrics->n_running)
		cmx_sqlite3_give_up(metrics, i);
	cmx_sqlite3_reap(metrics);
	cmx_sqlite3_thread.failed[0] = '\0';
	cmx_sqlite3_thread.again = NULL;
	if (metrics->n_running == n_room) {
		n_room = n_room == 0 ? 8 : 2 * n_room;
		running =
		    (struct cmx_sqlite3_statement *)realloc(metrics->running,
			n_room * sizeof(*running));
		if (running == NULL)
			return;
		metrics->running = running;
		metrics->n_room = n_room;
	}
	if (metrics->n_running == 0 && metrics->db != NULL)
		cmx_sqlite3_use(metrics, 1);
	running = &metrics->running[metrics->n_running++];
	running->statement = statement;
	running->operation = cmx_db_operation(sql);
	cmx_db_entity(sql, running->entity, sizeof(running->entity));
	cmx_db_begin(metrics->registry, &running->timer);
}

static inline void
cmx_sqlite3_end(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	struct cmx_sqlite3_statement *running = metrics->running, found;
	struct cmx_sqlite3_thread *thread = &cmx_sqlite3_thread;
	const char *sql = sqlite3_sql(statement);
	bool is_told = cmx_sqlite3_is_told(sql);
	size_t i = cmx_sqlite3_find(metrics, statement);

	if (i == metrics->n_running)
		return;
	if (is_told && thread->is_again && sql != NULL) {
		/* Not its end: it goes on with the new schema. */
		found = running[i];
		running[i] = running[metrics->n_running - 1];
		running[metrics->n_running - 1] = found;
		thread->failed[0] = '\0';
		thread->again = metrics;
		return;
	}
	/* One that waits for a lock is busy, and has no row. */
	cmx_sqlite3_record(metrics, i,
	    is_told ||
		(sqlite3_stmt_busy(statement) &&
		    sqlite3_data_count(statement) == 0));
}

/* The connection is neither active nor idle any more. */
static inline void
cmx_sqlite3_leave(struct cmx_sqlite3 *metrics)
{
	cmx_sqlite3_reap(metrics);
	if (metrics->db != NULL)
		cmx_gauge_dec(
		    metrics->n_running > 0 ? &metrics->active : &metrics->idle);
	metrics->db = NULL;
	cmx_sqlite3_release(metrics);
}

/*
 * cmx_sqlite3_trace: the callback of sqlite3_trace_v2(), with the struct
 * cmx_sqlite3.
 *
 * A connection has one callback: an application that has its own, for
 * SQLITE_TRACE_STMT, _PROFILE and _CLOSE, calls this one from it after
 * cmx_sqlite3_attach() and its own sqlite3_trace_v2().
 */
static inline int
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
static inline int
cmx_sqlite3_attach(struct cmx_sqlite3 *metrics, struct cmx_registry *registry,
    sqlite3 *db)
{
	struct cmx_family family;
	int result;

	memset(metrics, 0, sizeof(*metrics));
	metrics->registry = registry;
	if (db == NULL)
		return SQLITE_MISUSE;
	result = sqlite3_trace_v2(db,
	    SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE | SQLITE_TRACE_CLOSE,
	    cmx_sqlite3_trace, metrics);
	if (result != SQLITE_OK)
		return result;
	metrics->db = db;
	/* Makes the families, if need be; then there is something to find. */
	cmx_add_db_connections(registry, 0, 1);
	if (cmx_family_find(registry, "codeai_db_connections_active", &family,
		NULL) == 0)
		cmx_gauge_find(&family, 0, NULL, &metrics->active, NULL);
	if (cmx_family_find(registry, "codeai_db_connections_idle", &family,
		NULL) == 0)
		cmx_gauge_find(&family, 0, NULL, &metrics->idle, NULL);
	return SQLITE_OK;
}

/*
 * Record no more; statements under way are not recorded.  The connection has
 * no trace callback then, not even one of the application's.
 *
 * Requires:  sqlite3_close() was not called, not even in vain.
 */
static inline void
cmx_sqlite3_detach(struct cmx_sqlite3 *metrics)
{
	if (metrics->db != NULL)
		sqlite3_trace_v2(metrics->db, 0, NULL, NULL);
	if (metrics->n_running > 0 && metrics->db != NULL)
		cmx_sqlite3_use(metrics, -1);
	metrics->n_running = 0;
	cmx_sqlite3_leave(metrics);
}

/*
 * The text of a message of the error log, behind what stands before it; null
 * where it is another message.
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
static inline void
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
	char entity[CMX_DB_ENTITY_MAX];
	size_t n;

	if (sql == NULL)
		return;
	if (is_run) {
		cmx_sqlite3_thread.is_again = (code & 0xff) == SQLITE_SCHEMA;
		n = strlen(sql);
		if (n >= sizeof(cmx_sqlite3_thread.failed))
			n = sizeof(cmx_sqlite3_thread.failed) - 1;
		memcpy(cmx_sqlite3_thread.failed, sql, n);
		cmx_sqlite3_thread.failed[n] = '\0';
	} else if ((code & 0xff) != SQLITE_ERROR) {
		return;
	} else if (cmx_sqlite3_thread.again != NULL) {
		/* The one that was to be prepared again. */
		cmx_sqlite3_record(cmx_sqlite3_thread.again,
		    cmx_sqlite3_thread.again->n_running - 1, true);
	} else {
		cmx_sqlite3_thread.operation = NULL;
		cmx_db_entity(sql, entity, sizeof(entity));
		cmx_record_db_query((struct cmx_registry *)arg,
		    cmx_db_operation(sql), entity, 0, true);
	}
}

/*
 * cmx_sqlite3_init: have failures seen, in all connections of the program.
 *
 * Requires:  SQLite is not in use yet (sqlite3_config()), and the registry
 *            stays open as long as it is.
 * Returns:   SQLITE_OK, or SQLITE_MISUSE where it is.
 */
static inline int
cmx_sqlite3_init(struct cmx_registry *registry)
{
	return sqlite3_config(SQLITE_CONFIG_LOG, cmx_sqlite3_log, registry);
}

/* A call returned this: is it the failure of one that seemed to end well? */
static inline int
cmx_sqlite3_returned(int result)
{
	struct cmx_sqlite3_thread *thread = &cmx_sqlite3_thread;

	if (result != SQLITE_OK && result != SQLITE_ROW &&
	    result != SQLITE_DONE && thread->operation != NULL)
		cmx_record_db_query_error(thread->registry, thread->operation,
		    thread->entity);
	thread->operation = NULL;
	return result;
}

/* As sqlite3_step(), and no failure is missed. */
static inline int
cmx_sqlite3_step(sqlite3_stmt *statement)
{
	cmx_sqlite3_thread.operation = NULL;
	return cmx_sqlite3_returned(sqlite3_step(statement));
}

/* A row as sqlite3_exec() gives it; texts is room for all names and values. */
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

/* The first statement of a text, which then begins behind it. */
static inline int
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

/* As sqlite3_exec(), and no failure is missed. */
static inline int
cmx_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *arg, char **message)
{
	int result = SQLITE_OK;

	/* It judges these. */
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

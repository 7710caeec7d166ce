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
 * failed.  Statements of triggers are a part of theirs.  An attached
 * connection with a statement under way is one of
 * codeai_db_connections_active, another one of codeai_db_connections_idle.
 *
 * SQLite tells a trace callback neither the time in less than milliseconds nor
 * that a statement failed.  The time is taken here; failures are what SQLite
 * writes to its error log in the same thread.  So without cmx_sqlite3_init()
 * only SQLITE_BUSY is seen to fail.  With it, a statement that cannot be
 * prepared is recorded too, as one that failed in no time.
 *
 * In common:
 *   Requires:	SQLite 3.14.
 *   Safety:	as the connection's: its callbacks run one at a time.  A
 *		connection is not to be carried through fork, and nor is this.
 *   Bad input:	a null registry measures nothing.
 *   Cost:	half a microsecond for each statement.
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
};

/* What a connection is recorded with; its members are its own. */
struct cmx_sqlite3 {
	struct cmx_registry *registry;
	sqlite3 *db; /* null: closed or detached */
	struct cmx_sqlite3_statement *running;
	size_t n_running, n_room;
};

/*
 * What the error log said last in this thread.  Weak: one for the program,
 * however many of its files include this.
 */
__attribute__((weak)) __thread int cmx_sqlite3_error;

/* A connection is in use from its first statement to its last one's end. */
static inline void
cmx_sqlite3_use(const struct cmx_sqlite3 *metrics, int n)
{
	if (metrics->n_running == 0)
		cmx_add_db_connections(metrics->registry, n, -n);
}

static inline void
cmx_sqlite3_begin(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	struct cmx_sqlite3_statement *running = metrics->running;
	size_t n_room = metrics->n_room;

	/* Closed, with statements that are still there. */
	if (metrics->db == NULL)
		return;
	/* Again: it is a trigger's. */
	for (size_t i = metrics->n_running; i > 0; i--)
		if (running[i - 1].statement == statement)
			return;
	if (metrics->n_running == n_room) {
		n_room = n_room == 0 ? 8 : 2 * n_room;
		running = (struct cmx_sqlite3_statement *)realloc(running,
		    n_room * sizeof(*running));
		if (running == NULL)
			return;
		metrics->running = running;
		metrics->n_room = n_room;
	}
	cmx_sqlite3_error = SQLITE_OK;
	cmx_sqlite3_use(metrics, 1);
	running += metrics->n_running++;
	running->statement = statement;
	cmx_db_begin(metrics->registry, &running->timer);
}

static inline void
cmx_sqlite3_end(struct cmx_sqlite3 *metrics, sqlite3_stmt *statement)
{
	struct cmx_sqlite3_statement *running = metrics->running;
	const char *sql = sqlite3_sql(statement);
	size_t i = metrics->n_running;
	char entity[CMX_DB_ENTITY_MAX];
	bool has_failed;

	while (i > 0 && running[i - 1].statement != statement)
		i--;
	if (i == 0)
		return;
	/* One that waits for a lock is busy, and has no row. */
	has_failed = cmx_sqlite3_error != SQLITE_OK ||
	    (sqlite3_stmt_busy(statement) &&
		sqlite3_data_count(statement) == 0);
	cmx_sqlite3_error = SQLITE_OK;
	cmx_db_entity(sql, entity, sizeof(entity));
	cmx_db_end(&running[i - 1].timer, cmx_db_operation(sql), entity,
	    has_failed);
	running[i - 1] = running[--metrics->n_running];
	cmx_sqlite3_use(metrics, -1);
}

/* The connection is neither active nor idle any more. */
static inline void
cmx_sqlite3_leave(struct cmx_sqlite3 *metrics)
{
	bool is_active = metrics->n_running > 0;

	if (metrics->db != NULL)
		cmx_add_db_connections(metrics->registry, is_active ? -1 : 0,
		    is_active ? 0 : -1);
	metrics->db = NULL;
	free(metrics->running);
	metrics->running = NULL;
	metrics->n_running = metrics->n_room = 0;
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

	(void)detail;
	if (event == SQLITE_TRACE_STMT)
		cmx_sqlite3_begin(metrics, (sqlite3_stmt *)object);
	else if (event == SQLITE_TRACE_PROFILE)
		cmx_sqlite3_end(metrics, (sqlite3_stmt *)object);
	else if (event == SQLITE_TRACE_CLOSE)
		cmx_sqlite3_leave(metrics);
	return 0;
}

/*
 * cmx_sqlite3_attach: record a connection's statements from now on.
 *
 * Ends by itself where the connection is closed.
 *
 * Returns:   SQLITE_OK, or what sqlite3_trace_v2() said.
 * Owner:     the caller; it must live as long as the connection.
 */
static inline int
cmx_sqlite3_attach(struct cmx_sqlite3 *metrics, struct cmx_registry *registry,
    sqlite3 *db)
{
	int result;

	memset(metrics, 0, sizeof(*metrics));
	metrics->registry = registry;
	if (db == NULL)
		return SQLITE_MISUSE;
	result = sqlite3_trace_v2(db,
	    SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE | SQLITE_TRACE_CLOSE,
	    cmx_sqlite3_trace, metrics);
	if (result == SQLITE_OK) {
		metrics->db = db;
		cmx_add_db_connections(registry, 0, 1);
	}
	return result;
}

/* Record no more; statements under way are not recorded. */
static inline void
cmx_sqlite3_detach(struct cmx_sqlite3 *metrics)
{
	if (metrics->db != NULL)
		sqlite3_trace_v2(metrics->db, 0, NULL, NULL);
	cmx_sqlite3_leave(metrics);
}

/* The statement of: no such table: a in "select * from a"; or null. */
static inline const char *
cmx_sqlite3_unprepared(int code, const char *message)
{
	const char *in;

	if ((code & 0xff) != SQLITE_ERROR ||
	    strncmp(message, "abort", strlen("abort")) == 0 ||
	    strncmp(message, "statement aborts", strlen("statement aborts")) ==
		0)
		return NULL;
	in = strstr(message, " in \"");
	return in == NULL ? NULL : in + strlen(" in \"");
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
	const char *sql = cmx_sqlite3_unprepared(code, message);
	char entity[CMX_DB_ENTITY_MAX];

	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_NOTICE:
	case SQLITE_WARNING:
	case SQLITE_SCHEMA: /* SQLite prepares it again by itself */
		return;
	default:
		break;
	}
	if (sql == NULL) {
		cmx_sqlite3_error = code;
		return;
	}
	cmx_db_entity(sql, entity, sizeof(entity));
	cmx_record_db_query((struct cmx_registry *)arg, cmx_db_operation(sql),
	    entity, 0, true);
}

/*
 * cmx_sqlite3_init: have failures seen, in all connections of the program.
 *
 * Requires:  SQLite is not in use yet (sqlite3_config()).
 * Returns:   SQLITE_OK, or SQLITE_MISUSE where it is.
 */
static inline int
cmx_sqlite3_init(struct cmx_registry *registry)
{
	return sqlite3_config(SQLITE_CONFIG_LOG, cmx_sqlite3_log, registry);
}

#ifdef __cplusplus
}
#endif

#endif

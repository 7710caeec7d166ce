/*
 * codeai/metrics_db_session.h: the queries of one database connection.
 *
 * For adapters: the common part of codeai/metrics_sqlite3.h and
 * codeai/metrics_libpq.h, and of an adapter of any other library.  A session
 * keeps the queries of a connection that have begun and not ended, and the
 * names of its prepared statements.  It records each query at its end with
 * cmx_record_db_query().  The connection is one of
 * codeai_db_connections_active while a query is under way, and otherwise one
 * of codeai_db_connections_idle.
 *
 * In common:
 *   Bad input:	a call with a null query or name does nothing; a query with a
 *		null text is counted as "other".  A session of a null registry
 *		records nothing.
 *   Safety:	thread, as its connection: one call at a time.  Allocates.  Not
 *		for signal handlers, and not to be carried through fork.
 *   Cost:	some hundred nanoseconds for each query, and 136 bytes while it
 *		lasts.
 */
#ifndef CODEAI_METRICS_DB_SESSION_H
#define CODEAI_METRICS_DB_SESSION_H

#include <codeai/metrics.h>
#include <codeai/metrics_db.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cmx_db_query;
struct cmx_db_names;

/* A connection.  Programs do not use the members. */
struct cmx_db_session {
	struct cmx_registry *registry;
	struct cmx_gauge active, idle;
	struct cmx_db_query *oldest, *newest; /* that are under way */
	struct cmx_db_query *spare;
	struct cmx_db_names *names; /* of prepared statements */
	bool is_open;
	uint64_t reserved[4];
};

/*
 * cmx_db_session_open: a connection was opened; it is idle.
 *
 * Owner:     the caller; it must live until cmx_db_session_close(), and after
 *            that until the last query has ended.
 */
CMX_PUBLIC void cmx_db_session_open(struct cmx_db_session *,
    struct cmx_registry *);

/*
 * cmx_db_session_close: the connection was closed, and is counted no more.
 * Queries under way may still end.  Closing twice does nothing.
 */
CMX_PUBLIC void cmx_db_session_close(struct cmx_db_session *);

/*
 * cmx_db_session_begin: a query begins; it is the newest of the session.
 *
 * The adapter finds the query by @key, which may be null.  sql may be null.
 *
 * Returns:   the query, or null without memory: it is not recorded.
 * Owner:     the session, until cmx_db_query_end().
 */
CMX_PUBLIC struct cmx_db_query *cmx_db_session_begin(struct cmx_db_session *,
    const void *key, const char *sql);

/* Find the newest query of a key; null where there is none. */
CMX_PUBLIC struct cmx_db_query *cmx_db_session_find(
    const struct cmx_db_session *, const void *key);

/* The key of the newest query; null where none is under way. */
CMX_PUBLIC const void *cmx_db_session_newest_key(const struct cmx_db_session *);

/* Make a query that is under way the newest of its session. */
CMX_PUBLIC void cmx_db_query_renew(struct cmx_db_query *);

/* Flags of a query: how it ends, and what the adapter notes before. */
enum {
	CMX_DB_FAILED = 1,     /* it has failed */
	CMX_DB_SILENT = 2,     /* recorded only where it fails */
	CMX_DB_ANSWERED = 4,   /* it has a result; for the adapter only */
	CMX_DB_TIMELESS = 8,   /* it ended earlier: its duration counts as 0 */
	CMX_DB_UNRECORDED = 16 /* not recorded, whatever happens */
};

/* Add flags to a query. */
CMX_PUBLIC void cmx_db_query_note(struct cmx_db_query *, unsigned int flags);

/* The flags of a query; 0 for a null one. */
CMX_PUBLIC unsigned int cmx_db_query_flags(const struct cmx_db_query *);

/* Add flags to a query, end it and record it. */
CMX_PUBLIC void cmx_db_query_end(struct cmx_db_query *, unsigned int flags);

/* End all queries under way, the oldest first. */
CMX_PUBLIC void cmx_db_session_end_all(struct cmx_db_session *,
    unsigned int flags);

/*
 * cmx_db_session_prepare: from now on, name stands for the statement sql.
 *
 * "" is the unnamed statement.  A session keeps the 1,024 names that were used
 * last; it does not keep a name for which there is no memory.
 */
CMX_PUBLIC void cmx_db_session_prepare(struct cmx_db_session *,
    const char *name, const char *sql);

/*
 * A query executes what was prepared under a name.  The query takes the labels
 * of that statement; with an unknown name it keeps its own.
 */
CMX_PUBLIC void cmx_db_query_use_prepared(struct cmx_db_query *,
    const char *name);

/*
 * struct cmx_db_thread: what a thread remembers of its queries, for databases
 * that report a failure apart from the query that failed.
 */
struct cmx_db_thread {
	/* The begin of the text that the last failure named; "": none. */
	char failed[256];
	/* The statement of that failure is prepared again and goes on. */
	bool goes_on;
	/* Not null: the session whose newest query is being prepared again. */
	struct cmx_db_session *session;
	/* The last query that was recorded as a success; null: none. */
	struct cmx_registry *registry;
	const char *operation;
	char entity[CMX_DB_ENTITY_MAX];
	uint64_t reserved[4];
};

/* The struct of this thread, never null.  Owner: the library. */
CMX_PUBLIC struct cmx_db_thread *cmx_db_thread(void);

/* Note a failure; the first 255 bytes of sql are kept.  Null is "". */
CMX_PUBLIC void cmx_db_thread_fail(const char *sql, bool goes_on);

/*
 * Was the last failure of this thread that of this text?  A database may cut
 * the text that it reports, so a text matches if one is the begin of the other.
 * Null asks for any failure with a text.
 */
CMX_PUBLIC bool cmx_db_thread_has_failed(const char *sql);

#ifdef __cplusplus
}
#endif

#endif

/*
 * codeai/metrics_db_session.h: the queries of one database connection.
 *
 * For adapters: what codeai/metrics_sqlite3.h and codeai/metrics_libpq.h have
 * in common, and what an adapter of another library would need.  A session
 * keeps the queries of a connection that have begun and not ended, and what
 * its prepared statements are called; it records each query at its end as of
 * cmx_record_db_query(), and counts the connection as one of
 * codeai_db_connections_active while a query is under way, and as one of
 * codeai_db_connections_idle else.
 *
 * In common:
 *   Bad input:	a null query, name or text does nothing, or is "other".  A
 *		session of a null registry records nothing.
 *   Safety:	thread, as its connection: one call at a time.  Allocates.  Not
 *		for signal handlers, and not to be carried through fork.
 *   Cost:	some hundred nanoseconds for each query, and 128 bytes while it
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

/* A connection; its members are its own. */
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
 * cmx_db_session_open: a connection is there, idle.
 *
 * Owner:     the caller; it must live until cmx_db_session_close(), and after
 *            that until the last query has ended.
 */
CMX_PUBLIC void cmx_db_session_open(struct cmx_db_session *,
    struct cmx_registry *);

/*
 * cmx_db_session_close: the connection is neither active nor idle any more.
 * Queries under way may still end.  Closing twice does nothing.
 */
CMX_PUBLIC void cmx_db_session_close(struct cmx_db_session *);

/*
 * cmx_db_session_begin: a query begins, and is the newest.
 *
 * @key is what the adapter will find it by, and may be null; sql may be null.
 *
 * Returns:   the query, or null without memory: it is not recorded.
 * Owner:     the session, until cmx_db_query_end().
 */
CMX_PUBLIC struct cmx_db_query *cmx_db_session_begin(struct cmx_db_session *,
    const void *key, const char *sql);

/* The newest query of a key, or null. */
CMX_PUBLIC struct cmx_db_query *cmx_db_session_find(
    const struct cmx_db_session *, const void *key);

/* The key of the newest query; null: none is under way. */
CMX_PUBLIC const void *cmx_db_session_newest_key(const struct cmx_db_session *);

/* Make a query that is under way the newest. */
CMX_PUBLIC void cmx_db_query_renew(struct cmx_db_query *);

/* How a query ends, and what is known of it before. */
enum {
	CMX_DB_FAILED = 1,   /* it has failed */
	CMX_DB_SILENT = 2,   /* recorded only where it fails */
	CMX_DB_ANSWERED = 4, /* a result of it is there */
	CMX_DB_TIMELESS = 8, /* it ended some time ago: no seconds */
	CMX_DB_UNRECORDED = 16
};

/* Remember flags of a query until it ends. */
CMX_PUBLIC void cmx_db_query_note(struct cmx_db_query *, unsigned int flags);

/* The flags that were noted; 0 for a null query. */
CMX_PUBLIC unsigned int cmx_db_query_flags(const struct cmx_db_query *);

/* End and record a query, with flags beside those that were noted. */
CMX_PUBLIC void cmx_db_query_end(struct cmx_db_query *, unsigned int flags);

/* End all queries under way, the oldest first. */
CMX_PUBLIC void cmx_db_session_end_all(struct cmx_db_session *,
    unsigned int flags);

/*
 * cmx_db_session_prepare: from now on, name stands for the statement sql.
 *
 * The empty name is that of the statement without one.  The 1,024 names that
 * were used last are known, and those for which there was memory.
 */
CMX_PUBLIC void cmx_db_session_prepare(struct cmx_db_session *,
    const char *name, const char *sql);

/* A query executes what was prepared under a name; else it is "other". */
CMX_PUBLIC void cmx_db_query_use_prepared(struct cmx_db_query *,
    const char *name);

/*
 * struct cmx_db_thread: what a thread knows of its queries, for databases that
 * tell of a failure apart from the query that failed.
 */
struct cmx_db_thread {
	/* The text that a failure was told of last, cut; "": none. */
	char failed[256];
	/* The query that goes on in spite of that failure. */
	bool goes_on;
	struct cmx_db_session *session; /* whose newest query that is */
	/* The last query that ended well; operation is null: none. */
	struct cmx_registry *registry;
	const char *operation;
	char entity[CMX_DB_ENTITY_MAX];
	uint64_t reserved[4];
};

/* This thread's.  Owner: the library; it ends with the thread. */
CMX_PUBLIC struct cmx_db_thread *cmx_db_thread(void);

/* A failure was told of a text, which may be cut. */
CMX_PUBLIC void cmx_db_thread_fail(const char *sql, bool goes_on);

/* Was the last failure of this thread that of this text?  Null is any. */
CMX_PUBLIC bool cmx_db_thread_has_failed(const char *sql);

#ifdef __cplusplus
}
#endif

#endif

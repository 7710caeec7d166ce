/*
 * codeai/metrics_libpq.h: the database metrics of PostgreSQL connections.
 *
 * Header only; the program links with -lpq itself.
 *
 *	conn = PQconnectdb(conninfo);
 *	cmx_pq_attach(conn, reg);
 *	result = cmx_PQexec(conn, "SELECT name FROM users WHERE id = 7");
 *
 * cmx_PQexec() is PQexec(), and so are the others their namesakes: the same
 * arguments, the same results, for connections that were attached and for
 * those that were not.  A file that defines CMX_LIBPQ_REPLACE before it
 * includes this may call them by libpq's names, and need not be changed.
 *
 * Each query is recorded as of cmx_record_db_query(): its operation, its table
 * (of a prepared one, those of what was prepared under its name by
 * cmx_PQprepare() or cmx_PQsendPrepare()), the seconds until its last result
 * was there, and whether it failed.  Of a text of several statements the first
 * one's names count.  A query that is sent ends where cmx_PQgetResult() has
 * its last result; in a pipeline they end in their order, and those that the
 * server passes over after an error have failed.  Queries that are never
 * fetched end, failed, where the connection is reset or finished.  A COPY ends
 * with the result behind its data.  Preparing is recorded only where it fails;
 * of a connection's prepared statements, the 1,024 that were used last are
 * known.
 *
 * An attached connection with a query under way is one of
 * codeai_db_connections_active, another one of codeai_db_connections_idle.
 *
 * In common:
 *   Requires:	PostgreSQL 14.  Of one connection, all calls that send and
 *		that get results are these.
 *   Safety:	as the connection's: one thread at a time.
 *   Bad input:	a null connection, statement or name is libpq's to judge.  A
 *		null registry measures nothing.
 *   Cost:	that of cmx_db_entity() and cmx_record_db_query() for each
 *		query, and 136 bytes for each that was sent and not fetched.
 */
#ifndef CODEAI_METRICS_LIBPQ_H
#define CODEAI_METRICS_LIBPQ_H

#include <libpq-events.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_db_session.h>

#ifndef LIBPQ_HAS_PIPELINING
#error "codeai/metrics_libpq.h needs PostgreSQL 14"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The data of an attached connection; libpq keeps a pointer to it. */
struct cmx_pq {
	struct cmx_db_session session;
};

static inline bool
cmx_pq_is_failure(const PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_FATAL_ERROR: /* which null is, too */
	case PGRES_BAD_RESPONSE:
	case PGRES_PIPELINE_ABORTED:
		return true;
	default:
		return false;
	}
}

/*
 * The callback for a connection's events; its address is libpq's key for the
 * struct cmx_pq.  A reset ends the queries as failed, the end of the connection
 * frees the struct.
 */
int cmx_pq_event(PGEventId, void *event, void *arg);

CMX_WEAK int
cmx_pq_event(PGEventId id, void *event, void *arg)
{
	struct cmx_pq *pq;

	(void)arg;
	if (id == PGEVT_CONNRESET) {
		PGEventConnReset *reset = (PGEventConnReset *)event;

		pq = (struct cmx_pq *)PQinstanceData(reset->conn, cmx_pq_event);
		cmx_db_session_end_all(&pq->session, CMX_DB_FAILED);
	} else if (id == PGEVT_CONNDESTROY) {
		PGEventConnDestroy *destroy = (PGEventConnDestroy *)event;

		pq = (struct cmx_pq *)PQinstanceData(destroy->conn,
		    cmx_pq_event);
		cmx_db_session_end_all(&pq->session, CMX_DB_FAILED);
		cmx_db_session_close(&pq->session);
		free(pq);
	}
	return 1;
}

/*
 * cmx_pq_attach: record a connection's queries from now on, until PQfinish().
 *
 * Returns:   0; CMX_ERR_ARGUMENT for a null connection; CMX_ERR_EXISTS where
 *            it is attached; CMX_ERR_MEMORY.
 */
static CMX_UNUSED int
cmx_pq_attach(PGconn *conn, struct cmx_registry *registry)
{
	struct cmx_pq *pq;

	if (conn == NULL)
		return CMX_ERR_ARGUMENT;
	if (PQinstanceData(conn, cmx_pq_event) != NULL)
		return CMX_ERR_EXISTS;
	pq = (struct cmx_pq *)calloc(1, sizeof(*pq));
	if (pq == NULL)
		return CMX_ERR_MEMORY;
	if (!PQregisterEventProc(conn, cmx_pq_event, "codeai-metrics", NULL) ||
	    !PQsetInstanceData(conn, cmx_pq_event, pq)) {
		free(pq);
		return CMX_ERR_MEMORY;
	}
	cmx_db_session_open(&pq->session, registry);
	return 0;
}

/* The data of a connection; null where it is not attached. */
static inline struct cmx_pq *
cmx_pq_of(const PGconn *conn)
{
	return conn == NULL ?
	    NULL :
	    (struct cmx_pq *)PQinstanceData(conn, cmx_pq_event);
}

/* Is the result the begin of a COPY?  Its data do not come as results. */
static inline bool
cmx_pq_is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
	    status == PGRES_COPY_BOTH;
}

/* As PQgetResult(). */
static CMX_UNUSED PGresult *
cmx_PQgetResult(PGconn *conn)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	PGresult *result = PQgetResult(conn);
	struct cmx_db_query *query = pq == NULL ? NULL : pq->session.oldest;

	if (query == NULL)
		return result;
	if (result == NULL)
		/*
		 * Handle the null after the results of one query, which a
		 * pipeline has too.
		 */
		cmx_db_query_end(query,
		    cmx_db_query_flags(query) & CMX_DB_ANSWERED ?
			0 :
			CMX_DB_FAILED);
	else if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		cmx_db_query_note(query,
		    CMX_DB_ANSWERED |
			(cmx_pq_is_failure(result) ? CMX_DB_FAILED : 0));
	return result;
}

/*
 * A blocking call of libpq discards the results of queries that were sent
 * before. So fetch their results here, and end them.
 */
static CMX_UNUSED void
cmx_pq_drain(struct cmx_pq *pq, PGconn *conn)
{
	while (pq->session.oldest != NULL) {
		PGresult *result = cmx_PQgetResult(conn);
		bool is_copy = cmx_pq_is_copy(result);

		/*
		 * A COPY that is under way (in, or both) is aborted by the next
		 * call.
		 */
		if (is_copy && PQresultStatus(result) != PGRES_COPY_OUT)
			cmx_db_query_note(pq->session.oldest, CMX_DB_FAILED);
		PQclear(result);
		if (is_copy)
			break;
	}
	cmx_db_session_end_all(&pq->session, 0);
}

/*
 * A blocking call begins; sql is null where it has none.  Null: it is not
 * recorded, also in a pipeline, where libpq refuses it.
 */
static inline struct cmx_db_query *
cmx_pq_begin(struct cmx_pq *pq, PGconn *conn, const char *sql)
{
	if (pq == NULL)
		return NULL;
	if (PQpipelineStatus(conn) == PQ_PIPELINE_OFF)
		cmx_pq_drain(pq, conn);
	return cmx_db_session_begin(&pq->session, NULL, sql);
}

/* The call began a COPY: its last result is still to come, as after a send. */
static inline PGresult *
cmx_pq_end(struct cmx_db_query *query, PGresult *result)
{
	if (cmx_pq_is_copy(result))
		cmx_db_query_note(query, CMX_DB_ANSWERED);
	else
		cmx_db_query_end(query,
		    cmx_pq_is_failure(result) ? CMX_DB_FAILED : 0);
	return result;
}

/* From now on, name stands for the statement sql. */
static inline void
cmx_pq_prepare(struct cmx_pq *pq, const char *name, const char *sql)
{
	if (pq != NULL)
		cmx_db_session_prepare(&pq->session, name, sql);
}

/* As PQexec(). */
static inline PGresult *
cmx_PQexec(PGconn *conn, const char *sql)
{
	struct cmx_db_query *query = cmx_pq_begin(cmx_pq_of(conn), conn, sql);

	return cmx_pq_end(query, PQexec(conn, sql));
}

/* As PQexecParams(). */
static inline PGresult *
cmx_PQexecParams(PGconn *conn, const char *sql, int n, const Oid *types,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_db_query *query = cmx_pq_begin(pq, conn, sql);

	cmx_pq_prepare(pq, "", sql);
	return cmx_pq_end(query,
	    PQexecParams(conn, sql, n, types, values, lengths, formats,
		result_format));
}

/* As PQprepare(). */
static inline PGresult *
cmx_PQprepare(PGconn *conn, const char *name, const char *sql, int n,
    const Oid *types)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_db_query *query = cmx_pq_begin(pq, conn, sql);
	PGresult *result;

	cmx_db_query_note(query, CMX_DB_SILENT);
	result = PQprepare(conn, name, sql, n, types);
	if (!cmx_pq_is_failure(result))
		cmx_pq_prepare(pq, name, sql);
	return cmx_pq_end(query, result);
}

/* As PQexecPrepared(). */
static inline PGresult *
cmx_PQexecPrepared(PGconn *conn, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_db_query *query = cmx_pq_begin(cmx_pq_of(conn), conn, NULL);

	cmx_db_query_use_prepared(query, name);
	return cmx_pq_end(query,
	    PQexecPrepared(conn, name, n, values, lengths, formats,
		result_format));
}

/* A query is about to be sent; null: it is not recorded. */
static inline struct cmx_db_query *
cmx_pq_begin_send(struct cmx_pq *pq, const char *sql)
{
	return pq == NULL ? NULL :
			    cmx_db_session_begin(&pq->session, NULL, sql);
}

/* End a query as failed if it could not be sent. */
static inline int
cmx_pq_end_send(struct cmx_db_query *query, int is_sent)
{
	if (!is_sent)
		cmx_db_query_end(query, CMX_DB_FAILED);
	return is_sent;
}

/* As PQsendQuery(). */
static inline int
cmx_PQsendQuery(PGconn *conn, const char *sql)
{
	struct cmx_db_query *query = cmx_pq_begin_send(cmx_pq_of(conn), sql);

	return cmx_pq_end_send(query, PQsendQuery(conn, sql));
}

/* As PQsendQueryParams(). */
static inline int
cmx_PQsendQueryParams(PGconn *conn, const char *sql, int n, const Oid *types,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_db_query *query = cmx_pq_begin_send(pq, sql);

	cmx_pq_prepare(pq, "", sql);
	return cmx_pq_end_send(query,
	    PQsendQueryParams(conn, sql, n, types, values, lengths, formats,
		result_format));
}

/*
 * As PQsendPrepare(); queries that use the name take the new labels from now
 * on.
 */
static inline int
cmx_PQsendPrepare(PGconn *conn, const char *name, const char *sql, int n,
    const Oid *types)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_db_query *query = cmx_pq_begin_send(pq, sql);
	int is_sent = PQsendPrepare(conn, name, sql, n, types);

	if (is_sent)
		cmx_pq_prepare(pq, name, sql);
	cmx_db_query_note(query, CMX_DB_SILENT);
	return cmx_pq_end_send(query, is_sent);
}

/* As PQsendQueryPrepared(). */
static inline int
cmx_PQsendQueryPrepared(PGconn *conn, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_db_query *query = cmx_pq_begin_send(cmx_pq_of(conn), NULL);

	cmx_db_query_use_prepared(query, name);
	return cmx_pq_end_send(query,
	    PQsendQueryPrepared(conn, name, n, values, lengths, formats,
		result_format));
}

/*
 * A describe takes its turn among the results, and is recorded only where it
 * fails.
 */
static inline int
cmx_pq_describe(PGconn *conn, const char *name,
    int (*send)(PGconn *, const char *))
{
	struct cmx_db_query *query = cmx_pq_begin_send(cmx_pq_of(conn), NULL);

	cmx_db_query_note(query, CMX_DB_SILENT);
	return cmx_pq_end_send(query, send(conn, name));
}

/* As PQsendDescribePrepared() and PQsendDescribePortal(). */
static inline int
cmx_PQsendDescribePrepared(PGconn *conn, const char *name)
{
	return cmx_pq_describe(conn, name, PQsendDescribePrepared);
}

static inline int
cmx_PQsendDescribePortal(PGconn *conn, const char *name)
{
	return cmx_pq_describe(conn, name, PQsendDescribePortal);
}

#ifdef CMX_LIBPQ_REPLACE
#define PQexec                 cmx_PQexec
#define PQexecParams           cmx_PQexecParams
#define PQprepare              cmx_PQprepare
#define PQexecPrepared         cmx_PQexecPrepared
#define PQsendQuery            cmx_PQsendQuery
#define PQsendQueryParams      cmx_PQsendQueryParams
#define PQsendPrepare          cmx_PQsendPrepare
#define PQsendQueryPrepared    cmx_PQsendQueryPrepared
#define PQsendDescribePrepared cmx_PQsendDescribePrepared
#define PQsendDescribePortal   cmx_PQsendDescribePortal
#define PQgetResult            cmx_PQgetResult
#endif

#ifdef __cplusplus
}
#endif

#endif

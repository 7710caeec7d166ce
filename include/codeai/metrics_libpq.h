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
 *		query, and 104 bytes for each that was sent and not fetched.
 */
#ifndef CODEAI_METRICS_LIBPQ_H
#define CODEAI_METRICS_LIBPQ_H

#include <libpq-events.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include <codeai/metrics_codeai.h>
#include <codeai/metrics_db.h>

#ifndef LIBPQ_HAS_PIPELINING
#error "codeai/metrics_libpq.h needs PostgreSQL 14"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The names that a query is counted under. */
struct cmx_pq_names {
	const char *operation;
	char entity[CMX_DB_ENTITY_MAX];
};

/* A query that was sent. */
struct cmx_pq_query {
	struct cmx_pq_query *next;
	struct cmx_timer timer;
	struct cmx_pq_names names;
	bool is_silent; /* of no interest unless it fails */
	bool has_result;
	bool has_failed;
};

/* What a statement was prepared as; its name stands behind it. */
struct cmx_pq_prepared {
	struct cmx_pq_prepared *next;
	struct cmx_pq_names names;
};

/* So many are remembered, those that were used last. */
#define CMX_PQ_PREPARED_MAX 1024

/* What a connection is recorded with; libpq keeps it with the connection. */
struct cmx_pq {
	struct cmx_registry *registry;
	struct cmx_pq_query *first, *last; /* sent, and not fetched */
	struct cmx_pq_prepared *prepared;  /* the last one used first */
	size_t n_prepared;
	struct cmx_pq_names unnamed; /* statement "" */
};

static inline void
cmx_pq_name(struct cmx_pq_names *names, const char *sql)
{
	names->operation = cmx_db_operation(sql);
	cmx_db_entity(sql, names->entity, sizeof(names->entity));
}

/* A name's statement, which is the list's first then; or null. */
static inline struct cmx_pq_prepared *
cmx_pq_find_prepared(struct cmx_pq *pq, const char *name)
{
	struct cmx_pq_prepared **link = &pq->prepared, *p;

	for (; (p = *link) != NULL; link = &p->next) {
		if (strcmp((const char *)(p + 1), name) != 0)
			continue;
		*link = p->next;
		p->next = pq->prepared;
		pq->prepared = p;
		return p;
	}
	return NULL;
}

/* Forget all prepared statements but the first ones. */
static inline void
cmx_pq_forget(struct cmx_pq *pq, size_t n_kept)
{
	struct cmx_pq_prepared **link = &pq->prepared, *p;

	for (size_t i = 0; i < n_kept && *link != NULL; i++)
		link = &(*link)->next;
	while ((p = *link) != NULL) {
		*link = p->next;
		free(p);
		pq->n_prepared--;
	}
}

/* Remember what a name stands for; without memory it is "other". */
static inline void
cmx_pq_prepare(struct cmx_pq *pq, const char *name, const char *sql)
{
	struct cmx_pq_prepared *p;
	size_t size;

	if (pq == NULL || name == NULL)
		return;
	if (name[0] == '\0') {
		cmx_pq_name(&pq->unnamed, sql);
		return;
	}
	p = cmx_pq_find_prepared(pq, name);
	if (p == NULL) {
		size = strlen(name) + 1;
		p = (struct cmx_pq_prepared *)malloc(sizeof(*p) + size);
		if (p == NULL)
			return;
		memcpy(p + 1, name, size);
		p->next = pq->prepared;
		pq->prepared = p;
		if (++pq->n_prepared > CMX_PQ_PREPARED_MAX)
			cmx_pq_forget(pq, CMX_PQ_PREPARED_MAX);
	}
	cmx_pq_name(&p->names, sql);
}

static inline void
cmx_pq_name_prepared(struct cmx_pq *pq, struct cmx_pq_names *names,
    const char *name)
{
	const struct cmx_pq_prepared *p;

	if (pq == NULL || name == NULL)
		return;
	p = cmx_pq_find_prepared(pq, name);
	if (p != NULL)
		*names = p->names;
	else if (name[0] == '\0' && pq->unnamed.operation != NULL)
		*names = pq->unnamed;
}

static inline void
cmx_pq_record(const struct cmx_pq_query *query)
{
	if (!query->is_silent || query->has_failed)
		cmx_db_end(&query->timer, query->names.operation,
		    query->names.entity, query->has_failed);
}

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

/* The first of the queries that were sent has ended. */
static inline void
cmx_pq_pop(struct cmx_pq *pq)
{
	struct cmx_pq_query *query = pq->first;

	cmx_pq_record(query);
	pq->first = query->next;
	free(query);
	if (pq->first == NULL)
		cmx_add_db_connections(pq->registry, -1, 1);
}

/* All that were sent have ended, without results. */
static inline void
cmx_pq_abandon(struct cmx_pq *pq)
{
	while (pq->first != NULL) {
		pq->first->has_failed = true;
		cmx_pq_pop(pq);
	}
}

/* The connection's last event frees what it was recorded with. */
static inline void
cmx_pq_free(struct cmx_pq *pq)
{
	cmx_pq_abandon(pq);
	cmx_pq_forget(pq, 0);
	cmx_add_db_connections(pq->registry, 0, -1);
	free(pq);
}

/* What libpq tells of a connection, and the key of its struct cmx_pq. */
int cmx_pq_event(PGEventId, void *event, void *arg);

CMX_WEAK int
cmx_pq_event(PGEventId id, void *event, void *arg)
{
	(void)arg;
	if (id == PGEVT_CONNRESET) {
		PGEventConnReset *reset = (PGEventConnReset *)event;

		cmx_pq_abandon(
		    (struct cmx_pq *)PQinstanceData(reset->conn, cmx_pq_event));
	} else if (id == PGEVT_CONNDESTROY) {
		PGEventConnDestroy *destroy = (PGEventConnDestroy *)event;

		cmx_pq_free((struct cmx_pq *)PQinstanceData(destroy->conn,
		    cmx_pq_event));
	}
	return 1;
}

/*
 * cmx_pq_attach: record a connection's queries from now on, until PQfinish().
 *
 * Returns:   0; CMX_ERR_ARGUMENT for a null connection; CMX_ERR_EXISTS where
 *            it is attached; CMX_ERR_MEMORY.
 */
static inline int
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
	pq->registry = registry;
	if (!PQregisterEventProc(conn, cmx_pq_event, "codeai-metrics", NULL) ||
	    !PQsetInstanceData(conn, cmx_pq_event, pq)) {
		free(pq);
		return CMX_ERR_MEMORY;
	}
	cmx_add_db_connections(registry, 0, 1);
	return 0;
}

/* What a connection is recorded with; null: it is not. */
static inline struct cmx_pq *
cmx_pq_of(const PGconn *conn)
{
	return conn == NULL ?
	    NULL :
	    (struct cmx_pq *)PQinstanceData(conn, cmx_pq_event);
}

/* Its data do not come as results. */
static inline bool
cmx_pq_is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
	    status == PGRES_COPY_BOTH;
}

/* As PQgetResult(). */
static inline PGresult *
cmx_PQgetResult(PGconn *conn)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	PGresult *result = PQgetResult(conn);
	struct cmx_pq_query *query = pq == NULL ? NULL : pq->first;

	if (query == NULL)
		return result;
	if (result == NULL) {
		/* The end of one query's results, in a pipeline too. */
		query->has_failed |= !query->has_result;
		cmx_pq_pop(pq);
	} else if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
		query->has_result = true;
		query->has_failed |= cmx_pq_is_failure(result);
	}
	return result;
}

/* The queries that were sent end, as a call that waits ends them. */
static inline void
cmx_pq_drain(struct cmx_pq *pq, PGconn *conn)
{
	while (pq->first != NULL) {
		PGresult *result = cmx_PQgetResult(conn);
		bool is_copy = cmx_pq_is_copy(result);

		/* What was to come in is thrown away. */
		if (is_copy && PQresultStatus(result) != PGRES_COPY_OUT)
			pq->first->has_failed = true;
		PQclear(result);
		if (is_copy)
			break;
	}
	while (pq->first != NULL)
		cmx_pq_pop(pq);
}

/*
 * A call that waits begins; in a pipeline libpq refuses it.  sql is null where
 * it has none: the query is "other", then.
 */
static inline void
cmx_pq_begin(struct cmx_pq *pq, PGconn *conn, struct cmx_pq_query *query,
    const char *sql)
{
	memset(query, 0, sizeof(*query));
	if (pq == NULL)
		return;
	cmx_pq_name(&query->names, sql);
	if (PQpipelineStatus(conn) == PQ_PIPELINE_OFF)
		cmx_pq_drain(pq, conn);
	cmx_add_db_connections(pq->registry, 1, -1);
	cmx_db_begin(pq->registry, &query->timer);
}

/* It goes on as one that was sent: its last result is still to come. */
static inline bool
cmx_pq_go_on(struct cmx_pq *pq, const struct cmx_pq_query *query)
{
	struct cmx_pq_query *sent =
	    (struct cmx_pq_query *)malloc(sizeof(*sent));

	if (sent == NULL)
		return false;
	*sent = *query;
	sent->has_result = true;
	pq->first = pq->last = sent;
	return true;
}

static inline PGresult *
cmx_pq_end(struct cmx_pq *pq, struct cmx_pq_query *query, PGresult *result)
{
	if (pq == NULL || (cmx_pq_is_copy(result) && cmx_pq_go_on(pq, query)))
		return result;
	query->has_failed = cmx_pq_is_failure(result);
	cmx_pq_record(query);
	cmx_add_db_connections(pq->registry, -1, 1);
	return result;
}

/* As PQexec(). */
static inline PGresult *
cmx_PQexec(PGconn *conn, const char *sql)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query query;

	cmx_pq_begin(pq, conn, &query, sql);
	return cmx_pq_end(pq, &query, PQexec(conn, sql));
}

/* As PQexecParams(). */
static inline PGresult *
cmx_PQexecParams(PGconn *conn, const char *sql, int n, const Oid *types,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query query;

	cmx_pq_begin(pq, conn, &query, sql);
	if (pq != NULL)
		pq->unnamed = query.names;
	return cmx_pq_end(pq, &query,
	    PQexecParams(conn, sql, n, types, values, lengths, formats,
		result_format));
}

/* As PQprepare(). */
static inline PGresult *
cmx_PQprepare(PGconn *conn, const char *name, const char *sql, int n,
    const Oid *types)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query query;
	PGresult *result;

	cmx_pq_begin(pq, conn, &query, sql);
	query.is_silent = true;
	result = PQprepare(conn, name, sql, n, types);
	if (!cmx_pq_is_failure(result))
		cmx_pq_prepare(pq, name, sql);
	return cmx_pq_end(pq, &query, result);
}

/* As PQexecPrepared(). */
static inline PGresult *
cmx_PQexecPrepared(PGconn *conn, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query query;

	cmx_pq_begin(pq, conn, &query, NULL);
	cmx_pq_name_prepared(pq, &query.names, name);
	return cmx_pq_end(pq, &query,
	    PQexecPrepared(conn, name, n, values, lengths, formats,
		result_format));
}

/* A query that is about to be sent; null: it is not recorded. */
static inline struct cmx_pq_query *
cmx_pq_begin_send(struct cmx_pq *pq, const char *sql)
{
	struct cmx_pq_query *query;

	if (pq == NULL)
		return NULL;
	query = (struct cmx_pq_query *)calloc(1, sizeof(*query));
	if (query == NULL)
		return NULL;
	cmx_pq_name(&query->names, sql);
	cmx_db_begin(pq->registry, &query->timer);
	return query;
}

/* It was sent, or could not be: then it has failed. */
static inline int
cmx_pq_end_send(struct cmx_pq *pq, struct cmx_pq_query *query, int is_sent)
{
	if (query == NULL)
		return is_sent;
	if (!is_sent) {
		query->has_failed = true;
		cmx_pq_record(query);
		free(query);
		return is_sent;
	}
	if (pq->first == NULL) {
		cmx_add_db_connections(pq->registry, 1, -1);
		pq->first = query;
	} else {
		pq->last->next = query;
	}
	pq->last = query;
	return is_sent;
}

/* As PQsendQuery(). */
static inline int
cmx_PQsendQuery(PGconn *conn, const char *sql)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query *query = cmx_pq_begin_send(pq, sql);

	return cmx_pq_end_send(pq, query, PQsendQuery(conn, sql));
}

/* As PQsendQueryParams(). */
static inline int
cmx_PQsendQueryParams(PGconn *conn, const char *sql, int n, const Oid *types,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query *query = cmx_pq_begin_send(pq, sql);

	if (query != NULL)
		pq->unnamed = query->names;
	return cmx_pq_end_send(pq, query,
	    PQsendQueryParams(conn, sql, n, types, values, lengths, formats,
		result_format));
}

/* As PQsendPrepare(); what the name stands for counts from now on. */
static inline int
cmx_PQsendPrepare(PGconn *conn, const char *name, const char *sql, int n,
    const Oid *types)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query *query = cmx_pq_begin_send(pq, sql);
	int is_sent = PQsendPrepare(conn, name, sql, n, types);

	if (is_sent)
		cmx_pq_prepare(pq, name, sql);
	if (query != NULL)
		query->is_silent = true;
	return cmx_pq_end_send(pq, query, is_sent);
}

/* As PQsendQueryPrepared(). */
static inline int
cmx_PQsendQueryPrepared(PGconn *conn, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int result_format)
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query *query = cmx_pq_begin_send(pq, NULL);

	if (query != NULL)
		cmx_pq_name_prepared(pq, &query->names, name);
	return cmx_pq_end_send(pq, query,
	    PQsendQueryPrepared(conn, name, n, values, lengths, formats,
		result_format));
}

/* A description has a place among the results, and no names. */
static inline int
cmx_pq_describe(PGconn *conn, const char *name,
    int (*send)(PGconn *, const char *))
{
	struct cmx_pq *pq = cmx_pq_of(conn);
	struct cmx_pq_query *query = cmx_pq_begin_send(pq, NULL);

	if (query != NULL)
		query->is_silent = true;
	return cmx_pq_end_send(pq, query, send(conn, name));
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

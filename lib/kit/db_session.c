/*
 * db_session.c: the queries of one database connection.
 */
#include "codeai/metrics_db_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/require.h"
#include "codeai/metrics_codeai.h"
#include "kit/db_names.h"

struct cmx_db_query {
	struct cmx_db_session *session;
	struct cmx_db_query *older, *newer;
	const void *key;
	unsigned int flags;
	struct cmx_timer timer;
	struct cmxi_db_labels labels;
};

/*
 * Not of the initial-exec model as elsewhere in the library: a program that
 * opens the library with dlopen() has little room for such variables.
 */
static __thread struct cmx_db_thread this_thread
    __attribute__((tls_model("global-dynamic")));

/* The session */

void
cmx_db_session_open(struct cmx_db_session *s, struct cmx_registry *registry)
{
	struct cmx_family family;

	memset(s, 0, sizeof(*s));
	s->registry = registry;
	s->is_open = true;
	/* Count the connection as idle; this adds the families if need be. */
	cmx_add_db_connections(registry, 0, 1);
	if (cmx_family_find(registry, "codeai_db_connections_active", &family,
		NULL) == 0)
		cmx_gauge_find(&family, 0, NULL, &s->active, NULL);
	if (cmx_family_find(registry, "codeai_db_connections_idle", &family,
		NULL) == 0)
		cmx_gauge_find(&family, 0, NULL, &s->idle, NULL);
}

/* Move the connection from idle to active (n is 1), or back (-1). */
static void
use(const struct cmx_db_session *s, double n)
{
	if (!s->is_open)
		return;
	cmx_gauge_add(&s->active, n);
	cmx_gauge_sub(&s->idle, n);
}

void
cmx_db_session_close(struct cmx_db_session *s)
{
	if (s->is_open)
		cmx_gauge_dec(s->newest != NULL ? &s->active : &s->idle);
	s->is_open = false;
	cmxi_db_names_free(s->names);
	s->names = NULL;
	free(s->spare);
	s->spare = NULL;
}

/* Queries */

static void
link_newest(struct cmx_db_query *q)
{
	struct cmx_db_session *s = q->session;

	q->newer = NULL;
	q->older = s->newest;
	if (s->newest != NULL)
		s->newest->newer = q;
	else
		s->oldest = q;
	s->newest = q;
}

static void
unlink_query(struct cmx_db_query *q)
{
	struct cmx_db_session *s = q->session;

	REQUIRE(q->session->newest != NULL);
	if (q->older != NULL)
		q->older->newer = q->newer;
	else
		s->oldest = q->newer;
	if (q->newer != NULL)
		q->newer->older = q->older;
	else
		s->newest = q->older;
}

struct cmx_db_query *
cmx_db_session_begin(struct cmx_db_session *s, const void *key, const char *sql)
{
	struct cmx_db_query *q = s->spare;

	s->spare = NULL;
	if (q == NULL)
		q = malloc(sizeof(*q));
	if (q == NULL)
		return NULL;
	if (s->newest == NULL)
		use(s, 1);
	q->session = s;
	q->key = key;
	q->flags = 0;
	cmxi_db_labels_set(&q->labels, sql);
	link_newest(q);
	cmx_db_begin(s->registry, &q->timer);
	return q;
}

struct cmx_db_query *
cmx_db_session_find(const struct cmx_db_session *s, const void *key)
{
	struct cmx_db_query *q = s->newest;

	while (q != NULL && q->key != key)
		q = q->older;
	return q;
}

const void *
cmx_db_session_newest_key(const struct cmx_db_session *s)
{
	return s->newest == NULL ? NULL : s->newest->key;
}

void
cmx_db_query_renew(struct cmx_db_query *q)
{
	if (q == NULL)
		return;
	unlink_query(q);
	link_newest(q);
}

void
cmx_db_query_note(struct cmx_db_query *q, unsigned int flags)
{
	if (q != NULL)
		q->flags |= flags;
}

unsigned int
cmx_db_query_flags(const struct cmx_db_query *q)
{
	return q == NULL ? 0 : q->flags;
}

static void
record(const struct cmx_db_query *q, unsigned int flags)
{
	const struct cmxi_db_labels *labels = &q->labels;
	bool has_failed = flags & CMX_DB_FAILED;

	if ((flags & CMX_DB_UNRECORDED) ||
	    ((flags & CMX_DB_SILENT) && !has_failed))
		return;
	if (flags & CMX_DB_TIMELESS) {
		cmx_record_db_query(q->session->registry, labels->operation,
		    labels->entity, 0, has_failed);
		return;
	}
	this_thread.registry = q->session->registry;
	this_thread.operation = has_failed ? NULL : labels->operation;
	memcpy(this_thread.entity, labels->entity, sizeof(labels->entity));
	cmx_db_end(&q->timer, labels->operation, labels->entity, has_failed);
}

void
cmx_db_query_end(struct cmx_db_query *q, unsigned int flags)
{
	struct cmx_db_session *s;

	if (q == NULL)
		return;
	s = q->session;
	record(q, q->flags | flags);
	unlink_query(q);
	if (s->newest == NULL)
		use(s, -1);
	if (s->is_open && s->spare == NULL)
		s->spare = q;
	else
		free(q);
}

void
cmx_db_session_end_all(struct cmx_db_session *s, unsigned int flags)
{
	while (s->oldest != NULL)
		cmx_db_query_end(s->oldest, flags);
}

/* Prepared statements */

void
cmx_db_session_prepare(struct cmx_db_session *s, const char *name,
    const char *sql)
{
	struct cmxi_db_labels labels;

	if (name == NULL || !s->is_open)
		return;
	cmxi_db_labels_set(&labels, sql);
	cmxi_db_names_put(&s->names, name, &labels);
}

void
cmx_db_query_use_prepared(struct cmx_db_query *q, const char *name)
{
	const struct cmxi_db_labels *labels;

	if (q == NULL || name == NULL)
		return;
	labels = cmxi_db_names_get(q->session->names, name);
	if (labels != NULL)
		q->labels = *labels;
}

/* The thread */

struct cmx_db_thread *
cmx_db_thread(void)
{
	return &this_thread;
}

void
cmx_db_thread_fail(const char *sql, bool goes_on)
{
	size_t n =
	    sql == NULL ? 0 : strnlen(sql, sizeof(this_thread.failed) - 1);

	memcpy(this_thread.failed, sql, n);
	this_thread.failed[n] = '\0';
	this_thread.goes_on = goes_on;
}

bool
cmx_db_thread_has_failed(const char *sql)
{
	size_t n = strlen(this_thread.failed);

	if (n == 0 || sql == NULL)
		return n > 0;
	/*
	 * An error message may have text after the statement, or only its
	 * begin.
	 */
	return strncmp(sql, this_thread.failed,
		   strlen(sql) < n ? strlen(sql) : n) == 0;
}

/*
 * codeai/metrics_db.h: label values for SQL statements, from a bounded set.
 *
 *	char entity[CMX_DB_ENTITY_MAX];
 *	struct cmx_timer timer;
 *
 *	cmx_db_begin(reg, &timer);
 *	...
 *	cmx_db_entity(sql, entity, sizeof(entity));
 *	cmx_db_end(&timer, cmx_db_operation(sql), entity, failed);
 */
#ifndef CODEAI_METRICS_DB_H
#define CODEAI_METRICS_DB_H

#include <codeai/metrics_base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a buffer for any entity, with its NUL. */
#define CMX_DB_ENTITY_MAX 64

/* The number of bytes of a statement that are read. */
#define CMX_DB_LOOK_MAX 65536

/*
 * cmx_db_operation: what a statement does: "select", "insert", "update",
 * "delete" or "other".
 *
 * Case does not matter.  Blanks, comments and opening parentheses before the
 * statement are skipped.  After WITH the operation is that of the statement
 * that follows the common table expressions.  REPLACE is an insert.  EXPLAIN,
 * BEGIN, CREATE and any other statement are "other".
 *
 * Returns:   a static text, never null.  Null and "" are "other", and so is a
 *            statement that begins after CMX_DB_LOOK_MAX bytes.
 * Safety:    thread, process, signal, fork.
 */
CMX_PUBLIC const char *cmx_db_operation(const char *sql);

/*
 * cmx_db_entity: the table of a simple statement, after FROM, INTO or UPDATE.
 *
 * The schema before the name and the quotes around it are left out.  "other" is
 * for a statement without a table, with a subquery in its place, or with a name
 * of more than 63 bytes.
 *
 * Returns:   the length of the result, which is in buf with a NUL and cut at
 *            size - 1.  A null buf or a size of 0 gives 0.
 * Safety:    thread, process, signal, fork.
 */
CMX_PUBLIC size_t cmx_db_entity(const char *sql, char *buf, size_t size);

/*
 * cmx_db_begin, cmx_db_end: time a query and record it, as
 * cmx_record_db_query() does.  A timer that is never ended records nothing.
 *
 * Safety:    thread, process, fork.
 */
CMX_PUBLIC void cmx_db_begin(struct cmx_registry *, struct cmx_timer *);
CMX_PUBLIC void cmx_db_end(const struct cmx_timer *, const char *operation,
    const char *entity, bool failed);

#ifdef __cplusplus
}
#endif

#endif

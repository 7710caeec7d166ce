/*
 * db_names.h: what the prepared statements of a connection are called.
 */
#ifndef CMXI_DB_NAMES_H
#define CMXI_DB_NAMES_H

#include "codeai/metrics_db.h"

/* The names that a query is counted under. */
struct cmxi_db_labels {
	const char *operation; /* null: not known */
	char entity[CMX_DB_ENTITY_MAX];
};

struct cmx_db_names;

/* Labels of a statement; of a null one, "other". */
void cmxi_db_labels_set(struct cmxi_db_labels *, const char *sql);

/* Remember a name; what cannot be is forgotten. */
void cmxi_db_names_put(struct cmx_db_names **, const char *name,
    const struct cmxi_db_labels *);

/* The labels of a name, which is then the one used last; or null. */
const struct cmxi_db_labels *cmxi_db_names_get(struct cmx_db_names *,
    const char *name);

void cmxi_db_names_free(struct cmx_db_names *);

#endif

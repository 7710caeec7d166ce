/*
 * db_names.h: the names of the prepared statements of a connection.
 */
#ifndef CMXI_DB_NAMES_H
#define CMXI_DB_NAMES_H

#include "codeai/metrics_db.h"

/* The labels that a query is counted under. */
struct cmxi_db_labels {
	const char *operation; /* null: unknown */
	char entity[CMX_DB_ENTITY_MAX];
};

struct cmx_db_names;

/* The labels of a statement; of a null one, "other". */
void cmxi_db_labels_set(struct cmxi_db_labels *, const char *sql);

/* Keep a name with its labels.  Without memory the name is not kept. */
void cmxi_db_names_put(struct cmx_db_names **, const char *name,
    const struct cmxi_db_labels *);

/* The labels of a name, or null.  The name becomes the one used last. */
const struct cmxi_db_labels *cmxi_db_names_get(struct cmx_db_names *,
    const char *name);

void cmxi_db_names_free(struct cmx_db_names *);

#endif

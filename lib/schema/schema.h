/*
 * schema.h: schema text -> checked definitions.
 */
#ifndef CMXI_SCHEMA_H
#define CMXI_SCHEMA_H

#include "codeai/metrics_base.h"

/* The longest schema that is parsed, in bytes. */
#define CMXI_SCHEMA_SIZE_MAX (1024 * 1024)

struct cmxi_limits {
	uint64_t series;
	uint64_t families;
	uint64_t processes;
	uint64_t label_bytes;
};

/* The limits of a schema without "limits". */
struct cmxi_limits cmxi_limits_default(void);

struct cmxi_schema_family {
	struct cmx_family_def def;
	struct cmx_label_values *values; /* for each label */
};

struct cmxi_schema {
	struct cmxi_limits limits;
	size_t n_families;
	struct cmxi_schema_family *families;
	char *text; /* as read */
	size_t text_size;
	void *document; /* owns the strings */
};

typedef void cmxi_diagnose_fn(void *arg, const struct cmx_diagnostic *);

/*
 * Parse and check a text.  Errors and warnings go to @report in the order of
 * the text, at most 200 of each text; source is the name to give it.
 *
 * Returns 0 and the schema, or the number of errors, or a negative enum cmx_err
 * where memory ended.
 */
int cmxi_schema_parse(const char *text, size_t size, const char *source,
    cmxi_diagnose_fn *report, void *arg, struct cmxi_schema **schemap);

/* A schema's text, and what errors call it. */
struct cmxi_schema_text {
	const char *data;
	size_t size;
	const char *source;
	char *owned; /* not null: was read from a file */
};

/*
 * Read a file; null is the built-in CodeAI schema.  The text ends with
 * cmxi_schema_text_fini(), its source with path.
 */
int cmxi_schema_text_read(const char *path, struct cmxi_schema_text *,
    struct cmx_error *);
void cmxi_schema_text_fini(struct cmxi_schema_text *);

/* Parse a text.  As many of its errors as fit are joined into err. */
int cmxi_schema_parse_text(const struct cmxi_schema_text *,
    struct cmxi_schema **schemap, struct cmx_error *);

/* Read and parse a file. */
int cmxi_schema_load(const char *path, struct cmxi_schema **schemap,
    struct cmx_error *err);

void cmxi_schema_free(struct cmxi_schema *);

/*
 * Does the schema list all values of all labels of the family?  Then its series
 * are created with the segment.
 */
bool cmxi_schema_family_has_values(const struct cmxi_schema_family *);

/* The text of lib/schema/codeai.schema.json, embedded by codeai_schema.S. */
extern const char cmxi_codeai_schema[];
extern const size_t cmxi_codeai_schema_size;

#endif

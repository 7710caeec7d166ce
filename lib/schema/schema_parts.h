/*
 * schema_parts.h: the parts of reading a schema; schema.c puts them together.
 */
#ifndef CMXI_SCHEMA_PARTS_H
#define CMXI_SCHEMA_PARTS_H

#include "schema/json_reader.h"
#include "schema/schema.h"

/* Read one element of "metrics" where the parse stands; schema_family.c. */
void cmxi_schema_read_family(struct cmxi_parse *, json_t *metric,
    struct cmxi_schema_family *);

/* Check the rules that concern several families; schema_check.c. */
void cmxi_schema_check_clashes(struct cmxi_parse *);
void cmxi_schema_check_limits(struct cmxi_parse *);

#endif

/*
 * enum_names.h: the words for codes, types and aggregations.
 *
 * Schemas, formats and errors use the same words.
 */
#ifndef CMXI_ENUM_NAMES_H
#define CMXI_ENUM_NAMES_H

#include "codeai/metrics_base.h"

#define CMXI_TYPES      (CMX_HISTOGRAM + 1)
#define CMXI_AGGREGATES (CMX_EACH + 1)

/* By number; no type has the number 0. */
extern const char *const cmxi_type_names[CMXI_TYPES];
extern const char *const cmxi_aggregate_names[CMXI_AGGREGATES];

#endif

/*
 * name.h: what a metric or label may be called.
 *
 * The legacy character set, which every exposition format can carry.
 */
#ifndef CMXI_NAME_H
#define CMXI_NAME_H

#include <stdbool.h>

bool cmxi_metric_name_is_valid(const char *);
bool cmxi_label_name_is_valid(const char *);
bool cmxi_name_ends_with(const char *name, const char *suffix);

#endif

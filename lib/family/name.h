/*
 * name.h: the rules of names, and of whole family definitions.
 *
 * The rules are those under which every exposition format can carry every
 * family (exposition in text 0.0.4 and OpenMetrics alike): the legacy
 * character set, no reserved names, no two families that collide once the
 * formats have added their suffixes.
 */
#ifndef CMXI_NAME_H
#define CMXI_NAME_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

bool cmxi_metric_name_is_valid(const char *);
bool cmxi_label_name_is_valid(const char *);
bool cmxi_name_ends_with(const char *name, const char *suffix);

/*
 * Check everything about one definition that does not depend on others.
 * Each finding goes to @report with the part of the definition it is about:
 * "name", "labels", "buckets", ...; index is its place in an array, or -1.
 * Returns the number of findings.
 */
struct cmxi_finding {
	const char *part;
	int index;
	const char *text;
};

typedef void cmxi_report_fn(void *arg, const struct cmxi_finding *);

int cmxi_def_check(const struct cmx_family_def *, cmxi_report_fn *, void *arg);

/*
 * The name that two families cannot both expose (a sample or a family name
 * in one of the formats), written to buf; or false where they do not clash.
 * Two families of one name clash in that name.
 */
bool cmxi_def_clash(const struct cmx_family_def *a,
    const struct cmx_family_def *b, char *buf, size_t size);

/* Same name, type, labels, unit, bounds, aggregation, value and help? */
bool cmxi_def_equal(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/* Same name, type, labels, bounds and value: values of one fit the other? */
bool cmxi_def_same_cells(const struct cmx_family_def *a,
    const struct cmx_family_def *b);

/* One line that shows a definition in an error text. */
void cmxi_def_describe(const struct cmx_family_def *, char *buf, size_t size);

/* promlint's naming rules, as findings. */
int cmxi_def_lint(const struct cmx_family_def *, cmxi_report_fn *, void *arg);

#endif

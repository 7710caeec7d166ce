/*
 * rules.h: what one family definition may be.
 *
 * The rules are those under which every exposition format can carry every
 * family (text 0.0.4 and OpenMetrics alike): legal names, no reserved names
 * and labels, finite bounds that increase.
 */
#ifndef CMXI_RULES_H
#define CMXI_RULES_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

/*
 * A finding about one part of a definition: its name ("name", "labels",
 * "buckets", ...) and its index in an array, or -1.
 */
struct cmxi_finding {
	const char *part;
	int index;
	const char *text;
};

typedef void cmxi_report_fn(void *arg, const struct cmxi_finding *);

/*
 * Check one definition alone, and give each finding to @report. Returns the
 * number of findings.
 */
int cmxi_def_check(const struct cmx_family_def *, cmxi_report_fn *, void *arg);

/* Report promlint's naming rules as findings; lint.c. */
int cmxi_def_lint(const struct cmx_family_def *, cmxi_report_fn *, void *arg);

/* Does the family show a sample for each live process? */
static inline bool
cmxi_def_is_each(const struct cmx_family_def *def)
{
	return def->type == CMX_GAUGE && def->aggregate == CMX_EACH;
}

#endif

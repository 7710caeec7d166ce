/*
 * monitor.h: what the families of a schema mean to who watches them: what rules
 * and dashboards are made of.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <stdio.h>

#include <codeai/metrics_base.h>

/* A family of a schema. */
struct watched {
	char name[CMX_NAME_MAX + 1];
	char *help;
	enum cmx_type type;
	enum cmx_aggregate aggregate;
	bool has_status, has_job; /* labels */
	char legend[160];         /* its first labels: "a, b" */
	size_t n_labels, n_bounds;
	double *bounds;
};

struct monitor {
	struct watched *families;
	size_t n;
	bool has_failed; /* no memory */
};

/* Read the families of a schema; null is the built-in one. */
int monitor_read(struct monitor *, const char *schema, struct cmx_error *);
void monitor_free(struct monitor *);

/* A selector of PromQL: a name, and a matcher or "". */
struct selector {
	char name[CMX_NAME_MAX + 16];
	char matcher[80];
};

/* Write it as name{matcher,more}; more may be "". */
void selector_put(FILE *, const struct selector *, const char *more);

/* A part of all that counts as bad. */
struct ratio {
	const char *name; /* of the family of all */
	struct selector bad, all;
};

/* Errors.  Returns false for a family that has none. */
bool find_errors(const struct monitor *, const struct watched *,
    struct ratio *);

/*
 * What was served within the first bound from so many seconds on, "bad" here.
 * Returns false for a family that nobody waits for.
 */
bool find_served(const struct watched *, double seconds, struct ratio *);

#endif

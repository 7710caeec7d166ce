/*
 * update_series.h: update one series on behalf of a shell.
 */
#ifndef WRITE_H
#define WRITE_H

#include <codeai/metrics.h>

enum action { ADD, SET, OBSERVE };

/* An update; the family is defined as in the segment. */
struct request {
	enum action action;
	struct cmx_family family;
	struct cmx_family_def def;
	const char *labels[CMX_LABELS_MAX];
	const char *values[CMX_LABELS_MAX];
	double amount;
};

/* "add", "set", "observe" */
const char *action_name(enum action);

/* Find the family.  Returns DONE; or prints why not, and returns FAILED. */
int request_find(struct request *, struct cmx_registry *, const char *name);

/*
 * Read LABEL=VALUE arguments, and check that the action fits the family and the
 * amount.  Prints what is wrong, and returns false.
 */
bool request_parse(struct request *, int argc, char *argv[]);

/*
 * Make the update.  Returns DONE, and says so where it went to the overflow
 * series; or FAILED.
 */
int request_write(const struct request *);

#endif

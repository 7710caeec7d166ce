/*
 * update_series.h: an update of one series, as a shell asks for it.
 */
#ifndef WRITE_H
#define WRITE_H

#include <codeai/metrics.h>

enum action { ADD, SET, OBSERVE };

/* What is to be written; the family is as the segment has it. */
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

/* Find the family; DONE, or FAILED after saying why. */
int request_find(struct request *, struct cmx_registry *, const char *name);

/*
 * LABEL=VALUE arguments, and whether the action goes with the family and the
 * amount.  False after saying what is wrong.
 */
bool request_parse(struct request *, int argc, char *argv[]);

/* Write; DONE, with a word where it is the overflow series, or FAILED. */
int request_write(const struct request *);

#endif

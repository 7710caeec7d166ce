/*
 * selector.h: which series are meant, as Prometheus writes it:
 * name{a="b",c!="d",e=~"f|g",h!~"i.*"}; the name may be a pattern.
 */
#ifndef SELECTOR_H
#define SELECTOR_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_reader.h>

#include "watch/series_key.h"

enum comparison { EQUAL, UNEQUAL, LIKE, UNLIKE };

struct matcher {
	char *label, *value;
	enum comparison how;
	regex_t regex; /* of LIKE and UNLIKE: POSIX extended, whole values */
};

/* Zeroed: any series. */
struct selector {
	char *name; /* null: any */
	size_t n;
	struct matcher at[CMX_LABELS_MAX];
};

/*
 * Read "name", "name{...}" or "{...}" into a zeroed selector.  Prints what is
 * wrong, and returns false.
 */
bool selector_parse(struct selector *, const char *text);
/* Add a matcher "label=value", as LABEL=VALUE arguments are.  The same. */
bool selector_add(struct selector *, const char *argument);
void selector_free(struct selector *);

/* The value of a label of what is asked about; null: it has no such label. */
typedef const char *value_fn(const void *arg, const char *label);

/* A label that is not there is "", as Prometheus has it. */
bool selector_wants(const struct selector *, value_fn *, const void *arg);
/* The matcher of a label, or null. */
const struct matcher *selector_find(const struct selector *, const char *label);

/* A series as @arg of value_of_series(). */
struct described {
	const struct cmx_family_def *def;
	const struct cmxr_series *series;
	char pid[PID_SIZE];
};

void describe(struct described *, const struct cmx_family_def *,
    const struct cmxr_series *);
value_fn value_of_series;

#endif

/*
 * kept_family.h: a copy of what a snapshot says of a family, which a reader
 * owns until its next snapshot.
 */
#ifndef KEPT_FAMILY_H
#define KEPT_FAMILY_H

#include <codeai/metrics_reader.h>

/* Zeroed: none.  The cells' bounds are not kept. */
struct kept_family {
	struct cmxr_family family; /* its name is null: none */
	char *texts;
	const char *labels[CMX_LABELS_MAX];
	double *bounds;
};

/* Replaces what there was.  Returns false, and has none, without memory. */
bool kept_family_set(struct kept_family *, const struct cmxr_family *);
void kept_family_clear(struct kept_family *);
/* Are values of both of one kind, so that they can be added? */
bool kept_family_is_like(const struct kept_family *,
    const struct cmxr_family *);

#endif

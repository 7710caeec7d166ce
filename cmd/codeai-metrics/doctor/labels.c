/*
 * labels.c: which label has many values: it will fill the segment.
 */
#include <string.h>

#include "doctor.h"
#include "watch/groups.h"

/* What Prometheus' users advise for one label of one family. */
#define VALUES_MANY 1000

static size_t
count_values(const struct patient *p, size_t family, size_t label)
{
	struct groups values = { .n = 0 };
	struct cmxr_series s;
	size_t cursor = 0, n;
	bool is_new;

	while (cmxr_series_next(p->snapshot, family, &cursor, &s) &&
	    groups_number(&values, s.values[label], &is_new) != NO_GROUP)
		;
	n = values.n;
	groups_fini(&values);
	return n;
}

void
check_labels(const struct patient *p, struct findings *f)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(p->snapshot); i++) {
		struct cmxr_family family;

		cmxr_snapshot_family(p->snapshot, i, &family);
		for (size_t j = 0;
		     family.n_series > VALUES_MANY && j < family.def.n_labels;
		     j++) {
			size_t n = count_values(p, i, j);

			if (n > VALUES_MANY)
				find(f, WARNING,
				    "a label is for few values: a route and not a path, a kind and not an id; max_series of the family bounds it",
				    "%s: its label %s has %zu values",
				    family.def.name, family.def.labels[j], n);
		}
	}
}

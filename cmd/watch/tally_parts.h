/*
 * tally_parts.h: what a tally is made of, for the two files that know it:
 * tally.c counts, tally_values.c says what was counted.
 */
#ifndef TALLY_PARTS_H
#define TALLY_PARTS_H

#include "watch/groups.h"
#include "watch/history.h"
#include "watch/kept_family.h"
#include "watch/series_key.h"
#include "watch/tally.h"

struct tally {
	struct tally_query query;
	char *names[CMX_LABELS_MAX + 2]; /* of the family, and the labels */
	size_t n_by;

	struct kept_family kept;
	size_t width; /* numbers in a row */

	struct groups groups;
	size_t capacity; /* of the rows */
	double *now, *before;
	double *counts; /* room for one row */
	struct history history;
	struct series_key key; /* of the series at hand */

	uint64_t now_ns, before_ns, sources;
	size_t n_samples;
	unsigned long generation;
	bool is_comparable; /* the last two samples are of the same segments */
	size_t n_left_out;
	uint32_t next; /* the group that the next series may have */
};

#endif

/*
 * tally.h: the series of a family, added up by some of their labels, sample
 * after sample: what has changed, and how fast.
 *
 * A sample is of one moment: tally_begin(), tally_add() for the snapshot of
 * each segment, tally_end().  A group is one set of values of the labels; its
 * number stays the same until a tally_end() after which tally_generation()
 * returns another number.
 *
 * Counts are doubles: exact below 2^53.  One thread at a time may use a tally.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <codeai/metrics_reader.h>

#include "watch/series_key.h"

struct tally;

struct tally_query {
	const char *family;
	/*
	 * By all labels, and by TALLY_PID, so that each series is a group; else
	 * by these.  A label may be one that the segment's series all get.
	 */
	bool by_all;
	size_t n_by;
	const char *by[CMX_LABELS_MAX + 1];
	size_t n_history;   /* so many samples are remembered; 0: none */
	uint64_t max_bytes; /* what the groups may take; 0: no limit */
};

/* Copies the query.  Null: no memory. */
struct tally *tally_new(const struct tally_query *);
/* Null is allowed. */
void tally_free(struct tally *);

/*
 * Begin a sample.  Where @sources is another number than at the sample before,
 * the totals are of other segments: what has changed is not known.
 */
void tally_begin(struct tally *, uint64_t now_ns, uint64_t sources);
/*
 * Add the family of a snapshot, which need not have it.  A histogram with other
 * bounds than the first, or a family of another type, is left out.  Returns
 * false where memory ended.
 */
bool tally_add(struct tally *, const struct cmxr_snapshot *, size_t n_labels,
    const struct cmx_label *labels);
void tally_end(struct tally *);

/* What the groups take, and may take. */
uint64_t tally_bytes(const struct tally *);
void tally_set_max_bytes(struct tally *, uint64_t bytes);
/* Is there a group of those for which there was no room? */
bool tally_has_rest(const struct tally *);
/* Forget all groups and samples: the next sample is the first. */
void tally_restart(struct tally *);

/* The family.  Null: no snapshot had it yet.  Owner: the tally. */
const struct cmxr_family *tally_family(const struct tally *);
/* The labels of the groups: those of the query, or all. */
size_t tally_n_by(const struct tally *);
const char *tally_by(const struct tally *, size_t);

unsigned long tally_generation(const struct tally *);
size_t tally_n_groups(const struct tally *);
/* Seconds between the last two samples; 0 before the second one. */
double tally_seconds(const struct tally *);
/* Series of the rest, and families of segments that were left out. */
size_t tally_n_left_out(const struct tally *);

/* Was it in the last sample?  A process that ended is not. */
bool tally_is_there(const struct tally *, size_t group);
/* It has the series for which there is no memory. */
bool tally_is_rest(const struct tally *, size_t group);
const char *tally_value(const struct tally *, size_t group, size_t by);
size_t tally_n_series(const struct tally *, size_t group);
/* A counter's total, a gauge's value, a histogram's count. */
double tally_total(const struct tally *, size_t group);
/* Of a histogram. */
double tally_sum(const struct tally *, size_t group);

/*
 * How much the total, or the sum, has grown between the last two samples; NaN:
 * not known.  A total that fell counts from 0, as Prometheus has it.
 */
double tally_growth(const struct tally *, size_t group);
/* Of a gauge, by how much it has risen; negative: fallen. */
double tally_rise(const struct tally *, size_t group);
double tally_sum_growth(const struct tally *, size_t group);
/*
 * The quantile of the observations between the last two samples; NaN: not
 * known, or there was none.
 */
double tally_quantile(const struct tally *, size_t group, double q);
/* The growth of each bucket; returns false where that is not known. */
bool tally_counts_growth(const struct tally *, size_t group, double *counts);

/*
 * The history: i is 0 for the last sample; those shorter than a second are
 * remembered together, so that n_history of them are two thirds as many seconds
 * at least.  Of a gauge its value; else the rate
 * per second.  NaN: not known.
 */
double tally_history(const struct tally *, size_t group, size_t i);
/* The rate per second over the samples of so many seconds; NaN: not known. */
double tally_rate(const struct tally *, size_t group, double seconds);

#endif

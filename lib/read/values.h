/*
 * values.h: the values of one family at one scrape.
 */
#ifndef CMXI_VALUES_H
#define CMXI_VALUES_H

#include "base/require.h"
#include "read/catalog.h"

/* A sample of a gauge of CMX_EACH, which has one for each live process. */
struct cmxi_each {
	uint32_t series;
	uint32_t pid;
	uint64_t pid_namespace; /* 0: not known */
	/* Another one's pid is the same, in another namespace. */
	bool is_ambiguous;
	double value;
};

/* Room for the text of a pid, and of a namespace behind it. */
#define CMXI_PID_TEXT_MAX 36

/*
 * struct cmxi_values: the type of a family tells which array holds its values.
 * Each array has one element for a series.  pairs has the cells of one series
 * after those of the other, not cumulative.
 */
struct cmxi_values {
	const struct cmxi_catalog_family *family;
	const struct cmx_family_def *def; /* the family's */
	size_t n_series;
	uint64_t *whole;         /* counters of whole numbers */
	double *value;           /* other counters, gauges */
	uint64_t *n_set;         /* gauges: how many processes set it */
	struct cmxi_pair *pairs; /* histograms */
	struct cmxi_buf each;    /* of struct cmxi_each */
	size_t capacity;         /* the arrays have room for so many series */
	bool needs_set;          /* where n_set is 0 a series is not shown */
	struct cmxi_shm_exemplar *exemplars; /* n_exemplars for a series */
	/*
	 * Series whose cells end below this offset have totals of a replaced
	 * segment, and count since origin_ns.
	 */
	uint64_t carry_size;
	uint64_t origin_ns;
};

static inline bool
cmxi_values_is_histogram(const struct cmxi_values *v)
{
	return v->def->type == CMX_HISTOGRAM;
}

/* Is the family a counter of whole numbers? */
static inline bool
cmxi_values_is_whole(const struct cmxi_values *v)
{
	return v->def->type == CMX_COUNTER && !v->def->is_double;
}

/* The cells of a series of a histogram. */
static inline struct cmxi_pair *
cmxi_values_cells(const struct cmxi_values *v, size_t series)
{
	REQUIRE(cmxi_values_is_histogram(v) && series < v->n_series);
	return v->pairs + series * v->family->buckets.n_cells;
}

/* The samples of a gauge of CMX_EACH, and their number. */
static inline const struct cmxi_each *
cmxi_values_each(const struct cmxi_values *v, size_t *n)
{
	*n = v->each.size / sizeof(struct cmxi_each);
	return (const struct cmxi_each *)(const void *)v->each.data;
}

/* Add a sample of a process. */
void cmxi_values_add_each(struct cmxi_values *, const struct cmxi_each *);

/*
 * Sort the samples by series and process, when all were added.  Two of the same
 * process, which has two slots in two segments, become one; processes that have
 * one pid in two pid namespaces are told apart.
 */
void cmxi_values_sort_each(struct cmxi_values *);

/*
 * The text that names the process of a sample: "12", or "12@4026531836" where
 * two live processes have the pid, with the inode of the pid namespace.
 */
void cmxi_each_pid(const struct cmxi_each *, char text[CMXI_PID_TEXT_MAX]);

/* The wall-clock time since when a series counts. */
uint64_t cmxi_values_created(const struct cmxi_values *, size_t series);

/*
 * Is this series shown?  An overflow series without a value is not; of gauges
 * that no process has set only one without labels is, unless it is of CMX_EACH.
 */
bool cmxi_values_is_shown(const struct cmxi_values *, size_t series);

/* The number of series of a family that are shown. */
size_t cmxi_values_count_shown(const struct cmxi_values *);

/*
 * Make room for n series, and initialise what a new family needs.  Returns
 * false where there is no memory.
 */
bool cmxi_values_prepare(struct cmxi_values *,
    const struct cmxi_catalog_family *, size_t n_series);
void cmxi_values_clear(struct cmxi_values *);

/*
 * Make values legal that no writer stores: a count that is negative, a fraction
 * or too large, a sum without observations, a counter that is no number.
 * Strict consumers refuse a whole exposition for one of them.  Returns how many
 * were changed.
 */
uint64_t cmxi_values_make_legal(struct cmxi_values *);

/*
 * A hash of all values, exemplars apart: another one where a value is another.
 */
uint64_t cmxi_values_hash(const struct cmxi_values *, uint64_t seed);
void cmxi_values_fini(struct cmxi_values *);

#endif

/*
 * values.h: the values of one family at one scrape.
 */
#ifndef CMXI_VALUES_H
#define CMXI_VALUES_H

#include "base/require.h"
#include "read/catalog.h"

/* A gauge of CMX_EACH: one sample for each live process. */
struct cmxi_each {
	uint32_t series;
	uint32_t pid;
	double value;
};

/*
 * struct cmxi_values: which array holds the values depends on the family's
 * type.  Each has one element for a series; pairs has the cells of one series
 * behind those of another, not cumulative.
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
	size_t capacity;         /* series that the arrays have room for */
	bool needs_set;          /* a series is shown where n_set is not 0 */
	struct cmxi_shm_exemplar *exemplars; /* n_exemplars for a series */
	/*
	 * Series whose cells end below this hold what a replaced segment left,
	 * and count since origin_ns.
	 */
	uint64_t carry_size;
	uint64_t origin_ns;
};

static inline bool
cmxi_values_is_histogram(const struct cmxi_values *v)
{
	return v->def->type == CMX_HISTOGRAM;
}

/* Is it a counter of whole numbers? */
static inline bool
cmxi_values_is_whole(const struct cmxi_values *v)
{
	return v->def->type == CMX_COUNTER && !v->def->is_double;
}

/* The cells of a histogram's series. */
static inline struct cmxi_pair *
cmxi_values_cells(const struct cmxi_values *v, size_t series)
{
	REQUIRE(cmxi_values_is_histogram(v) && series < v->n_series);
	return v->pairs + series * v->family->buckets.n_cells;
}

/* The samples of CMX_EACH; their number. */
static inline const struct cmxi_each *
cmxi_values_each(const struct cmxi_values *v, size_t *n)
{
	*n = v->each.size / sizeof(struct cmxi_each);
	return (const struct cmxi_each *)(const void *)v->each.data;
}

/*
 * Two processes can have one pid (in two pid namespaces), and one process two
 * slots (two registries): their values become one series, the sum.
 */
void cmxi_values_add_each(struct cmxi_values *, const struct cmxi_each *);

/* Since when a series counts, on the wall clock. */
uint64_t cmxi_values_created(const struct cmxi_values *, size_t series);

/* Is this series shown?  Overflow series and gauges that nobody set are not. */
bool cmxi_values_is_shown(const struct cmxi_values *, size_t series);

/* How many series of a family are shown. */
size_t cmxi_values_count_shown(const struct cmxi_values *);

/* Room for n series, and what a new family needs; false: no memory. */
bool cmxi_values_prepare(struct cmxi_values *,
    const struct cmxi_catalog_family *, size_t n_series);
void cmxi_values_clear(struct cmxi_values *);
void cmxi_values_fini(struct cmxi_values *);

#endif

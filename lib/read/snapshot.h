/*
 * snapshot.h: the values of all series at one scrape.
 *
 * An encoder sees this header and level 0; it does not know that a segment
 * exists.
 */
#ifndef CMXI_SNAPSHOT_H
#define CMXI_SNAPSHOT_H

#include "codeai/metrics_reader.h"

#include "base/atomic.h"
#include "family/native_buckets.h"
#include "family/rules.h"
#include "read/catalog.h"

/* A gauge of CMX_EACH: one sample for each live process. */
struct cmxi_each {
	uint32_t series;
	uint32_t pid;
	double value;
};

/*
 * struct cmxi_values: a family at one scrape.  Which array holds the values
 * depends on the family's type; each has one element for a series (pairs:
 * n_buckets of them, not cumulative).
 */
struct cmxi_bound_text {
	char text[32], openmetrics[32];
};

/* The key of a cell in the zero bucket. */
#define CMXI_ZERO_KEY INT32_MIN

struct cmxi_values {
	const struct cmxi_catalog_family *family;
	size_t n_series;
	size_t n_buckets;        /* cells of a series */
	uint64_t *whole;         /* counters of whole numbers */
	double *value;           /* other counters, gauges */
	uint64_t *n_set;         /* gauges: how many processes set it */
	struct cmxi_pair *pairs; /* histograms */
	struct cmxi_buf each;    /* of struct cmxi_each */
	size_t capacity;         /* series that the arrays have room for */
	bool needs_set;          /* a series is shown where n_set is not 0 */
	/*
	 * Histograms: how the cells become buckets that are shown.  Bucket i
	 * ends with the cell before bound_cells[i]; its bound as le shows it
	 * in text 0.0.4 and in OpenMetrics.  The last of each is +Inf.
	 */
	uint32_t *bound_cells;
	struct cmxi_bound_text *bound_texts;
	/* Native ones: the key of each cell's bucket, and for each series
	 * the schema that is shown: it is lowered, and never raised. */
	int32_t *cell_keys;
	double zero_threshold;
	int8_t *shown_schemas;
	struct cmxi_shm_exemplar *exemplars; /* n_exemplars for a series */
	/*
	 * Series whose cells end below this hold what a replaced segment left,
	 * and count since origin_ns.
	 */
	uint64_t carry_size;
	uint64_t origin_ns;
};

/* The families of one segment, with the values of one scrape. */
struct cmxi_scrape {
	size_t n_families, capacity;
	struct cmxi_values *families;
};

/* What a reader shows; the values belong to scrapes and the like. */
struct cmxr_snapshot {
	size_t n_families, capacity;
	const struct cmxi_values **families;
	struct cmxi_buf processes; /* of struct cmxr_process */
	/* What the last series of cmxr_series_next() points to. */
	struct cmxi_buf values;
	uint64_t buckets[CMXI_CELL_BOUNDS_MAX + 1];
};

static inline size_t
cmxi_values_n_shown(const struct cmxi_values *v)
{
	return v->family->d.n_shown + 1;
}

/* Since when a series counts, on the wall clock. */
uint64_t cmxi_values_created(const struct cmxi_values *, size_t series);

/* Is this series shown?  Overflow series and gauges that nobody set are not. */
bool cmxi_values_is_shown(const struct cmxi_values *, size_t series);

/* Room for n series, and what a new family needs; false: no memory. */
bool cmxi_values_prepare(struct cmxi_values *,
    const struct cmxi_catalog_family *, size_t n_series);
void cmxi_values_clear(struct cmxi_values *);
void cmxi_values_fini(struct cmxi_values *);

/* Make room for the catalog's families and series.  0 or CMX_ERR_MEMORY. */
int cmxi_scrape_prepare(struct cmxi_scrape *, const struct cmxi_catalog *,
    struct cmx_error *);

/*
 * Add up the stripes, and the first carry_size bytes of the carry stripe.
 * The loads may fault where the file was truncated; see fault_guard.h.  torn
 * counts pairs that never held still.
 */
void cmxi_scrape_load(struct cmxi_scrape *, const struct cmxi_segment *,
    uint64_t carry_size, uint64_t *torn);

void cmxi_scrape_fini(struct cmxi_scrape *);

/* The samples of CMX_EACH; their number. */
static inline const struct cmxi_each *
cmxi_values_each(const struct cmxi_values *v, size_t *n)
{
	*n = v->each.size / sizeof(struct cmxi_each);
	return (const struct cmxi_each *)(const void *)v->each.data;
}

/* Observations as a whole number; 0 for what no writer leaves in a cell. */
static inline uint64_t
cmxi_pair_count(double count)
{
	return count >= 0 && count < 0x1p64 ? (uint64_t)count : 0;
}

/* A shown bucket's cells, added to count and sum; *cell goes on. */
static inline void
cmxi_values_next_bucket(const struct cmxi_values *v,
    const struct cmxi_pair *pairs, size_t bucket, size_t *cell, double *count,
    double *sum)
{
	for (; *cell < v->bound_cells[bucket]; ++*cell) {
		*count += pairs[*cell].count;
		*sum += pairs[*cell].sum;
	}
}

/* How many series of a family are shown. */
size_t cmxi_values_count_shown(const struct cmxi_values *);

/* The family of a name, or null. */
const struct cmxi_values *cmxi_snapshot_find(const struct cmxr_snapshot *,
    const char *name);

/* Show a family too; false: no memory. */
bool cmxi_snapshot_show(struct cmxr_snapshot *, const struct cmxi_values *);
void cmxi_snapshot_fini(struct cmxr_snapshot *);

#endif

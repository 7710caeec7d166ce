/*
 * protobuf_histogram.c: classic and native buckets of one histogram.
 */
#include "encode/protobuf.h"

#include <math.h>

#include "family/native_buckets.h"
#include "segment/exemplar.h"

/*
 * The most populated buckets of one series that are shown.  A series with more
 * is shown at half the resolution, repeatedly.
 */
#define NATIVE_BUCKETS_MAX 160

/*
 * At most so many empty buckets between two populated ones are written out; a
 * wider gap begins a new span.
 */
#define GAP_MAX 2

static void
put_bucket(struct cmxi_output *o, uint64_t count, double bound,
    const struct cmxi_shm_exemplar *e)
{
	size_t bucket = cmxi_pb_open_message(o->b, PB_BUCKET, PB_METRIC_LENGTH);

	cmxi_pb_number(o->b, PB_CUMULATIVE_COUNT, count);
	cmxi_pb_double(o->b, PB_UPPER_BOUND, bound);
	cmxi_pb_exemplar(o, PB_BUCKET_EXEMPLAR, e);
	cmxi_pb_close_message(o->b, bucket, PB_METRIC_LENGTH);
}

static void
put_classic(struct cmxi_output *o, const struct cmxi_values *v, size_t i)
{
	const struct cmxi_buckets *buckets = &v->family->buckets;
	const struct cmxi_pair *cells = cmxi_values_cells(v, i);
	bool has_exemplars = v->def->has_exemplars;
	double count = 0, sum = 0;
	size_t cell = 0, n = buckets->n_shown;

	for (size_t j = 0; j < n; j++) {
		cmxi_buckets_next(buckets, cells, j, &cell, &count, &sum);
		put_bucket(o, cmxi_pair_count(count),
		    j + 1 < n ? v->family->definition.shown[j] : HUGE_VAL,
		    has_exemplars ? cmxi_encode_exemplar(v, i, j) : NULL);
	}
}

/* Native buckets that are not empty, in order. */
struct native_bucket {
	int32_t key;
	uint64_t count;
};

struct native {
	int schema;
	size_t n;
	struct native_bucket *buckets;
	uint64_t zero_count;
};

/* Collect the buckets of a series in memory of the encoder's. */
static void
collect_native(struct cmxi_output *o, const struct cmxi_values *v, size_t i,
    struct native *native)
{
	const struct cmxi_buckets *buckets = &v->family->buckets;
	const struct cmxi_pair *cells = cmxi_values_cells(v, i);

	*native = (struct native){ .schema = v->def->native_schema };
	if (!cmxi_buf_reserve(&o->buckets,
		buckets->n_cells * sizeof(*native->buckets)))
		return;
	native->buckets = (struct native_bucket *)(void *)o->buckets.data;
	for (size_t j = 0; j < buckets->n_cells; j++) {
		int32_t key = buckets->keys[j];
		uint64_t count = cmxi_pair_count(cells[j].count);

		if (count == 0)
			continue;
		if (key == CMXI_ZERO_KEY) {
			native->zero_count += count;
			continue;
		}
		if (native->n == 0 ||
		    native->buckets[native->n - 1].key != key) {
			native->buckets[native->n].key = key;
			native->buckets[native->n++].count = 0;
		}
		native->buckets[native->n - 1].count += count;
	}
}

/* Halve the resolution: every two neighbouring buckets become one. */
static void
halve(struct native *native)
{
	size_t n = 0;

	for (size_t i = 0; i < native->n; i++) {
		int32_t key = cmxi_native_coarser(native->buckets[i].key);

		if (n > 0 && native->buckets[n - 1].key == key) {
			native->buckets[n - 1].count +=
			    native->buckets[i].count;
			continue;
		}
		native->buckets[n].key = key;
		native->buckets[n++].count = native->buckets[i].count;
	}
	native->n = n;
}

/*
 * Halve the resolution until few enough buckets are populated.  Counts only
 * grow, so at one resolution the number of populated buckets never falls, and
 * the schema of a series is never raised: Prometheus would take that for a
 * counter reset.
 */
static void
reduce(struct native *native)
{
	while (native->n > NATIVE_BUCKETS_MAX &&
	    native->schema > CMXI_NATIVE_SCHEMA_MIN) {
		halve(native);
		native->schema--;
	}
}

/*
 * A run of buckets without a wide gap: [from, to) in the list, and its first
 * and last key.
 */
static size_t
end_of_span(const struct native *native, size_t from)
{
	size_t to = from + 1;

	while (to < native->n &&
	    native->buckets[to].key - native->buckets[to - 1].key - 1 <=
		GAP_MAX)
		to++;
	return to;
}

static void
put_spans(struct cmxi_output *o, const struct native *native)
{
	int32_t next = 0;

	for (size_t from = 0, to; from < native->n; from = to) {
		int32_t first = native->buckets[from].key, last;
		uint64_t offset, length;

		to = end_of_span(native, from);
		last = native->buckets[to - 1].key;
		offset = cmxi_pb_zigzag((int64_t)first - next);
		length = (uint64_t)(last - first + 1);
		cmxi_pb_number(o->b, PB_POSITIVE_SPAN,
		    2 + cmxi_pb_varint_size(offset) +
			cmxi_pb_varint_size(length));
		cmxi_pb_number(o->b, PB_SPAN_OFFSET, offset);
		cmxi_pb_number(o->b, PB_SPAN_LENGTH, length);
		next = last + 1;
	}
	/*
	 * An empty span tells that a histogram without observations is native.
	 */
	if (native->n == 0) {
		cmxi_pb_number(o->b, PB_POSITIVE_SPAN, 4);
		cmxi_pb_number(o->b, PB_SPAN_OFFSET, 0);
		cmxi_pb_number(o->b, PB_SPAN_LENGTH, 0);
	}
}

/*
 * Append the difference of each bucket to the one before it, empty buckets
 * within a span included.
 */
static void
put_deltas(struct cmxi_output *o, const struct native *native)
{
	int64_t last = 0;

	o->scratch.size = 0;
	for (size_t i = 0; i < native->n; i++) {
		int32_t gap = i == 0 ?
		    0 :
		    native->buckets[i].key - native->buckets[i - 1].key - 1;

		if (gap > GAP_MAX)
			gap = 0;
		for (; gap > 0; gap--) {
			cmxi_pb_varint(&o->scratch, cmxi_pb_zigzag(-last));
			last = 0;
		}
		cmxi_pb_varint(&o->scratch,
		    cmxi_pb_zigzag((int64_t)native->buckets[i].count - last));
		last = (int64_t)native->buckets[i].count;
	}
	if (native->n > 0)
		cmxi_pb_bytes(o->b, PB_POSITIVE_DELTA, o->scratch.data,
		    o->scratch.size);
}

static void
put_native_exemplars(struct cmxi_output *o, const struct cmxi_values *v,
    size_t i)
{
	for (size_t j = 0; j < v->family->n_exemplars; j++) {
		const struct cmxi_shm_exemplar *e =
		    cmxi_encode_exemplar(v, i, j);

		if (e == NULL)
			continue;
		o->scratch.size = 0;
		cmxi_pb_exemplar_labels(&o->scratch, e);
		cmxi_pb_tag(o->b, PB_NATIVE_EXEMPLAR);
		cmxi_pb_bytes(o->b, 0x01, o->scratch.data, o->scratch.size);
	}
}

static void
put_native(struct cmxi_output *o, const struct cmxi_values *v, size_t i,
    const struct native *native)
{
	cmxi_pb_number(o->b, PB_SCHEMA, cmxi_pb_zigzag(native->schema));
	cmxi_pb_double(o->b, PB_ZERO_THRESHOLD,
	    v->family->buckets.zero_threshold);
	cmxi_pb_number(o->b, PB_ZERO_COUNT, native->zero_count);
	put_spans(o, native);
	put_deltas(o, native);
	put_native_exemplars(o, v, i);
}

/* Count, sum and buckets come from the same cells, which were read once. */
void
cmxi_pb_histogram(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, size_t i)
{
	const struct cmxi_pair *cells = cmxi_values_cells(v, i);
	size_t metric =
	    cmxi_pb_open_message(o->b, PB_FAMILY_METRIC, PB_METRIC_LENGTH);
	size_t histogram;
	struct native native;
	uint64_t count = 0;
	double sum = 0;

	for (size_t j = 0; j < v->family->buckets.n_cells; j++) {
		count += cmxi_pair_count(cells[j].count);
		sum += cells[j].sum;
	}
	cmxi_pb_labels(o, v, prefix, i, NULL);
	histogram =
	    cmxi_pb_open_message(o->b, PB_METRIC_HISTOGRAM, PB_METRIC_LENGTH);
	cmxi_pb_number(o->b, PB_SAMPLE_COUNT, count);
	cmxi_pb_double(o->b, PB_SAMPLE_SUM, sum);
	if (!v->def->is_native || v->def->n_bounds > 0)
		put_classic(o, v, i);
	if (v->def->is_native) {
		collect_native(o, v, i, &native);
		reduce(&native);
		put_native(o, v, i, &native);
	}
	cmxi_pb_timestamp(o->b, PB_HISTOGRAM_START, cmxi_values_created(v, i));
	cmxi_pb_close_message(o->b, histogram, PB_METRIC_LENGTH);
	cmxi_pb_close_message(o->b, metric, PB_METRIC_LENGTH);
}

/*
 * encode_protobuf.c: io.prometheus.client.MetricFamily, delimited.  Level 8r.
 *
 * Source: prometheus/client_model, metrics.proto.  A length that is not known
 * before its message is written has a fixed number of bytes: a varint may be
 * longer than it must.  Lengths of the commonest messages, counters and
 * gauges, are computed.
 */
#include "encode.h"

#include <math.h>
#include <string.h>

#include "exemplar.h"
#include "native.h"
#include "number.h"

#define NS_PER_SECOND 1000000000

/* Bytes of lengths that are filled in later: of families, and of metrics. */
#define FAMILY_LENGTH 5
#define METRIC_LENGTH 4

/*
 * Populated buckets of one series that are shown; where there are more, the
 * resolution is halved until there are not, and stays so.
 */
#define NATIVE_BUCKETS_MAX 160

/* Empty buckets between two that are written out rather than skipped. */
#define GAP_MAX 2

/* Tags: field number << 3 | wire type. */
enum {
	/* MetricFamily */
	FAMILY_NAME = 0x0a,
	FAMILY_HELP = 0x12,
	FAMILY_TYPE = 0x18,
	FAMILY_METRIC = 0x22,
	FAMILY_UNIT = 0x2a,
	/* Metric */
	METRIC_LABEL = 0x0a,
	METRIC_GAUGE = 0x12,
	METRIC_COUNTER = 0x1a,
	METRIC_HISTOGRAM = 0x3a,
	/* LabelPair */
	PAIR_NAME = 0x0a,
	PAIR_VALUE = 0x12,
	/* Counter, Gauge */
	VALUE = 0x09,
	COUNTER_EXEMPLAR = 0x12,
	COUNTER_START = 0x1a,
	/* Histogram */
	SAMPLE_COUNT = 0x08,
	SAMPLE_SUM = 0x11,
	BUCKET = 0x1a,
	SCHEMA = 0x28,
	ZERO_THRESHOLD = 0x31,
	ZERO_COUNT = 0x38,
	POSITIVE_SPAN = 0x62,
	POSITIVE_DELTA = 0x6a,
	HISTOGRAM_START = 0x7a,
	NATIVE_EXEMPLAR = 0x82, /* and 0x01 */
	/* Bucket */
	CUMULATIVE_COUNT = 0x08,
	UPPER_BOUND = 0x11,
	BUCKET_EXEMPLAR = 0x1a,
	/* BucketSpan */
	SPAN_OFFSET = 0x08,
	SPAN_LENGTH = 0x10,
	/* Exemplar */
	EXEMPLAR_LABEL = 0x0a,
	EXEMPLAR_VALUE = 0x11,
	EXEMPLAR_TIME = 0x1a,
	/* google.protobuf.Timestamp */
	SECONDS = 0x08,
	NANOS = 0x10,
};

/* Writing */

static size_t
varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

static inline void
put_varint(struct cmxi_buf *b, uint64_t v)
{
	if (!cmxi_buf_reserve(b, 10))
		return;
	while (v >= 0x80) {
		b->data[b->size++] = (char)(v | 0x80);
		v >>= 7;
	}
	b->data[b->size++] = (char)v;
}

static inline void
put_tag(struct cmxi_buf *b, int tag)
{
	cmxi_buf_char(b, (char)tag);
}

static void
put_number(struct cmxi_buf *b, int tag, uint64_t v)
{
	put_tag(b, tag);
	put_varint(b, v);
}

static uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* Prometheus has meanings for some NaNs: ours is the plain one. */
static void
put_double(struct cmxi_buf *b, int tag, double v)
{
	uint64_t bits = cmxi_double_to_bits(isnan(v) ? (double)NAN : v);
	unsigned char bytes[9] = { (unsigned char)tag };

	for (int i = 0; i < 8; i++)
		bytes[i + 1] = (unsigned char)(bits >> 8 * i);
	cmxi_buf_bytes(b, bytes, sizeof(bytes));
}

static void
put_bytes(struct cmxi_buf *b, int tag, const char *bytes, size_t n)
{
	put_tag(b, tag);
	put_varint(b, n);
	cmxi_buf_bytes(b, bytes, n);
}

static void
put_string(struct cmxi_buf *b, int tag, const char *s)
{
	if (*s != '\0')
		put_bytes(b, tag, s, strlen(s));
}

/* A message whose length is filled in by close_message(). */
static size_t
open_message(struct cmxi_buf *b, int tag, size_t length_size)
{
	static const char zeros[FAMILY_LENGTH];

	if (tag != 0)
		put_tag(b, tag);
	cmxi_buf_bytes(b, zeros, length_size);
	return b->size;
}

static void
close_message(struct cmxi_buf *b, size_t at, size_t length_size)
{
	uint64_t length = b->size - at;

	if (b->failed)
		return;
	for (size_t i = 0; i < length_size; i++) {
		b->data[at - length_size + i] =
		    (char)((length & 0x7f) | (i + 1 < length_size ? 0x80 : 0));
		length >>= 7;
	}
}

static size_t
timestamp_size(uint64_t ns)
{
	return 1 + varint_size(ns / NS_PER_SECOND) + 1 +
	    varint_size(ns % NS_PER_SECOND);
}

static void
put_timestamp(struct cmxi_buf *b, int tag, uint64_t ns)
{
	put_number(b, tag, timestamp_size(ns));
	put_number(b, SECONDS, ns / NS_PER_SECOND);
	put_number(b, NANOS, ns % NS_PER_SECOND);
}

/* Labels */

/* All labels of a series: the input's, its own, and pid or null. */
struct labels {
	size_t n;
	struct {
		const char *name, *value;
		size_t name_size, value_size;
	} pairs[2 * CMX_LABELS_MAX + 1];
	size_t size; /* of their messages, tags and lengths with them */
};

static void
add_label(struct labels *l, const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = strlen(value);
	size_t size = 2 + varint_size(name_size) + name_size +
	    varint_size(value_size) + value_size;

	l->pairs[l->n].name = name;
	l->pairs[l->n].value = value;
	l->pairs[l->n].name_size = name_size;
	l->pairs[l->n++].value_size = value_size;
	l->size += 1 + varint_size(size) + size;
}

static void
collect_labels(struct labels *l, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, size_t series, const char *pid)
{
	const struct cmx_family_def *def = &v->family->d.def;
	const char *value = v->family->series[series].values;

	l->n = 0;
	l->size = 0;
	for (size_t i = 0; i < prefix->n_labels; i++)
		add_label(l, prefix->labels[i].name, prefix->labels[i].value);
	for (size_t i = 0; i < def->n_labels; i++) {
		add_label(l, def->labels[i], value);
		value += l->pairs[l->n - 1].value_size + 1;
	}
	if (pid != NULL)
		add_label(l, "pid", pid);
}

static void
put_pair(struct cmxi_buf *b, int tag, const char *name, size_t name_size,
    const char *value, size_t value_size)
{
	put_number(b, tag,
	    2 + varint_size(name_size) + name_size + varint_size(value_size) +
		value_size);
	put_bytes(b, PAIR_NAME, name, name_size);
	put_bytes(b, PAIR_VALUE, value, value_size);
}

static void
put_labels(struct cmxi_buf *b, const struct labels *l)
{
	for (size_t i = 0; i < l->n; i++)
		put_pair(b, METRIC_LABEL, l->pairs[i].name,
		    l->pairs[i].name_size, l->pairs[i].value,
		    l->pairs[i].value_size);
}

/* Exemplars */

static void
put_exemplar_labels(struct cmxi_buf *b, const struct cmxi_shm_exemplar *e)
{
	struct cmx_label pair;
	size_t p = 0;

	while (p < e->size && cmxi_exemplar_next(e, &p, &pair))
		put_pair(b, EXEMPLAR_LABEL, pair.name, strlen(pair.name),
		    pair.value, strlen(pair.value));
	put_double(b, EXEMPLAR_VALUE, e->value);
	put_timestamp(b, EXEMPLAR_TIME, e->time_ns);
}

/* Through a buffer, for its length; null puts nothing. */
static void
put_exemplar(struct cmxi_output *o, int tag, const struct cmxi_shm_exemplar *e)
{
	if (e == NULL)
		return;
	o->scratch.size = 0;
	put_exemplar_labels(&o->scratch, e);
	put_bytes(o->b, tag, o->scratch.data, o->scratch.size);
}

/* Counters and gauges */

static void
put_simple(struct cmxi_output *o, const struct labels *l, int tag, double v,
    uint64_t created_ns)
{
	size_t start = created_ns != 0 ? timestamp_size(created_ns) : 0;
	size_t value = 9 + (start != 0 ? 1 + varint_size(start) + start : 0);

	put_number(o->b, FAMILY_METRIC,
	    l->size + 1 + varint_size(value) + value);
	put_labels(o->b, l);
	put_number(o->b, tag, value);
	put_double(o->b, VALUE, v);
	if (start != 0)
		put_timestamp(o->b, COUNTER_START, created_ns);
}

/* With an exemplar there is no hurry. */
static void
put_counter_with_exemplar(struct cmxi_output *o, const struct labels *l,
    double v, uint64_t created_ns, const struct cmxi_shm_exemplar *e)
{
	size_t metric = open_message(o->b, FAMILY_METRIC, METRIC_LENGTH);
	size_t counter;

	put_labels(o->b, l);
	counter = open_message(o->b, METRIC_COUNTER, METRIC_LENGTH);
	put_double(o->b, VALUE, v);
	put_exemplar(o, COUNTER_EXEMPLAR, e);
	put_timestamp(o->b, COUNTER_START, created_ns);
	close_message(o->b, counter, METRIC_LENGTH);
	close_message(o->b, metric, METRIC_LENGTH);
}

static void
put_sample(struct cmxi_output *o, const struct cmxi_values *v,
    const struct labels *l, size_t i)
{
	const struct cmx_family_def *def = &v->family->d.def;
	const struct cmxi_shm_exemplar *e;
	double value = def->type == CMX_COUNTER && !def->is_double ?
	    (double)v->whole[i] :
	    v->value[i];

	if (def->type == CMX_GAUGE) {
		put_simple(o, l, METRIC_GAUGE, value, 0);
		return;
	}
	e = def->has_exemplars ? cmxi_encode_exemplar(v, i, 0) : NULL;
	if (e != NULL)
		put_counter_with_exemplar(o, l, value,
		    cmxi_values_created(v, i), e);
	else
		put_simple(o, l, METRIC_COUNTER, value,
		    cmxi_values_created(v, i));
}

/* Histograms */

/* Observations as a whole number, whatever a damaged cell holds. */
static uint64_t
whole(double count)
{
	return count >= 0 && count < 0x1p64 ? (uint64_t)count : 0;
}

static void
put_bucket(struct cmxi_output *o, uint64_t count, double bound,
    const struct cmxi_shm_exemplar *e)
{
	size_t bucket = open_message(o->b, BUCKET, METRIC_LENGTH);

	put_number(o->b, CUMULATIVE_COUNT, count);
	put_double(o->b, UPPER_BOUND, bound);
	put_exemplar(o, BUCKET_EXEMPLAR, e);
	close_message(o->b, bucket, METRIC_LENGTH);
}

static void
put_classic(struct cmxi_output *o, const struct cmxi_values *v, size_t i)
{
	const struct cmxi_pair *pairs = &v->pairs[i * v->n_buckets];
	bool has_exemplars = v->family->d.def.has_exemplars;
	double count = 0, sum = 0;
	size_t cell = 0, n = cmxi_values_n_shown(v);

	for (size_t j = 0; j < n; j++) {
		cmxi_add_bucket(v, pairs, j, &cell, &count, &sum);
		put_bucket(o, whole(count),
		    j + 1 < n ? v->family->d.shown[j] : HUGE_VAL,
		    has_exemplars ? cmxi_encode_exemplar(v, i, j) : NULL);
	}
}

/* Native buckets that are not empty, in order. */
struct native {
	size_t n;
	struct {
		int32_t key;
		uint64_t count;
	} buckets[CMXI_CELL_BOUNDS_MAX + 1];
	uint64_t zero_count;
};

static void
collect_native(const struct cmxi_values *v, size_t i, struct native *native)
{
	const struct cmxi_pair *pairs = &v->pairs[i * v->n_buckets];

	native->n = 0;
	native->zero_count = 0;
	for (size_t j = 0; j < v->n_buckets; j++) {
		int32_t key = v->cell_keys[j];
		uint64_t count = whole(pairs[j].count);

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

/* Half the resolution: pairs of buckets become one. */
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
 * As few buckets as allowed, and never again more: a schema that rises is a
 * counter reset to Prometheus.
 */
static void
reduce(const struct cmxi_values *v, size_t i, struct native *native)
{
	int schema = v->family->d.def.native_schema;

	for (; schema > v->shown_schemas[i]; schema--)
		halve(native);
	for (;
	     native->n > NATIVE_BUCKETS_MAX && schema > CMXI_NATIVE_SCHEMA_MIN;
	     schema--)
		halve(native);
	v->shown_schemas[i] = (int8_t)schema;
}

/* A run of buckets without a wide gap: [from, to), first key to last. */
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
		offset = zigzag((int64_t)first - next);
		length = (uint64_t)(last - first + 1);
		put_number(o->b, POSITIVE_SPAN,
		    2 + varint_size(offset) + varint_size(length));
		put_number(o->b, SPAN_OFFSET, offset);
		put_number(o->b, SPAN_LENGTH, length);
		next = last + 1;
	}
	/* An empty one says that the histogram is native all the same. */
	if (native->n == 0) {
		put_number(o->b, POSITIVE_SPAN, 4);
		put_number(o->b, SPAN_OFFSET, 0);
		put_number(o->b, SPAN_LENGTH, 0);
	}
}

/* Each bucket's difference to the one before it, empty ones in gaps too. */
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
			put_varint(&o->scratch, zigzag(-last));
			last = 0;
		}
		put_varint(&o->scratch,
		    zigzag((int64_t)native->buckets[i].count - last));
		last = (int64_t)native->buckets[i].count;
	}
	if (native->n > 0)
		put_bytes(o->b, POSITIVE_DELTA, o->scratch.data,
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
		put_exemplar_labels(&o->scratch, e);
		put_tag(o->b, NATIVE_EXEMPLAR);
		put_bytes(o->b, 0x01, o->scratch.data, o->scratch.size);
	}
}

static void
put_native(struct cmxi_output *o, const struct cmxi_values *v, size_t i,
    struct native *native)
{
	reduce(v, i, native);
	put_number(o->b, SCHEMA, zigzag(v->shown_schemas[i]));
	put_double(o->b, ZERO_THRESHOLD, v->zero_threshold);
	put_number(o->b, ZERO_COUNT, native->zero_count);
	put_spans(o, native);
	put_deltas(o, native);
	put_native_exemplars(o, v, i);
}

/* Everything of it comes from the same cells, read once. */
static void
put_histogram(struct cmxi_output *o, const struct cmxi_values *v,
    const struct labels *l, size_t i)
{
	const struct cmxi_pair *pairs = &v->pairs[i * v->n_buckets];
	size_t metric = open_message(o->b, FAMILY_METRIC, METRIC_LENGTH);
	size_t histogram;
	struct native native;
	uint64_t count = 0;
	double sum = 0;

	for (size_t j = 0; j < v->n_buckets; j++) {
		count += whole(pairs[j].count);
		sum += pairs[j].sum;
	}
	put_labels(o->b, l);
	histogram = open_message(o->b, METRIC_HISTOGRAM, METRIC_LENGTH);
	put_number(o->b, SAMPLE_COUNT, count);
	put_double(o->b, SAMPLE_SUM, sum);
	if (!v->family->d.def.is_native || v->family->d.def.n_bounds > 0)
		put_classic(o, v, i);
	if (v->family->d.def.is_native) {
		collect_native(v, i, &native);
		put_native(o, v, i, &native);
	}
	put_timestamp(o->b, HISTOGRAM_START, cmxi_values_created(v, i));
	close_message(o->b, histogram, METRIC_LENGTH);
	close_message(o->b, metric, METRIC_LENGTH);
}

/* The encoder */

static void
protobuf_family(struct cmxi_output *o, const struct cmxi_values *v)
{
	static const uint64_t types
	    [] = { [CMX_COUNTER] = 0, [CMX_GAUGE] = 1, [CMX_HISTOGRAM] = 4 };
	const struct cmx_family_def *def = &v->family->d.def;

	o->family_at = open_message(o->b, 0, FAMILY_LENGTH);
	put_string(o->b, FAMILY_NAME, def->name);
	put_string(o->b, FAMILY_HELP, def->help);
	put_number(o->b, FAMILY_TYPE, types[def->type]);
	put_string(o->b, FAMILY_UNIT, def->unit);
}

static void
put_each(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	struct labels labels;
	char pid[CMXI_NUMBER_MAX];
	size_t n;
	const struct cmxi_each *each = cmxi_each_samples(v, &n);

	for (size_t i = 0; i < n; i++) {
		pid[cmxi_u64_to_text(each[i].pid, pid)] = '\0';
		collect_labels(&labels, v, prefix, each[i].series, pid);
		put_simple(o, &labels, METRIC_GAUGE, each[i].value, 0);
	}
}

static void
protobuf_series(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	struct labels labels;

	if (cmxi_is_each(&v->family->d.def)) {
		put_each(o, v, prefix);
		return;
	}
	for (size_t i = 0; i < v->n_series; i++) {
		if (!cmxi_values_is_shown(v, i))
			continue;
		collect_labels(&labels, v, prefix, i, NULL);
		if (v->family->d.def.type == CMX_HISTOGRAM)
			put_histogram(o, v, &labels, i);
		else
			put_sample(o, v, &labels, i);
	}
}

static void
protobuf_family_end(struct cmxi_output *o)
{
	close_message(o->b, o->family_at, FAMILY_LENGTH);
}

static void
nothing(struct cmxi_output *o)
{
	(void)o;
}

const struct cmxi_encoder cmxi_encoder_protobuf = {
	.content_type =
	    "application/vnd.google.protobuf; "
	    "proto=io.prometheus.client.MetricFamily; encoding=delimited",
	.begin = nothing,
	.family = protobuf_family,
	.series = protobuf_series,
	.family_end = protobuf_family_end,
	.end = nothing,
};

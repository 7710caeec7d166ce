/*
 * protobuf.h: the messages of io.prometheus.client, field by field.
 *
 * Source: prometheus/client_model, metrics.proto.  A message whose length is
 * known only after it is written gets a length of a fixed number of bytes, as a
 * varint may be padded.
 */
#ifndef CMXI_PROTOBUF_H
#define CMXI_PROTOBUF_H

#include <math.h>

#include "base/clock.h"
#include "encode/encode.h"

/* Bytes of the padded lengths of families and of metrics. */
#define PB_FAMILY_LENGTH 5
#define PB_METRIC_LENGTH 4

/* Tags: field number << 3 | wire type. */
enum {
	/* MetricFamily */
	PB_FAMILY_NAME = 0x0a,
	PB_FAMILY_HELP = 0x12,
	PB_FAMILY_TYPE = 0x18,
	PB_FAMILY_METRIC = 0x22,
	PB_FAMILY_UNIT = 0x2a,
	/* Metric */
	PB_METRIC_LABEL = 0x0a,
	PB_METRIC_GAUGE = 0x12,
	PB_METRIC_COUNTER = 0x1a,
	PB_METRIC_HISTOGRAM = 0x3a,
	/* LabelPair */
	PB_PAIR_NAME = 0x0a,
	PB_PAIR_VALUE = 0x12,
	/* Counter, Gauge */
	PB_VALUE = 0x09,
	PB_COUNTER_EXEMPLAR = 0x12,
	PB_COUNTER_START = 0x1a,
	/* Histogram */
	PB_SAMPLE_COUNT = 0x08,
	PB_SAMPLE_SUM = 0x11,
	PB_BUCKET = 0x1a,
	PB_SCHEMA = 0x28,
	PB_ZERO_THRESHOLD = 0x31,
	PB_ZERO_COUNT = 0x38,
	PB_POSITIVE_SPAN = 0x62,
	PB_POSITIVE_DELTA = 0x6a,
	PB_HISTOGRAM_START = 0x7a,
	PB_NATIVE_EXEMPLAR = 0x82, /* and 0x01 */
	/* Bucket */
	PB_CUMULATIVE_COUNT = 0x08,
	PB_UPPER_BOUND = 0x11,
	PB_BUCKET_EXEMPLAR = 0x1a,
	/* BucketSpan */
	PB_SPAN_OFFSET = 0x08,
	PB_SPAN_LENGTH = 0x10,
	/* Exemplar */
	PB_EXEMPLAR_LABEL = 0x0a,
	PB_EXEMPLAR_VALUE = 0x11,
	PB_EXEMPLAR_TIME = 0x1a,
	/* google.protobuf.Timestamp */
	PB_SECONDS = 0x08,
	PB_NANOS = 0x10,
};

static inline size_t
cmxi_pb_varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

/* Write at p, which has room.  Returns the end of what was written. */
static inline char *
cmxi_pb_varint_at(char *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (char)(v | 0x80);
		v >>= 7;
	}
	*p++ = (char)v;
	return p;
}

/* Size of the longest varint, double or timestamp with its tag. */
#define CMXI_PB_FIELD_MAX 32

static inline void
cmxi_pb_varint(struct cmxi_buf *b, uint64_t v)
{
	if (cmxi_buf_reserve(b, CMXI_PB_FIELD_MAX))
		b->size =
		    (size_t)(cmxi_pb_varint_at(b->data + b->size, v) - b->data);
}

static inline void
cmxi_pb_tag(struct cmxi_buf *b, int tag)
{
	cmxi_buf_char(b, (char)tag);
}

static inline void
cmxi_pb_number(struct cmxi_buf *b, int tag, uint64_t v)
{
	cmxi_pb_tag(b, tag);
	cmxi_pb_varint(b, v);
}

static inline uint64_t
cmxi_pb_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline size_t
cmxi_pb_timestamp_size(uint64_t ns)
{
	return 1 + cmxi_pb_varint_size(ns / CMXI_NS_PER_SECOND) + 1 +
	    cmxi_pb_varint_size(ns % CMXI_NS_PER_SECOND);
}

/*
 * Prometheus gives a meaning to some NaNs, so every NaN is written as the plain
 * one.
 */
static inline char *
cmxi_pb_double_at(char *p, int tag, double v)
{
	uint64_t bits = cmxi_double_to_bits(isnan(v) ? (double)NAN : v);

	*p++ = (char)tag;
	for (int i = 0; i < 8; i++)
		*p++ = (char)(bits >> 8 * i);
	return p;
}

static inline char *
cmxi_pb_timestamp_at(char *p, int tag, uint64_t ns)
{
	*p++ = (char)tag;
	*p++ = (char)cmxi_pb_timestamp_size(ns);
	*p++ = PB_SECONDS;
	p = cmxi_pb_varint_at(p, ns / CMXI_NS_PER_SECOND);
	*p++ = PB_NANOS;
	return cmxi_pb_varint_at(p, ns % CMXI_NS_PER_SECOND);
}

/* Append a string as a field of a message; an empty string is left out. */
void cmxi_pb_double(struct cmxi_buf *, int tag, double v);
void cmxi_pb_timestamp(struct cmxi_buf *, int tag, uint64_t ns);
void cmxi_pb_bytes(struct cmxi_buf *, int tag, const char *bytes, size_t n);
void cmxi_pb_string(struct cmxi_buf *, int tag, const char *s);

/*
 * Begin a message; cmxi_pb_close_message() fills its length in, of so many
 * bytes.
 */
size_t cmxi_pb_open_message(struct cmxi_buf *b, int tag, size_t length_size);
void cmxi_pb_close_message(struct cmxi_buf *b, size_t at, size_t length_size);

/*
 * Append all labels of a series: those of the input, its own, and pid unless
 * null.
 */
void cmxi_pb_labels(struct cmxi_output *, const struct cmxi_values *,
    const struct cmxi_prefix *, size_t series, const char *pid);

/*
 * Append an exemplar; a null one appends nothing.  The message goes through the
 * scratch buffer, because its length comes first.
 */
void cmxi_pb_exemplar(struct cmxi_output *o, int tag,
    const struct cmxi_shm_exemplar *e);
void cmxi_pb_exemplar_labels(struct cmxi_buf *b,
    const struct cmxi_shm_exemplar *e);

/*
 * Append the metric message of a histogram, with classic buckets, native ones,
 * or both.
 */
void cmxi_pb_histogram(struct cmxi_output *, const struct cmxi_values *,
    const struct cmxi_prefix *, size_t series);

#endif

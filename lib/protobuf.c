/*
 * protobuf.c: the messages of io.prometheus.client, field by field.  Level 8r.
 */
#include "protobuf.h"

#include <math.h>
#include <string.h>

#include "exemplar.h"

/* Prometheus has meanings for some NaNs: ours is the plain one. */
void
cmxi_pb_double(struct cmxi_buf *b, int tag, double v)
{
	uint64_t bits = cmxi_double_to_bits(isnan(v) ? (double)NAN : v);
	unsigned char bytes[9] = { (unsigned char)tag };

	for (int i = 0; i < 8; i++)
		bytes[i + 1] = (unsigned char)(bits >> 8 * i);
	cmxi_buf_bytes(b, bytes, sizeof(bytes));
}

void
cmxi_pb_bytes(struct cmxi_buf *b, int tag, const char *bytes, size_t n)
{
	cmxi_pb_tag(b, tag);
	cmxi_pb_varint(b, n);
	cmxi_buf_bytes(b, bytes, n);
}

void
cmxi_pb_string(struct cmxi_buf *b, int tag, const char *s)
{
	if (*s != '\0')
		cmxi_pb_bytes(b, tag, s, strlen(s));
}

/* A message whose length is filled in by cmxi_pb_close_message(). */
size_t
cmxi_pb_open_message(struct cmxi_buf *b, int tag, size_t length_size)
{
	static const char zeros[FAMILY_LENGTH];

	if (tag != 0)
		cmxi_pb_tag(b, tag);
	cmxi_buf_bytes(b, zeros, length_size);
	return b->size;
}

void
cmxi_pb_close_message(struct cmxi_buf *b, size_t at, size_t length_size)
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

void
cmxi_pb_timestamp(struct cmxi_buf *b, int tag, uint64_t ns)
{
	cmxi_pb_number(b, tag, cmxi_pb_timestamp_size(ns));
	cmxi_pb_number(b, SECONDS, ns / NS_PER_SECOND);
	cmxi_pb_number(b, NANOS, ns % NS_PER_SECOND);
}

/* Labels */

static void
add_label(struct cmxi_pb_label_set *l, const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = strlen(value);
	size_t size = 2 + cmxi_pb_varint_size(name_size) + name_size +
	    cmxi_pb_varint_size(value_size) + value_size;

	l->pairs[l->n].name = name;
	l->pairs[l->n].value = value;
	l->pairs[l->n].name_size = name_size;
	l->pairs[l->n++].value_size = value_size;
	l->size += 1 + cmxi_pb_varint_size(size) + size;
}

void
cmxi_pb_collect_labels(struct cmxi_output *o, struct cmxi_pb_label_set *l,
    const struct cmxi_values *v, const struct cmxi_prefix *prefix,
    size_t series, const char *pid)
{
	const struct cmx_family_def *def = &v->family->d.def;
	const struct cmxi_catalog_series *s = &v->family->series[series];
	const char *value;

	o->values.size = 0;
	if (!cmxi_buf_reserve(&o->values, s->text_size + 1))
		return;
	cmxi_series_values(v->family, s, o->values.data);
	value = o->values.data;
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
	cmxi_pb_number(b, tag,
	    2 + cmxi_pb_varint_size(name_size) + name_size +
		cmxi_pb_varint_size(value_size) + value_size);
	cmxi_pb_bytes(b, PAIR_NAME, name, name_size);
	cmxi_pb_bytes(b, PAIR_VALUE, value, value_size);
}

void
cmxi_pb_labels(struct cmxi_buf *b, const struct cmxi_pb_label_set *l)
{
	for (size_t i = 0; i < l->n; i++)
		put_pair(b, METRIC_LABEL, l->pairs[i].name,
		    l->pairs[i].name_size, l->pairs[i].value,
		    l->pairs[i].value_size);
}

/* Exemplars */

void
cmxi_pb_exemplar_labels(struct cmxi_buf *b, const struct cmxi_shm_exemplar *e)
{
	struct cmx_label pair;
	size_t p = 0;

	while (p < e->size && cmxi_exemplar_next(e, &p, &pair))
		put_pair(b, EXEMPLAR_LABEL, pair.name, strlen(pair.name),
		    pair.value, strlen(pair.value));
	cmxi_pb_double(b, EXEMPLAR_VALUE, e->value);
	cmxi_pb_timestamp(b, EXEMPLAR_TIME, e->time_ns);
}

/* Through a buffer, for its length; null puts nothing. */
void
cmxi_pb_exemplar(struct cmxi_output *o, int tag,
    const struct cmxi_shm_exemplar *e)
{
	if (e == NULL)
		return;
	o->scratch.size = 0;
	cmxi_pb_exemplar_labels(&o->scratch, e);
	cmxi_pb_bytes(o->b, tag, o->scratch.data, o->scratch.size);
}

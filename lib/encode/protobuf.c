/*
 * protobuf.c: the messages of io.prometheus.client, field by field.
 */
#include "encode/protobuf.h"

#include <string.h>

#include "base/require.h"
#include "segment/exemplar.h"

void
cmxi_pb_double(struct cmxi_buf *b, int tag, double v)
{
	if (cmxi_buf_reserve(b, CMXI_PB_FIELD_MAX))
		b->size =
		    (size_t)(cmxi_pb_double_at(b->data + b->size, tag, v) -
			b->data);
}

void
cmxi_pb_timestamp(struct cmxi_buf *b, int tag, uint64_t ns)
{
	if (cmxi_buf_reserve(b, CMXI_PB_FIELD_MAX))
		b->size =
		    (size_t)(cmxi_pb_timestamp_at(b->data + b->size, tag, ns) -
			b->data);
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

/* Begin a message whose length cmxi_pb_close_message() writes. */
size_t
cmxi_pb_open_message(struct cmxi_buf *b, int tag, size_t length_size)
{
	static const char zeros[PB_FAMILY_LENGTH];

	REQUIRE(length_size <= PB_FAMILY_LENGTH);
	if (tag != 0)
		cmxi_pb_tag(b, tag);
	cmxi_buf_bytes(b, zeros, length_size);
	return b->size;
}

void
cmxi_pb_close_message(struct cmxi_buf *b, size_t at, size_t length_size)
{
	uint64_t length = b->size - at;

	REQUIRE(at >= length_size && at <= b->size);
	if (b->failed)
		return;
	for (size_t i = 0; i < length_size; i++) {
		b->data[at - length_size + i] =
		    (char)((length & 0x7f) | (i + 1 < length_size ? 0x80 : 0));
		length >>= 7;
	}
}

static void
put_pair(struct cmxi_buf *b, int tag, const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = strlen(value);

	cmxi_pb_number(b, tag,
	    2 + cmxi_pb_varint_size(name_size) + name_size +
		cmxi_pb_varint_size(value_size) + value_size);
	cmxi_pb_bytes(b, PB_PAIR_NAME, name, name_size);
	cmxi_pb_bytes(b, PB_PAIR_VALUE, value, value_size);
}

void
cmxi_pb_labels(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, size_t series, const char *pid)
{
	const struct cmx_family_def *def = v->def;
	const struct cmxi_catalog_series *s = &v->family->series[series];
	const char *value;

	o->values.size = 0;
	if (!cmxi_buf_reserve(&o->values, s->text_size + 1))
		return;
	cmxi_catalog_series_values(v->family, s, o->values.data);
	value = o->values.data;
	for (size_t i = 0; i < prefix->n_labels; i++)
		put_pair(o->b, PB_METRIC_LABEL, prefix->labels[i].name,
		    prefix->labels[i].value);
	for (size_t i = 0; i < def->n_labels; i++) {
		put_pair(o->b, PB_METRIC_LABEL, def->labels[i], value);
		value += strlen(value) + 1;
	}
	if (pid != NULL)
		put_pair(o->b, PB_METRIC_LABEL, "pid", pid);
}

/* Exemplars */

void
cmxi_pb_exemplar_labels(struct cmxi_buf *b, const struct cmxi_shm_exemplar *e)
{
	struct cmx_label pair;
	size_t p = 0;

	while (p < e->size && cmxi_exemplar_next(e, &p, &pair))
		put_pair(b, PB_EXEMPLAR_LABEL, pair.name, pair.value);
	cmxi_pb_double(b, PB_EXEMPLAR_VALUE, e->value);
	cmxi_pb_timestamp(b, PB_EXEMPLAR_TIME, e->time_ns);
}

/*
 * The message goes through the scratch buffer, because its length comes first.
 */
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

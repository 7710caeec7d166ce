/*
 * encode.c: the walk over families that all formats share.
 */
#include "encode/encode.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/number.h"
#include "base/require.h"
#include "base/utf8.h"
#include "family/exposed.h"
#include "family/name.h"
#include "family/rules.h"
#include "segment/exemplar.h"

static const struct cmxi_encoder *
encoder_of(enum cmxr_format format)
{
	switch (format) {
	case CMXR_TEXT:
		return &cmxi_encoder_text;
	case CMXR_JSON:
		return &cmxi_encoder_json;
	case CMXR_OPENMETRICS:
		return &cmxi_encoder_openmetrics;
	case CMXR_PROTOBUF:
		return &cmxi_encoder_protobuf;
	}
	return NULL;
}

const char *
cmxr_content_type(enum cmxr_format format)
{
	const struct cmxi_encoder *encoder = encoder_of(format);

	return encoder == NULL ? "application/octet-stream" :
				 encoder->content_type;
}

void
cmxr_buffer_free(struct cmxr_buffer *buffer)
{
	if (buffer == NULL)
		return;
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

void
cmxi_encode_label(struct cmxi_buf *b, const char *name, const char *value)
{
	cmxi_buf_string(b, name);
	cmxi_buf_string(b, "=\"");
	cmxi_buf_escaped(b, value, strlen(value));
	cmxi_buf_char(b, '"');
}

void
cmxr_number_to_text(double v, char text[32])
{
	text[cmxi_double_to_text(v, text)] = '\0';
}

const struct cmxi_shm_exemplar *
cmxi_encode_exemplar(const struct cmxi_values *v, size_t series, size_t slot)
{
	size_t n = v->family->n_exemplars;
	const struct cmxi_shm_exemplar *e = &v->exemplars[series * n + slot];

	REQUIRE(series < v->n_series);
	return slot < n && cmxi_exemplar_is_valid(e) ? e : NULL;
}

/*
 * A family is asked for by its name, by that of its OpenMetrics family, or by
 * that of one of its samples.
 */
static bool
is_name_of(const struct cmx_family_def *def, const char *name)
{
	static const char *const suffixes[] = { "_total", "_bucket", "_sum",
		"_count" };
	const char *longer = name, *shorter = def->name;
	size_t n;

	if (strlen(longer) < strlen(shorter)) {
		longer = def->name;
		shorter = name;
	}
	n = strlen(shorter);
	if (strncmp(longer, shorter, n) != 0)
		return false;
	if (longer[n] == '\0')
		return true;
	if (def->type == CMX_COUNTER)
		return strcmp(longer + n, suffixes[0]) == 0;
	for (size_t i = 1;
	     def->type == CMX_HISTOGRAM && longer == name && i < 4; i++)
		if (strcmp(longer + n, suffixes[i]) == 0)
			return true;
	return false;
}

static bool
is_selected(const struct cmxr_options *o, const struct cmx_family_def *def)
{
	if (o == NULL || o->n_globs + o->n_names == 0)
		return true;
	for (size_t i = 0; i < o->n_globs; i++)
		if (fnmatch(o->globs[i], def->name, 0) == 0)
			return true;
	for (size_t i = 0; i < o->n_names; i++)
		if (is_name_of(def, o->names[i]))
			return true;
	return false;
}

/* Can two families of one name be shown as one group? */
static bool
is_compatible(const struct cmx_family_def *a, const struct cmx_family_def *b)
{
	return a->type == b->type;
}

/* Does the family, or the format itself, use this label name? */
static bool
has_label(const struct cmx_family_def *def, const char *name)
{
	if (cmxi_def_is_each(def) && strcmp(name, "pid") == 0)
		return true;
	for (size_t i = 0; i < def->n_labels; i++)
		if (strcmp(name, def->labels[i]) == 0)
			return true;
	return false;
}

/*
 * Does the family use a label name that the input adds?  A series would have
 * the label twice.
 */
static bool
has_label_of(const struct cmx_family_def *def, const struct cmxi_prefix *p)
{
	for (size_t i = 0; i < p->n_labels; i++)
		if (has_label(def, p->labels[i].name))
			return true;
	return false;
}

struct encoding {
	const struct cmxr_input *inputs;
	struct cmxi_prefix *prefixes;
	size_t n_inputs;
	const struct cmxi_encoder *encoder;
	struct cmxi_output out;
	struct cmxi_exposed_set shown; /* names, by the place in families */
	const struct cmx_family_def **families;
	size_t n_families, capacity;
	int n_left_out;
	bool failed; /* no memory */
};

/*
 * Encode the series of a family in one input, or count the family as left out.
 */
static void
encode_series(struct encoding *e, size_t input,
    const struct cmx_family_def *def, const struct cmxi_values *v)
{
	if (!is_compatible(v->def, def) ||
	    has_label_of(v->def, &e->prefixes[input]))
		e->n_left_out++;
	else
		e->encoder->series(&e->out, v, &e->prefixes[input]);
}

/*
 * Encode the group of a family: its series in each input, from the first input
 * that has the family.
 */
static void
encode_family(struct encoding *e, size_t first,
    const struct cmxi_values *values)
{
	const struct cmx_family_def *def = values->def;

	e->encoder->family(&e->out, values);
	encode_series(e, first, def, values);
	for (size_t i = first + 1; i < e->n_inputs; i++) {
		const struct cmxi_values *v =
		    cmxi_snapshot_find(e->inputs[i].snapshot, def->name);

		if (v != NULL)
			encode_series(e, i, def, v);
	}
	e->encoder->family_end(&e->out);
}

/*
 * Is a family to be encoded now?  Not where one of its name was, with which its
 * series were shown; nor where another one exposes a name of its own, which
 * strict consumers refuse: that is counted.
 */
static bool
comes_now(struct encoding *e, const struct cmx_family_def *def)
{
	uint32_t i = cmxi_exposed_find(&e->shown, def);

	if (i != CMXI_HASH_INDEX_NONE) {
		e->n_left_out += strcmp(e->families[i]->name, def->name) != 0;
		return false;
	}
	if (!cmxi_array_reserve(&e->families, &e->capacity, e->n_families + 1,
		sizeof(*e->families)) ||
	    !cmxi_exposed_add(&e->shown, def, (uint32_t)e->n_families)) {
		e->failed = true;
		return false;
	}
	e->families[e->n_families++] = def;
	return true;
}

static void
encode_all(struct encoding *e, const struct cmxr_options *options)
{
	e->encoder->begin(&e->out);
	for (size_t i = 0; i < e->n_inputs; i++) {
		const struct cmxr_snapshot *s = e->inputs[i].snapshot;

		for (size_t j = 0; j < s->n_families; j++) {
			const struct cmxi_values *v = s->families[j];

			if (is_selected(options, v->def) &&
			    comes_now(e, v->def))
				encode_family(e, i, v);
		}
	}
	e->encoder->end(&e->out);
}

static const char *
label_fault(const struct cmx_label *labels, size_t i)
{
	const char *name = labels[i].name, *value = labels[i].value;

	if (value == NULL)
		return "has no value: it is null";
	if (name == NULL || !cmxi_label_name_is_valid(name))
		return "is not a label name; allowed are a-z A-Z 0-9 _, not a digit first";
	if (strncmp(name, "__", 2) == 0 || strcmp(name, "le") == 0 ||
	    strcmp(name, "quantile") == 0)
		return "is reserved, as are le, quantile and names that begin with __";
	if (!cmxi_utf8_is_valid(value, strlen(value)))
		return "has a value that is not UTF-8";
	for (size_t j = 0; j < i; j++)
		if (strcmp(labels[j].name, name) == 0)
			return "stands twice";
	return NULL;
}

int
cmxr_labels_check(size_t n_labels, const struct cmx_label *labels,
    struct cmx_error *err)
{
	if (n_labels > 0 && labels == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "the labels of an input are null");
	for (size_t i = 0; i < n_labels; i++) {
		const char *fault = label_fault(labels, i);

		if (fault != NULL)
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "label \"%.64s\" %s",
			    labels[i].name != NULL ? labels[i].name : "",
			    fault);
	}
	return 0;
}

static int
check_inputs(const struct cmxr_input *inputs, size_t n, struct cmx_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		if (inputs[i].snapshot == NULL)
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "cmxr_encode: inputs[%zu].snapshot is null", i);
		if (!cmxi_is_zero(inputs[i].reserved,
			sizeof(inputs[i].reserved)))
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "cmxr_encode: inputs[%zu].reserved is not 0", i);
		r = cmxr_labels_check(inputs[i].n_labels, inputs[i].labels,
		    err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Make the prefix text of every input, each in a buffer of its own. */
static bool
make_prefixes(const struct cmxr_input *inputs, size_t n,
    struct cmxi_prefix *prefixes)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		struct cmxi_buf text = { .data = NULL };

		for (size_t j = 0; j < inputs[i].n_labels; j++) {
			cmxi_buf_string(&text, j > 0 ? "," : "");
			cmxi_encode_label(&text, inputs[i].labels[j].name,
			    inputs[i].labels[j].value);
		}
		prefixes[i] = (struct cmxi_prefix){ inputs[i].labels,
			inputs[i].n_labels, text.data, text.size };
		ok &= !text.failed;
	}
	return ok;
}

static void
free_prefixes(struct cmxi_prefix *prefixes, size_t n)
{
	for (size_t i = 0; prefixes != NULL && i < n; i++)
		free((void *)(uintptr_t)prefixes[i].text);
	free(prefixes);
}

static bool
has_nulls(const char *const *texts, size_t n)
{
	if (n > 0 && texts == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if (texts[i] == NULL)
			return true;
	return false;
}

static int
check_arguments(const struct cmxr_input *inputs, size_t n_inputs,
    enum cmxr_format format, const struct cmxr_options *options,
    const struct cmxr_buffer *buffer, struct cmx_error *err)
{
	if (encoder_of(format) == NULL || buffer == NULL ||
	    (inputs == NULL && n_inputs > 0))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_encode: the format is unknown, or inputs or buffer is null");
	if (options != NULL &&
	    !cmxi_is_zero(options->reserved, sizeof(options->reserved)))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_encode: the options' reserved members are not 0");
	if (options != NULL &&
	    (has_nulls(options->globs, options->n_globs) ||
		has_nulls(options->names, options->n_names)))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_encode: a glob or a name of the options is null");
	return check_inputs(inputs, n_inputs, err);
}

/* Free what the encoding used.  Returns false where memory ended on the way. */
static bool
finish_encoding(struct encoding *e)
{
	bool ok = !e->failed && !e->out.b->failed && !e->out.scratch.failed &&
	    !e->out.values.failed && !e->out.buckets.failed;

	cmxi_exposed_fini(&e->shown);
	free((void *)(uintptr_t)e->families);
	free_prefixes(e->prefixes, e->n_inputs);
	cmxi_buf_fini(&e->out.scratch);
	cmxi_buf_fini(&e->out.values);
	cmxi_buf_fini(&e->out.buckets);
	return ok;
}

int
cmxr_encode(const struct cmxr_input *inputs, size_t n_inputs,
    enum cmxr_format format, const struct cmxr_options *options,
    struct cmxr_buffer *buffer, struct cmx_error *err)
{
	int r = check_arguments(inputs, n_inputs, format, options, buffer, err);
	struct cmxi_buf body;
	struct encoding e = { .inputs = inputs,
		.n_inputs = n_inputs,
		.encoder = encoder_of(format),
		.out = { .b = &body,
		    .with_created =
			options != NULL && options->with_created } };
	bool ok;

	if (r != 0)
		return r;
	/* Encode into the caller's buffer, whose memory is used again. */
	body = (struct cmxi_buf){ .data = buffer->data,
		.capacity = buffer->capacity };
	e.prefixes = calloc(n_inputs + 1, sizeof(*e.prefixes));
	ok = e.prefixes != NULL && make_prefixes(inputs, n_inputs, e.prefixes);
	if (ok)
		encode_all(&e, options);
	ok &= finish_encoding(&e);
	*buffer = (struct cmxr_buffer){ body.data, body.size, body.capacity };
	if (ok)
		return e.n_left_out;
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the body of %zu inputs", n_inputs);
}

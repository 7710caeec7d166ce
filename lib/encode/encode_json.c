/*
 * encode_json.c: JSON for scripts.
 *
 * One object: {"families": [{name, type, help, unit, labels, series: [...]}]}.
 * A series has its labels and a value; a histogram has count, sum and
 * cumulative buckets.  JSON has no NaN and no infinities: they are strings.
 * codeai-metrics(1) documents each key.  Not by jansson: that prints doubles
 * with 17 digits, and wants a tree of the whole body first.
 */
#include "encode/encode.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "family/rules.h"

static void
append_string(struct cmxi_buf *b, const char *s)
{
	static const char hex[] = "0123456789abcdef";

	cmxi_buf_char(b, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			cmxi_buf_char(b, '\\');
			cmxi_buf_char(b, *s);
		} else if (c == '\n') {
			cmxi_buf_string(b, "\\n");
		} else if (c < 0x20) {
			cmxi_buf_string(b, "\\u00");
			cmxi_buf_char(b, hex[c >> 4]);
			cmxi_buf_char(b, hex[c & 15]);
		} else {
			cmxi_buf_char(b, *s);
		}
	}
	cmxi_buf_char(b, '"');
}

/* Append a comma, unless the array that is open has no element yet. */
static void
separate(struct cmxi_buf *b)
{
	if (b->size > 0 && b->data[b->size - 1] != '[')
		cmxi_buf_char(b, ',');
}

static void
append_number(struct cmxi_buf *b, double v)
{
	if (isfinite(v)) {
		cmxi_buf_double(b, v);
		return;
	}
	cmxi_buf_char(b, '"');
	cmxi_buf_double(b, v);
	cmxi_buf_char(b, '"');
}

static void
append_member(struct cmxi_buf *b, const char *name, const char *value)
{
	cmxi_buf_string(b, ",\"");
	cmxi_buf_string(b, name);
	cmxi_buf_string(b, "\":");
	append_string(b, value);
}

static void
json_begin(struct cmxi_output *o)
{
	cmxi_buf_string(o->b, "{\"families\":[");
}

static void
json_family(struct cmxi_output *o, const struct cmxi_values *v)
{
	struct cmxi_buf *b = o->b;
	const struct cmx_family_def *def = v->def;

	separate(b);
	cmxi_buf_string(b, "\n{\"name\":");
	append_string(b, def->name);
	append_member(b, "type", cmx_type_name(def->type));
	append_member(b, "help", def->help);
	append_member(b, "unit", def->unit);
	if (def->type == CMX_GAUGE)
		append_member(b, "aggregate",
		    cmx_aggregate_name(def->aggregate));
	cmxi_buf_string(b, ",\"labels\":[");
	for (size_t i = 0; i < def->n_labels; i++) {
		if (i > 0)
			cmxi_buf_char(b, ',');
		append_string(b, def->labels[i]);
	}
	cmxi_buf_string(b, "],\"series\":[");
}

static void
append_pair(struct cmxi_buf *b, bool *comma, const char *name,
    const char *value)
{
	if (*comma)
		cmxi_buf_char(b, ',');
	*comma = true;
	append_string(b, name);
	cmxi_buf_char(b, ':');
	append_string(b, value);
}

/* Begin a series and write its labels. */
static void
append_labels(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, size_t series, const char *pid)
{
	const struct cmx_family_def *def = v->def;
	struct cmxi_buf *b = o->b;
	const struct cmxi_catalog_series *of = &v->family->series[series];
	const char *value;
	bool comma = false;

	o->scratch.size = 0;
	if (!cmxi_buf_reserve(&o->scratch, of->text_size + 1))
		return;
	cmxi_catalog_series_values(v->family, of, o->scratch.data);
	value = o->scratch.data;

	cmxi_buf_string(b, "\n  {\"labels\":{");
	for (size_t i = 0; i < prefix->n_labels; i++)
		append_pair(b, &comma, prefix->labels[i].name,
		    prefix->labels[i].value);
	for (size_t i = 0; i < def->n_labels; i++) {
		append_pair(b, &comma, def->labels[i], value);
		value += strlen(value) + 1;
	}
	if (pid != NULL)
		append_pair(b, &comma, "pid", pid);
	cmxi_buf_char(b, '}');
}

static void
append_histogram(struct cmxi_buf *b, const struct cmxi_values *v, size_t i)
{
	const struct cmxi_buckets *buckets = &v->family->buckets;
	const struct cmxi_pair *cells = cmxi_values_cells(v, i);
	double count = 0, sum = 0;
	size_t cell = 0;

	cmxi_buf_string(b, ",\"buckets\":[");
	for (size_t j = 0; j < buckets->n_shown; j++) {
		cmxi_buckets_next(buckets, cells, j, &cell, &count, &sum);
		cmxi_buf_string(b, j > 0 ? ",{\"le\":" : "{\"le\":");
		append_string(b, buckets->texts[j].text);
		cmxi_buf_string(b, ",\"count\":");
		append_number(b, count);
		cmxi_buf_char(b, '}');
	}
	cmxi_buf_string(b, "],\"count\":");
	append_number(b, count);
	cmxi_buf_string(b, ",\"sum\":");
	append_number(b, sum);
}

static void
append_value(struct cmxi_buf *b, const struct cmxi_values *v, size_t i)
{
	cmxi_buf_string(b, ",\"value\":");
	if (cmxi_values_is_whole(v))
		cmxi_buf_u64(b, v->whole[i]);
	else
		append_number(b, v->value[i]);
}

static void
append_each(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	struct cmxi_buf *b = o->b;
	char pid[CMXI_PID_TEXT_MAX];
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(v, &n);

	for (size_t i = 0; i < n; i++) {
		separate(b);
		cmxi_each_pid(&each[i], pid);
		append_labels(o, v, prefix, each[i].series, pid);
		cmxi_buf_string(b, ",\"value\":");
		append_number(b, each[i].value);
		cmxi_buf_char(b, '}');
	}
}

static void
json_series(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	struct cmxi_buf *b = o->b;
	const struct cmx_family_def *def = v->def;

	if (cmxi_def_is_each(def)) {
		append_each(o, v, prefix);
		return;
	}
	for (size_t i = 0; i < v->n_series; i++) {
		if (!cmxi_values_is_shown(v, i))
			continue;
		separate(b);
		append_labels(o, v, prefix, i, NULL);
		if (def->type == CMX_HISTOGRAM)
			append_histogram(b, v, i);
		else
			append_value(b, v, i);
		cmxi_buf_char(b, '}');
	}
}

static void
json_family_end(struct cmxi_output *o)
{
	cmxi_buf_string(o->b, "]}");
}

static void
json_end(struct cmxi_output *o)
{
	cmxi_buf_string(o->b, "\n]}\n");
}

const struct cmxi_encoder cmxi_encoder_json = {
	.content_type = "application/json; charset=utf-8",
	.begin = json_begin,
	.family = json_family,
	.series = json_series,
	.family_end = json_family_end,
	.end = json_end,
};

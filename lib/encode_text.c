/*
 * encode_text.c: Prometheus text format 0.0.4.  Level 8r.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats.  The bytes of
 * a series before its value are the same at each scrape, because Prometheus
 * recognises a series by them; no time stamps.
 */
#include "encode.h"

#include <string.h>

#include "number.h"

/* HELP escapes the backslash and the line feed, and not the quote. */
static void
append_help(struct cmxi_buf *b, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			cmxi_buf_string(b, "\\\\");
		else if (*help == '\n')
			cmxi_buf_string(b, "\\n");
		else
			cmxi_buf_char(b, *help);
	}
}

static void
text_begin(struct cmxi_buf *b)
{
	(void)b;
}

static void
text_family(struct cmxi_buf *b, const struct cmxi_values *v)
{
	const struct cmx_family_def *def = &v->family->d.def;

	cmxi_buf_string(b, "# HELP ");
	cmxi_buf_string(b, def->name);
	cmxi_buf_char(b, ' ');
	append_help(b, def->help);
	cmxi_buf_string(b, "\n# TYPE ");
	cmxi_buf_string(b, def->name);
	cmxi_buf_char(b, ' ');
	cmxi_buf_string(b, cmx_type_name(def->type));
	cmxi_buf_char(b, '\n');
}

/* What all lines of one family in one input share. */
struct line {
	struct cmxi_buf *b;
	const struct cmxi_values *v;
	const struct cmxi_prefix *prefix;
	size_t name_size;
};

/*
 * name + suffix + {prefix,labels,extra} + space.  extra is a label that the
 * format adds (le, pid), or null.
 */
static void
append_head(const struct line *l, const char *suffix,
    const struct cmxi_catalog_series *series, const char *extra_name,
    const char *extra_value)
{
	struct cmxi_buf *b = l->b;
	bool comma = false;

	cmxi_buf_bytes(b, l->v->family->d.def.name, l->name_size);
	cmxi_buf_string(b, suffix);
	if (l->prefix->text_size + series->text_size > 0 ||
	    extra_name != NULL) {
		cmxi_buf_char(b, '{');
		if (l->prefix->text_size > 0) {
			cmxi_buf_bytes(b, l->prefix->text,
			    l->prefix->text_size);
			comma = true;
		}
		if (series->text_size > 0) {
			if (comma)
				cmxi_buf_char(b, ',');
			cmxi_buf_bytes(b, series->text, series->text_size);
			comma = true;
		}
		if (extra_name != NULL) {
			if (comma)
				cmxi_buf_char(b, ',');
			cmxi_encode_label(b, extra_name, extra_value);
		}
		cmxi_buf_char(b, '}');
	}
	cmxi_buf_char(b, ' ');
}

/*
 * A counter's or gauge's line.  The commonest line of a scrape: the memory is
 * asked for once, and nothing is measured twice.
 */
static void
append_sample(const struct line *l, size_t i)
{
	const struct cmxi_catalog_series *series = &l->v->family->series[i];

	append_head(l, "", series, NULL, NULL);
	if (l->v->family->d.def.type == CMX_COUNTER &&
	    !l->v->family->d.def.is_double)
		cmxi_buf_u64(l->b, l->v->whole[i]);
	else
		cmxi_buf_double(l->b, l->v->value[i]);
	cmxi_buf_char(l->b, '\n');
}

/* Cumulative buckets; +Inf and _count are one number by construction. */
static void
append_histogram(const struct line *l, size_t i)
{
	const struct cmxi_catalog_series *series = &l->v->family->series[i];
	const struct cmxi_pair *pairs = &l->v->pairs[i * l->v->n_buckets];
	double count = 0, sum = 0;

	for (size_t j = 0; j < l->v->n_buckets; j++) {
		count += pairs[j].count;
		sum += pairs[j].sum;
		append_head(l, "_bucket", series, "le", l->v->bound_texts[j]);
		cmxi_buf_double(l->b, count);
		cmxi_buf_char(l->b, '\n');
	}
	append_head(l, "_sum", series, NULL, NULL);
	cmxi_buf_double(l->b, sum);
	cmxi_buf_char(l->b, '\n');
	append_head(l, "_count", series, NULL, NULL);
	cmxi_buf_double(l->b, count);
	cmxi_buf_char(l->b, '\n');
}

static void
append_each(const struct line *l)
{
	const struct cmxi_each *each =
	    (const struct cmxi_each *)(const void *)l->v->each.data;
	size_t n = l->v->each.size / sizeof(*each);
	char pid[CMXI_NUMBER_MAX];

	for (size_t i = 0; i < n; i++) {
		pid[cmxi_u64_to_text(each[i].pid, pid)] = '\0';
		append_head(l, "", &l->v->family->series[each[i].series], "pid",
		    pid);
		cmxi_buf_double(l->b, each[i].value);
		cmxi_buf_char(l->b, '\n');
	}
}

static void
text_series(struct cmxi_buf *b, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	const struct cmx_family_def *def = &v->family->d.def;
	struct line line = { b, v, prefix, strlen(def->name) };

	if (def->type == CMX_GAUGE && def->aggregate == CMX_EACH) {
		append_each(&line);
		return;
	}
	for (size_t i = 0; i < v->n_series; i++) {
		if (!cmxi_values_is_shown(v, i))
			continue;
		if (def->type == CMX_HISTOGRAM)
			append_histogram(&line, i);
		else
			append_sample(&line, i);
	}
}

static void
text_end(struct cmxi_buf *b)
{
	(void)b;
}

const struct cmxi_encoder cmxi_encoder_text = {
	.content_type = "text/plain; version=0.0.4; charset=utf-8",
	.begin = text_begin,
	.family = text_family,
	.series = text_series,
	.family_end = text_end,
	.end = text_end,
};

/*
 * encode_text.c: Prometheus text format 0.0.4, and OpenMetrics 1.0.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats and
 * prometheus.io/docs/specs/om/open_metrics_spec.  Prometheus recognises a
 * series by the bytes before its value, so these are the same at each scrape.
 * No time stamps are written.
 */
#include "encode/encode.h"

#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "family/name.h"
#include "family/rules.h"
#include "segment/exemplar.h"

#define NS_PER_MS 1000000

/*
 * HELP escapes the backslash and the line feed.  OpenMetrics escapes the quote
 * too.  A carriage return, which some take for the end of a line, is a blank.
 */
static void
append_help(struct cmxi_buf *b, const char *help, bool is_openmetrics)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			cmxi_buf_string(b, "\\\\");
		else if (*help == '\n')
			cmxi_buf_string(b, "\\n");
		else if (*help == '\r')
			cmxi_buf_char(b, ' ');
		else if (*help == '"' && is_openmetrics)
			cmxi_buf_string(b, "\\\"");
		else
			cmxi_buf_char(b, *help);
	}
}

/* The constant parts of all lines of one family in one input. */
struct line {
	struct cmxi_buf *b;
	const struct cmxi_values *v;
	const struct cmxi_prefix *prefix;
	bool is_openmetrics;
	bool with_created;
	size_t name_size;   /* of the name that suffixes are put behind */
	const char *suffix; /* of a counter's or gauge's sample */
};

/* Write "# WORD name text". */
static void
append_meta(const struct line *l, const char *word, const char *text)
{
	cmxi_buf_string(l->b, word);
	cmxi_buf_bytes(l->b, l->v->def->name, l->name_size);
	cmxi_buf_char(l->b, ' ');
	cmxi_buf_string(l->b, text);
	cmxi_buf_char(l->b, '\n');
}

/* Does the family's name, without a counter's suffix, end in _unit? */
static bool
ends_in_unit(const struct line *l)
{
	const struct cmx_family_def *def = l->v->def;
	size_t n = strlen(def->unit);

	return n > 0 && l->name_size > n + 1 &&
	    def->name[l->name_size - n - 1] == '_' &&
	    memcmp(def->name + l->name_size - n, def->unit, n) == 0;
}

/*
 * OpenMetrics names a counter's family without _total and its samples with it,
 * whether or not the schema's name has the suffix.
 */
static struct line
make_line(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, bool is_openmetrics)
{
	const struct cmx_family_def *def = v->def;
	struct line l = { o->b, v, prefix, is_openmetrics,
		is_openmetrics && o->with_created, strlen(def->name), "" };

	if (def->type != CMX_COUNTER || !is_openmetrics)
		return l;
	l.suffix = "_total";
	if (cmxi_name_ends_with(def->name, l.suffix))
		l.name_size -= strlen(l.suffix);
	return l;
}

static void
append_family(struct cmxi_output *o, const struct cmxi_values *v,
    bool is_openmetrics)
{
	const struct cmx_family_def *def = v->def;
	struct line l = make_line(o, v, NULL, is_openmetrics);

	cmxi_buf_string(o->b, "# HELP ");
	cmxi_buf_bytes(o->b, def->name, l.name_size);
	cmxi_buf_char(o->b, ' ');
	append_help(o->b, def->help, is_openmetrics);
	cmxi_buf_char(o->b, '\n');
	append_meta(&l, "# TYPE ", cmx_type_name(def->type));
	if (is_openmetrics && ends_in_unit(&l))
		append_meta(&l, "# UNIT ", def->unit);
}

/*
 * Write name, suffix, {prefix,labels,extra} and a blank.  extra is a label that
 * the format adds (le, pid), or null.
 */
static void
append_head(const struct line *l, const char *suffix,
    const struct cmxi_catalog_series *series, const char *extra_name,
    const char *extra_value)
{
	struct cmxi_buf *b = l->b;
	bool comma = false;

	cmxi_buf_bytes(b, l->v->def->name, l->name_size);
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

/* Write nanoseconds as seconds with three decimals and no exponent. */
static void
append_time(struct cmxi_buf *b, uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS % 1000;
	char digits[4] = { '.', (char)('0' + ms / 100),
		(char)('0' + ms / 10 % 10), (char)('0' + ms % 10) };

	cmxi_buf_u64(b, ns / CMXI_NS_PER_SECOND);
	cmxi_buf_bytes(b, digits, sizeof(digits));
}

/* Write " # {labels} value time" for an exemplar. */
static void
append_exemplar(const struct line *l, size_t series, size_t slot)
{
	const struct cmxi_shm_exemplar *e =
	    cmxi_encode_exemplar(l->v, series, slot);
	struct cmx_label pair;
	size_t p = 0;

	/* Python's parser takes the first } for the end, in quotes too. */
	if (e == NULL || memchr(e->pairs, '}', e->size) != NULL)
		return;
	cmxi_buf_string(l->b, " # {");
	while (p < e->size && cmxi_exemplar_next(e, &p, &pair)) {
		if (l->b->data[l->b->size - 1] != '{')
			cmxi_buf_char(l->b, ',');
		cmxi_encode_label(l->b, pair.name, pair.value);
	}
	cmxi_buf_string(l->b, "} ");
	cmxi_buf_double(l->b, e->value);
	cmxi_buf_char(l->b, ' ');
	append_time(l->b, e->time_ns);
}

static void
append_created(const struct line *l, size_t i)
{
	append_head(l, "_created", &l->v->family->series[i], NULL, NULL);
	append_time(l->b, cmxi_values_created(l->v, i));
	cmxi_buf_char(l->b, '\n');
}

/* Write the line of a counter or gauge, the commonest line of a scrape. */
static void
append_sample(const struct line *l, size_t i)
{
	const struct cmx_family_def *def = l->v->def;

	append_head(l, l->suffix, &l->v->family->series[i], NULL, NULL);
	if (cmxi_values_is_whole(l->v))
		cmxi_buf_u64(l->b, l->v->whole[i]);
	else
		cmxi_buf_double(l->b, l->v->value[i]);
	if (l->is_openmetrics && def->has_exemplars)
		append_exemplar(l, i, 0);
	cmxi_buf_char(l->b, '\n');
	if (l->with_created && def->type == CMX_COUNTER)
		append_created(l, i);
}

/*
 * OpenMetrics has no _sum where a bucket holds observations below 0, and no
 * _count without _sum.
 */
static bool
has_sum(const struct line *l, double sum)
{
	const struct cmxi_definition *d = &l->v->family->definition;

	return !l->is_openmetrics ||
	    (sum >= 0 && (d->n_shown == 0 || d->shown[0] >= 0));
}

/*
 * Write cumulative buckets.  +Inf and _count are the same number by
 * construction.
 */
static void
append_histogram(const struct line *l, size_t i)
{
	const struct cmxi_catalog_series *series = &l->v->family->series[i];
	const struct cmxi_buckets *buckets = &l->v->family->buckets;
	const struct cmxi_pair *cells = cmxi_values_cells(l->v, i);
	double count = 0, sum = 0;
	size_t cell = 0;

	for (size_t j = 0; j < buckets->n_shown; j++) {
		const struct cmxi_bound_text *t = &buckets->texts[j];

		cmxi_buckets_next(buckets, cells, j, &cell, &count, &sum);
		append_head(l, "_bucket", series, "le",
		    l->is_openmetrics ? t->openmetrics : t->text);
		cmxi_buf_double(l->b, count);
		if (l->is_openmetrics && l->v->def->has_exemplars)
			append_exemplar(l, i, j);
		cmxi_buf_char(l->b, '\n');
	}
	if (has_sum(l, sum)) {
		append_head(l, "_sum", series, NULL, NULL);
		cmxi_buf_double(l->b, sum);
		cmxi_buf_char(l->b, '\n');
		append_head(l, "_count", series, NULL, NULL);
		cmxi_buf_double(l->b, count);
		cmxi_buf_char(l->b, '\n');
	}
	if (l->with_created)
		append_created(l, i);
}

static void
append_each(const struct line *l)
{
	char pid[CMXI_PID_TEXT_MAX];
	size_t n;
	const struct cmxi_each *each = cmxi_values_each(l->v, &n);

	for (size_t i = 0; i < n; i++) {
		cmxi_each_pid(&each[i], pid);
		append_head(l, "", &l->v->family->series[each[i].series], "pid",
		    pid);
		cmxi_buf_double(l->b, each[i].value);
		cmxi_buf_char(l->b, '\n');
	}
}

static void
append_series(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix, bool is_openmetrics)
{
	const struct cmx_family_def *def = v->def;
	struct line line = make_line(o, v, prefix, is_openmetrics);

	if (cmxi_def_is_each(def)) {
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
text_family(struct cmxi_output *o, const struct cmxi_values *v)
{
	append_family(o, v, false);
}

static void
text_series(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	append_series(o, v, prefix, false);
}

static void
openmetrics_family(struct cmxi_output *o, const struct cmxi_values *v)
{
	append_family(o, v, true);
}

static void
openmetrics_series(struct cmxi_output *o, const struct cmxi_values *v,
    const struct cmxi_prefix *prefix)
{
	append_series(o, v, prefix, true);
}

static void
nothing(struct cmxi_output *o)
{
	(void)o;
}

static void
openmetrics_end(struct cmxi_output *o)
{
	cmxi_buf_string(o->b, "# EOF\n");
}

const struct cmxi_encoder cmxi_encoder_text = {
	.content_type = "text/plain; version=0.0.4; charset=utf-8",
	.begin = nothing,
	.family = text_family,
	.series = text_series,
	.family_end = nothing,
	.end = nothing,
};

const struct cmxi_encoder cmxi_encoder_openmetrics = {
	.content_type =
	    "application/openmetrics-text; version=1.0.0; charset=utf-8",
	.begin = nothing,
	.family = openmetrics_family,
	.series = openmetrics_series,
	.family_end = nothing,
	.end = openmetrics_end,
};

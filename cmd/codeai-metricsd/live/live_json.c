/*
 * live_json.c: what the page is told.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "watch/groups.h"
#include "watch/json_number.h"

/* A rate or an estimate: more digits tell nothing. */
static json_t *
rounded(double v)
{
	double scale;

	if (!isfinite(v) || v == 0)
		return json_number(v);
	scale = pow(10, 5 - floor(log10(fabs(v))));
	return json_number(isfinite(scale) && fabs(v) < 1e6 ?
		round(v * scale) / scale :
		round(v));
}

static json_t *
text_of(const char *text)
{
	char *copy = legal_text(text);
	json_t *json = json_string(copy != NULL ? copy : "");

	free(copy);
	return json;
}

/* The groups that come first */

struct ranked {
	size_t group;
	double weight;
};

static int
compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->weight > y->weight ? -1 :
	    x->weight < y->weight    ? 1 :
	    x->group < y->group      ? -1 :
				       1;
}

/* What is busiest comes first; of gauges the largest. */
static double
weight_of(const struct tally *t, size_t group)
{
	double grown = tally_growth(t, group);

	if (tally_is_rest(t, group))
		return -INFINITY;
	if (tally_family(t)->def.type == CMX_GAUGE || isnan(grown))
		return tally_total(t, group);
	/* Among those that rest, what was busy comes first. */
	return grown > 0 ? grown : -1 / (1 + tally_total(t, group));
}

/* Keep the best in the order of a heap whose root is the worst of them. */
static void
sift_down(struct ranked *heap, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct ranked swap = heap[i];

		if (child + 1 < n &&
		    compare(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (compare(&heap[child], &heap[i]) <= 0)
			return;
		heap[i] = heap[child];
		heap[child] = swap;
	}
}

/* Returns how many there are, at most @top, in their order. */
static size_t
rank(const struct tally *t, size_t top, struct ranked best[LIVE_TOP_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < tally_n_groups(t); i++) {
		struct ranked r = { i, 0 };

		if (!tally_is_there(t, i))
			continue;
		r.weight = weight_of(t, i);
		if (n < top) {
			best[n++] = r;
			for (size_t j = n == top ? n / 2 : 0; j-- > 0;)
				sift_down(best, n, j);
		} else if (compare(&r, &best[0]) < 0) {
			best[0] = r;
			sift_down(best, n, 0);
		}
	}
	qsort(best, n, sizeof(*best), compare);
	return n;
}

/* /api/v1/live */

static json_t *
numbers(const double *values, size_t n)
{
	json_t *to = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(to, json_number(values[i]));
	return to;
}

/* How many observations each bucket got; null: not known. */
static json_t *
buckets_json(const struct tally *t, size_t group)
{
	size_t n = tally_family(t)->n_bounds + 1;
	double *counts = calloc(n, sizeof(*counts));
	json_t *to = counts != NULL && tally_counts_growth(t, group, counts) ?
	    numbers(counts, n) :
	    json_null();

	free(counts);
	return to;
}

static void
add_histogram(json_t *to, const struct tally *t, size_t group)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p95", 0.95 },
		{ "p99", 0.99 } };

	json_object_set_new(to, "sum", json_number(tally_sum(t, group)));
	json_object_set_new(to, "mean",
	    rounded(tally_sum_growth(t, group) / tally_growth(t, group)));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		json_object_set_new(to, quantiles[i].name,
		    rounded(tally_quantile(t, group, quantiles[i].q)));
	if (tally_n_by(t) == 0)
		json_object_set_new(to, "buckets", buckets_json(t, group));
}

static json_t *
group_json(const struct tally *t, size_t group)
{
	enum cmx_type type = tally_family(t)->def.type;
	json_t *values = json_array(), *to = json_object();

	for (size_t i = 0; i < tally_n_by(t); i++)
		json_array_append_new(values,
		    json_string(tally_value(t, group, i)));
	json_object_set_new(to, "values", values);
	if (tally_is_rest(t, group))
		json_object_set_new(to, "rest", json_true());
	json_object_set_new(to, "n_series",
	    json_integer((json_int_t)tally_n_series(t, group)));
	json_object_set_new(to, type == CMX_HISTOGRAM ? "count" : "value",
	    json_number(tally_total(t, group)));
	if (type != CMX_GAUGE)
		json_object_set_new(to, "rate",
		    rounded(tally_growth(t, group) / tally_seconds(t)));
	if (type == CMX_HISTOGRAM)
		add_histogram(to, t, group);
	return to;
}

static json_t *
strings(const char *const *texts, size_t n)
{
	json_t *to = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(to, json_string(texts[i]));
	return to;
}

static void
add_definition(json_t *to, const struct cmx_family_def *def)
{
	json_object_set_new(to, "family", json_string(def->name));
	json_object_set_new(to, "type", json_string(cmx_type_name(def->type)));
	if (def->type == CMX_GAUGE)
		json_object_set_new(to, "aggregate",
		    json_string(cmx_aggregate_name(def->aggregate)));
	json_object_set_new(to, "unit",
	    json_string(def->unit != NULL ? def->unit : ""));
	json_object_set_new(to, "help",
	    json_string(def->help != NULL ? def->help : ""));
	json_object_set_new(to, "labels", strings(def->labels, def->n_labels));
}

static size_t
count_there(const struct tally *t)
{
	size_t n = 0;

	for (size_t i = 0; i < tally_n_groups(t); i++)
		n += tally_is_there(t, i);
	return n;
}

static void
add_result(json_t *to, const struct tally *t, size_t top)
{
	const struct cmxr_family *f = tally_family(t);
	struct ranked best[LIVE_TOP_MAX];
	json_t *by = json_array(), *groups = json_array();
	size_t n = rank(t, top, best);

	add_definition(to, &f->def);
	for (size_t i = 0; i < tally_n_by(t); i++)
		json_array_append_new(by, text_of(tally_by(t, i)));
	json_object_set_new(to, "by", by);
	if (f->def.type == CMX_HISTOGRAM)
		json_object_set_new(to, "bounds",
		    numbers(f->bounds, f->n_bounds));
	json_object_set_new(to, "seconds", rounded(tally_seconds(t)));
	json_object_set_new(to, "n_groups",
	    json_integer((json_int_t)count_there(t)));
	json_object_set_new(to, "n_left_out",
	    json_integer((json_int_t)tally_n_left_out(t)));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(groups, group_json(t, best[i].group));
	json_object_set_new(to, "groups", groups);
}

static char *
text_of_json(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(16));

	json_decref(json);
	return text;
}

/* One that is refused, new, or of a family that no segment has yet. */
static char *
empty_answer(const char *query, const char *reason)
{
	json_t *to = json_object();

	json_object_set_new(to, "query", text_of(query));
	if (reason != NULL)
		json_object_set_new(to, "error", json_string(reason));
	return text_of_json(to);
}

static char *
make_answer(const struct watched *w, size_t top)
{
	json_t *to = json_object();

	json_object_set_new(to, "query", text_of(w->text));
	add_result(to, w->tally, top);
	return text_of_json(to);
}

/* The answer of a sample is made once, whoever asks how often. */
static void
print_answer(FILE *out, struct live *live, const struct live_want *want,
    const char *query)
{
	const char *reason = NULL;
	struct watched *w = live_watch(live, want, query, &reason);
	char *empty = NULL;

	if (w != NULL && w->has_sample && tally_family(w->tally) != NULL) {
		if (w->top != want->top) {
			free(w->answer);
			w->answer = NULL;
		}
		if (w->answer == NULL)
			w->answer = make_answer(w, want->top);
		w->top = want->top;
	} else
		empty = empty_answer(query, w == NULL ? reason : NULL);
	if (empty == NULL && (w == NULL || w->answer == NULL))
		fputs("{}", out);
	else
		fputs(empty != NULL ? empty : w->answer, out);
	free(empty);
}

static void
print_live(FILE *out, struct live *live, const struct live_want *want)
{
	const char *reason;

	live_forget(live);
	/* The sample that may be due has them too. */
	for (size_t i = 0; i < want->n_queries; i++)
		live_watch(live, want, want->queries[i], &reason);
	live_sample(live);
	fprintf(out,
	    "{\"time\":%.6f,\"next\":%.6f,\"version\":\"" CMX_VERSION
	    "\",\"results\":[",
	    (double)live->wall_ns / (double)NS_PER_SECOND,
	    (double)live_rest_ns(live) / (double)NS_PER_SECOND);
	for (size_t i = 0; i < want->n_queries; i++) {
		fputs(i > 0 ? "," : "", out);
		print_answer(out, live, want, want->queries[i]);
	}
	fputs("]}", out);
}

char *
live_json(struct live *live, const struct live_want *want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	pthread_mutex_lock(&live->lock);
	print_live(out, live, want);
	pthread_mutex_unlock(&live->lock);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* /api/v1/families */

/* Is the name new?  What is listed is a group of its name. */
static bool
is_new(struct groups *listed, const char *name)
{
	size_t size = strlen(name) + 1;
	uint64_t hash = groups_hash(listed, name, size);

	return groups_find(listed, name, size, hash) == NO_GROUP &&
	    groups_add(listed, name, size, hash) != NO_GROUP;
}

static bool
is_match(const struct cmx_family_def *def, const char *match)
{
	return match == NULL || strcasestr(def->name, match) != NULL ||
	    (def->help != NULL && strcasestr(def->help, match) != NULL);
}

static json_t *
family_json(const struct cmxr_family *f)
{
	json_t *to = json_object();

	add_definition(to, &f->def);
	json_object_set_new(to, "n_series",
	    json_integer((json_int_t)f->n_series));
	return to;
}

static void
list_families(const struct cmxr_snapshot *snapshot, const char *match,
    struct groups *listed, json_t *list)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;

		cmxr_snapshot_family(snapshot, i, &f);
		if (is_match(&f.def, match) && is_new(listed, f.def.name) &&
		    listed->n <= LIVE_MATCHES_MAX)
			json_array_append_new(list, family_json(&f));
	}
}

char *
families_json(struct live *live, const struct live_want *want)
{
	json_t *to = json_object(), *list = json_array();
	const struct fleet *fleet = collector_hold(live->collector);
	struct groups listed = { .n = 0 };

	for (size_t i = 0; i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);

		if (live_is_asked_for(live_segment(want), s))
			list_families(s->snapshot, want->match, &listed, list);
	}
	collector_let_go(live->collector);
	json_object_set_new(to, "n_families",
	    json_integer((json_int_t)listed.n));
	json_object_set_new(to, "families", list);
	groups_fini(&listed);
	return text_of_json(to);
}

/* /api/v1/segments */

static json_t *
statistics_json(const struct source *s)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;
	json_t *to = json_object();

	for (size_t i = 0;
	     i < STATISTICS_MAX && (of = cmxr_statistic_next(&cursor)) != NULL;
	     i++)
		json_object_set_new(to, of->name,
		    json_integer((json_int_t)s->statistics[i]));
	return to;
}

static json_t *
segment_json(const struct source *s, bool is_wanted)
{
	json_t *to = json_object(), *labels = json_object();

	json_object_set_new(to, "path", text_of(s->name));
	for (size_t i = 0; i < s->labels.n; i++)
		json_object_set_new(labels, s->labels.at[i].name,
		    text_of(s->labels.at[i].value));
	json_object_set_new(to, "labels", labels);
	json_object_set_new(to, "up", json_boolean(s->snapshot != NULL));
	if (s->snapshot == NULL || !is_wanted)
		return to;
	json_object_set_new(to, "created",
	    json_number((double)(s->info.created_ns / NS_PER_SECOND)));
	json_object_set_new(to, "read_seconds", rounded(s->seconds));
	json_object_set_new(to, "rseq", json_string(s->info.rseq));
	json_object_set_new(to, "statistics", statistics_json(s));
	return to;
}

/* All by name; the statistics of the one that is asked for, or of the first. */
char *
segments_json(struct live *live, const struct live_want *want)
{
	json_t *to = json_object(), *list = json_array();
	const struct fleet *fleet = collector_hold(live->collector);
	bool has_one = false;

	for (size_t i = 0; i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);
		bool is_wanted = want->segment != NULL ?
		    strcmp(want->segment, s->name) == 0 :
		    !has_one && s->snapshot != NULL;

		if (s->is_left_out)
			continue;
		has_one = has_one || is_wanted;
		json_array_append_new(list, segment_json(s, is_wanted));
	}
	collector_let_go(live->collector);
	json_object_set_new(to, "segments", list);
	return text_of_json(to);
}

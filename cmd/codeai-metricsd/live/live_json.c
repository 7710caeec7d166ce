/*
 * live_json.c: the answers to queries.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "watch/json_number.h"

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
	    json_rounded(tally_sum_growth(t, group) / tally_growth(t, group)));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		json_object_set_new(to, quantiles[i].name,
		    json_rounded(tally_quantile(t, group, quantiles[i].q)));
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
		    json_rounded(tally_growth(t, group) / tally_seconds(t)));
	if (type == CMX_HISTOGRAM)
		add_histogram(to, t, group);
	return to;
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

	json_add_definition(to, &f->def);
	for (size_t i = 0; i < tally_n_by(t); i++)
		json_array_append_new(by, json_text(tally_by(t, i)));
	json_object_set_new(to, "by", by);
	if (f->def.type == CMX_HISTOGRAM)
		json_object_set_new(to, "bounds",
		    numbers(f->bounds, f->n_bounds));
	json_object_set_new(to, "seconds", json_rounded(tally_seconds(t)));
	json_object_set_new(to, "n_groups",
	    json_integer((json_int_t)count_there(t)));
	json_object_set_new(to, "n_left_out",
	    json_integer((json_int_t)tally_n_left_out(t)));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(groups, group_json(t, best[i].group));
	json_object_set_new(to, "groups", groups);
}

/* One that is refused, new, or of a family that no segment has yet. */
static char *
empty_answer(const char *query, const char *reason)
{
	json_t *to = json_object();

	json_object_set_new(to, "query", json_text(query));
	if (reason != NULL)
		json_object_set_new(to, "error", json_string(reason));
	return json_print(to);
}

static char *
make_answer(const struct watched *w, size_t top)
{
	json_t *to = json_object();

	json_object_set_new(to, "query", json_text(w->text));
	add_result(to, w->tally, top);
	return json_print(to);
}

/* A query of this request: what watches it, or why nothing does. */
struct asked {
	struct watched *watched;
	const char *reason;
};

/* The answer of a sample is made once, whoever asks how often. */
static const char *
answer_of(struct watched *w, size_t top)
{
	if (w->answer == NULL || w->top != top) {
		free(w->answer);
		w->answer = make_answer(w, top);
		w->top = top;
	}
	return w->answer;
}

/* Without memory for it an answer is empty. */
static void
print_answer(FILE *out, const char *query, const struct asked *a, size_t top)
{
	struct watched *w = a->watched;
	char *empty = NULL;
	const char *answer;

	if (w != NULL && w->has_sample && tally_family(w->tally) != NULL)
		answer = answer_of(w, top);
	else
		answer = empty = empty_answer(query, a->reason);
	fputs(answer != NULL ? answer : "{}", out);
	free(empty);
}

static void
print_live(FILE *out, struct live *live, const struct live_want *want)
{
	struct asked asked[LIVE_QUERIES_MAX] = { { NULL, NULL } };

	live_forget(live);
	/* The sample that may be due has them too. */
	for (size_t i = 0; i < want->n_queries; i++)
		asked[i].watched =
		    live_watch(live, want, want->queries[i], &asked[i].reason);
	live_sample(live);
	fprintf(out,
	    "{\"time\":%.6f,\"next\":%.6f,\"version\":\"" CMX_VERSION
	    "\",\"results\":[",
	    (double)live->wall_ns / (double)NS_PER_SECOND,
	    (double)live_rest_ns(live) / (double)NS_PER_SECOND);
	for (size_t i = 0; i < want->n_queries; i++) {
		fputs(i > 0 ? "," : "", out);
		print_answer(out, want->queries[i], &asked[i], want->top);
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

/*
 * diff.c: two snapshots, and what has changed between them.
 */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "../clock.h"
#include "../cmd.h"
#include "../progress.h"
#include "dump.h"
#include "watch/groups.h"
#include "watch/json_number.h"
#include "watch/tally.h"

/* A series, and what it has done. */
struct change {
	const struct cmxr_family *family;
	const struct tally *tally;
	size_t group;
	double growth, rate, mean, p50, p95, p99; /* NaN: it has none */
};

static struct tally *
new_tally(const char *name)
{
	struct tally *t =
	    tally_new(&(struct tally_query){ .family = name, .by_all = true });

	if (t == NULL)
		err(FAILED, "dump");
	return t;
}

/* The tallies of the families that are wanted. */
struct tallies {
	struct tally **at;
	size_t n;
	struct groups names; /* numbered as they are */
};

/* A family that is new had nothing in a sample of @before, if that is not 0. */
static void
add_family(struct tallies *t, const char *name, uint64_t before)
{
	bool is_new;
	uint32_t number = groups_number(&t->names, name, &is_new);

	if (number != NO_GROUP && !is_new)
		return;
	if (number == NO_GROUP ||
	    !grow_array(&t->at, t->n + 1, sizeof(struct tally *)))
		err(FAILED, "dump");
	t->at[t->n] = new_tally(name);
	if (before != 0) {
		tally_begin(t->at[t->n], before, 1);
		tally_end(t->at[t->n]);
	}
	t->n++;
}

static void
sample(struct tallies *t, const struct cmxr_snapshot *snapshot,
    const struct filter *f, uint64_t now, uint64_t before)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family family;

		cmxr_snapshot_family(snapshot, i, &family);
		if (filter_wants_family(f, family.def.name))
			add_family(t, family.def.name, before);
	}
	for (size_t i = 0; i < t->n; i++) {
		tally_begin(t->at[i], now, 1);
		if (!tally_add(t->at[i], snapshot, 0, NULL))
			err(FAILED, "dump");
		tally_end(t->at[i]);
	}
}

static void
free_tallies(struct tallies *t)
{
	for (size_t i = 0; i < t->n; i++)
		tally_free(t->at[i]);
	free(t->at);
	groups_fini(&t->names);
}

static const char *
value_of_group(const void *arg, const char *label)
{
	const struct change *c = arg;

	for (size_t i = 0; i < tally_n_by(c->tally); i++)
		if (strcmp(tally_by(c->tally, i), label) == 0)
			return tally_value(c->tally, c->group, i);
	return NULL;
}

/* Of a gauge, how much it has risen. */
static struct change
change_of(const struct tally *t, size_t group)
{
	struct change c = { .family = tally_family(t),
		.tally = t,
		.group = group,
		.p50 = tally_quantile(t, group, 0.5),
		.p95 = tally_quantile(t, group, 0.95),
		.p99 = tally_quantile(t, group, 0.99) };

	c.growth = c.family->def.type == CMX_GAUGE ? tally_rise(t, group) :
						     tally_growth(t, group);
	c.rate = c.growth / tally_seconds(t);
	c.mean = tally_sum_growth(t, group) / c.growth;
	return c;
}

/* Forms */

static void
print_row(const struct change *c)
{
	const double numbers[] = { c->growth, c->rate, c->mean, c->p50, c->p95,
		c->p99 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (isnan(numbers[i]))
			printf("%11s ", "-");
		else
			printf("%11.6g ", numbers[i]);
	printf(" %s", c->family->def.name);
	for (size_t i = 0; i < tally_n_by(c->tally); i++) {
		char *value = strdup(tally_value(c->tally, c->group, i));

		if (value == NULL)
			err(FAILED, "dump");
		make_printable(value);
		printf("%s%s=\"%s\"%s", i > 0 ? "," : "{",
		    tally_by(c->tally, i), value,
		    i + 1 == tally_n_by(c->tally) ? "}" : "");
		free(value);
	}
	putchar('\n');
}

static void
print_csv_row(const struct change *c)
{
	const char *names[CMX_LABELS_MAX + 1], *values[CMX_LABELS_MAX + 1];
	const double numbers[] = { c->growth, c->rate, c->mean, c->p50, c->p95,
		c->p99 };
	size_t n = tally_n_by(c->tally);

	for (size_t i = 0; i < n; i++) {
		names[i] = tally_by(c->tally, i);
		values[i] = tally_value(c->tally, c->group, i);
	}
	printf("%s,%s,", c->family->def.name,
	    cmx_type_name(c->family->def.type));
	print_csv_labels(n, names, values);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		print_csv_number(numbers[i]);
	fputs("\r\n", stdout);
}

static void
add_json(json_t *list, const struct change *c)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < tally_n_by(c->tally); i++)
		json_object_set_new(labels, tally_by(c->tally, i),
		    json_string(tally_value(c->tally, c->group, i)));
	json_array_append_new(list,
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		c->family->def.name, "type", cmx_type_name(c->family->def.type),
		"labels", labels, "growth", json_number(c->growth), "rate",
		json_number(c->rate), "mean", json_number(c->mean), "p50",
		json_number(c->p50), "p95", json_number(c->p95), "p99",
		json_number(c->p99)));
}

/* What has not changed is left out. */
static void
print_changes(const struct tallies *t, const struct filter *f,
    enum diff_form form, json_t *list)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; tally_family(t->at[i]) != NULL &&
		     j < tally_n_groups(t->at[i]);
		     j++) {
			struct change c = change_of(t->at[i], j);

			if (isnan(c.growth) || c.growth == 0 ||
			    !filter_wants(f, c.family->def.name, value_of_group,
				&c))
				continue;
			if (form == DIFF_JSON)
				add_json(list, &c);
			else if (form == DIFF_CSV)
				print_csv_row(&c);
			else
				print_row(&c);
		}
}

static void
print_all(const struct tallies *t, const struct filter *f, enum diff_form form)
{
	json_t *list = json_array();

	if (form == DIFF_CSV)
		fputs("name,type,labels,growth,rate,mean,p50,p95,p99\r\n",
		    stdout);
	else if (form == DIFF_TABLE)
		printf("%11s %11s %11s %11s %11s %11s  %s\n", "GROWTH", "RATE",
		    "MEAN", "P50", "P95", "P99", "SERIES");
	print_changes(t, f, form, list);
	if (form == DIFF_JSON) {
		json_dumpf(list, stdout,
		    JSON_INDENT(2) | JSON_PRESERVE_ORDER |
			JSON_REAL_PRECISION(15));
		putchar('\n');
	}
	json_decref(list);
}

int
print_diff(struct cmxr_reader *reader, const struct cmxr_snapshot *snapshot,
    const struct filter *f, double seconds, enum diff_form form)
{
	struct tallies tallies = { .n = 0 };
	uint64_t begun = clock_ns(CLOCK_MONOTONIC);
	struct cmx_error error;
	int r;

	sample(&tallies, snapshot, f, begun, 0);
	progress_sleep("waiting", seconds);
	if (cmxr_snapshot_take(reader, &snapshot, &error) != 0)
		r = fail(&error);
	else {
		sample(&tallies, snapshot, f, clock_ns(CLOCK_MONOTONIC), begun);
		print_all(&tallies, f, form);
		r = finish_output();
	}
	free_tallies(&tallies);
	return r;
}

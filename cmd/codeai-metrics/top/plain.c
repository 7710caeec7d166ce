/*
 * plain.c: rows as lines of text, or as one JSON object in a line.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include "../cmd.h"
#include "top.h"
#include "watch/json_number.h"

static const enum column printed[] = { TOTAL, RATE, RATE_10, RATE_60, MEAN, P50,
	P95, P99 };
#define N_PRINTED (sizeof(printed) / sizeof(printed[0]))

static void
print_heads(const struct top *t)
{
	time_t seconds = (time_t)t->watch.wall;
	struct tm tm;
	char text[32] = "";

	if (localtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm);
	printf("# %s ", text);
	print_printable(t->watch.reader != NULL ? t->watch.info.path : "");
	if (t->watch.state[0] != '\0') {
		fputs(": ", stdout);
		print_printable(t->watch.state);
	}
	putchar('\n');
	for (size_t i = 0; i < N_PRINTED; i++)
		printf("%10s ", column_name(printed[i]));
	puts(t->has_series ? " SERIES" : " FAMILY");
}

void
plain_print(struct top *t, size_t n_rows)
{
	const struct list *l = top_list(t);

	print_heads(t);
	for (size_t i = 0; i < l->n_rows && i < n_rows; i++) {
		char text[COLUMN_SIZE], name[4096];

		for (size_t j = 0; j < N_PRINTED; j++) {
			column_text(&l->rows[i], printed[j], t->is_raw, text);
			printf("%10s ", text);
		}
		row_name(&l->rows[i], name, sizeof(name));
		make_printable(name);
		printf(" %s\n", name);
	}
	putchar('\n');
}

static json_t *
row_json(const struct row *row)
{
	static const char *const names[N_COLUMNS] = { "total", "rate",
		"rate_10s", "rate_60s", "mean", "p50", "p95", "p99" };
	const struct cmx_family_def *def = &tally_family(row->tally)->def;
	json_t *to = json_object(), *labels = json_object();

	json_object_set_new(to, "family", json_string(def->name));
	json_object_set_new(to, "type", json_string(cmx_type_name(def->type)));
	if (def->type == CMX_GAUGE)
		json_object_set_new(to, "aggregate",
		    json_string(cmx_aggregate_name(def->aggregate)));
	for (size_t i = 0; i < tally_n_by(row->tally); i++)
		json_object_set_new(labels, tally_by(row->tally, i),
		    json_string(tally_value(row->tally, row->group, i)));
	json_object_set_new(to, "labels", labels);
	for (enum column c = TOTAL; c < N_COLUMNS; c++)
		if (c == TOTAL || def->type == CMX_HISTOGRAM ||
		    (def->type == CMX_COUNTER && c < MEAN))
			json_object_set_new(to, names[c],
			    json_number(column_value(row, c)));
	return to;
}

void
plain_json(struct top *t, size_t n_rows)
{
	const struct list *l = top_list(t);
	json_t *to = json_object(), *rows = json_array();
	char path[4096] = "", state[sizeof(t->watch.state)];

	if (t->watch.reader != NULL)
		strlcpy(path, t->watch.info.path, sizeof(path));
	strlcpy(state, t->watch.state, sizeof(state));
	make_printable(path);
	make_printable(state);
	json_object_set_new(to, "time", json_real(t->watch.wall));
	json_object_set_new(to, "segment", json_string(path));
	json_object_set_new(to, "state", json_string(state));
	json_object_set_new(to, "seconds", json_number(t->watch.seconds));
	for (size_t i = 0; i < l->n_rows && i < n_rows; i++)
		json_array_append_new(rows, row_json(&l->rows[i]));
	json_object_set_new(to, "rows", rows);
	json_dumpf(to, stdout,
	    JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
	putchar('\n');
	json_decref(to);
}

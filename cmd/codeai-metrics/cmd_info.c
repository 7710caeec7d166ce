/*
 * info: print sizes, limits and failures.
 */
#include <err.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

static uint64_t
average(uint64_t bytes, uint64_t n)
{
	return n > 0 ? (bytes + n / 2) / n : 0;
}

static void
created_text(uint64_t created_ns, char *buf, size_t size)
{
	time_t seconds = (time_t)(created_ns / 1000000000);
	struct tm tm;

	buf[0] = '\0';
	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/*
 * One list serves both forms: a name, and a text or a number.  The names are
 * the keys of -j, and never change.
 */
struct item {
	const char *name;
	const char *text; /* null: it is a number */
	uint64_t number;
};

struct items {
	struct item *items;
	size_t n;
};

static void
append(struct items *l, struct item item)
{
	l->items = reallocarray(l->items, l->n + 1, sizeof(item));
	if (l->items == NULL)
		err(FAILED, "info");
	l->items[l->n++] = item;
}

static void
add_text(struct items *l, const char *name, const char *text)
{
	append(l, (struct item){ name, text, 0 });
}

static void
add(struct items *l, const char *name, uint64_t number)
{
	append(l, (struct item){ name, NULL, number });
}

static void
add_statistics(struct items *l, const struct cmxr_info *info)
{
	const struct cmxr_statistic *statistic;
	size_t cursor = 0;

	while ((statistic = cmxr_statistic_next(&cursor)) != NULL)
		add(l, statistic->name, cmxr_statistic_value(statistic, info));
}

/* The average number of bytes of a series of each type. */
static void
add_averages(struct items *l, const struct cmxr_info *info)
{
	add(l, "bytes_per_counter_series",
	    average(info->counters.bytes, info->counters.n_series));
	add(l, "bytes_per_gauge_series",
	    average(info->gauges.bytes, info->gauges.n_series));
	add(l, "bytes_per_histogram_series",
	    average(info->histograms.bytes, info->histograms.n_series));
}

static void
print_text(const struct items *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].text != NULL)
			printf("%-28s %s\n", l->items[i].name,
			    l->items[i].text);
		else
			printf("%-28s %" PRIu64 "\n", l->items[i].name,
			    l->items[i].number);
}

static void
print_json(const struct items *l)
{
	json_t *object = json_object();

	for (size_t i = 0; i < l->n; i++)
		json_object_set_new(object, l->items[i].name,
		    l->items[i].text != NULL ?
			json_string(l->items[i].text) :
			json_integer((json_int_t)l->items[i].number));
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

static int
run_info(const struct globals *globals, int argc, char *argv[])
{
	struct items items = { NULL, 0 };
	struct cmxr_reader *reader;
	struct cmxr_info info;
	struct cmx_error error;
	char created[32], hash[32];
	const struct cmxr_snapshot *snapshot;
	bool is_json = false;
	int ch, r;

	while ((ch = next_option(argc, argv, &info_command)) != -1) {
		if (ch != 'j')
			return usage_of(&info_command);
		is_json = true;
	}
	if (optind != argc)
		return too_many(&info_command, argv[optind]);
	r = open_snapshot(globals, false, &reader, &snapshot);
	if (r != DONE)
		return r;
	if (cmxr_info_get(reader, &info, &error) != 0) {
		cmxr_close(reader);
		return fail(&error);
	}
	created_text(info.created_ns, created, sizeof(created));
	snprintf(hash, sizeof(hash), "%016" PRIx64, info.layout_hash);
	add_text(&items, "path", info.path);
	add(&items, "version", info.version);
	add_text(&items, "layout_hash", hash);
	add_text(&items, "boot_id", info.boot_id);
	add_text(&items, "created", created);
	add(&items, "retired", info.is_retired);
	add_text(&items, "rseq", info.rseq);
	add_averages(&items, &info);
	add_statistics(&items, &info);
	if (is_json)
		print_json(&items);
	else
		print_text(&items);
	free(items.items);
	cmxr_close(reader);
	return finish_output();
}

const struct command info_command = {
	.verb = "info",
	.operands = "",
	.summary = "print sizes, limits and what went wrong",
	.options = (const struct verb_option[]){ { 'j', "json", NULL, "as JSON",
						     false },
	    { 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_info,
};

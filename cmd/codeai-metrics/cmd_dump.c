/*
 * dump: print the metrics, in one of the formats.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"
#include "dump/dump.h"

/* Not of enum cmxr_format. */
enum { TABLE = 100, CSV };

#define INTERVAL 1 /* seconds */

static const struct {
	const char *name;
	int format;
} formats[] = {
	{ "text", CMXR_TEXT },
	{ "openmetrics", CMXR_OPENMETRICS },
	{ "protobuf", CMXR_PROTOBUF },
	{ "json", CMXR_JSON },
	{ "table", TABLE },
	{ "csv", CSV },
};

struct options {
	int format; /* 0: none was named */
	const char *path;
	struct filter filter;
	bool with_created, is_diff;
	double seconds; /* 0: -i was not given */
};

static int
parse_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].format;
	warnx(
	    "-f %s: is not a format; allowed are text, openmetrics, protobuf, json, table, csv",
	    name);
	return 0;
}

static bool
parse_seconds(const char *text, double *seconds)
{
	if (parse_number(text, seconds) && *seconds >= 0.01 &&
	    *seconds <= 86400)
		return true;
	warnx("-i %s: allowed are 0.01 to 86400 seconds", text);
	return false;
}

static bool
set_option(struct options *o, int letter)
{
	switch (letter) {
	case 'c':
		o->with_created = true;
		return true;
	case 'd':
		o->is_diff = true;
		return true;
	case 'f':
		o->format = parse_format(optarg);
		return o->format != 0;
	case 'i':
		return parse_seconds(optarg, &o->seconds);
	case 'l':
		return selector_add(&o->filter.every, optarg);
	case 'o':
		o->path = optarg;
		return true;
	default:
		usage_of(&dump_command);
		return false;
	}
}

/* Options that exclude each other. */
static bool
check_options(const struct options *o)
{
	const char *wrong = NULL;

	if (o->path != NULL && (o->format >= TABLE || o->is_diff))
		wrong =
		    "-o goes with text, openmetrics, protobuf and json only";
	else if (o->format == CMXR_PROTOBUF && filter_has_labels(&o->filter))
		wrong =
		    "-f protobuf has whole families: neither -l nor labels in braces";
	else if (o->is_diff &&
	    (o->format == CMXR_OPENMETRICS || o->format == CMXR_PROTOBUF ||
		o->format == CMXR_TEXT))
		wrong = "--diff is printed as table, csv or json";
	else if (o->seconds > 0 && !o->is_diff)
		wrong = "-i goes with --diff only";
	if (wrong != NULL)
		warnx("dump: %s", wrong);
	return wrong == NULL;
}

/* Leave out what is not wanted. */
static bool
apply_filter(const struct options *o, struct cmxr_buffer *body)
{
	if (!filter_has_labels(&o->filter))
		return true;
	return o->format == CMXR_JSON ?
	    filter_json(&o->filter, body) :
	    filter_text(&o->filter, o->format == CMXR_OPENMETRICS, body);
}

static int
encode(const struct cmxr_snapshot *snapshot, const struct options *o)
{
	const struct cmxr_input input = { .snapshot = snapshot };
	const struct cmxr_options options = { .n_globs = o->filter.n_globs,
		.globs = o->filter.globs,
		.with_created = o->with_created };
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error error;
	int r;

	if (cmxr_encode(&input, 1, (enum cmxr_format)o->format, &options, &body,
		&error) < 0)
		return fail(&error);
	if (!apply_filter(o, &body))
		errx(FAILED, "the metrics could not be filtered");
	r = write_output(o->path, body.data, body.size);
	cmxr_buffer_free(&body);
	return r;
}

static int
dump(struct cmxr_reader *reader, const struct cmxr_snapshot *snapshot,
    const struct options *o)
{
	if (o->is_diff)
		return print_diff(reader, snapshot, &o->filter,
		    o->seconds > 0 ? o->seconds : INTERVAL,
		    o->format == CSV           ? DIFF_CSV :
			o->format == CMXR_JSON ? DIFF_JSON :
						 DIFF_TABLE);
	if (o->format != TABLE && o->format != CSV)
		return encode(snapshot, o);
	if (o->format == TABLE)
		print_table(snapshot, &o->filter);
	else
		print_csv(snapshot, &o->filter);
	return finish_output();
}

static int
open_and_dump(const struct globals *globals, struct options *o)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	int r = open_snapshot(globals, true, &reader, &snapshot), named;

	if (r != DONE) {
		if (o->filter.n_globs > 0 &&
		    strchr(o->filter.globs[0], '/') != NULL)
			warnx(
			    "%s: names families; -s is where a segment is named: codeai-metrics -s %s dump",
			    o->filter.globs[0], o->filter.globs[0]);
		return r;
	}
	/* The second snapshot of --diff takes the place of the first. */
	named = check_globs(snapshot, o->filter.n_globs, o->filter.globs);
	r = dump(reader, snapshot, o);
	cmxr_close(reader);
	return r == DONE ? named : r;
}

static int
run_dump(const struct globals *globals, int argc, char *argv[])
{
	struct options o = { .format = 0 };
	int ch, r = USAGE;
	bool ok = true;

	while (ok && (ch = next_option(argc, argv, &dump_command)) != -1)
		ok = set_option(&o, ch);
	ok = ok && filter_parse(&o.filter, argc - optind, argv + optind) &&
	    check_options(&o);
	if (o.format == 0)
		o.format = CMXR_TEXT;
	if (ok)
		r = open_and_dump(globals, &o);
	filter_free(&o.filter);
	return r;
}

const struct command dump_command = {
	.verb = "dump",
	.operands = "[GLOB[{LABEL=\"VALUE\",...}] ...]",
	.summary = "print the metrics",
	.options =
	    (const struct verb_option[]){
		{ 'c', "created", NULL, "since when each counts (openmetrics)",
		    false },
		{ 'd', "diff", NULL,
		    "what changes in an interval: table, csv, json", false },
		{ 'f', "format", "FORMAT",
		    "text, openmetrics, protobuf, json, table, csv (text)",
		    false },
		{ 'i', "interval", "SECONDS", "how long --diff waits (1)",
		    false },
		{ 'l', "label", "LABEL=VALUE",
		    "only series with this value; may be repeated", false },
		{ 'o', "output", "FILE",
		    "write a file, as a whole or not at all", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_dump,
};

/*
 * dump: print the metrics, in one of the formats.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

enum { TABLE = 100 }; /* not one of enum cmxr_format */

static const struct {
	const char *name;
	int format;
} formats[] = {
	{ "text", CMXR_TEXT },
	{ "openmetrics", CMXR_OPENMETRICS },
	{ "protobuf", CMXR_PROTOBUF },
	{ "json", CMXR_JSON },
	{ "table", TABLE },
};

static int
parse_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].format;
	warnx(
	    "-f %s: is not a format; allowed are text, openmetrics, protobuf, json, table",
	    name);
	return 0;
}

static int
dump(const struct cmxr_snapshot *snapshot, int format, const char *path,
    const struct cmxr_options *options)
{
	const struct cmxr_input input = { .snapshot = snapshot };
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error error;
	int r;

	if (cmxr_encode(&input, 1, (enum cmxr_format)format, options, &body,
		&error) < 0)
		return fail(&error);
	r = write_output(path, body.data, body.size);
	cmxr_buffer_free(&body);
	return r;
}

static int
run_dump(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_options options = { .with_created = false };
	struct cmxr_reader *reader;
	const char *path = NULL;
	int ch, format = CMXR_TEXT, r;

	while ((ch = next_option(argc, argv, &dump_command)) != -1) {
		switch (ch) {
		case 'c':
			options.with_created = true;
			break;
		case 'f':
			format = parse_format(optarg);
			if (format == 0)
				return USAGE;
			break;
		case 'o':
			path = optarg;
			break;
		default:
			return usage_of(&dump_command);
		}
	}
	if (path != NULL && format == TABLE) {
		warnx("-o does not go with -f table");
		return USAGE;
	}
	options.n_globs = (size_t)(argc - optind);
	options.globs = (const char *const *)(argv + optind);
	r = open_snapshot(globals, true, &reader, &snapshot);
	if (r != DONE) {
		if (options.n_globs > 0 &&
		    strchr(options.globs[0], '/') != NULL)
			warnx(
			    "%s: names families; -s is where a segment is named: codeai-metrics -s %s dump",
			    options.globs[0], options.globs[0]);
		return r;
	}
	if (format == TABLE) {
		print_table(snapshot, options.n_globs, options.globs);
		r = finish_output();
	} else {
		r = dump(snapshot, format, path, &options);
	}
	if (r == DONE)
		r = check_globs(snapshot, options.n_globs, options.globs);
	cmxr_close(reader);
	return r;
}

const struct command dump_command = {
	.verb = "dump",
	.operands = "[GLOB ...]",
	.summary = "print the metrics",
	.options =
	    (const struct verb_option[]){
		{ 'c', "created", NULL, "since when each counts (openmetrics)",
		    false },
		{ 'f', "format", "FORMAT",
		    "text, openmetrics, protobuf, json, table (text)", false },
		{ 'o', "output", "FILE",
		    "write a file, as a whole or not at all", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_dump,
};

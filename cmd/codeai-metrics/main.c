/*
 * codeai-metrics: look at a segment, and write it, from a shell.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

static const struct command commands[] = {
	{ "add", "NAME [LABEL=VALUE ...] [AMOUNT]",
	    "add to a counter (1), or to a gauge", cmd_add },
	{ "apply", "[-nw] SCHEMA", "give a live segment another schema",
	    cmd_apply },
	{ "check", "[-qS] [SCHEMA ...]", "find every mistake of schema files",
	    cmd_check },
	{ "create", "[-ae] [-m MODE] [-g GROUP] [SCHEMA]",
	    "make the segment ahead of the application", cmd_create },
	{ "dashboard", "[-o FILE] [-t TITLE] [SCHEMA]",
	    "print a dashboard for Grafana", cmd_dashboard },
	{ "dump", "[-c] [-f FORMAT] [-o FILE] [GLOB ...]", "print the metrics",
	    cmd_dump },
	{ "exec", "-j JOB [--] COMMAND [ARGUMENT ...]",
	    "run a command, and record it as a job", cmd_exec },
	{ "get", "NAME [LABEL=VALUE ...]", "print the value of one series",
	    cmd_get },
	{ "header", "[-o FILE] [-p PREFIX] [SCHEMA]",
	    "print a C header with a function for each metric", cmd_header },
	{ "info", "[-j]", "print sizes, limits and what went wrong", cmd_info },
	{ "lint", "[-f text|openmetrics] [FILE|-]",
	    "find what a consumer of an exposition would refuse", cmd_lint },
	{ "list", "[-j] [GLOB ...]", "print the families", cmd_list },
	{ "observe", "NAME [LABEL=VALUE ...] VALUE",
	    "count a value in a histogram", cmd_observe },
	{ "ps", "[-jl]", "print the processes that use the segment", cmd_ps },
	{ "remove", "", "take the segment's name away", cmd_remove },
	{ "rules", "[-l SECONDS] [-o FILE] [SCHEMA]",
	    "print recording rules and alerts for Prometheus", cmd_rules },
	{ "set", "NAME [LABEL=VALUE ...] VALUE",
	    "set a gauge whose last value stays", cmd_set },
	{ "time", "NAME [LABEL=VALUE ...] [--] COMMAND [ARGUMENT ...]",
	    "run a command, and count its seconds in a histogram", cmd_time },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_help(FILE *out)
{
	fprintf(out,
	    "usage: codeai-metrics [-hV] [-s SEGMENT] VERB [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %-42s %s\n", commands[i].verb,
		    commands[i].arguments, commands[i].summary);
	fprintf(out,
	    "\nSEGMENT defaults to $CODEAI_METRICS_SEGMENT, then for root\n"
	    "/run/codeai-metrics/metrics.seg, for others $XDG_RUNTIME_DIR/codeai-metrics/metrics.seg, /dev/shm/codeai-metrics-UID/metrics.seg.\n"
	    "See codeai-metrics(1).\n");
}

static const struct command *
find_command(const char *verb)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].verb, verb) == 0)
			return &commands[i];
	return NULL;
}

static void
print_usage(FILE *out, const struct command *command)
{
	fprintf(out, "usage: codeai-metrics [-s SEGMENT] %s%s%s\n",
	    command->verb, command->arguments[0] != '\0' ? " " : "",
	    command->arguments);
}

int
usage_of(const char *verb)
{
	print_usage(stderr, find_command(verb));
	return USAGE;
}

int
fail(const struct cmx_error *error)
{
	const char *line = error->text, *end;

	do {
		end = strchr(line, '\n');
		warnx("%.*s",
		    end != NULL ? (int)(end - line) : (int)strlen(line), line);
		line = end + 1;
	} while (end != NULL);
	return FAILED;
}

int
open_snapshot(const struct globals *globals, bool with_process_metrics,
    struct cmxr_reader **reader, const struct cmxr_snapshot **snapshot)
{
	struct cmx_error error;

	if (cmxr_open(globals->segment, reader, &error) != 0)
		return fail(&error);
	cmxr_show_processes(*reader, with_process_metrics);
	if (cmxr_snapshot_take(*reader, snapshot, &error) != 0) {
		cmxr_close(*reader);
		return fail(&error);
	}
	return DONE;
}

/* Control characters: below a blank, DEL, U+0080 to U+009F. */
static bool
is_control(const char *p)
{
	return (unsigned char)*p < ' ' || *p == 0x7f ||
	    ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] >= 0x80 &&
		(unsigned char)p[1] < 0xa0);
}

void
make_printable(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if (is_control(p))
			*p = '?';
}

void
print_printable(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		putchar(*p == '\n' || *p == '\t' ? ' ' :
			is_control(p)            ? '?' :
						   *p);
}

/* How many letters of a verb are in a word, in their order. */
static size_t
count_common(const char *verb, const char *word)
{
	size_t n = 0;

	for (; *word != '\0' && *verb != '\0'; word++) {
		const char *found = strchr(verb, *word);

		if (found != NULL) {
			verb = found + 1;
			n++;
		}
	}
	return n;
}

/* The verb that a word may mean; null where it is like none. */
static const struct command *
guess_command(const char *word)
{
	const struct command *best = NULL;
	size_t most = 0, size = strlen(word);

	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *verb = commands[i].verb;
		size_t n = count_common(verb, word);

		/* All letters of both but one, or two that changed places. */
		if (n > most && n + 1 >= size && n + 1 >= strlen(verb)) {
			most = n;
			best = &commands[i];
		}
	}
	return most >= 2 ? best : NULL;
}

static int
refuse_verb(const char *word)
{
	const struct command *meant = guess_command(word);

	if (meant != NULL) {
		warnx("%s: there is no such verb; did you mean %s?", word,
		    meant->verb);
		return USAGE;
	}
	warnx("%s: there is no such verb", word);
	print_help(stderr);
	return USAGE;
}

/* help [VERB] */
static int
help(int argc, char *argv[])
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (argc > 1 && command == NULL)
		return refuse_verb(argv[1]);
	if (command == NULL) {
		print_help(stdout);
		return finish_output();
	}
	print_usage(stdout, command);
	printf("  %s; see codeai-metrics(1)\n", command->summary);
	return finish_output();
}

/* Run the verb argv[0] with its arguments. */
static int
run_verb(struct globals *globals, char *program, int argc, char *argv[])
{
	const struct command *command = find_command(argv[0]);

	if (command == NULL)
		return refuse_verb(argv[0]);
	if (argc == 2 &&
	    (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
		return help(2, (char *[]){ argv[1], argv[0] });
	/* A closed pipe ends the output, which is no failure to report. */
	globals->sigpipe = signal(SIGPIPE, SIG_DFL);
	cmxr_guard_install();
	/*
	 * getopt(3) begins its messages with argv[0], which should be the
	 * program and not the verb.
	 */
	argv[0] = program;
	optind = 0;
	return command->run(globals, argc, argv);
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "segment", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct globals globals = { .segment = NULL };
	char *program = argv[0];
	int ch;

	/* "+": options after the verb belong to the verb. */
	while ((ch = getopt_long(argc, argv, "+hs:V", options, NULL)) != -1) {
		switch (ch) {
		case 'h':
			print_help(stdout);
			return finish_output();
		case 's':
			globals.segment = optarg;
			break;
		case 'V':
			printf("codeai-metrics %s\n", CMX_VERSION);
			return finish_output();
		default:
			print_help(stderr);
			return USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		warnx("a verb is missing");
		print_help(stderr);
		return USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argc, argv);
	return run_verb(&globals, program, argc, argv);
}

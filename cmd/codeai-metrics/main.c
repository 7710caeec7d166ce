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

static const struct command *const commands[] = {
	&add_command,
	&apply_command,
	&check_command,
	&create_command,
	&dashboard_command,
	&doctor_command,
	&dump_command,
	&exec_command,
	&get_command,
	&header_command,
	&info_command,
	&lint_command,
	&list_command,
	&observe_command,
	&ps_command,
	&remove_command,
	&rules_command,
	&set_command,
	&time_command,
	&top_command,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The one of this process, which an option of a verb may change. */
static struct globals globals;

static void
print_help(FILE *out)
{
	fprintf(out,
	    "usage: codeai-metrics [-hV] [-s SEGMENT] VERB [ARGUMENT ...]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s  %s\n", commands[i]->verb,
		    commands[i]->summary);
	fprintf(out,
	    "\n\"codeai-metrics help VERB\" has the options of a verb.\n"
	    "\n"
	    "SEGMENT defaults to $CODEAI_METRICS_SEGMENT, then for root\n"
	    "/run/codeai-metrics/metrics.seg, for others $XDG_RUNTIME_DIR/codeai-metrics/metrics.seg, /dev/shm/codeai-metrics-UID/metrics.seg.\n"
	    "See codeai-metrics(1).\n");
}

static const struct command *
find_command(const char *verb)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->verb, verb) == 0)
			return commands[i];
	return NULL;
}

void
set_segment(const char *path)
{
	globals.segment = path;
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
open_snapshot(const struct globals *g, bool with_process_metrics,
    struct cmxr_reader **reader, const struct cmxr_snapshot **snapshot)
{
	struct cmx_error error;

	if (cmxr_open(g->segment, reader, &error) != 0)
		return fail(&error);
	cmxr_show_processes(*reader, with_process_metrics);
	if (cmxr_snapshot_take(*reader, snapshot, &error) != 0) {
		cmxr_close(*reader);
		return fail(&error);
	}
	return DONE;
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
		const char *verb = commands[i]->verb;
		size_t n = count_common(verb, word);

		/* All letters of both but one, or two that changed places. */
		if (n > most && n + 1 >= size && n + 1 >= strlen(verb)) {
			most = n;
			best = commands[i];
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
	print_help_of(stdout, command);
	return finish_output();
}

/* Run the verb argv[0] with its arguments. */
static int
run_verb(char *program, int argc, char *argv[])
{
	const struct command *command = find_command(argv[0]);

	if (command == NULL)
		return refuse_verb(argv[0]);
	/* A closed pipe ends the output, which is no failure to report. */
	globals.sigpipe = signal(SIGPIPE, SIG_DFL);
	cmxr_guard_install();
	/*
	 * getopt(3) begins its messages with argv[0], which should be the
	 * program and not the verb.
	 */
	argv[0] = program;
	optind = 0;
	return command->run(&globals, argc, argv);
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
	return run_verb(program, argc, argv);
}

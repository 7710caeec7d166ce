/*
 * verb_options.c: the options of a verb, and its help, from one list.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define OPTIONS_MAX 16

/* What every verb has. */
static const struct verb_option help_option = { 'h', "help", NULL, "this help",
	false };
static const struct verb_option segment_option = { 's', "segment", "SEGMENT",
	"the segment, here or before the verb", false };

/* All options of a verb, one after the other; null at the end. */
static const struct verb_option *
option_at(const struct command *command, size_t i)
{
	size_t n = 0;

	while (command->options != NULL && command->options[n].letter != 0)
		n++;
	if (i < n)
		return &command->options[i];
	if (!command->has_segment)
		i++;
	return i == n ? &segment_option : i == n + 1 ? &help_option : NULL;
}

static void
print_switches(FILE *out, const struct command *command)
{
	const struct verb_option *o = command->options;
	bool has_any = false;

	for (; o != NULL && o->letter != 0; o++) {
		if (o->argument != NULL)
			continue;
		fputs(has_any ? "" : " [-", out);
		putc(o->letter, out);
		has_any = true;
	}
	fputs(has_any ? "]" : "", out);
}

static void
print_usage(FILE *out, const struct command *command)
{
	const struct verb_option *o = command->options;

	fprintf(out, "usage: codeai-metrics %s%s",
	    command->has_segment ? "[-s SEGMENT] " : "", command->verb);
	print_switches(out, command);
	for (; o != NULL && o->letter != 0; o++)
		if (o->argument != NULL)
			fprintf(out, o->is_required ? " -%c %s" : " [-%c %s]",
			    o->letter, o->argument);
	fprintf(out, "%s%s\n", command->operands[0] != '\0' ? " " : "",
	    command->operands);
}

int
usage_of(const struct command *command)
{
	print_usage(stderr, command);
	return USAGE;
}

void
print_help_of(FILE *out, const struct command *command)
{
	const struct verb_option *o;

	print_usage(out, command);
	fprintf(out, "\n  %s\n\n", command->summary);
	for (size_t i = 0; (o = option_at(command, i)) != NULL; i++) {
		char name[64];

		snprintf(name, sizeof(name), "-%c, --%s%s%s", o->letter,
		    o->name, o->argument != NULL ? " " : "",
		    o->argument != NULL ? o->argument : "");
		fprintf(out, "  %-26s %s\n", name, o->help);
	}
	fputs("\nSee codeai-metrics(1).\n", out);
}

/* What getopt_long(3) wants. */
static void
list_options(const struct command *command, struct option list[OPTIONS_MAX],
    char letters[3 * OPTIONS_MAX])
{
	const struct verb_option *o;
	size_t n = 0, i = 0;

	memset(list, 0, OPTIONS_MAX * sizeof(list[0]));
	if (command->stops_at_operand)
		letters[n++] = '+';
	for (; (o = option_at(command, i)) != NULL && i < OPTIONS_MAX - 1;
	     i++) {
		list[i].name = o->name;
		list[i].has_arg =
		    o->argument != NULL ? required_argument : no_argument;
		list[i].val = o->letter;
		letters[n++] = (char)o->letter;
		if (o->argument != NULL)
			letters[n++] = ':';
	}
	letters[n] = '\0';
}

int
next_option(int argc, char *argv[], const struct command *command)
{
	struct option list[OPTIONS_MAX];
	char letters[3 * OPTIONS_MAX];
	int found;

	list_options(command, list, letters);
	while ((found = getopt_long(argc, argv, letters, list, NULL)) == 's')
		set_segment(optarg);
	if (found != 'h')
		return found;
	print_help_of(stdout, command);
	exit(finish_output());
}

/*
 * check: find every mistake of schema files.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"

struct tally {
	bool is_quiet; /* warnings are not printed */
	bool is_strict;
	int n_warnings;
};

/* Print file:line:column: path: text, the form of compilers. */
static void
print_diagnostic(void *arg, const struct cmx_diagnostic *d)
{
	struct tally *tally = arg;

	tally->n_warnings += d->is_warning;
	if (d->is_warning && tally->is_quiet)
		return;
	fprintf(stderr, "%s:%d:%d: %s%s%s%s\n", d->source, d->line, d->column,
	    d->is_warning ? "warning: " : "", d->path,
	    d->path[0] != '\0' ? ": " : "", d->text);
}

static int
check(const char *path, struct tally *tally)
{
	struct cmx_error error;
	int n;

	tally->n_warnings = 0;
	n = cmx_schema_check(path, print_diagnostic, tally, &error);
	if (n < 0)
		return fail(&error);
	if (n > 0)
		return FAILED;
	return tally->is_strict && tally->n_warnings > 0 ? FINDINGS : DONE;
}

static int
run_check(const struct globals *globals, int argc, char *argv[])
{
	struct tally tally = { false, false, 0 };
	int ch, worst = DONE;

	(void)globals;
	while ((ch = next_option(argc, argv, &check_command)) != -1) {
		switch (ch) {
		case 'q':
			tally.is_quiet = true;
			break;
		case 'S':
			tally.is_strict = true;
			break;
		default:
			return usage_of(&check_command);
		}
	}
	if (optind == argc)
		return check(NULL, &tally);
	for (int i = optind; i < argc; i++) {
		int r = check(argv[i], &tally);

		if (worst != FAILED && r != DONE)
			worst = r;
	}
	return worst;
}

const struct command check_command = {
	.verb = "check",
	.operands = "[SCHEMA ...]",
	.summary = "find every mistake of schema files",
	.options =
	    (const struct verb_option[]){
		{ 'q', "quiet", NULL, "no warnings of naming rules", false },
		{ 'S', "strict", NULL, "such warnings are findings: exit 3",
		    false },
		{ 0, NULL, NULL, NULL, false } },
	.run = run_check,
};

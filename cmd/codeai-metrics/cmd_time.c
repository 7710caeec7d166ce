/*
 * time: run a command, and count its seconds in a histogram.
 */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cmd.h"
#include "update_series.h"

/* What is observed of a command. */
struct duration {
	const struct globals *globals;
	const char *name;
	int argc; /* labels */
	char **argv;
	double seconds;
};

static void
observe(void *arg)
{
	const struct duration *d = arg;
	struct request r = { .action = OBSERVE, .amount = d->seconds };
	struct cmx_registry *reg;
	struct cmx_error error;

	if (cmx_open(d->globals->segment, NULL, 0, &reg, &error) < 0) {
		fail(&error);
		return;
	}
	if (request_find(&r, reg, d->name) == DONE &&
	    request_parse(&r, d->argc, d->argv))
		request_write(&r);
	cmx_close(reg);
}

static int
run_time(const struct globals *globals, int argc, char *argv[])
{
	struct duration d = { .globals = globals };
	int n_labels = 0, status;

	if (next_option(argc, argv, &time_command) != -1)
		return usage_of(&time_command);
	argc -= optind;
	argv += optind;
	d.name = argc > 0 ? argv[0] : NULL;
	/* As for env(1), the command is the first argument without '='. */
	while (n_labels + 1 < argc && strchr(argv[n_labels + 1], '=') != NULL)
		n_labels++;
	d.argv = argv + 1;
	d.argc = n_labels;
	argc -= n_labels + 1;
	argv += n_labels + 1;
	if (argc > 0 && strcmp(argv[0], "--") == 0) {
		argc--;
		argv++;
	}
	if (d.name == NULL || argc <= 0) {
		warnx("time: %s is missing",
		    d.name == NULL ? "the name of a histogram" : "the command");
		return usage_of(&time_command);
	}
	status = run_command(globals, argv, &d.seconds);
	record_aside(observe, &d);
	return end_as(status);
}

const struct command time_command = {
	.verb = "time",
	.operands = "NAME [LABEL=VALUE ...] [--] COMMAND [ARGUMENT ...]",
	.summary = "run a command, and count its seconds in a histogram",
	.has_segment = true,
	.stops_at_operand = true,
	.run = run_time,
};

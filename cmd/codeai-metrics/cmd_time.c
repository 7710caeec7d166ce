/*
 * time: run a command, and count its seconds in a histogram.
 */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cmd.h"
#include "update_series.h"

/* The command has run, so an error here is printed and changes nothing else. */
static void
observe(const struct globals *globals, const char *name, int argc, char *argv[],
    double seconds)
{
	struct request r = { .action = OBSERVE, .amount = seconds };
	struct cmx_registry *reg;
	struct cmx_error error;

	if (cmx_open(globals->segment, NULL, 0, &reg, &error) != 0) {
		fail(&error);
		return;
	}
	if (request_find(&r, reg, name) == DONE &&
	    request_parse(&r, argc, argv))
		request_write(&r);
	cmx_close(reg);
}

int
cmd_time(const struct globals *globals, int argc, char *argv[])
{
	char **labels;
	const char *name;
	double seconds;
	int n_labels = 0, status;

	if (next_option(argc, argv, "+") != -1)
		return usage_of("time");
	argc -= optind;
	argv += optind;
	name = argc > 0 ? argv[0] : NULL;
	/* As for env(1), the command is the first argument without '='. */
	while (n_labels + 1 < argc && strchr(argv[n_labels + 1], '=') != NULL)
		n_labels++;
	labels = argv + 1;
	argc -= n_labels + 1;
	argv += n_labels + 1;
	if (argc > 0 && strcmp(argv[0], "--") == 0) {
		argc--;
		argv++;
	}
	if (name == NULL || argc <= 0) {
		warnx("time: %s is missing",
		    name == NULL ? "the name of a histogram" : "the command");
		return usage_of("time");
	}
	status = run_command(globals, argv, &seconds);
	observe(globals, name, n_labels, labels, seconds);
	return end_as(status);
}

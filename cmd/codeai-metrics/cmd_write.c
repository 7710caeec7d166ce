/*
 * add, set, observe: update one series.
 */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "update_series.h"

static bool
parse_amount(const char *text, double *amount)
{
	if (parse_number(text, amount))
		return true;
	warnx("%s: is not a number", text);
	return false;
}

/*
 * The last argument is the amount unless it is a label; the default of add is
 * 1.
 */
static bool
parse(struct request *r, int argc, char *argv[])
{
	bool has_amount = argc > 0 && strchr(argv[argc - 1], '=') == NULL;

	r->amount = 1;
	if (has_amount && !parse_amount(argv[--argc], &r->amount))
		return false;
	/* What is behind it is no option; here nothing is. */
	if (has_amount && argc > 0 && strcmp(argv[argc - 1], "--") == 0)
		argc--;
	if (!has_amount && r->action != ADD) {
		warnx("%s: the value is missing", r->def.name);
		return false;
	}
	return request_parse(r, argc, argv);
}

static int
write_verb(enum action action, const struct command *command,
    const struct globals *globals, int argc, char *argv[])
{
	struct request r = { .action = action };
	struct cmx_registry *reg;
	struct cmx_error error;
	int result;

	/* "+": an argument after the name may be a negative number. */
	if (next_option(argc, argv, command) != -1)
		return usage_of(command);
	if (optind == argc) {
		warnx("%s: the name of a family is missing", command->verb);
		return usage_of(command);
	}
	if (cmx_open(globals->segment, NULL, 0, &reg, &error) < 0)
		return fail(&error);
	result = request_find(&r, reg, argv[optind]);
	if (result == DONE)
		result = parse(&r, argc - optind - 1, argv + optind + 1) ?
		    request_write(&r) :
		    USAGE;
	cmx_close(reg);
	return result;
}

static int
run_add(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(ADD, &add_command, globals, argc, argv);
}

const struct command add_command = {
	.verb = "add",
	.operands = "NAME [LABEL=VALUE ...] [AMOUNT]",
	.summary = "add to a counter (1), or to a gauge",
	.has_segment = true,
	.stops_at_operand = true,
	.run = run_add,
};

static int
run_set(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(SET, &set_command, globals, argc, argv);
}

const struct command set_command = {
	.verb = "set",
	.operands = "NAME [LABEL=VALUE ...] VALUE",
	.summary = "set a gauge whose last value stays",
	.has_segment = true,
	.stops_at_operand = true,
	.run = run_set,
};

static int
run_observe(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(OBSERVE, &observe_command, globals, argc, argv);
}

const struct command observe_command = {
	.verb = "observe",
	.operands = "NAME [LABEL=VALUE ...] VALUE",
	.summary = "count a value in a histogram",
	.has_segment = true,
	.stops_at_operand = true,
	.run = run_observe,
};

/*
 * add, set, observe: update one series.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "update_series.h"

/* Read a number, which must be the whole text. */
static bool
parse_amount(const char *text, double *amount)
{
	char *end;

	errno = 0;
	*amount = strtod(text, &end);
	if (end != text && *end == '\0' && errno == 0)
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
	if (!has_amount && r->action != ADD) {
		warnx("%s: the value is missing", r->def.name);
		return false;
	}
	return request_parse(r, argc, argv);
}

static int
write_verb(enum action action, const struct globals *globals, int argc,
    char *argv[])
{
	struct request r = { .action = action };
	const char *verb = action_name(action);
	struct cmx_registry *reg;
	struct cmx_error error;
	int result;

	/* "+": an argument after the name may be a negative number. */
	if (next_option(argc, argv, "+") != -1)
		return usage_of(verb);
	if (optind == argc) {
		warnx("%s: the name of a family is missing", verb);
		return usage_of(verb);
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

int
cmd_add(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(ADD, globals, argc, argv);
}

int
cmd_set(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(SET, globals, argc, argv);
}

int
cmd_observe(const struct globals *globals, int argc, char *argv[])
{
	return write_verb(OBSERVE, globals, argc, argv);
}

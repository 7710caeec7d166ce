/*
 * create, remove: make a segment ahead of the application; remove its name.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics.h>

#include "cmd.h"

/* Read an octal mode that does not let others write. */
static bool
parse_mode(const char *text, unsigned int *mode)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (text[0] < '0' || text[0] > '7' || *end != '\0' || value > 0777 ||
	    value == 0) {
		warnx("-m %s: must be an octal mode from 0001 to 0777", text);
		return false;
	}
	if ((value & 0600) != 0600) {
		warnx(
		    "-m %s: the owner must be able to read and write it (mask 0600)",
		    text);
		return false;
	}
	if (value & 0002) {
		warnx(
		    "-m %s: others must not be able to write a segment (mask 0002)",
		    text);
		return false;
	}
	*mode = (unsigned int)value;
	return true;
}

static bool
parse_group(const char *text, unsigned int *group)
{
	const struct group *found = getgrnam(text);
	const char *reason;

	if (found != NULL) {
		*group = found->gr_gid;
		return true;
	}
	/* -1 is no group: to chown(2) it means "as it is". */
	*group = (unsigned int)strtonum(text, 0, UINT_MAX - 1, &reason);
	if (reason != NULL)
		warnx("-g %s: there is no such group", text);
	return reason == NULL;
}

static int
run_create(const struct globals *globals, int argc, char *argv[])
{
	struct cmx_create_options options = { .flags = 0 };
	struct cmx_error error;
	struct cmx_registry *reg;
	bool may_exist = false;
	int ch, r;

	while ((ch = next_option(argc, argv, &create_command)) != -1) {
		switch (ch) {
		case 'a':
			options.flags |= CMX_ANY_FILESYSTEM;
			break;
		case 'e':
			may_exist = true;
			break;
		case 'g':
			options.has_group = true;
			if (!parse_group(optarg, &options.group))
				return USAGE;
			break;
		case 'm':
			if (!parse_mode(optarg, &options.mode))
				return USAGE;
			break;
		default:
			return usage_of(&create_command);
		}
	}
	if (argc - optind > 1)
		return too_many(&create_command, argv[optind + 1]);
	if (!may_exist)
		r = cmx_create(globals->segment, argv[optind], &options,
		    &error);
	else {
		r = cmx_open_with(globals->segment, argv[optind], &options,
		    &reg, &error);
		cmx_close(reg);
	}
	return r == 0 ? DONE : fail(&error);
}

const struct command create_command = {
	.verb = "create",
	.operands = "[SCHEMA]",
	.summary = "make the segment ahead of the application",
	.options =
	    (const struct verb_option[]){
		{ 'a', "any-filesystem", NULL,
		    "also where a store can wait for a disk", false },
		{ 'e', "exist-ok", NULL, "one that is there is fine", false },
		{ 'g', "group", "GROUP", "who may write it, by name or number",
		    false },
		{ 'm', "mode", "MODE",
		    "its permissions, octal (0660 for root, else 0600)",
		    false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_create,
};

static int
run_remove(const struct globals *globals, int argc, char *argv[])
{
	struct cmx_error error;

	if (next_option(argc, argv, &remove_command) != -1)
		return usage_of(&remove_command);
	if (optind != argc)
		return too_many(&remove_command, argv[optind]);
	if (cmx_remove(globals->segment, &error) != 0)
		return fail(&error);
	return DONE;
}

const struct command remove_command = {
	.verb = "remove",
	.operands = "",
	.summary = "take the segment's name away",
	.has_segment = true,
	.run = run_remove,
};

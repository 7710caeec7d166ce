/*
 * arguments.c: the operands of a verb: families, labels.
 */
#include <err.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

int
too_many(const struct command *command, const char *argument)
{
	warnx("%s: %s: is one argument too many", command->verb, argument);
	return usage_of(command);
}

bool
is_wanted(const char *name, size_t n_globs, const char *const *globs)
{
	for (size_t i = 0; i < n_globs; i++)
		if (fnmatch(globs[i], name, 0) == 0)
			return true;
	return n_globs == 0;
}

int
check_globs(const struct cmxr_snapshot *snapshot, size_t n_globs,
    const char *const *globs)
{
	size_t n = cmxr_snapshot_n_families(snapshot);
	int r = DONE;

	for (size_t i = 0; i < n_globs; i++) {
		struct cmxr_family f;
		size_t j = 0;

		for (; j < n; j++) {
			cmxr_snapshot_family(snapshot, j, &f);
			if (is_wanted(f.def.name, 1, &globs[i]))
				break;
		}
		if (j < n)
			continue;
		warnx("%s: no family has such a name; \"list\" prints all",
		    globs[i]);
		r = FAILED;
	}
	return r;
}

/* The index of the label that "name=value" names, or -1. */
static int
label_index(const struct cmx_family_def *def, const char *argument)
{
	const char *equal = strchr(argument, '=');
	size_t n = equal == NULL ? 0 : (size_t)(equal - argument);

	for (size_t i = 0; i < def->n_labels; i++)
		if (strlen(def->labels[i]) == n &&
		    memcmp(def->labels[i], argument, n) == 0)
			return (int)i;
	return -1;
}

void
say_labels(const struct cmx_family_def *def, const char *argument,
    const char *what)
{
	char labels[512] = "none";
	size_t used = 0;

	for (size_t i = 0; i < def->n_labels && used < sizeof(labels); i++)
		used += (size_t)snprintf(labels + used, sizeof(labels) - used,
		    "%s%s", i > 0 ? ", " : "", def->labels[i]);
	warnx("%s: %s %s; its labels are: %s", def->name, argument, what,
	    labels);
}

bool
parse_labels(const struct cmx_family_def *def, int argc, char *argv[],
    const char *values[])
{
	memset(values, 0, sizeof(values[0]) * CMX_LABELS_MAX);
	for (int i = 0; i < argc; i++) {
		int at = label_index(def, argv[i]);

		if (at < 0) {
			say_labels(def, argv[i],
			    "is not LABEL=VALUE with a label of this family");
			return false;
		}
		if (values[at] != NULL) {
			say_labels(def, argv[i],
			    "has a label that stands twice");
			return false;
		}
		values[at] = strchr(argv[i], '=') + 1;
	}
	for (size_t i = 0; i < def->n_labels; i++)
		if (values[i] == NULL) {
			say_labels(def, def->labels[i], "is missing");
			return false;
		}
	return true;
}

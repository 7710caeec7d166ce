/*
 * arguments.c: the operands of a verb: families, labels.
 */
#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
parse_number(const char *text, double *v)
{
	char *end;

	errno = 0;
	*v = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0;
}

bool
is_wanted(const char *name, size_t n_globs, const char *const *globs)
{
	for (size_t i = 0; i < n_globs; i++)
		if (fnmatch(globs[i], name, 0) == 0)
			return true;
	return n_globs == 0;
}

/* How many letters must be changed, up to a bound that is enough. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[CMX_NAME_MAX + 2], n = strlen(b);

	if (n > CMX_NAME_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t above = row[j + 1];
			size_t least = above < row[j] ? above : row[j];

			row[j + 1] = a[i] == b[j] ? corner :
			    corner < least        ? corner + 1 :
						    least + 1;
			corner = above;
		}
	}
	return row[n];
}

const char *
guess_family(const struct cmxr_snapshot *snapshot, const char *name)
{
	size_t best = 4;
	const char *guess = NULL;

	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;
		size_t d;

		cmxr_snapshot_family(snapshot, i, &f);
		d = distance(name, f.def.name);
		if (d < best && d < strlen(name) / 2) {
			best = d;
			guess = f.def.name;
		}
	}
	return guess;
}

int
check_globs(const struct cmxr_snapshot *snapshot, size_t n_globs,
    const char *const *globs)
{
	size_t n = cmxr_snapshot_n_families(snapshot);
	int r = DONE;

	for (size_t i = 0; i < n_globs; i++) {
		struct cmxr_family f;
		const char *guess;
		size_t j = 0;

		for (; j < n; j++) {
			cmxr_snapshot_family(snapshot, j, &f);
			if (is_wanted(f.def.name, 1, &globs[i]))
				break;
		}
		if (j < n)
			continue;
		guess = guess_family(snapshot, globs[i]);
		warnx("%s: no family has such a name; %s%s%s", globs[i],
		    guess != NULL ? "did you mean " : "\"list\" prints all",
		    guess != NULL ? guess : "", guess != NULL ? "?" : "");
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

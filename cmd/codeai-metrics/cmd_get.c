/*
 * get: print the value of one series.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

/* Index of the label that "name=value" names, or -1. */
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

/* Every label once, in any order. */
static bool
parse_labels(const struct cmx_family_def *def, int argc, char *argv[],
    const char *values[])
{
	memset(values, 0, sizeof(values[0]) * CMX_LABELS_MAX);
	for (int i = 0; i < argc; i++) {
		int at = label_index(def, argv[i]);

		if (at < 0 || values[at] != NULL) {
			warnx("%s: %s: is not LABEL=VALUE with a label of this "
			      "family, or stands twice",
			    def->name, argv[i]);
			return false;
		}
		values[at] = strchr(argv[i], '=') + 1;
	}
	for (size_t i = 0; i < def->n_labels; i++)
		if (values[i] == NULL) {
			warnx("%s: the label %s is missing", def->name,
			    def->labels[i]);
			return false;
		}
	return true;
}

static bool
is_series(const struct cmx_family_def *def, const struct cmxr_series *s,
    const char *const *values)
{
	for (size_t i = 0; i < def->n_labels; i++)
		if (strcmp(s->values[i], values[i]) != 0)
			return false;
	return true;
}

/* As dump writes them; of a gauge of each process, its pid before it. */
static void
print_value(const struct cmx_family_def *def, const struct cmxr_series *s)
{
	char text[32];

	cmxr_number_to_text(def->type == CMX_HISTOGRAM ? s->sum : s->value,
	    text);
	if (s->pid != 0)
		printf("%u ", s->pid);
	if (def->type == CMX_HISTOGRAM)
		printf("%llu %s\n", (unsigned long long)s->count, text);
	else if (def->type == CMX_COUNTER && !def->is_double)
		printf("%llu\n", (unsigned long long)s->whole);
	else
		printf("%s\n", text);
}

static int
get(const struct cmxr_snapshot *snapshot, const char *name, int argc,
    char *argv[])
{
	const char *values[CMX_LABELS_MAX];
	struct cmxr_family family;
	struct cmxr_series series;
	size_t n = cmxr_snapshot_n_families(snapshot), i, cursor = 0;
	int n_found = 0;

	for (i = 0; i < n; i++) {
		cmxr_snapshot_family(snapshot, i, &family);
		if (strcmp(family.def.name, name) == 0)
			break;
	}
	if (i == n) {
		warnx("%s: the segment has no such family", name);
		return FAILED;
	}
	if (!parse_labels(&family.def, argc, argv, values))
		return USAGE;
	while (cmxr_series_next(snapshot, i, &cursor, &series))
		if (is_series(&family.def, &series, values)) {
			print_value(&family.def, &series);
			n_found++;
		}
	if (n_found > 0)
		return finish_output();
	warnx("%s: has no series with these labels", name);
	return FAILED;
}

int
cmd_get(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	int r;

	if (getopt(argc, argv, "") != -1 || optind == argc)
		return usage_of("get");
	r = open_snapshot(globals, &reader, &snapshot);
	if (r != DONE)
		return r;
	r = get(snapshot, argv[optind], argc - optind - 1, argv + optind + 1);
	cmxr_close(reader);
	return r;
}

/*
 * get: print the value of one series.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

/*
 * Compare the way values are stored: U+FFFD for each byte that was not UTF-8.
 */
static bool
is_value(const char *stored, const char *value)
{
	for (;;) {
		size_t n = cmxr_utf8_size(value, strlen(value));

		if (strncmp(stored, value, n) != 0)
			return false;
		stored += n;
		value += n;
		if (*value == '\0')
			return *stored == '\0';
		if (strncmp(stored, "\xef\xbf\xbd", 3) != 0)
			return false;
		stored += 3;
		value++;
	}
}

static bool
is_series(const struct cmx_family_def *def, const struct cmxr_series *s,
    const char *const *values)
{
	for (size_t i = 0; i < def->n_labels; i++)
		if (!is_value(s->values[i], values[i]))
			return false;
	return true;
}

/* Print the value as dump does; the value of a process has its pid in front. */
static void
print_value(const struct cmx_family_def *def, const struct cmxr_series *s)
{
	char text[32];

	cmxr_number_to_text(def->type == CMX_HISTOGRAM ? s->sum : s->value,
	    text);
	if (s->pid != 0)
		printf("%u ", s->pid);
	if (def->type == CMX_HISTOGRAM)
		printf("%" PRIu64 " %s\n", s->count, text);
	else if (def->type == CMX_COUNTER && !def->is_double)
		printf("%" PRIu64 "\n", s->whole);
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
	size_t i, cursor = 0;
	int n_found = 0;

	if (!find_family(snapshot, name, &i, &family))
		return FAILED;
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

static int
run_get(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	int r;

	if (next_option(argc, argv, &get_command) != -1)
		return usage_of(&get_command);
	if (optind == argc) {
		warnx("get: the name of a family is missing");
		return usage_of(&get_command);
	}
	r = open_snapshot(globals, true, &reader, &snapshot);
	if (r != DONE)
		return r;
	r = get(snapshot, argv[optind], argc - optind - 1, argv + optind + 1);
	cmxr_close(reader);
	return r;
}

const struct command get_command = {
	.verb = "get",
	.operands = "NAME [LABEL=VALUE ...]",
	.summary = "print the value of one series",
	.has_segment = true,
	.run = run_get,
};

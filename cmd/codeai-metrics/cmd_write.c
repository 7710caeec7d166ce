/*
 * add, set, observe: update one series.
 */
#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics.h>
#include <codeai/metrics_reader.h>

#include "cmd.h"

enum action { ADD, SET, OBSERVE };

static const char *const verbs[] = { "add", "set", "observe" };

/* What is to be written, and the family as the segment has it. */
struct request {
	enum action action;
	struct cmxr_family family;
	const char *values[CMX_LABELS_MAX];
	double amount;
};

/* A number, the whole of the text. */
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
 * A gauge of live processes would be gone with this one, which ends at once;
 * what a counter cannot take would be counted as invalid and lost.
 */
static bool
is_allowed(const struct request *r)
{
	const struct cmx_family_def *def = &r->family.def;
	enum cmx_type wanted = r->action == OBSERVE ? CMX_HISTOGRAM :
	    r->action == SET                        ? CMX_GAUGE :
						      def->type;

	if (def->type != wanted ||
	    (r->action == ADD && def->type == CMX_HISTOGRAM)) {
		warnx("%s: is a %s; %s is for %s", def->name,
		    cmx_type_name(def->type), verbs[r->action],
		    r->action == OBSERVE ? "histograms" :
			r->action == SET ? "gauges" :
					   "counters and gauges");
		return false;
	}
	if (def->type == CMX_GAUGE && def->aggregate != CMX_LAST) {
		warnx("%s: is a gauge of live processes (\"aggregate\": "
		      "\"%s\"), and this one ends at once: only a gauge with "
		      "\"aggregate\": \"last\" can be written from a shell",
		    def->name, cmx_aggregate_name(def->aggregate));
		return false;
	}
	if (def->type == CMX_COUNTER &&
	    (!(r->amount >= 0) || isinf(r->amount))) {
		warnx("%s: a counter only grows: the amount must be finite and "
		      "not below 0",
		    def->name);
		return false;
	}
	if (def->type == CMX_COUNTER && !def->is_double &&
	    (r->amount != floor(r->amount) || r->amount > 0x1p53)) {
		warnx("%s: counts whole numbers up to 2^53 at a time "
		      "(\"value\": \"double\" in its schema counts fractions)",
		    def->name);
		return false;
	}
	if (def->type == CMX_HISTOGRAM && !isfinite(r->amount)) {
		warnx("%s: observations must be finite", def->name);
		return false;
	}
	return true;
}

/* 0, 1: in the overflow series, or an error. */
static int
update(struct cmx_registry *reg, const struct request *r,
    struct cmx_error *error)
{
	struct cmx_family family;
	struct cmx_counter counter;
	struct cmx_gauge gauge;
	struct cmx_histogram histogram;
	size_t n = r->family.def.n_labels;
	int result = cmx_family_find(reg, r->family.def.name, &family, error);

	if (result != 0)
		return result;
	switch (r->family.def.type) {
	case CMX_COUNTER:
		result =
		    cmx_counter_find(&family, n, r->values, &counter, error);
		cmx_counter_add_double(&counter, r->amount);
		break;
	case CMX_GAUGE:
		result = cmx_gauge_find(&family, n, r->values, &gauge, error);
		if (r->action == SET)
			cmx_gauge_set(&gauge, r->amount);
		else
			cmx_gauge_add(&gauge, r->amount);
		break;
	case CMX_HISTOGRAM:
		result = cmx_histogram_find(&family, n, r->values, &histogram,
		    error);
		cmx_histogram_observe(&histogram, r->amount);
		break;
	}
	return result;
}

/* The last argument is the amount if it is no label; add has 1 without. */
static bool
parse_request(struct request *r, int argc, char *argv[])
{
	bool has_amount = argc > 0 && strchr(argv[argc - 1], '=') == NULL;

	r->amount = 1;
	if (has_amount && !parse_amount(argv[--argc], &r->amount))
		return false;
	if (!has_amount && r->action != ADD) {
		warnx("%s: the value is missing", r->family.def.name);
		return false;
	}
	return parse_labels(&r->family.def, argc, argv, r->values) &&
	    is_allowed(r);
}

static int
write_request(struct cmx_registry *reg, const struct globals *globals,
    struct request *r, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmx_error error;
	size_t index;
	int result = open_snapshot(globals, false, &reader, &snapshot);

	if (result != DONE)
		return result;
	if (!find_family(snapshot, argv[0], &index, &r->family)) {
		result = FAILED;
	} else if (!parse_request(r, argc - 1, argv + 1)) {
		result = USAGE;
	} else if ((result = update(reg, r, &error)) < 0) {
		result = fail(&error);
	} else if (result == 1) {
		warnx("%s", error.text);
		result = DONE;
	}
	cmxr_close(reader);
	return result;
}

static int
write_verb(enum action action, const struct globals *globals, int argc,
    char *argv[])
{
	struct request r = { .action = action };
	struct cmx_registry *reg;
	struct cmx_error error;
	int result;

	/* "+": what stands behind the name may be a negative number. */
	if (getopt(argc, argv, "+") != -1)
		return usage_of(verbs[action]);
	if (optind == argc) {
		warnx("%s: the name of a family is missing", verbs[action]);
		return usage_of(verbs[action]);
	}
	if (cmx_open(globals->segment, NULL, 0, &reg, &error) != 0)
		return fail(&error);
	result = write_request(reg, globals, &r, argc - optind, argv + optind);
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

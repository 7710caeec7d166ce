/*
 * update_series.c: an update of one series, as a shell asks for it.
 */
#include <err.h>
#include <math.h>
#include <string.h>

#include "cmd.h"
#include "update_series.h"

const char *
action_name(enum action action)
{
	static const char *const names[] = { "add", "set", "observe" };

	return names[action];
}

int
request_find(struct request *r, struct cmx_registry *reg, const char *name)
{
	struct cmx_error error;

	if (cmx_family_find(reg, name, &r->family, &error) != 0 ||
	    cmx_family_definition(&r->family, &r->def, r->labels, &error) != 0)
		return fail(&error);
	return DONE;
}

/*
 * A gauge of live processes would be gone with this one, which ends at once;
 * what a counter cannot take would be counted as invalid and lost.
 */
static bool
is_allowed(const struct request *r)
{
	const struct cmx_family_def *def = &r->def;
	enum cmx_type wanted = r->action == OBSERVE ? CMX_HISTOGRAM :
	    r->action == SET                        ? CMX_GAUGE :
						      def->type;

	if (def->type != wanted ||
	    (r->action == ADD && def->type == CMX_HISTOGRAM)) {
		warnx("%s: is a %s; %s is for %s", def->name,
		    cmx_type_name(def->type), action_name(r->action),
		    r->action == OBSERVE ? "histograms" :
			r->action == SET ? "gauges" :
					   "counters and gauges");
		return false;
	}
	if (def->type == CMX_GAUGE && def->aggregate != CMX_LAST) {
		warnx(
		    "%s: is a gauge of live processes (\"aggregate\": \"%s\"), and this one ends at once: only a gauge with \"aggregate\": \"last\" can be written from a shell",
		    def->name, cmx_aggregate_name(def->aggregate));
		return false;
	}
	if (def->type == CMX_COUNTER &&
	    (!(r->amount >= 0) || isinf(r->amount))) {
		warnx(
		    "%s: a counter only grows: the amount must be finite and not below 0",
		    def->name);
		return false;
	}
	if (def->type == CMX_COUNTER && !def->is_double &&
	    (r->amount != floor(r->amount) || r->amount >= 0x1p53)) {
		warnx(
		    "%s: counts whole numbers below 2^53 at a time (\"value\": \"double\" in its schema counts fractions)",
		    def->name);
		return false;
	}
	if (def->type == CMX_HISTOGRAM && !isfinite(r->amount)) {
		warnx("%s: observations must be finite", def->name);
		return false;
	}
	return true;
}

bool
request_parse(struct request *r, int argc, char *argv[])
{
	return parse_labels(&r->def, argc, argv, r->values) && is_allowed(r);
}

int
request_write(const struct request *r)
{
	struct cmx_counter counter;
	struct cmx_gauge gauge;
	struct cmx_histogram histogram;
	struct cmx_error error;
	size_t n = r->def.n_labels;
	int result = CMX_ERR_TYPE;

	switch (r->def.type) {
	case CMX_COUNTER:
		result = cmx_counter_find(&r->family, n, r->values, &counter,
		    &error);
		cmx_counter_add_double(&counter, r->amount);
		break;
	case CMX_GAUGE:
		result =
		    cmx_gauge_find(&r->family, n, r->values, &gauge, &error);
		if (r->action == SET)
			cmx_gauge_set(&gauge, r->amount);
		else
			cmx_gauge_add(&gauge, r->amount);
		break;
	case CMX_HISTOGRAM:
		result = cmx_histogram_find(&r->family, n, r->values,
		    &histogram, &error);
		cmx_histogram_observe(&histogram, r->amount);
		break;
	}
	if (result < 0)
		return fail(&error);
	if (result == 1)
		warnx("%s", error.text);
	return DONE;
}

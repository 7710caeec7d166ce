/*
 * update_series.c: update one series on behalf of a shell.
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

/* Does this action exist for the family's type? */
static bool
is_action_of_type(const struct request *r)
{
	static const enum cmx_type
	    wanted[] = { [SET] = CMX_GAUGE, [OBSERVE] = CMX_HISTOGRAM };
	static const char *const takes[] = { [ADD] = "counters and gauges",
		[SET] = "gauges",
		[OBSERVE] = "histograms" };
	enum cmx_type type = r->def.type;

	if (r->action == ADD ? type != CMX_HISTOGRAM :
			       type == wanted[r->action])
		return true;
	warnx("%s: is a %s; %s is for %s", r->def.name, cmx_type_name(type),
	    action_name(r->action), takes[r->action]);
	return false;
}

/*
 * The value of a live process would disappear with this process, which ends at
 * once.
 */
static bool
may_change_gauge(const struct request *r)
{
	if (r->def.aggregate == CMX_LAST)
		return true;
	warnx(
	    "%s: is a gauge of live processes (\"aggregate\": \"%s\"), and this one ends at once: only a gauge with \"aggregate\": \"last\" can be written from a shell",
	    r->def.name, cmx_aggregate_name(r->def.aggregate));
	return false;
}

/* An amount that a counter refuses would only be counted as invalid. */
static bool
may_add_to_counter(const struct request *r)
{
	if (!(r->amount >= 0) || isinf(r->amount)) {
		warnx(
		    "%s: a counter only grows: the amount must be finite and not below 0",
		    r->def.name);
		return false;
	}
	if (!r->def.is_double &&
	    (r->amount != floor(r->amount) || r->amount >= 0x1p53)) {
		warnx(
		    "%s: counts whole numbers below 2^53 at a time (\"value\": \"double\" in its schema counts fractions)",
		    r->def.name);
		return false;
	}
	return true;
}

static bool
may_observe(const struct request *r)
{
	if (isfinite(r->amount))
		return true;
	warnx("%s: observations must be finite", r->def.name);
	return false;
}

static bool
is_allowed(const struct request *r)
{
	if (!is_action_of_type(r))
		return false;
	switch (r->def.type) {
	case CMX_COUNTER:
		return may_add_to_counter(r);
	case CMX_GAUGE:
		return may_change_gauge(r);
	case CMX_HISTOGRAM:
		return may_observe(r);
	}
	return false;
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

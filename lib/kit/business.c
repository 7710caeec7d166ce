/*
 * business.c: metrics that an application makes up as it runs.
 */
#include "codeai/metrics_business.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "write/registry.h"

/* The name with its prefix; false for null, and where it is too long. */
static bool
whole_name(const char *name, char buf[CMX_NAME_MAX + 1])
{
	return name != NULL &&
	    snprintf(buf, CMX_NAME_MAX + 1, "%s%s", CMX_BUSINESS_PREFIX,
		name) <= CMX_NAME_MAX;
}

static int
bad_name(const char *name, struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_ARGUMENT,
	    "business metric %.64s: the name is null, empty, or longer than %zu bytes",
	    name == NULL ? "" : name,
	    CMX_NAME_MAX - strlen(CMX_BUSINESS_PREFIX));
}

static int
add_family(struct cmx_registry *reg, const char *name,
    struct cmx_family_def *def, struct cmx_error *err)
{
	char whole[CMX_NAME_MAX + 1];

	if (!whole_name(name, whole) || name[0] == '\0')
		return bad_name(name, err);
	def->name = whole;
	return cmx_register(reg, def, NULL, err);
}

int
cmx_business_register_counter(struct cmx_registry *reg, const char *name,
    const char *help, size_t n_labels, const char *const *labels,
    struct cmx_error *err)
{
	struct cmx_family_def def = { .help = help,
		.type = CMX_COUNTER,
		.is_double = true,
		.n_labels = n_labels,
		.labels = labels };

	return add_family(reg, name, &def, err);
}

int
cmx_business_register_gauge(struct cmx_registry *reg, const char *name,
    const char *help, size_t n_labels, const char *const *labels,
    struct cmx_error *err)
{
	struct cmx_family_def def = { .help = help,
		.type = CMX_GAUGE,
		.aggregate = CMX_LAST,
		.n_labels = n_labels,
		.labels = labels };

	return add_family(reg, name, &def, err);
}

int
cmx_business_register_histogram(struct cmx_registry *reg, const char *name,
    const char *help, size_t n_labels, const char *const *labels,
    size_t n_bounds, const double *bounds, struct cmx_error *err)
{
	struct cmx_family_def def = { .help = help,
		.type = CMX_HISTOGRAM,
		.n_labels = n_labels,
		.labels = labels,
		.n_bounds = n_bounds,
		.bounds = bounds };

	return add_family(reg, name, &def, err);
}

/* Updates */

/* A family, and the label values of a series in the family's order. */
struct target {
	struct cmx_family family;
	const struct cmxi_shm_family *record;
	const char *values[CMX_LABELS_MAX];
};

static int
failed(const struct cmx_registry *reg, int r)
{
	cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
	return r;
}

/* The first label name of a record, which follows name, help and unit. */
static const char *
first_label(const struct cmxi_shm_family *record)
{
	const char *p = (const char *)record + record->text_offset;

	for (int i = 0; i < 3; i++)
		p += strlen(p) + 1;
	return p;
}

/*
 * Find the only pair with this label; null, and err filled, where there is none
 * or more than one.
 */
static const struct cmx_label *
find_pair(const char *name, const char *label, size_t n,
    const struct cmx_label *pairs, struct cmx_error *err)
{
	const struct cmx_label *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (pairs[i].name == NULL || strcmp(pairs[i].name, label) != 0)
			continue;
		if (found != NULL) {
			cmxi_error(err, CMX_ERR_LABELS,
			    "family %s: the label %s stands twice", name,
			    label);
			return NULL;
		}
		found = &pairs[i];
	}
	if (found == NULL)
		cmxi_error(err, CMX_ERR_LABELS,
		    "family %s: the label %s is missing", name, label);
	return found;
}

static int
order_labels(struct target *t, const char *name, size_t n,
    const struct cmx_label *pairs, struct cmx_error *err)
{
	const char *label = first_label(t->record);

	for (size_t i = 0; i < t->record->n_labels; i++) {
		const struct cmx_label *pair =
		    find_pair(name, label, n, pairs, err);

		if (pair == NULL)
			return CMX_ERR_LABELS;
		t->values[i] = pair->value;
		label += strlen(label) + 1;
	}
	/* Every label of the family has its pair: a further pair is unknown. */
	if (n > t->record->n_labels)
		return cmxi_error(err, CMX_ERR_LABELS,
		    "family %s: %zu labels were given, it has %u", name, n,
		    t->record->n_labels);
	return 0;
}

static int
find_target(struct cmx_registry *reg, const char *name, size_t n,
    const struct cmx_label *pairs, struct target *t, struct cmx_error *err)
{
	char whole[CMX_NAME_MAX + 1];
	int r;

	if (reg == NULL || (n > 0 && pairs == NULL))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "business metric: the registry or the labels are null");
	if (!whole_name(name, whole))
		return failed(reg, bad_name(name, err));
	r = cmx_family_find(reg, whole, &t->family, err);
	if (r != 0)
		return r;
	t->record = cmxi_registry_family(reg, t->family.entry);
	r = order_labels(t, whole, n, pairs, err);
	return r == 0 ? 0 : failed(reg, r);
}

static int
bad_amount(const struct cmx_registry *reg, const char *name,
    struct cmx_error *err)
{
	cmxi_segment_count(&reg->segment, CMXI_STAT_INVALID_UPDATES, 1);
	return cmxi_error(err, CMX_ERR_ARGUMENT,
	    "business metric %s: a counter grows by finite amounts that are not below 0, and observations are finite",
	    name);
}

int
cmx_business_add(struct cmx_registry *reg, const char *name, size_t n,
    const struct cmx_label *pairs, double value, struct cmx_error *err)
{
	struct target t;
	struct cmx_counter counter;
	struct cmx_gauge gauge;
	int r = find_target(reg, name, n, pairs, &t, err);

	if (r != 0)
		return r;
	if (t.record->type == CMX_GAUGE) {
		r = cmx_gauge_find(&t.family, n, t.values, &gauge, err);
		cmx_gauge_add(&gauge, value);
		return r;
	}
	if (!(value >= 0) || isinf(value))
		return bad_amount(reg, name, err);
	r = cmx_counter_find(&t.family, n, t.values, &counter, err);
	cmx_counter_add_double(&counter, value);
	return r;
}

int
cmx_business_inc(struct cmx_registry *reg, const char *name, size_t n,
    const struct cmx_label *pairs, struct cmx_error *err)
{
	return cmx_business_add(reg, name, n, pairs, 1, err);
}

int
cmx_business_set(struct cmx_registry *reg, const char *name, size_t n,
    const struct cmx_label *pairs, double value, struct cmx_error *err)
{
	struct target t;
	struct cmx_gauge gauge;
	int r = find_target(reg, name, n, pairs, &t, err);

	if (r != 0)
		return r;
	r = cmx_gauge_find(&t.family, n, t.values, &gauge, err);
	cmx_gauge_set(&gauge, value);
	return r;
}

int
cmx_business_observe(struct cmx_registry *reg, const char *name, size_t n,
    const struct cmx_label *pairs, double value, struct cmx_error *err)
{
	struct target t;
	struct cmx_histogram histogram;
	int r = find_target(reg, name, n, pairs, &t, err);

	if (r != 0)
		return r;
	if (!isfinite(value))
		return bad_amount(reg, name, err);
	r = cmx_histogram_find(&t.family, n, t.values, &histogram, err);
	cmx_histogram_observe(&histogram, value);
	return r;
}

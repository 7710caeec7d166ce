/*
 * native_buckets.c: the buckets of native (exponential) histograms.
 */
#include "family/native_buckets.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/require.h"

/* 2^(i/n - 1) for i below n = 2^schema: where [0.5, 1) is cut. */
static double
fraction_bound(int i, int schema)
{
	/*
	 * The extended result has more bits than a double, so it is rounded
	 * once.
	 */
	return (double)exp2l(
	    (long double)i / (long double)(1 << schema) - 1.0L);
}

int32_t
cmxi_native_key(double v, int schema)
{
	int exponent;
	double fraction = frexp(v, &exponent);

	REQUIRE(v > 0);
	if (schema > 0) {
		int n = 1 << schema, from = 0, to = n;

		/* The first bound that is not below the fraction. */
		while (from < to) {
			int middle = (from + to) / 2;

			if (fraction_bound(middle, schema) < fraction)
				from = middle + 1;
			else
				to = middle;
		}
		return from + (exponent - 1) * n;
	}
	if (fraction == 0.5)
		exponent--;
	/* An arithmetic shift that rounds the key up. */
	return (exponent + (1 << -schema) - 1) >> -schema;
}

double
cmxi_native_bound(int32_t key, int schema)
{
	REQUIRE(schema >= CMXI_NATIVE_SCHEMA_MIN &&
	    schema <= CMXI_NATIVE_SCHEMA_MAX);
	if (schema > 0) {
		int n = 1 << schema;

		return ldexp(fraction_bound(key & (n - 1), schema),
		    (key >> schema) + 1);
	}
	/* The last bucket ends at the largest double. */
	if (key * (1 << -schema) >= DBL_MAX_EXP)
		return DBL_MAX;
	return ldexp(1, key * (1 << -schema));
}

struct cmxi_window
cmxi_native_window(const struct cmx_family_def *def)
{
	struct cmxi_window w;

	REQUIRE(def->is_native);
	w = (struct cmxi_window){
		.low = cmxi_native_key(def->native_min, def->native_schema),
		.high = cmxi_native_key(def->native_max, def->native_schema),
	};

	w.zero_threshold = cmxi_native_bound(w.low - 1, def->native_schema);
	return w;
}

/*
 * Where bounds go: into an array, or into a comparison with one.  Both null:
 * they are only counted.
 */
struct bounds {
	double *to;
	const double *like;
	size_t n;
	bool differ;
};

static void
put_bound(struct bounds *bounds, double bound)
{
	if (bounds->to != NULL)
		bounds->to[bounds->n] = bound;
	/* By their bytes: a damaged record may hold NaN. */
	if (bounds->like != NULL &&
	    memcmp(&bounds->like[bounds->n], &bound, sizeof(bound)) != 0)
		bounds->differ = true;
	bounds->n++;
}

static void
put_classic(const struct cmx_family_def *def, struct bounds *bounds)
{
	for (size_t i = 0; i < def->n_bounds; i++)
		put_bound(bounds, def->bounds[i]);
}

static void
put_cell_bounds(const struct cmx_family_def *def, struct bounds *bounds)
{
	struct cmxi_window w;
	size_t i = 0;

	if (!def->is_native) {
		put_classic(def, bounds);
		return;
	}
	w = cmxi_native_window(def);
	/*
	 * Merge two sorted lists into one; the first bound is the end of the
	 * zero bucket.
	 */
	for (int32_t key = w.low - 1; key <= w.high;) {
		double bound = cmxi_native_bound(key, def->native_schema);

		if (i < def->n_bounds && def->bounds[i] < bound) {
			put_bound(bounds, def->bounds[i++]);
			continue;
		}
		i += i < def->n_bounds && def->bounds[i] == bound;
		put_bound(bounds, bound);
		key++;
	}
	while (i < def->n_bounds)
		put_bound(bounds, def->bounds[i++]);
}

static void
put_shown_bounds(const struct cmx_family_def *def, struct bounds *bounds)
{
	struct cmxi_window w;
	int step;

	if (!def->is_native || def->n_bounds > 0) {
		put_classic(def, bounds);
		return;
	}
	w = cmxi_native_window(def);
	step = def->native_schema > 0 ? 1 << def->native_schema : 1;
	for (int32_t key = w.low - 1; key <= w.high; key++)
		if (key % step == 0)
			put_bound(bounds,
			    cmxi_native_bound(key, def->native_schema));
}

size_t
cmxi_cell_bounds(const struct cmx_family_def *def, double *bounds)
{
	struct bounds b = { .to = bounds };

	put_cell_bounds(def, &b);
	return b.n;
}

size_t
cmxi_shown_bounds(const struct cmx_family_def *def, double *bounds)
{
	struct bounds b = { .to = bounds };

	put_shown_bounds(def, &b);
	return b.n;
}

bool
cmxi_bounds_are(const struct cmx_family_def *def, const double *cell_bounds,
    const double *shown)
{
	struct bounds cells = { .like = cell_bounds };
	struct bounds text = { .like = shown };

	put_cell_bounds(def, &cells);
	put_shown_bounds(def, &text);
	return !cells.differ && !text.differ;
}

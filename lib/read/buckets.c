/*
 * buckets.c: how the cells of a histogram become the buckets that are shown.
 */
#include "read/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/require.h"
#include "family/native_buckets.h"

static void
make_bound_text(double bound, struct cmxi_bound_text *t)
{
	size_t n = cmxi_double_to_general(bound, t->text);

	t->text[n] = '\0';
	memcpy(t->openmetrics, t->text, n + 1);
	if (strpbrk(t->text, ".e") == NULL)
		memcpy(t->openmetrics + n, ".0", sizeof(".0"));
}

static bool
make_shown(struct cmxi_buckets *b, const struct cmxi_definition *d)
{
	static const struct cmxi_bound_text infinity = { "+Inf", "+Inf" };
	size_t n = d->n_shown, cell = 0;

	b->texts = calloc(n + 1, sizeof(*b->texts));
	b->ends = calloc(n + 1, sizeof(*b->ends));
	if (b->texts == NULL || b->ends == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		make_bound_text(d->shown[i], &b->texts[i]);
		while (cell < d->n_cell_bounds &&
		    d->cell_bounds[cell] <= d->shown[i])
			cell++;
		b->ends[i] = (uint32_t)cell;
	}
	b->texts[n] = infinity;
	b->ends[n] = (uint32_t)d->n_cell_bounds + 1;
	return true;
}

/* Note the native bucket of each cell; see native_buckets.h. */
static bool
make_keys(struct cmxi_buckets *b, const struct cmxi_definition *d)
{
	struct cmxi_window w = cmxi_native_window(&d->def);
	size_t i;

	REQUIRE(d->def.is_native);
	b->keys = calloc(d->n_cell_bounds + 1, sizeof(*b->keys));
	if (b->keys == NULL)
		return false;
	b->zero_threshold = w.zero_threshold;
	for (i = 0; i < d->n_cell_bounds; i++) {
		double bound = d->cell_bounds[i];
		int32_t key = bound <= w.zero_threshold ?
		    CMXI_ZERO_KEY :
		    cmxi_native_key(bound, d->def.native_schema);

		b->keys[i] = key > w.high ? w.high + 1 : key;
	}
	b->keys[i] = w.high + 1;
	return true;
}

bool
cmxi_buckets_init(struct cmxi_buckets *b, const struct cmxi_definition *d)
{
	memset(b, 0, sizeof(*b));
	b->n_cells = d->n_cell_bounds + 1;
	b->n_shown = d->n_shown + 1;
	if (d->def.type != CMX_HISTOGRAM)
		return true;
	if (make_shown(b, d) && (!d->def.is_native || make_keys(b, d)))
		return true;
	cmxi_buckets_fini(b);
	return false;
}

void
cmxi_buckets_fini(struct cmxi_buckets *b)
{
	free(b->ends);
	free(b->texts);
	free(b->keys);
	memset(b, 0, sizeof(*b));
}

/*
 * heat.c: the buckets of one histogram, sample after sample, and exemplars.
 */
#include <stdlib.h>
#include <string.h>

#include "../cmd.h"
#include "top.h"

void
heat_clear(struct heat *h)
{
	free(h->counts);
	memset(h, 0, sizeof(*h));
}

static bool
prepare(struct heat *h, size_t n_buckets)
{
	if (h->n_buckets == n_buckets)
		return true;
	heat_clear(h);
	h->counts = calloc(HISTORY * n_buckets, sizeof(*h->counts));
	h->n_buckets = h->counts == NULL ? 0 : n_buckets;
	return h->counts != NULL;
}

static bool
sample_counts(struct heat *h, const struct row *row)
{
	size_t n = tally_family(row->tally)->n_bounds + 1;
	double *counts = calloc(n, sizeof(*counts));
	bool ok = counts != NULL && prepare(h, n);

	if (ok && tally_counts_growth(row->tally, row->group, counts)) {
		for (size_t i = 0; i < n; i++)
			h->counts[h->n % HISTORY * n + i] = (float)counts[i];
		h->n++;
	}
	free(counts);
	return ok;
}

/* Is it a sample of this row?  Its labels stand as row_name() writes them. */
static bool
is_of(const char *line, size_t size, const struct row *row)
{
	const struct tally *t = row->tally;

	for (size_t i = 0; i < tally_n_by(t); i++) {
		char label[CMX_NAME_MAX + 2 * CMX_LABEL_VALUE_MAX + 8];
		/* With what is before it: user_id is no id. */
		size_t n = (size_t)snprintf(label, sizeof(label), "%c%s=\"",
		    i == 0 ? '{' : ',', tally_by(t, i));

		n += escape_value(tally_value(t, row->group, i), label + n,
		    sizeof(label) - n - 1);
		label[n++] = '"';
		if (memmem(line, size, label, n) == NULL)
			return false;
	}
	return true;
}

/* A line "name{...} value # {labels} value time" of OpenMetrics. */
static void
note_exemplar(struct heat *h, const char *line, size_t size,
    const struct row *row)
{
	const char *mark = memmem(line, size, " # {", 4);
	size_t n = mark == NULL ? 0 : size - (size_t)(mark - line) - 3;

	if (mark == NULL || h->n_exemplars == EXEMPLARS_MAX ||
	    !is_of(line, (size_t)(mark - line), row))
		return;
	if (n >= EXEMPLAR_BYTES)
		n = EXEMPLAR_BYTES - 1;
	memcpy(h->exemplars[h->n_exemplars], mark + 3, n);
	h->exemplars[h->n_exemplars++][n] = '\0';
}

static void
sample_exemplars(struct heat *h, const struct row *row,
    const struct cmxr_snapshot *snapshot)
{
	const char *name = tally_family(row->tally)->def.name;
	const struct cmxr_input input = { .snapshot = snapshot };
	const struct cmxr_options options = { .n_names = 1, .names = &name };
	struct cmxr_buffer text = { NULL, 0, 0 };
	struct cmx_error error;

	h->n_exemplars = 0;
	if (cmxr_encode(&input, 1, CMXR_OPENMETRICS, &options, &text, &error) >=
	    0)
		for (size_t at = 0; at < text.size;) {
			const char *line = text.data + at,
				   *end = memchr(line, '\n', text.size - at);
			size_t size =
			    end == NULL ? text.size - at : (size_t)(end - line);

			note_exemplar(h, line, size, row);
			at += size + 1;
		}
	cmxr_buffer_free(&text);
}

bool
heat_sample(struct heat *h, const struct row *row,
    const struct cmxr_snapshot *snapshot)
{
	const struct cmx_family_def *def = &tally_family(row->tally)->def;

	if (def->type == CMX_HISTOGRAM && !sample_counts(h, row))
		return false;
	if (snapshot != NULL && def->has_exemplars)
		sample_exemplars(h, row, snapshot);
	return true;
}

double
heat_count(const struct heat *h, size_t i, size_t bucket)
{
	if (i >= h->n || i >= HISTORY)
		return 0;
	return (
	    double)h->counts[(h->n - 1 - i) % HISTORY * h->n_buckets + bucket];
}

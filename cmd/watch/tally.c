/*
 * tally.c: groups of series, sample after sample.
 *
 * Of each group there are two rows of numbers, those of the last sample and
 * those of the one before; a histogram's row has a count for each bucket and
 * the sum, any other row one number.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "watch/tally_parts.h"

#define ROWS_FIRST 16
/* So many groups are kept, whether they are there or not. */
#define DROP_FROM 1024

/* New and free */

static bool
copy_names(struct tally *t)
{
	t->names[0] = strdup(t->query.family);
	t->query.family = t->names[0];
	for (size_t i = 0; i < t->query.n_by; i++) {
		t->names[i + 1] = strdup(t->query.by[i]);
		t->query.by[i] = t->names[i + 1];
		if (t->query.by[i] == NULL)
			return false;
	}
	t->n_by = t->query.n_by;
	return t->query.family != NULL;
}

struct tally *
tally_new(const struct tally_query *query)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->query = *query;
	if (copy_names(t) && history_init(&t->history, query->n_history))
		return t;
	tally_free(t);
	return NULL;
}

static void
forget_groups(struct tally *t)
{
	groups_fini(&t->groups);
	free(t->now);
	free(t->before);
	history_clear(&t->history);
	t->now = t->before = NULL;
	t->capacity = 0;
	t->generation++;
}

static void
forget_family(struct tally *t)
{
	forget_groups(t);
	free(t->counts);
	t->counts = NULL;
	kept_family_clear(&t->kept);
}

void
tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	forget_family(t);
	for (size_t i = 0; i < sizeof(t->names) / sizeof(t->names[0]); i++)
		free(t->names[i]);
	history_fini(&t->history);
	free(t->key.text);
	free(t);
}

/* The family */

static void
choose_labels(struct tally *t, size_t n_labels, const struct cmx_label *labels)
{
	const struct cmx_family_def *def = &t->kept.family.def;

	if (!t->query.by_all)
		return;
	t->n_by = 0;
	for (size_t i = 0; i < n_labels && t->n_by < CMX_LABELS_MAX; i++) {
		free(t->names[t->n_by + 1]);
		t->names[t->n_by + 1] = strdup(labels[i].name);
		t->query.by[t->n_by] = t->names[t->n_by + 1];
		t->n_by += t->query.by[t->n_by] != NULL;
	}
	for (size_t i = 0; i < def->n_labels && t->n_by < CMX_LABELS_MAX; i++)
		t->query.by[t->n_by++] = def->labels[i];
	if (def_is_each(def))
		t->query.by[t->n_by++] = TALLY_PID;
}

static bool
take_family(struct tally *t, const struct cmxr_family *f, size_t n_labels,
    const struct cmx_label *labels)
{
	if (!kept_family_set(&t->kept, f))
		return false;
	t->width = f->def.type == CMX_HISTOGRAM ? f->n_bounds + 2 : 1;
	t->counts = calloc(t->width, sizeof(*t->counts));
	if (t->counts == NULL) {
		kept_family_clear(&t->kept);
		return false;
	}
	choose_labels(t, n_labels, labels);
	return true;
}

/* Groups */

static bool
grow_rows(struct tally *t)
{
	size_t n = t->capacity == 0 ? ROWS_FIRST : t->capacity * 2;
	size_t row = t->width * sizeof(double);

	if (!grow_array(&t->now, n, row) || !grow_array(&t->before, n, row) ||
	    !history_grow(&t->history, n))
		return false;
	t->capacity = n;
	return true;
}

static void
clear_row(struct tally *t, size_t group)
{
	memset(t->now + group * t->width, 0, t->width * sizeof(double));
	memset(t->before + group * t->width, 0, t->width * sizeof(double));
	history_clear_row(&t->history, group);
}

void
tally_restart(struct tally *t)
{
	forget_family(t);
	t->n_samples = 0;
}

bool
tally_has_rest(const struct tally *t)
{
	return t->groups.has_rest;
}

uint64_t
tally_bytes(const struct tally *t)
{
	return groups_bytes(&t->groups) +
	    t->capacity *
	    (2 * t->width * sizeof(double) +
		t->query.n_history * sizeof(float));
}

/*
 * The group of the key at hand, which may be new.  Series come in the same
 * order in each sample: most often it is the one behind the last one.
 */
static uint32_t
group_of(struct tally *t)
{
	size_t n = t->groups.n;
	uint64_t hash;
	uint32_t group;

	if (groups_is(&t->groups, t->next, t->key.text, t->key.size))
		return t->next++;
	hash = groups_hash(&t->groups, t->key.text, t->key.size);
	group = groups_find(&t->groups, t->key.text, t->key.size, hash);
	t->next = group + 1;
	if (group != NO_GROUP)
		return group;
	if (n == t->capacity && !grow_rows(t))
		return NO_GROUP;
	if (t->groups.has_rest ||
	    (t->query.max_bytes > 0 && tally_bytes(t) > t->query.max_bytes)) {
		t->n_left_out++;
		group = groups_rest(&t->groups, t->n_by > 0 ? t->n_by : 1);
	} else
		group = groups_add(&t->groups, t->key.text, t->key.size, hash);
	if (t->groups.n > n)
		clear_row(t, group);
	return group;
}

/* Values */

/* Times of day are not added up: the oldest start, the latest of others. */
static enum cmx_aggregate
how_combined(const struct cmx_family_def *def)
{
	if (def->aggregate == CMX_MIN || def->aggregate == CMX_MAX)
		return def->aggregate;
	if (def_is_start_time(def))
		return CMX_MIN;
	if (def_is_timestamp(def))
		return CMX_MAX;
	return def->aggregate;
}

static void
add_gauge(struct tally *t, double *row, double value, bool is_first)
{
	enum cmx_aggregate how = how_combined(&t->kept.family.def);

	if (is_first)
		*row = value;
	else if (how == CMX_MAX)
		*row = value > *row ? value : *row;
	else if (how == CMX_MIN)
		*row = value < *row ? value : *row;
	else
		*row += value;
}

static void
add_values(struct tally *t, uint32_t group, const struct cmxr_series *s)
{
	double *row = t->now + group * t->width;

	switch (t->kept.family.def.type) {
	case CMX_HISTOGRAM:
		for (size_t i = 0; i < s->n_buckets; i++)
			row[i] += (double)s->buckets[i];
		row[t->width - 1] += s->sum;
		break;
	case CMX_COUNTER:
		*row +=
		    t->kept.family.def.is_double ? s->value : (double)s->whole;
		break;
	default:
		add_gauge(t, row, s->value, t->groups.at[group].n_series == 0);
		break;
	}
	t->groups.at[group].n_series++;
}

static bool
add_series(struct tally *t, const struct cmxr_snapshot *snapshot, size_t index,
    const struct places *places)
{
	struct cmxr_series series;
	size_t cursor = 0;

	while (cmxr_series_next(snapshot, index, &cursor, &series)) {
		uint32_t group = series_key_make(&t->key, places, &series) ?
		    group_of(t) :
		    NO_GROUP;

		if (group == NO_GROUP)
			return false;
		add_values(t, group, &series);
	}
	return true;
}

/* A sample */

void
tally_begin(struct tally *t, uint64_t now_ns, uint64_t sources)
{
	double *last = t->before;

	t->is_comparable = t->n_samples > 0 && sources == t->sources;
	t->sources = sources;
	t->before_ns = t->n_samples > 0 ? t->now_ns : now_ns;
	t->now_ns = now_ns;
	t->before = t->now;
	t->now = last;
	if (t->groups.n > 0)
		memset(t->now, 0, t->groups.n * t->width * sizeof(*t->now));
	for (size_t i = 0; i < t->groups.n; i++)
		t->groups.at[i].n_series = 0;
	t->n_left_out = 0;
	t->next = 0;
}

bool
tally_add(struct tally *t, const struct cmxr_snapshot *snapshot,
    size_t n_labels, const struct cmx_label *labels)
{
	struct cmxr_family f;
	struct places places;
	size_t i;

	if (!cmxr_snapshot_find(snapshot, t->query.family, &i))
		return true;
	cmxr_snapshot_family(snapshot, i, &f);
	if (t->kept.family.def.name == NULL &&
	    !take_family(t, &f, n_labels, labels))
		return false;
	if (!kept_family_is_like(&t->kept, &f)) {
		t->n_left_out++;
		return true;
	}
	places_find(&places, t->n_by, t->query.by, &f.def, n_labels, labels);
	return add_series(t, snapshot, i, &places);
}

static void
remember(struct tally *t)
{
	history_begin(&t->history, tally_seconds(t));
	for (size_t i = 0; i < t->groups.n; i++)
		if (t->kept.family.def.type != CMX_GAUGE)
			history_put_growth(&t->history, i, tally_growth(t, i));
		else
			history_put_value(&t->history, i,
			    tally_is_there(t, i) ? tally_total(t, i) :
						   (double)NAN);
}

static void
move_row(void *arg, size_t from, size_t to)
{
	struct tally *t = arg;
	size_t row = t->width;

	memcpy(t->now + to * row, t->now + from * row, row * sizeof(*t->now));
	memcpy(t->before + to * row, t->before + from * row,
	    row * sizeof(*t->before));
	history_move_row(&t->history, from, to);
}

/* Keep the groups that are there, once the others are more. */
static void
drop_gone(struct tally *t)
{
	size_t n_there = 0;

	for (size_t i = 0; i < t->groups.n; i++)
		n_there += t->groups.at[i].n_series > 0;
	if (t->groups.n < DROP_FROM || n_there * 2 > t->groups.n)
		return;
	groups_drop_gone(&t->groups, move_row, t);
	t->generation++;
}

/* A family that no series of a sample had may come with other bounds. */
static bool
is_gone(const struct tally *t)
{
	for (size_t i = 0; i < t->groups.n; i++)
		if (t->groups.at[i].n_series > 0)
			return false;
	return t->kept.family.def.name != NULL && t->n_left_out > 0;
}

void
tally_end(struct tally *t)
{
	remember(t);
	t->n_samples++;
	/* Another one of that name is not compared with this one. */
	if (is_gone(t))
		tally_restart(t);
	else
		drop_gone(t);
}

/*
 * list.c: rows of families or series, their order, and a mark to compare with.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cmd.h"
#include "top.h"

static const char *const sort_names[N_SORTS] = { "rate", "value", "name",
	"p99" };

enum sort
sort_find(const char *name)
{
	enum sort sort = BY_RATE;

	while (sort < N_SORTS && strcmp(sort_names[sort], name) != 0)
		sort++;
	return sort;
}

void
list_clear(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		tally_free(l->at[i].tally);
		free(l->at[i].mark);
	}
	groups_fini(&l->names);
	free(l->at);
	free(l->rows);
	l->at = NULL;
	l->rows = NULL;
	l->n = l->capacity = l->n_rows = l->row_capacity = 0;
}

/* Samples */

static bool
is_listed(const struct list *l, const char *name)
{
	return l->family != NULL ? strcmp(l->family, name) == 0 :
				   is_wanted(name, l->n_globs, l->globs);
}

static bool
add(struct list *l, const char *name)
{
	const struct tally_query query = { .family = name,
		.by_all = l->has_each,
		.n_history = HISTORY };
	bool is_new;
	uint32_t number = groups_number(&l->names, name, &is_new);
	struct tally *tally;

	if (number == NO_GROUP || !is_new)
		return number != NO_GROUP;
	if (l->n == l->capacity) {
		size_t n = l->capacity == 0 ? 64 : l->capacity * 2;

		if (!grow_array(&l->at, n, sizeof(*l->at)))
			return false;
		l->capacity = n;
	}
	tally = tally_new(&query);
	if (tally == NULL)
		return false;
	l->at[l->n++] = (struct listed){ .tally = tally };
	return true;
}

/* List the families that are new. */
static bool
find_families(struct list *l, const struct cmxr_snapshot *snapshot)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;

		cmxr_snapshot_family(snapshot, i, &f);
		if (is_listed(l, f.def.name) && !add(l, f.def.name))
			return false;
	}
	return true;
}

bool
list_sample(struct list *l, const struct watch *w)
{
	if (w->snapshot == NULL)
		return true;
	if (!find_families(l, w->snapshot))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		tally_begin(l->at[i].tally, w->now_ns, w->number);
		if (!tally_add(l->at[i].tally, w->snapshot, 0, NULL))
			return false;
		tally_end(l->at[i].tally);
	}
	return true;
}

/* Rows */

static bool
has_text(const struct row *row, const char *text, size_t size)
{
	const struct tally *t = row->tally;
	char part[FILTER_MAX], name[4096];

	memcpy(part, text, size);
	part[size] = '\0';
	if (strcasestr(tally_family(t)->def.name, part) != NULL)
		return true;
	for (size_t i = 0; i < tally_n_by(t); i++)
		if (strcasestr(tally_value(t, row->group, i), part) != NULL ||
		    strcasestr(tally_by(t, i), part) != NULL)
			return true;
	/* What goes over the end of a name or a value. */
	if (strpbrk(part, "{}=\",") == NULL)
		return false;
	row_name(row, name, sizeof(name));
	return strcasestr(name, part) != NULL;
}

/* One of the texts of the filter, which has '|' between them. */
static bool
is_wanted_by(const char *filter, const struct row *row)
{
	const char *at = filter;

	if (filter[0] == '\0')
		return true;
	for (;;) {
		size_t size = strcspn(at, "|");

		if (size > 0 && has_text(row, at, size))
			return true;
		if (at[size] == '\0')
			return false;
		at += size + 1;
	}
}

static double
key_of(const struct row *row, enum sort by)
{
	double key;

	switch (by) {
	case BY_RATE:
		key = column_value(row, RATE);
		break;
	case BY_P99:
		key = column_value(row, P99);
		break;
	case BY_VALUE:
		key = column_value(row, TOTAL);
		break;
	default:
		return 0;
	}
	/* What has none comes last. */
	return isnan(key) ? -INFINITY : key;
}

static bool
add_row(struct list *l, struct row row)
{
	if (l->n_rows == l->row_capacity) {
		size_t n = l->row_capacity * 2 + 256;

		if (!grow_array(&l->rows, n, sizeof(*l->rows)))
			return false;
		l->row_capacity = n;
	}
	l->rows[l->n_rows++] = row;
	return true;
}

static bool
add_rows(struct list *l, size_t listed, const struct order *order)
{
	struct tally *t = l->at[listed].tally;

	for (size_t i = 0; i < tally_n_groups(t); i++) {
		struct row row = { t, listed, i, 0 };

		if (!tally_is_there(t, i) || !is_wanted_by(order->filter, &row))
			continue;
		if (!order->has_unseen && tally_total(t, i) == 0) {
			l->n_unseen++;
			continue;
		}
		row.key = key_of(&row, order->by);
		if (!add_row(l, row))
			return false;
	}
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(tally_family(x->tally)->def.name,
	    tally_family(y->tally)->def.name);

	for (size_t i = 0; order == 0 && i < tally_n_by(x->tally); i++)
		order = strcmp(tally_value(x->tally, x->group, i),
		    tally_value(y->tally, y->group, i));
	return order;
}

/* Of what is alike, the order of the segment. */
static int
compare_keys(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	if (x->listed != y->listed)
		return x->listed < y->listed ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

static void
sort_part(struct row *rows, size_t n)
{
	if (n > 1)
		qsort(rows, n, sizeof(*rows), compare_keys);
}

static int
part_of(double key)
{
	return key > 0 ? 0 : key < 0 ? 2 : 1;
}

/*
 * Of many series few move: those that rest stay in the order in which they
 * came, between what is above 0 and what is below.
 */
static void
sort_by_keys(struct list *l)
{
	struct row *sorted = reallocarray(NULL, l->n_rows, sizeof(*sorted));
	size_t n[3] = { 0, 0, 0 }, at[3];

	if (sorted == NULL) {
		sort_part(l->rows, l->n_rows);
		return;
	}
	for (size_t i = 0; i < l->n_rows; i++)
		n[part_of(l->rows[i].key)]++;
	at[0] = 0;
	at[1] = n[0];
	at[2] = n[0] + n[1];
	for (size_t i = 0; i < l->n_rows; i++)
		sorted[at[part_of(l->rows[i].key)]++] = l->rows[i];
	sort_part(sorted, n[0]);
	sort_part(sorted + n[0] + n[1], n[2]);
	free(l->rows);
	l->rows = sorted;
	l->row_capacity = l->n_rows;
}

static void
reverse(struct list *l)
{
	for (size_t i = 0, j = l->n_rows; i + 1 < j; i++) {
		struct row swap = l->rows[i];

		l->rows[i] = l->rows[--j];
		l->rows[j] = swap;
	}
}

bool
list_arrange(struct list *l, const struct order *order)
{
	l->n_rows = l->n_unseen = 0;
	for (size_t i = 0; i < l->n; i++)
		if (tally_family(l->at[i].tally) != NULL &&
		    !add_rows(l, i, order))
			return false;
	if (l->n_rows > 1 && order->by == BY_NAME)
		qsort(l->rows, l->n_rows, sizeof(*l->rows), compare_names);
	else if (l->n_rows > 1)
		sort_by_keys(l);
	if (order->is_reversed)
		reverse(l);
	return true;
}

/* The mark */

static void
mark_one(struct listed *of)
{
	size_t n = tally_n_groups(of->tally);

	of->mark = calloc(n + 1, sizeof(*of->mark));
	of->n_mark = of->mark == NULL ? 0 : n;
	of->mark_generation = tally_generation(of->tally);
	for (size_t i = 0; i < of->n_mark; i++)
		of->mark[i] = tally_is_there(of->tally, i) ?
		    tally_total(of->tally, i) :
		    0;
}

void
list_mark(struct list *l, bool is_set)
{
	l->is_marked = is_set;
	for (size_t i = 0; i < l->n; i++) {
		free(l->at[i].mark);
		l->at[i].mark = NULL;
		if (is_set && tally_family(l->at[i].tally) != NULL)
			mark_one(&l->at[i]);
	}
}

double
list_marked(const struct list *l, const struct row *row)
{
	const struct listed *of = &l->at[row->listed];

	/* A family that came after the mark had 0 then. */
	if (l->is_marked && of->mark == NULL)
		return 0;
	if (of->mark == NULL ||
	    of->mark_generation != tally_generation(of->tally))
		return (double)NAN;
	/* A series that came after the mark had 0 then. */
	return row->group < of->n_mark ? of->mark[row->group] : 0;
}

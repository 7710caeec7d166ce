/*
 * table.c: values that no segment holds, as a snapshot.
 *
 * The families of a table share their series, which are its rows.  The series
 * 0 of a family with labels is its overflow series elsewhere: here it is none,
 * and never shown.
 */
#include <bsd/string.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codeai/metrics_reader.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/hash_set.h"
#include "base/pool.h"
#include "base/utf8.h"
#include "family/rules.h"
#include "read/snapshot.h"

#define FINDING_SIZE 256

struct column {
	struct cmxi_catalog_family family;
	struct cmxi_values values;
};

struct cmxr_table {
	struct cmxr_snapshot snapshot;
	size_t n_labels;
	const char *labels[CMX_LABELS_MAX];
	struct cmxi_pool names, texts; /* texts are those of the rows */
	struct cmxi_hash_set rows;     /* the hashes of their texts */
	size_t n_series, capacity;
	struct cmxi_catalog_series *series;
	uint32_t text_max; /* the longest text of a row */
	size_t n_columns;
	struct column **columns;
};

static int
no_memory(struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_MEMORY, "no memory for the table");
}

static const char *
keep(struct cmxi_pool *pool, const char *text, size_t n)
{
	char *copy = cmxi_pool_take(pool, n + 1);

	if (copy != NULL) {
		memcpy(copy, text, n);
		copy[n] = '\0';
	}
	return copy;
}

/* The first finding's text, which ends with the call that reports it. */
static void
keep_finding(void *arg, const struct cmxi_finding *finding)
{
	char *text = arg;

	if (text[0] == '\0')
		strlcpy(text, finding->text, FINDING_SIZE);
}

static int
check_def(const struct cmx_family_def *def, struct cmx_error *err)
{
	char text[FINDING_SIZE] = "";

	return cmxi_def_check(def, keep_finding, text) == 0 ?
	    0 :
	    cmxi_error(err, CMX_ERR_ARGUMENT, "%s: %s", def->name, text);
}

/* New and free */

static int
check_labels(size_t n, const char *const *labels, struct cmx_error *err)
{
	const struct cmx_family_def def = { .name = "table",
		.type = CMX_GAUGE,
		.n_labels = n,
		.labels = labels };

	return check_def(&def, err);
}

/* The row of a table without labels, and what is the overflow series else. */
static bool
add_first_series(struct cmxr_table *t)
{
	if (!cmxi_array_reserve(&t->series, &t->capacity, 1,
		sizeof(*t->series)))
		return false;
	t->series[0] =
	    (struct cmxi_catalog_series){ .created_ns = cmxi_wall_clock_ns(),
		    .text = "" };
	t->n_series = 1;
	return true;
}

int
cmxr_table_new(size_t n_labels, const char *const *labels,
    struct cmxr_table **tablep, struct cmx_error *err)
{
	int r = check_labels(n_labels, labels, err);
	struct cmxr_table *t;
	bool ok;

	if (r != 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return no_memory(err);
	ok = cmxi_snapshot_init(&t->snapshot) && add_first_series(t);
	t->n_labels = n_labels;
	for (size_t i = 0; i < n_labels; i++) {
		t->labels[i] = keep(&t->names, labels[i], strlen(labels[i]));
		ok = ok && t->labels[i] != NULL;
	}
	if (!ok) {
		cmxr_table_free(t);
		return no_memory(err);
	}
	*tablep = t;
	return 0;
}

void
cmxr_table_free(struct cmxr_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_columns; i++) {
		cmxi_values_fini(&t->columns[i]->values);
		free(t->columns[i]);
	}
	free(t->columns);
	free(t->series);
	cmxi_hash_set_fini(&t->rows);
	cmxi_pool_fini(&t->names);
	cmxi_pool_fini(&t->texts);
	cmxi_snapshot_fini(&t->snapshot);
	free(t);
}

/* Columns */

static int
check_family(const struct cmxr_table *t, const struct cmx_family_def *def,
    struct cmx_error *err)
{
	int r = check_def(def, err);

	if (r != 0)
		return r;
	if (def->type != CMX_COUNTER && def->type != CMX_GAUGE)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "%s: a table has counters and gauges only", def->name);
	if (cmxi_snapshot_find(&t->snapshot, def->name) != NULL)
		return cmxi_error(err, CMX_ERR_EXISTS,
		    "%s: is a family of the table already", def->name);
	return 0;
}

/* The rows of the table are the series of all its families. */
static bool
prepare(struct cmxr_table *t, struct column *c)
{
	c->family.series = t->series;
	c->family.n_series = t->n_series;
	c->family.text_max = t->text_max;
	c->values.needs_set = true;
	return cmxi_values_prepare(&c->values, &c->family, t->n_series);
}

static bool
fill_column(struct cmxr_table *t, struct column *c,
    const struct cmx_family_def *def)
{
	struct cmx_family_def *to = &c->family.definition.def;

	*to = *def;
	to->name = keep(&t->names, def->name, strlen(def->name));
	to->help = keep(&t->names, def->help, strlen(def->help));
	to->unit = "";
	memcpy(c->family.definition.labels, t->labels, sizeof(t->labels));
	to->labels = c->family.definition.labels;
	c->family.created_ns = cmxi_wall_clock_ns();
	if (to->name == NULL || to->help == NULL || !prepare(t, c))
		return false;
	cmxi_values_clear(&c->values);
	memset(c->values.n_set, 0, t->n_series * sizeof(*c->values.n_set));
	return cmxi_snapshot_show(&t->snapshot, &c->values);
}

int
cmxr_table_add_family(struct cmxr_table *t, const char *name, const char *help,
    enum cmx_type type, struct cmx_error *err)
{
	const struct cmx_family_def def = { .name = name,
		.help = help != NULL ? help : "",
		.type = type,
		.is_double = type == CMX_COUNTER,
		.n_labels = t->n_labels,
		.labels = t->labels };
	struct column **grown, *c;
	int r = check_family(t, &def, err);

	if (r != 0)
		return r;
	grown = reallocarray(t->columns, t->n_columns + 1, sizeof(*grown));
	if (grown == NULL)
		return no_memory(err);
	t->columns = grown;
	c = calloc(1, sizeof(*c));
	if (c == NULL || !fill_column(t, c, &def)) {
		if (c != NULL)
			cmxi_values_fini(&c->values);
		free(c);
		return no_memory(err);
	}
	t->columns[t->n_columns] = c;
	return (int)t->n_columns++;
}

/* Rows */

/* The labels of a row as the text formats write them. */
static const char *
make_text(struct cmxr_table *t, const char *const *values, size_t *size)
{
	struct cmxi_buf buf = { .data = NULL };
	const char *text = NULL;

	for (size_t i = 0; i < t->n_labels; i++) {
		cmxi_buf_string(&buf, i > 0 ? "," : "");
		cmxi_buf_string(&buf, t->labels[i]);
		cmxi_buf_string(&buf, "=\"");
		cmxi_buf_escaped(&buf, values[i], strlen(values[i]));
		cmxi_buf_string(&buf, "\"");
	}
	if (!buf.failed)
		text = keep(&t->texts, buf.data, buf.size);
	*size = buf.size;
	cmxi_buf_fini(&buf);
	return text;
}

static int
check_values(const struct cmxr_table *t, const char *const *values,
    struct cmx_error *err)
{
	if (t->n_labels == 0)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "a table without labels has one row only");
	for (size_t i = 0; i < t->n_labels; i++)
		if (cmxi_utf8_valid_size(values[i], strlen(values[i])) !=
		    strlen(values[i]))
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "the value of label %s is not UTF-8", t->labels[i]);
	return 0;
}

static bool
grow_columns(struct cmxr_table *t)
{
	bool ok = true;

	for (size_t i = 0; i < t->n_columns; i++) {
		struct cmxi_values *v = &t->columns[i]->values;

		ok &= prepare(t, t->columns[i]);
		if (ok) {
			v->value[t->n_series - 1] = 0;
			v->n_set[t->n_series - 1] = 0;
		}
	}
	return ok &&
	    cmxi_buf_reserve(&t->snapshot.room->values, t->text_max + 1);
}

static int
append_row(struct cmxr_table *t, const char *text, size_t size,
    struct cmx_error *err)
{
	if (!cmxi_array_reserve(&t->series, &t->capacity, t->n_series + 1,
		sizeof(*t->series)))
		return no_memory(err);
	t->series[t->n_series++] = (struct cmxi_catalog_series){
		.created_ns = cmxi_wall_clock_ns(),
		.text = text,
		.text_size = (uint32_t)size,
		.is_escaped = strchr(text, '\\') != NULL,
	};
	if (size > t->text_max)
		t->text_max = (uint32_t)size;
	if (grow_columns(t))
		return (int)(t->n_series - 1);
	t->n_series--;
	for (size_t i = 0; i < t->n_columns; i++)
		prepare(t, t->columns[i]);
	return no_memory(err);
}

int
cmxr_table_add_row(struct cmxr_table *t, const char *const *values,
    struct cmx_error *err)
{
	int r = check_values(t, values, err), is_new;
	const char *text;
	size_t size;

	if (r != 0)
		return r;
	text = make_text(t, values, &size);
	if (text == NULL || size > INT_MAX || t->n_series == INT_MAX)
		return no_memory(err);
	is_new = cmxi_hash_set_add(&t->rows, cmxi_hash(text, size, 0));
	if (is_new < 0)
		return no_memory(err);
	if (is_new == 0)
		return cmxi_error(err, CMX_ERR_EXISTS,
		    "{%.200s}: is a row of the table already", text);
	return append_row(t, text, size, err);
}

void
cmxr_table_clear(struct cmxr_table *t)
{
	t->n_series = 1;
	t->text_max = 0;
	cmxi_hash_set_fini(&t->rows);
	cmxi_pool_fini(&t->texts);
	for (size_t i = 0; i < t->n_columns; i++) {
		/* Less room is needed than before. */
		prepare(t, t->columns[i]);
		t->columns[i]->values.n_set[0] = 0;
	}
}

void
cmxr_table_set(struct cmxr_table *t, int row, int family, double value)
{
	bool has_labels = t->n_labels > 0;

	if (row < has_labels || (size_t)row >= t->n_series || family < 0 ||
	    (size_t)family >= t->n_columns)
		return;
	t->columns[family]->values.value[row] = value;
	t->columns[family]->values.n_set[row] = isnan(value) ? 0U : 1U;
}

const struct cmxr_snapshot *
cmxr_table_snapshot(const struct cmxr_table *t)
{
	return &t->snapshot;
}

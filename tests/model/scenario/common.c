/*
 * common.c: a segment, handles of it, and looking at it.
 */
#include "common.h"

#include "../parts.h"

struct cmx_registry *registry[MODEL_PROCESSES];
struct cmxr_reader *reader[MODEL_PROCESSES];
struct cmx_family family[MODEL_PROCESSES];

void
have_file(const char *path, const char *text)
{
	kernel_add_file(path, text);
}

static void
create(void)
{
	struct cmx_error err;
	int r = cmx_create(SEGMENT, SCHEMA, NULL, &err);

	model_check(r == 0, "cannot create the segment: %s", err.text);
}

void
have_segment(const char *schema)
{
	have_file(SCHEMA, schema);
	model_in(LAST_PROCESS, create);
}

void
open_as(int process)
{
	struct cmx_error err;
	int r = cmx_open(SEGMENT, SCHEMA, 0, &registry[process], &err);

	/* 1: families of the schema conflict, and all others are there. */
	model_check(r >= 0, "cannot open the segment: %s", err.text);
}

void
read_as(int process)
{
	struct cmx_error err;
	int r = cmxr_open(SEGMENT, &reader[process], &err);

	model_check(r == 0, "cannot read the segment: %s", err.text);
	cmxr_show_processes(reader[process], false);
}

void
find_family(int process, const char *name)
{
	struct cmx_error err;
	int r =
	    cmx_family_find(registry[process], name, &family[process], &err);

	model_check(r == 0, "no family: %s", err.text);
}

void
count_one(const struct cmx_family *f, const char *value)
{
	struct cmx_counter c;
	struct cmx_error err;
	int r = cmx_counter_find(f, 1, (const char *[]){ value }, &c, &err);

	model_check(r >= 0, "no counter: %s", err.text);
	cmx_counter_inc(&c);
}

const struct cmxr_snapshot *
take(int process)
{
	const struct cmxr_snapshot *snapshot = NULL;
	struct cmx_error err;
	int r = cmxr_snapshot_take(reader[process], &snapshot, &err);

	model_check(r == 0, "no snapshot: %s", err.text);
	return snapshot;
}

/* Call f for each series of a family. */
static void
each_series(const struct cmxr_snapshot *s, const char *name,
    void (*f)(const struct cmxr_series *, void *), void *arg)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(s); i++) {
		struct cmxr_family found;
		struct cmxr_series series;
		size_t cursor = 0;

		cmxr_snapshot_family(s, i, &found);
		if (strcmp(found.def.name, name) != 0)
			continue;
		while (cmxr_series_next(s, i, &cursor, &series))
			f(&series, arg);
	}
}

struct sum {
	const char *value; /* null: all */
	uint64_t total;
	unsigned int n;
};

static void
add_series(const struct cmxr_series *series, void *arg)
{
	struct sum *sum = arg;

	if (sum->value != NULL && strcmp(series->values[0], sum->value) != 0)
		return;
	sum->total += series->whole;
	sum->n++;
}

uint64_t
total_of(const struct cmxr_snapshot *s, const char *name, const char *value)
{
	struct sum sum = { .value = value };

	each_series(s, name, add_series, &sum);
	return sum.n == 0 ? UINT64_MAX : sum.total;
}

uint64_t
total_of_all(const struct cmxr_snapshot *s, const char *name)
{
	struct sum sum = { .value = NULL };

	each_series(s, name, add_series, &sum);
	return sum.total;
}

unsigned int
n_series_of(const struct cmxr_snapshot *s, const char *name, const char *value)
{
	struct sum sum = { .value = value };

	each_series(s, name, add_series, &sum);
	return sum.n;
}

void
check_nothing_invalid(int process)
{
	struct cmxr_info info;
	struct cmx_error err;
	int r = cmxr_info_get(reader[process], &info, &err);

	model_check(r == 0, "no info: %s", err.text);
	model_check(info.invalid_entries == 0,
	    "a reader found %llu entries that no writer makes",
	    (unsigned long long)info.invalid_entries);
}

struct gauges {
	unsigned int may_be, found;
	double of_process;
};

static void
check_gauge(const struct cmxr_series *series, void *arg)
{
	struct gauges *g = arg;
	unsigned int process = series->pid - model_pid(0);

	model_check(process < MODEL_PROCESSES, "a gauge of pid %u",
	    series->pid);
	model_check((g->may_be >> process & 1) != 0,
	    "a gauge of process %u, which has ended or has none: %g", process,
	    series->value);
	model_check(series->value == g->of_process * (process + 1),
	    "process %u shows %g, which another one set", process,
	    series->value);
	model_check((g->found >> process & 1) == 0,
	    "process %u shows two values", process);
	g->found |= 1u << process;
}

void
check_gauges(const struct cmxr_snapshot *s, const char *name,
    unsigned int may_be, unsigned int must_be, double of_process)
{
	struct gauges g = { .may_be = may_be, .of_process = of_process };

	each_series(s, name, check_gauge, &g);
	model_check((g.found & must_be) == must_be,
	    "gauges of processes 0x%x are shown, and not of all of 0x%x",
	    g.found, must_be);
}

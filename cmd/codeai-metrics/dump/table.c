/*
 * table.c: a snapshot for people: one line for each series, and of each
 * histogram its count, mean and estimated percentiles.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <codeai/metrics_reader.h>

#include "watch/quantile.h"

#include "../cmd.h"
#include "dump.h"

/* Write {method=GET path=/ status=200}; the caller aligns it. */
static void
label_text(const struct cmx_family_def *def, const struct cmxr_series *s,
    char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < def->n_labels && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s=%s",
		    i > 0 ? " " : "", def->labels[i], s->values[i]);
	if (s->pid != 0 && used < size)
		snprintf(buf + used, size - used, "%spid=%u",
		    used > 0 ? " " : "", s->pid);
	make_printable(buf);
}

static void
print_histogram(const struct cmxr_family *f, const struct cmxr_series *s)
{
	if (s->count == 0)
		printf("%10d %12s %12s %12s %12s\n", 0, "-", "-", "-", "-");
	else
		printf("%10" PRIu64 " %12.6g %12.6g %12.6g %12.6g\n", s->count,
		    s->sum / (double)s->count, quantile_of_series(f, s, 0.5),
		    quantile_of_series(f, s, 0.95),
		    quantile_of_series(f, s, 0.99));
}

static void
print_series(const struct cmxr_family *f, const struct cmxr_series *s)
{
	const struct cmx_family_def *def = &f->def;
	char labels[512];

	label_text(def, s, labels, sizeof(labels));
	printf("  %-52s ", labels[0] != '\0' ? labels : "-");
	if (def->type == CMX_HISTOGRAM)
		print_histogram(f, s);
	else if (def->type == CMX_COUNTER && !def->is_double)
		printf("%10" PRIu64 "\n", s->whole);
	else {
		char text[32];

		cmxr_number_to_text(s->value, text);
		printf("%10s\n", text);
	}
}

static void
print_heading(const struct cmxr_family *f)
{
	printf("%s (%s)%s", f->def.name, cmx_type_name(f->def.type),
	    f->def.help[0] ? ": " : "");
	print_printable(f->def.help);
	putchar('\n');
	if (f->def.type == CMX_HISTOGRAM)
		printf("  %-52s %10s %12s %12s %12s %12s\n", "", "count",
		    "mean", "p50", "p95", "p99");
}

static void
print_family(const struct cmxr_snapshot *snapshot, size_t i,
    const struct filter *f)
{
	struct cmxr_family family;
	struct cmxr_series series;
	size_t cursor = 0;
	bool has_heading = false;

	cmxr_snapshot_family(snapshot, i, &family);
	while (cmxr_series_next(snapshot, i, &cursor, &series)) {
		if (!filter_wants_series(f, &family.def, &series))
			continue;
		if (!has_heading)
			print_heading(&family);
		has_heading = true;
		print_series(&family, &series);
	}
}

void
print_table(const struct cmxr_snapshot *snapshot, const struct filter *f)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family family;

		cmxr_snapshot_family(snapshot, i, &family);
		if (filter_wants_family(f, family.def.name))
			print_family(snapshot, i, f);
	}
}

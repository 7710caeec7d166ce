/*
 * csv.c: a line for each series, for spreadsheets (RFC 4180).
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "../cmd.h"
#include "dump.h"
#include "watch/quantile.h"

/* A value of a label between quotes, which both the label and CSV double. */
static void
print_value(const char *value)
{
	fputs("\"\"", stdout);
	for (const char *c = value; *c != '\0'; c++)
		switch (*c) {
		case '"':
			fputs("\\\"\"", stdout);
			break;
		case '\\':
			fputs("\\\\", stdout);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		default:
			putchar(*c);
		}
	fputs("\"\"", stdout);
}

void
print_csv_labels(size_t n, const char *const *names, const char *const *values)
{
	if (n > 0)
		putchar('"');
	for (size_t i = 0; i < n; i++) {
		printf("%s%s=", i > 0 ? "," : "", names[i]);
		print_value(values[i]);
	}
	if (n > 0)
		putchar('"');
}

/* Nothing for what is not known. */
void
print_csv_number(double v)
{
	char text[32];

	putchar(',');
	if (isnan(v))
		return;
	cmxr_number_to_text(v, text);
	fputs(text, stdout);
}

static void
print_histogram(const struct cmxr_family *f, const struct cmxr_series *s)
{
	printf(",,%" PRIu64, s->count);
	print_csv_number(s->sum);
	print_csv_number(quantile_of_series(f, s, 0.5));
	print_csv_number(quantile_of_series(f, s, 0.95));
	print_csv_number(quantile_of_series(f, s, 0.99));
}

static void
print_series(const struct cmxr_family *f, const struct cmxr_series *s)
{
	const char *names[CMX_LABELS_MAX + 1], *values[CMX_LABELS_MAX + 1];
	size_t n = f->def.n_labels;
	struct described d;

	describe(&d, &f->def, s);
	for (size_t i = 0; i < n; i++) {
		names[i] = f->def.labels[i];
		values[i] = s->values[i];
	}
	if (s->pid != 0) {
		names[n] = "pid";
		values[n++] = d.pid;
	}
	printf("%s,%s,", f->def.name, cmx_type_name(f->def.type));
	print_csv_labels(n, names, values);
	if (f->def.type == CMX_HISTOGRAM)
		print_histogram(f, s);
	else {
		if (f->def.type == CMX_COUNTER && !f->def.is_double)
			printf(",%" PRIu64, s->whole);
		else
			print_csv_number(s->value);
		fputs(",,,,,", stdout);
	}
	fputs("\r\n", stdout);
}

void
print_csv(const struct cmxr_snapshot *snapshot, const struct filter *f)
{
	fputs("name,type,labels,value,count,sum,p50,p95,p99\r\n", stdout);
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family family;
		struct cmxr_series series;
		size_t cursor = 0;

		cmxr_snapshot_family(snapshot, i, &family);
		if (!filter_wants_family(f, family.def.name))
			continue;
		while (cmxr_series_next(snapshot, i, &cursor, &series))
			if (filter_wants_series(f, &family.def, &series))
				print_series(&family, &series);
	}
}

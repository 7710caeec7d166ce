/*
 * get: print the values of series.
 */
#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"
#include "selector.h"
#include "watch/quantile.h"
#include "watch/series_key.h"

/* What of a series is asked for. */
enum part { WHOLE, COUNT, SUM, BUCKET, QUANTILE };

struct wanted {
	struct selector selector;
	enum part part;
	double quantile;
	bool is_one; /* all labels are named: the value alone is printed */
};

/* Names */

static const struct {
	const char *suffix;
	enum part part;
} suffixes[] = { { "_count", COUNT }, { "_sum", SUM }, { "_bucket", BUCKET } };

/* The family of a name, which may be that of a sample of a histogram. */
static bool
find_part(const struct cmxr_snapshot *snapshot, struct wanted *w, size_t *index)
{
	const char *name = w->selector.name, *guess;
	size_t size = strlen(name);
	char family[CMX_NAME_MAX + 1];

	if (cmxr_snapshot_find(snapshot, name, index))
		return true;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t n = strlen(suffixes[i].suffix);
		struct cmxr_family f;

		if (size <= n || size - n > CMX_NAME_MAX ||
		    strcmp(name + size - n, suffixes[i].suffix) != 0)
			continue;
		snprintf(family, sizeof(family), "%.*s", (int)(size - n), name);
		if (!cmxr_snapshot_find(snapshot, family, index))
			continue;
		cmxr_snapshot_family(snapshot, *index, &f);
		if (f.def.type == CMX_HISTOGRAM && w->part == WHOLE) {
			w->part = suffixes[i].part;
			return true;
		}
	}
	guess = guess_family(snapshot, name);
	warnx("%s: the segment has no such family%s%s%s", name,
	    guess != NULL ? "; did you mean " : "", guess != NULL ? guess : "",
	    guess != NULL ? "?" : "");
	return false;
}

/* Values */

static void
print_number(double v)
{
	char text[32];

	cmxr_number_to_text(v, text);
	fputs(text, stdout);
}

static void
print_value(const struct wanted *w, const struct cmxr_family *f,
    const struct cmxr_series *s)
{
	if (w->part == COUNT)
		printf("%" PRIu64, s->count);
	else if (w->part == SUM)
		print_number(s->sum);
	else if (w->part == QUANTILE)
		print_number(quantile_of_series(f, s, w->quantile));
	else if (f->def.type == CMX_HISTOGRAM) {
		printf("%" PRIu64 " ", s->count);
		print_number(s->sum);
	} else if (f->def.type == CMX_COUNTER && !f->def.is_double)
		printf("%" PRIu64, s->whole);
	else
		print_number(s->value);
}

/* Labels, as an exposition has them; le may be null. */
static void
print_labels(const struct cmxr_family *f, const struct cmxr_series *s,
    const char *pid, const char *le)
{
	const char *between = "{";

	for (size_t i = 0; i < f->def.n_labels; i++) {
		char value[2 * CMX_LABEL_VALUE_MAX + 4];

		escape_value(s->values[i], value, sizeof(value));
		printf("%s%s=\"%s\"", between, f->def.labels[i], value);
		between = ",";
	}
	if (s->pid != 0) {
		printf("%spid=\"%s\"", between, pid);
		between = ",";
	}
	if (le != NULL) {
		printf("%sle=\"%s\"", between, le);
		between = ",";
	}
	if (*between == ',')
		putchar('}');
}

/* Is it the bound that is asked for, however that is written? */
static bool
is_bound(const struct wanted *w, double bound)
{
	const struct matcher *le = selector_find(&w->selector, "le");
	char text[32];

	cmxr_number_to_text(bound, text);
	if (le == NULL)
		return true;
	if (le->how == EQUAL || le->how == UNEQUAL)
		return (strtod(le->value, NULL) == bound) == (le->how == EQUAL);
	return (regexec(&le->regex, text, 0, NULL, 0) == 0) ==
	    (le->how == LIKE);
}

/* Cumulative, as an exposition has them.  Returns how many were printed. */
static int
print_buckets(const struct wanted *w, const struct cmxr_family *f,
    const struct described *d)
{
	uint64_t below = 0;
	int n = 0;

	for (size_t i = 0; i < d->series->n_buckets; i++) {
		double bound =
		    i < f->n_bounds ? f->bounds[i] : (double)INFINITY;
		char text[32];

		below += d->series->buckets[i];
		if (!is_bound(w, bound))
			continue;
		cmxr_number_to_text(bound, text);
		if (!w->is_one) {
			fputs(w->selector.name, stdout);
			print_labels(f, d->series, d->pid, text);
			putchar(' ');
		}
		printf("%" PRIu64 "\n", below);
		n++;
	}
	return n;
}

static int
print_series(const struct wanted *w, const struct cmxr_family *f,
    const struct described *d)
{
	if (w->part == BUCKET)
		return print_buckets(w, f, d);
	if (!w->is_one) {
		fputs(w->selector.name, stdout);
		print_labels(f, d->series, d->pid, NULL);
		putchar(' ');
	} else if (d->series->pid != 0)
		printf("%u ", d->series->pid);
	print_value(w, f, d->series);
	putchar('\n');
	return 1;
}

/* le is no label of the series: it is compared with the bounds. */
static bool
is_wanted_series(const struct wanted *w, const struct described *d)
{
	struct selector s = w->selector;
	size_t n = 0;

	if (w->part != BUCKET)
		return selector_wants(&s, value_of_series, d);
	for (size_t i = 0; i < w->selector.n; i++)
		if (strcmp(w->selector.at[i].label, "le") != 0)
			s.at[n++] = w->selector.at[i];
	s.n = n;
	return selector_wants(&s, value_of_series, d);
}

/* What is asked */

/* Is the label named, so that its value is known? */
static bool
is_named(const struct selector *s, const char *label)
{
	const struct matcher *m = selector_find(s, label);

	return m != NULL && m->how == EQUAL;
}

static bool
is_label_of(const struct wanted *w, const struct cmx_family_def *def,
    const char *label)
{
	for (size_t i = 0; i < def->n_labels; i++)
		if (strcmp(def->labels[i], label) == 0)
			return true;
	return (w->part == BUCKET && strcmp(label, "le") == 0) ||
	    (def_is_each(def) && strcmp(label, TALLY_PID) == 0);
}

/* A bound that is no number is a mistake. */
static bool
check_bound(const struct wanted *w)
{
	const struct matcher *le = selector_find(&w->selector, "le");
	double bound;

	if (w->part != BUCKET || le == NULL || le->how == LIKE ||
	    le->how == UNLIKE)
		return true;
	if (parse_number(le->value, &bound))
		return true;
	warnx("le=\"%s\": is not a number", le->value);
	return false;
}

/* A label that the family lacks is a mistake, not a series that is not there.
 */
static bool
check_labels(struct wanted *w, const struct cmx_family_def *def)
{
	for (size_t i = 0; i < w->selector.n; i++)
		if (!is_label_of(w, def, w->selector.at[i].label)) {
			say_labels(def, w->selector.at[i].label,
			    "is not a label of this family");
			return false;
		}
	w->is_one = w->part != BUCKET || is_named(&w->selector, "le");
	for (size_t i = 0; i < def->n_labels; i++)
		w->is_one = w->is_one && is_named(&w->selector, def->labels[i]);
	return check_bound(w);
}

static int
get(const struct cmxr_snapshot *snapshot, struct wanted *w)
{
	struct cmxr_family family;
	struct cmxr_series series;
	size_t i, cursor = 0;
	int n_found = 0;

	if (!find_part(snapshot, w, &i))
		return FAILED;
	cmxr_snapshot_family(snapshot, i, &family);
	if (w->part == QUANTILE && family.def.type != CMX_HISTOGRAM) {
		warnx("%s: is a %s; only a histogram has quantiles",
		    family.def.name, cmx_type_name(family.def.type));
		return USAGE;
	}
	if (!check_labels(w, &family.def))
		return USAGE;
	while (cmxr_series_next(snapshot, i, &cursor, &series)) {
		struct described d;

		describe(&d, &family.def, &series);
		if (is_wanted_series(w, &d))
			n_found += print_series(w, &family, &d);
	}
	if (n_found > 0)
		return finish_output();
	warnx("%s: has no series with these labels", w->selector.name);
	return FAILED;
}

static bool
parse_quantile(const char *text, double *q)
{
	if (parse_number(text, q) && *q >= 0 && *q <= 1)
		return true;
	warnx("-q %s: is not a number from 0 to 1", text);
	return false;
}

static bool
parse(struct wanted *w, int argc, char *argv[])
{
	if (!selector_parse(&w->selector, argv[0]))
		return false;
	if (w->selector.name == NULL) {
		warnx("%s: the name of a family is missing", argv[0]);
		return false;
	}
	for (int i = 1; i < argc; i++) {
		size_t n = strcspn(argv[i], "=");

		for (size_t j = 0; j < w->selector.n; j++)
			if (strlen(w->selector.at[j].label) == n &&
			    strncmp(w->selector.at[j].label, argv[i], n) == 0) {
				warnx("%s: has a label that stands twice",
				    argv[i]);
				return false;
			}
		if (!selector_add(&w->selector, argv[i]))
			return false;
	}
	return true;
}

static int
run_get(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct wanted w = { .part = WHOLE };
	int ch, r;

	while ((ch = next_option(argc, argv, &get_command)) != -1) {
		if (ch != 'q')
			return usage_of(&get_command);
		w.part = QUANTILE;
		if (!parse_quantile(optarg, &w.quantile))
			return USAGE;
	}
	if (optind == argc) {
		warnx("get: the name of a family is missing");
		return usage_of(&get_command);
	}
	if (!parse(&w, argc - optind, argv + optind)) {
		selector_free(&w.selector);
		return USAGE;
	}
	r = open_snapshot(globals, true, &reader, &snapshot);
	if (r == DONE) {
		r = get(snapshot, &w);
		cmxr_close(reader);
	}
	selector_free(&w.selector);
	return r;
}

const struct command get_command = {
	.verb = "get",
	.operands = "NAME[{LABEL=\"VALUE\",...}] [LABEL=VALUE ...]",
	.summary = "print the values of series",
	.options =
	    (const struct verb_option[]){
		{ 'q', "quantile", "Q",
		    "estimate of a histogram's quantile, 0 to 1", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_get,
};

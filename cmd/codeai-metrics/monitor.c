/*
 * monitor.c: what the families of a schema mean to who watches them.
 *
 * That is read from their names, types and labels, as people who know the
 * conventions would.
 */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool
has_label(const struct cmx_family_def *def, const char *name)
{
	for (size_t i = 0; i < def->n_labels; i++)
		if (strcmp(def->labels[i], name) == 0)
			return true;
	return false;
}

/* The labels by which a panel draws a line each: the first two. */
static void
make_legend(struct watched *w, const struct cmx_family_def *def)
{
	for (size_t i = 0; i < def->n_labels && i < 2; i++) {
		size_t n = strlen(w->legend);

		/* Of the exporter's own labels the family's are others. */
		snprintf(w->legend + n, sizeof(w->legend) - n, "%s%s%.60s",
		    i > 0 ? ", " : "",
		    strcmp(def->labels[i], "job") == 0 ? "exported_" : "",
		    def->labels[i]);
	}
}

static void
keep(void *arg, const struct cmx_family_def *def,
    const struct cmx_label_values *values)
{
	struct monitor *m = arg;
	struct watched *grown =
	    reallocarray(m->families, m->n + 1, sizeof(*grown));
	struct watched *w;

	(void)values;
	if (grown == NULL) {
		m->has_failed = true;
		return;
	}
	m->families = grown;
	w = &grown[m->n++];
	*w = (struct watched){ .type = def->type,
		.aggregate = def->aggregate,
		.has_status = has_label(def, "status"),
		.has_job = has_label(def, "job"),
		.n_labels = def->n_labels,
		.n_bounds = def->n_bounds };
	snprintf(w->name, sizeof(w->name), "%s", def->name);
	make_legend(w, def);
	w->help = strdup(def->help != NULL ? def->help : "");
	w->bounds = calloc(def->n_bounds + 1, sizeof(*w->bounds));
	if (w->bounds == NULL || w->help == NULL)
		m->has_failed = true;
	else if (def->n_bounds > 0)
		memcpy(w->bounds, def->bounds,
		    def->n_bounds * sizeof(*w->bounds));
}

int
monitor_read(struct monitor *m, const char *schema, struct cmx_error *error)
{
	int r;

	*m = (struct monitor){ .families = NULL };
	r = cmx_schema_read(schema, keep, m, error);
	if (r == 0 && m->has_failed) {
		snprintf(error->text, sizeof(error->text), "no memory");
		r = CMX_ERR_MEMORY;
	}
	if (r != 0)
		monitor_free(m);
	return r;
}

void
monitor_free(struct monitor *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->families[i].help);
		free(m->families[i].bounds);
	}
	free(m->families);
	*m = (struct monitor){ .families = NULL };
}

void
selector_put(FILE *out, const struct selector *s, const char *more)
{
	bool has_both = s->matcher[0] != '\0' && more[0] != '\0';

	fputs(s->name, out);
	if (s->matcher[0] != '\0' || more[0] != '\0')
		fprintf(out, "{%s%s%s}", s->matcher, has_both ? "," : "", more);
}

static const struct watched *
find(const struct monitor *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->families[i].name, name) == 0)
			return &m->families[i];
	return NULL;
}

/*
 * The counter of all whose errors another one counts: a_queries_total for
 * a_query_errors_total; null where there is none.
 */
static const struct watched *
find_whole(const struct monitor *m, const struct watched *errors)
{
	static const char end[] = "_errors_total";
	static const char *const plurals[] = { "s", "es", "" };
	size_t n = strlen(errors->name) - (sizeof(end) - 1);
	char name[CMX_NAME_MAX + 16];
	const struct watched *whole = NULL;

	for (size_t i = 0; whole == NULL && i < 3; i++) {
		snprintf(name, sizeof(name), "%.*s%s_total", (int)n,
		    errors->name, plurals[i]);
		whole = find(m, name);
	}
	if (whole == NULL && n > 0 && errors->name[n - 1] == 'y') {
		snprintf(name, sizeof(name), "%.*sies_total", (int)n - 1,
		    errors->name);
		whole = find(m, name);
	}
	return whole;
}

static void
set_selector(struct selector *s, const char *name, const char *end,
    const char *matcher)
{
	snprintf(s->name, sizeof(s->name), "%s%s", name, end);
	snprintf(s->matcher, sizeof(s->matcher), "%s", matcher);
}

bool
find_errors(const struct monitor *m, const struct watched *w, struct ratio *to)
{
	const struct watched *whole;

	if (w->type != CMX_COUNTER)
		return false;
	if (w->has_status) {
		to->name = w->name;
		set_selector(&to->all, w->name, "", "");
		set_selector(&to->bad, w->name, "",
		    strstr(w->name, "http") != NULL ? "status=~\"5..\"" :
						      "status!=\"success\"");
		return true;
	}
	whole = ends_with(w->name, "_errors_total") ? find_whole(m, w) : NULL;
	if (whole == NULL)
		return false;
	to->name = whole->name;
	set_selector(&to->all, whole->name, "", "");
	set_selector(&to->bad, w->name, "", "");
	return true;
}

/* Does somebody wait for what the histogram measures?  Nobody does for jobs. */
static bool
is_awaited(const char *name)
{
	return ends_with(name, "_request_duration_seconds") ||
	    ends_with(name, "_query_duration_seconds") ||
	    ends_with(name, "_call_duration_seconds");
}

/*
 * le as both formats write it: that of a whole bound is "1" or "1.0", by the
 * format that was scraped.
 */
static void
match_bound(double bound, char matcher[80])
{
	char le[32];

	snprintf(le, sizeof(le), "%.15g", bound);
	strcpy(matcher, "le=~\"");
	for (const char *c = le; *c != '\0'; c++)
		strncat(matcher, *c == '.' ? "[.]" : (char[]){ *c, '\0' },
		    80 - strlen(matcher) - 1);
	if (strchr(le, '.') == NULL)
		strcat(matcher, "([.]0)?");
	strcat(matcher, "\"");
}

bool
find_served(const struct watched *w, double seconds, struct ratio *to)
{
	char matcher[80];
	size_t i = 0;

	if (w->type != CMX_HISTOGRAM || !is_awaited(w->name))
		return false;
	while (i < w->n_bounds && w->bounds[i] < seconds)
		i++;
	if (i == w->n_bounds)
		return false;
	match_bound(w->bounds[i], matcher);
	to->name = w->name;
	set_selector(&to->all, w->name, "_count", "");
	set_selector(&to->bad, w->name, "_bucket", matcher);
	return true;
}

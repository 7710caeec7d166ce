/*
 * lint_family.c: the families of an exposition, and the order of their lines.
 */
#include <string.h>

#include "linter.h"

struct family *
find_by_name(struct linter *l, const char *name, size_t n)
{
	for (size_t i = 0; i < l->n_families; i++)
		if (strlen(l->families[i].name) == n &&
		    memcmp(l->families[i].name, name, n) == 0)
			return &l->families[i];
	return NULL;
}

static struct family *
add_family(struct linter *l, const char *name)
{
	size_t current =
	    l->current == NULL ? 0 : (size_t)(l->current - l->families);

	l->families =
	    lint_grow(l->families, l->n_families + 1, sizeof(*l->families));
	if (l->current != NULL)
		l->current = &l->families[current];
	l->families[l->n_families] = (struct family){ .name = lint_copy(name) };
	return &l->families[l->n_families++];
}

struct family *
family_of_name(struct linter *l, const char *name)
{
	struct family *f = find_by_name(l, name, strlen(name));

	return f != NULL ? f : add_family(l, name);
}

/* Find the family of a sample, whose name may have a suffix. */
struct family *
family_of_sample(struct linter *l, const char *name)
{
	static const struct {
		const char *suffix;
		const char *types; /* types with this suffix */
	} suffixes[] = { { "_total", "counter" },
		{ "_created", "counter histogram summary gaugehistogram" },
		{ "_bucket", "histogram gaugehistogram" },
		{ "_sum", "histogram summary" },
		{ "_count", "histogram summary" },
		{ "_gsum", "gaugehistogram" }, { "_gcount", "gaugehistogram" },
		{ "_info", "info" } };
	struct family *f = find_by_name(l, name, strlen(name));

	if (f != NULL && (f->type_line > 0 || f->help_line > 0))
		return f;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct family *of;

		if (!ends_with(name, suffixes[i].suffix))
			continue;
		of = find_by_name(l, name,
		    strlen(name) - strlen(suffixes[i].suffix));
		if (of != NULL && of->type[0] != '\0' &&
		    strstr(suffixes[i].types, of->type) != NULL &&
		    (l->is_openmetrics || strcmp(of->type, "counter") != 0))
			return of;
	}
	return f != NULL ? f : add_family(l, name);
}

/* The lines of a family must be adjacent. */
void
enter_family(struct linter *l, struct family *f)
{
	if (f == l->current)
		return;
	finish_buckets(l);
	if (l->current != NULL)
		l->current->is_closed = true;
	if (f->is_closed)
		finding(l,
		    "%s: its lines do not stand together: interleaved with another family's",
		    f->name);
	f->is_closed = false;
	l->current = f;
}

/*
 * In OpenMetrics a counter a_total and a gauge a both have the family name a.
 */
void
lint_clashes(struct linter *l)
{
	for (size_t i = 0; i < l->n_families; i++) {
		const struct family *f = &l->families[i], *other;

		if (strcmp(f->type, "counter") != 0 ||
		    !ends_with(f->name, "_total"))
			continue;
		other = find_by_name(l, f->name,
		    strlen(f->name) - strlen("_total"));
		if (other != NULL && other->type_line > 0)
			finding_at(l, f->type_line,
			    "%s and %s are one family in OpenMetrics", f->name,
			    other->name);
	}
}

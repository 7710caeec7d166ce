/*
 * kept_family.c: the texts of a family in one piece of memory.
 */
#include <stdlib.h>
#include <string.h>

#include "watch/kept_family.h"

static size_t
size_of(const char *text)
{
	return text == NULL ? 1 : strlen(text) + 1;
}

static const char *
put_text(char **to, const char *text)
{
	const char *copy = *to;

	memcpy(*to, text == NULL ? "" : text, size_of(text));
	*to += size_of(text);
	return copy;
}

static bool
copy_texts(struct kept_family *k, const struct cmx_family_def *def)
{
	size_t size =
	    size_of(def->name) + size_of(def->help) + size_of(def->unit);
	char *at;

	for (size_t i = 0; i < def->n_labels; i++)
		size += size_of(def->labels[i]);
	k->texts = at = malloc(size);
	if (at == NULL)
		return false;
	k->family.def.name = put_text(&at, def->name);
	k->family.def.help = put_text(&at, def->help);
	k->family.def.unit = put_text(&at, def->unit);
	for (size_t i = 0; i < def->n_labels; i++)
		k->labels[i] = put_text(&at, def->labels[i]);
	k->family.def.labels = k->labels;
	return true;
}

static bool
copy_bounds(struct kept_family *k, const struct cmxr_family *f)
{
	k->bounds = calloc(f->n_bounds + 1, sizeof(*k->bounds));
	if (k->bounds == NULL)
		return false;
	if (f->n_bounds > 0)
		memcpy(k->bounds, f->bounds, f->n_bounds * sizeof(*f->bounds));
	k->family.bounds = k->bounds;
	k->family.cell_bounds = NULL;
	k->family.n_cell_bounds = 0;
	return true;
}

bool
kept_family_set(struct kept_family *k, const struct cmxr_family *f)
{
	kept_family_clear(k);
	k->family = *f;
	if (copy_texts(k, &f->def) && copy_bounds(k, f))
		return true;
	kept_family_clear(k);
	return false;
}

void
kept_family_clear(struct kept_family *k)
{
	free(k->texts);
	free(k->bounds);
	memset(k, 0, sizeof(*k));
}

bool
kept_family_is_like(const struct kept_family *k, const struct cmxr_family *f)
{
	return f->def.type == k->family.def.type &&
	    f->def.aggregate == k->family.def.aggregate &&
	    f->n_bounds == k->family.n_bounds &&
	    (f->n_bounds == 0 ||
		memcmp(f->bounds, k->bounds,
		    f->n_bounds * sizeof(*f->bounds)) == 0);
}

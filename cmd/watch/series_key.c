/*
 * series_key.c: which values of a series tell its group.
 */
#include <stdio.h>
#include <string.h>

#include "watch/groups.h"
#include "watch/series_key.h"

bool
def_is_each(const struct cmx_family_def *def)
{
	return def->type == CMX_GAUGE && def->aggregate == CMX_EACH;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), size = strlen(end);

	return n > size && strcmp(name + n - size, end) == 0;
}

bool
def_is_start_time(const struct cmx_family_def *def)
{
	return ends_with(def->name, "_start_time_seconds");
}

bool
def_is_timestamp(const struct cmx_family_def *def)
{
	return ends_with(def->name, "_timestamp_seconds");
}

void
pid_text(const struct cmxr_series *s, char text[PID_SIZE])
{
	text[0] = '\0';
	if (s->pid_namespace != 0)
		snprintf(text, PID_SIZE, "%u@%llu", s->pid,
		    (unsigned long long)s->pid_namespace);
	else if (s->pid != 0)
		snprintf(text, PID_SIZE, "%u", s->pid);
}

void
places_find(struct places *p, size_t n, const char *const *by,
    const struct cmx_family_def *def, size_t n_labels,
    const struct cmx_label *labels)
{
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		p->fixed[i] = NULL;
		p->label[i] = -1;
		for (size_t j = 0; j < n_labels; j++)
			if (strcmp(labels[j].name, by[i]) == 0)
				p->fixed[i] = labels[j].value;
		for (size_t j = 0; j < def->n_labels; j++)
			if (strcmp(def->labels[j], by[i]) == 0)
				p->label[i] = (int)j;
		p->is_pid[i] = p->label[i] < 0 && p->fixed[i] == NULL &&
		    def_is_each(def) && strcmp(by[i], TALLY_PID) == 0;
	}
}

static bool
put_value(struct series_key *k, const char *value)
{
	size_t size = strlen(value) + 1, n = k->capacity;

	while (n < k->size + size)
		n = n == 0 ? 256 : n * 2;
	if (n != k->capacity && !grow_array(&k->text, n, 1))
		return false;
	k->capacity = n;
	memcpy(k->text + k->size, value, size);
	k->size += size;
	return true;
}

static const char *
value_of(const struct places *p, size_t i, const struct cmxr_series *s,
    const char *pid)
{
	if (p->label[i] >= 0)
		return s->values[p->label[i]];
	if (p->fixed[i] != NULL)
		return p->fixed[i];
	return p->is_pid[i] ? pid : "";
}

bool
series_key_make(struct series_key *k, const struct places *p,
    const struct cmxr_series *s)
{
	char pid[PID_SIZE];

	pid_text(s, pid);
	k->size = 0;
	for (size_t i = 0; i < p->n; i++)
		if (!put_value(k, value_of(p, i, s, pid)))
			return false;
	return p->n > 0 || put_value(k, "");
}

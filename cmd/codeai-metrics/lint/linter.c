/*
 * linter.c: findings, memory and keys, which all parts of lint use.
 */
#include "linter.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmd.h"

void
finding_at(struct linter *l, int line, const char *fmt, ...)
{
	va_list ap;

	l->n_findings++;
	printf("%s:%d: ", l->source, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void *
lint_grow(void *array, size_t n, size_t size)
{
	void *grown = reallocarray(array, n, size);

	if (grown == NULL)
		err(FAILED, "lint");
	return grown;
}

char *
lint_copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		err(FAILED, "lint");
	return c;
}

char *
series_key(const char *name, const struct sample *s, const char *but)
{
	char *key;
	size_t size;
	FILE *f = open_memstream(&key, &size);

	if (f == NULL)
		err(FAILED, "lint");
	fprintf(f, "%s{", name);
	for (size_t i = 0; i < s->n_labels; i++)
		if (but == NULL || strcmp(s->labels[i].name, but) != 0)
			fprintf(f, "%s=\"%s\",", s->labels[i].name,
			    s->labels[i].value);
	fputc('}', f);
	if (fclose(f) != 0)
		err(FAILED, "lint");
	return key;
}

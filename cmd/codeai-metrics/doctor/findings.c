/*
 * findings.c: what was found.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "../cmd.h"
#include "doctor.h"

struct finding {
	enum severity severity;
	char *text;
	const char *remedy;
};

struct findings {
	struct finding *at;
	size_t n;
};

static const char *const severities[] = { "ok", "note", "warning", "error" };

struct findings *
findings_new(void)
{
	struct findings *f = calloc(1, sizeof(*f));

	if (f == NULL)
		err(FAILED, "doctor");
	return f;
}

void
findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->at[i].text);
	free(f->at);
	free(f);
}

void
find(struct findings *f, enum severity severity, const char *remedy,
    const char *fmt, ...)
{
	struct finding *grown = reallocarray(f->at, f->n + 1, sizeof(*grown));
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, fmt);
	n = vasprintf(&text, fmt, arguments);
	va_end(arguments);
	if (grown == NULL || n < 0)
		err(FAILED, "doctor");
	make_printable(text);
	f->at = grown;
	f->at[f->n++] =
	    (struct finding){ severity, text, remedy != NULL ? remedy : "" };
}

bool
findings_have(const struct findings *f, enum severity at_least)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->at[i].severity >= at_least)
			return true;
	return false;
}

void
findings_print(const struct findings *f, bool is_whole)
{
	for (int s = ERROR; s >= (is_whole ? FINE : NOTE); s--)
		for (size_t i = 0; i < f->n; i++) {
			const struct finding *of = &f->at[i];

			if ((int)of->severity != s)
				continue;
			printf("%-8s %s\n", severities[s], of->text);
			if (of->remedy[0] != '\0')
				printf("         -> %s\n", of->remedy);
		}
}

bool
findings_print_json(const struct findings *f)
{
	json_t *list = json_array();
	bool ok;

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "severity",
			severities[f->at[i].severity], "text", f->at[i].text,
			"remedy", f->at[i].remedy));
	ok =
	    json_dumpf(list, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
	putchar('\n');
	json_decref(list);
	return ok;
}

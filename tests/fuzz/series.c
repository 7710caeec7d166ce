/*
 * series.c: what a shell says of a series: LABEL=VALUE arguments, selectors;
 * and the identifiers that a header makes of names.
 */
#include "fuzz.h"

#include <codeai/metrics_reader.h>

#include "cmd.h"
#include "identifier.h"
#include "selector.h"

static const char *const labels[] = { "a", "ab", "b", "method" };

/* Of main.c, which is not here. */
int
usage_of(const struct command *command)
{
	(void)command;
	return USAGE;
}

/* The arguments are the parts of the text between newlines. */
static void
check_labels(char *text)
{
	const struct cmx_family_def def = { .name = "f_total",
		.n_labels = 4,
		.labels = labels };
	const char *values[CMX_LABELS_MAX];
	char *argv[64];
	int argc = 0;

	for (char *p = text; p != NULL && argc < 64;)
		argv[argc++] = strsep(&p, "\n");
	if (!parse_labels(&def, argc, argv, values))
		return;
	for (int i = 0; i < 4; i++)
		MUST(values[i] != NULL);
}

static const char *
value_of(const void *arg, const char *label)
{
	return label[0] == 'a' ? arg : NULL;
}

static void
check_selector(const char *text)
{
	struct selector s = { .name = NULL };

	if (selector_parse(&s, text)) {
		selector_wants(&s, value_of, text);
		selector_wants(&s, value_of, "");
		MUST(s.n == 0 || selector_find(&s, s.at[0].label) == &s.at[0]);
	}
	selector_free(&s);
}

static void
check_identifiers(const char *text)
{
	struct identifiers used = { NULL };
	char name[IDENTIFIER_MAX], again[IDENTIFIER_MAX];

	identifier_from(text, name);
	MUST(strlen(name) < IDENTIFIER_MAX);
	MUST(text[0] == '\0' || identifier_is_valid(name));
	strcpy(again, name);
	MUST(identifier_claim(&used, name));
	MUST(identifier_claim(&used, again));
	MUST(strcmp(name, again) != 0);
	identifiers_free(&used);
	identifier_constant(text, name);
	MUST(text[0] == '\0' || identifier_is_valid(name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_identifiers(text);
	check_selector(text);
	check_labels(text);
	free(text);
	return 0;
}

/*
 * lint: find what a consumer of an exposition would refuse.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "lint/exposition_line.h"

/* Read a file or standard input, with a NUL at the end; null on failure. */
static char *
read_all(const char *path, size_t *size)
{
	FILE *f = path == NULL ? stdin : fopen(path, "r");
	char *text = NULL;
	size_t capacity = 0, n;

	*size = 0;
	if (f == NULL)
		return NULL;
	do {
		if (capacity - *size < 65536)
			text = reallocf(text, capacity = capacity * 2 + 65537);
		if (text == NULL)
			err(FAILED, "lint");
		n = fread(text + *size, 1, capacity - *size - 1, f);
		*size += n;
	} while (n > 0);
	if (ferror(f)) {
		free(text);
		text = NULL;
	} else {
		text[*size] = '\0';
	}
	if (f != stdin)
		fclose(f);
	return text;
}

/* Is it OpenMetrics?  Only that format has a line # EOF. */
static bool
looks_like_openmetrics(const char *text)
{
	return strncmp(text, "# EOF", 5) == 0 ||
	    strstr(text, "\n# EOF") != NULL;
}

static int
run_lint(const struct globals *globals, int argc, char *argv[])
{
	const char *format = NULL, *path = NULL, *source = "<stdin>";
	bool is_openmetrics;
	char *text;
	size_t size;
	int ch, r;

	(void)globals;
	while ((ch = next_option(argc, argv, &lint_command)) != -1) {
		if (ch != 'f')
			return usage_of(&lint_command);
		format = optarg;
	}
	if (argc - optind > 1)
		return too_many(&lint_command, argv[optind + 1]);
	if (format != NULL && strcmp(format, "text") != 0 &&
	    strcmp(format, "openmetrics") != 0) {
		warnx("-f %s: is not a format; allowed are text, openmetrics",
		    format);
		return USAGE;
	}
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		source = path = argv[optind];
	text = read_all(path, &size);
	if (text == NULL) {
		warn("%s", source);
		return FAILED;
	}
	is_openmetrics = format != NULL ? strcmp(format, "openmetrics") == 0 :
					  looks_like_openmetrics(text);
	r = lint_exposition(source, text, size, is_openmetrics) > 0 ? FINDINGS :
								      DONE;
	free(text);
	return finish_output() == DONE ? r : FAILED;
}

const struct command lint_command = {
	.verb = "lint",
	.operands = "[FILE|-]",
	.summary = "find what a consumer of an exposition would refuse",
	.options =
	    (const struct verb_option[]){
		{ 'f', "format", "FORMAT",
		    "text, openmetrics (what a line # EOF tells)", false },
		{ 0, NULL, NULL, NULL, false } },
	.run = run_lint,
};

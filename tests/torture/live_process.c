/*
 * live_process.c: a process of a service, for tests that need a live one.
 *
 *	live_process SEGMENT ROLE
 *		takes the role, records an event for each line of its input,
 *		and ends with its input
 */
#include <err.h>
#include <stdio.h>

#include "codeai/metrics_codeai.h"

int
main(int argc, char *argv[])
{
	struct cmx_registry *reg;
	struct cmx_error error;
	int c;

	if (argc != 3)
		errx(2, "usage: live_process SEGMENT ROLE");
	if (cmx_open(argv[1], NULL, 0, &reg, &error) != 0)
		errx(1, "%s", error.text);
	cmx_set_role(reg, argv[2]);
	puts("ready");
	fflush(stdout);
	while ((c = getchar()) != EOF)
		if (c == '\n') {
			cmx_record_event(reg, "line");
			puts("recorded");
			fflush(stdout);
		}
	cmx_close(reg);
	return 0;
}

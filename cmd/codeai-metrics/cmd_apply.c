/*
 * apply: give a live segment another schema.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <codeai/metrics.h>

#include "cmd.h"
#include "progress.h"

/*
 * How often -w looks whether the last writer of the replaced segment has ended.
 */
#define POLL_NS 200000000

/* Print a line for each thing that was done, and for what is left to do. */
static void
print_result(const struct cmx_apply_result *r)
{
	if (r->is_created)
		puts("created the segment");
	if (r->is_replaced)
		puts(
		    "replaced the segment: processes that start from now on use the new one");
	if (r->n_added > 0 && !r->is_replaced)
		printf("added %u families to the segment\n", r->n_added);
	if (r->n_carried > 0)
		printf("carried over the totals of %u replaced segments\n",
		    r->n_carried);
	if (r->n_waiting > 0)
		printf(
		    "%u replaced segments have writers: restart those processes, then apply again\n",
		    r->n_waiting);
}

/* Add the results of several calls. */
static void
add_result(struct cmx_apply_result *all, const struct cmx_apply_result *r)
{
	all->is_created |= r->is_created;
	all->is_replaced |= r->is_replaced;
	all->n_added += r->n_added;
	all->n_carried += r->n_carried;
	all->n_waiting = r->n_waiting;
}

/* Say what would be done, and print what would be lost as warnings. */
static int
check(const struct globals *globals, const char *schema, bool is_all)
{
	struct cmx_apply_result r;
	struct cmx_error error;
	char *rest = error.text, *line;

	if (cmx_apply_check(globals->segment, schema, &r, &error) != 0)
		return fail(&error);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			warnx("warning: %s", line);
	if (!is_all)
		return DONE;
	if (r.is_created)
		puts("would create the segment");
	if (r.is_replaced)
		puts(
		    "would replace the segment: processes that start from then on use the new one");
	if (r.n_added > 0 && !r.is_replaced && !r.is_created)
		printf("would add %u families to the segment\n", r.n_added);
	return finish_output();
}

static int
apply(const struct globals *globals, const char *schema, bool waits)
{
	static const struct timespec pause = { .tv_nsec = POLL_NS };
	struct cmx_apply_result all = { .is_created = false }, one;
	uint32_t n_first = 0;
	struct cmx_error error;

	for (;;) {
		if (cmx_apply(globals->segment, schema, &one, &error) != 0) {
			print_result(&all);
			return fail(&error);
		}
		add_result(&all, &one);
		if (!waits || one.n_waiting == 0)
			break;
		if (one.n_waiting > n_first)
			n_first = one.n_waiting;
		progress_show("waiting for the writers of replaced segments",
		    1 - (double)one.n_waiting / (n_first + 1));
		nanosleep(&pause, NULL);
	}
	progress_show("", 1);
	print_result(&all);
	return finish_output();
}

static int
run_apply(const struct globals *globals, int argc, char *argv[])
{
	bool waits = false, only_checks = false;
	int ch, r;

	while ((ch = next_option(argc, argv, &apply_command)) != -1) {
		if (ch == 'w')
			waits = true;
		else if (ch == 'n')
			only_checks = true;
		else
			return usage_of(&apply_command);
	}
	if (optind == argc) {
		warnx("apply: the schema is missing");
		return usage_of(&apply_command);
	}
	if (argc - optind > 1)
		return too_many(&apply_command, argv[optind + 1]);
	r = check(globals, argv[optind], only_checks);
	return r != DONE || only_checks ? r :
					  apply(globals, argv[optind], waits);
}

const struct command apply_command = {
	.verb = "apply",
	.operands = "SCHEMA",
	.summary = "give a live segment another schema",
	.options = (const struct verb_option
		[]){ { 'n', "dry-run", NULL, "only say what would be lost",
			 false },
	    { 'w', "wait", NULL,
		"wait until the processes of the replaced segment have ended",
		false },
	    { 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_apply,
};

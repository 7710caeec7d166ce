/*
 * ps: print the processes that use the segment, or have used it.
 */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "clock.h"
#include "cmd.h"

static long long
age_seconds(const struct cmxr_process *p)
{
	return (long long)(clock_ns(CLOCK_REALTIME) / NS_PER_SECOND) -
	    (long long)(p->claimed_ns / NS_PER_SECOND);
}

/* Print an age as 45s, 12m, 5h or 3d: whole units, the largest that fits. */
static void
age_text(long long seconds, char *buf, size_t size)
{
	if (seconds < 0)
		snprintf(buf, size, "-");
	else if (seconds < 120)
		snprintf(buf, size, "%llds", seconds);
	else if (seconds < 2 * 60 * 60)
		snprintf(buf, size, "%lldm", seconds / 60);
	else if (seconds < 2 * 24 * 60 * 60)
		snprintf(buf, size, "%lldh", seconds / (60 * 60));
	else
		snprintf(buf, size, "%lldd", seconds / (24 * 60 * 60));
}

static void
print_line(struct cmxr_process *p)
{
	char age[32];

	age_text(age_seconds(p), age, sizeof(age));
	make_printable(p->role);
	make_printable(p->command);
	printf("%5u %8u  %-5s %6s %6u  %-20s %s\n", p->slot, p->pid,
	    p->is_alive ? "live" : "dead", age, p->n_gauges, p->role,
	    p->command);
}

static json_t *
to_json(const struct cmxr_process *p)
{
	long long age = age_seconds(p);

	/* A clock that was set back since makes the age unknown. */
	return json_pack("{s:i, s:I, s:b, s:o, s:I, s:I, s:s, s:s}", "slot",
	    (int)p->slot, "pid", (json_int_t)p->pid, "alive", (int)p->is_alive,
	    "age_seconds", age < 0 ? json_null() : json_integer(age), "claimed",
	    (json_int_t)(p->claimed_ns / NS_PER_SECOND), "gauges",
	    (json_int_t)p->n_gauges, "role", p->role, "command", p->command);
}

static int
run_ps(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_process process;
	json_t *all;
	bool is_json = false, only_live = false;
	size_t cursor = 0;
	int ch, r;

	while ((ch = next_option(argc, argv, &ps_command)) != -1) {
		switch (ch) {
		case 'j':
			is_json = true;
			break;
		case 'l':
			only_live = true;
			break;
		default:
			return usage_of(&ps_command);
		}
	}
	if (optind != argc)
		return too_many(&ps_command, argv[optind]);
	r = open_snapshot(globals, false, &reader, &snapshot);
	if (r != DONE)
		return r;
	all = json_array();
	if (!is_json)
		printf("%5s %8s  %-5s %6s %6s  %-20s %s\n", "SLOT", "PID",
		    "STATE", "AGE", "GAUGES", "ROLE", "COMMAND");
	while (cmxr_process_next(snapshot, &cursor, &process)) {
		if (only_live && !process.is_alive)
			continue;
		if (is_json)
			json_array_append_new(all, to_json(&process));
		else
			print_line(&process);
	}
	if (is_json) {
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	}
	json_decref(all);
	cmxr_close(reader);
	return finish_output();
}

const struct command ps_command = {
	.verb = "ps",
	.operands = "",
	.summary = "print the processes that use the segment",
	.options = (const struct verb_option[]){ { 'j', "json", NULL, "as JSON",
						     false },
	    { 'l', "live", NULL, "only those that live", false },
	    { 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_ps,
};

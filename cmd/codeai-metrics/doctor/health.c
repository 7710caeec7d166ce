/*
 * health.c: how full it is, what went wrong in it, and on what machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"

static void
check_one_fill(struct findings *f, const char *what, uint64_t used,
    uint64_t limit, const char *remedy)
{
	double part = limit > 0 ? (double)used / (double)limit : 0;

	if (part >= 0.95)
		find(f, ERROR, remedy,
		    "%s: %" PRIu64 " of %" PRIu64 " are taken", what, used,
		    limit);
	else if (part >= 0.8)
		find(f, WARNING, remedy,
		    "%s: %" PRIu64 " of %" PRIu64 " are taken", what, used,
		    limit);
	else
		find(f, FINE, NULL, "%s: %" PRIu64 " of %" PRIu64, what, used,
		    limit);
}

void
check_fill(const struct patient *p, struct findings *f)
{
	const struct cmxr_info *i = &p->info;

	check_one_fill(f, "series", i->n_series, i->series_limit,
	    "raise limits.series of the schema and run \"codeai-metrics apply\", or find the label with too many values");
	check_one_fill(f, "families", i->n_families, i->families_limit,
	    "raise limits.families of the schema and run \"codeai-metrics apply\"");
	check_one_fill(f, "process slots", i->n_live_slots, i->n_slots,
	    "raise limits.processes of the schema and run \"codeai-metrics apply\": more processes share one slot, without gauges of their own");
	check_one_fill(f, "bytes of names and labels", i->arena_used_bytes,
	    i->arena_bytes,
	    "raise limits.label_bytes of the schema and run \"codeai-metrics apply\"");
	check_one_fill(f, "bytes of values in a stripe", i->cell_used_bytes,
	    i->stripe_bytes,
	    "raise limits.series of the schema and run \"codeai-metrics apply\"");
	if (i->n_predecessors > 0)
		find(f, NOTE,
		    "restart what still uses them; then \"codeai-metrics apply\" carries their totals over",
		    "%" PRIu64
		    " segments that this one replaced still have writers",
		    i->n_predecessors);
	if (i->is_retired)
		find(f, ERROR, "restart the processes that use it",
		    "it was replaced by another segment");
}

/* What a count means, by the statistic's name. */
static const struct {
	const char *name;
	enum severity severity;
	const char *remedy;
} meanings[] = {
	{ "invalid_updates", WARNING,
	    "find the update with a NaN, a negative amount or a fraction: it was not counted" },
	{ "overflow_lookups", ERROR,
	    "a family, or the segment, has no room for another series: raise max_series or limits.series, or find the label with too many values" },
	{ "failed_lookups", ERROR,
	    "a family is asked for that is not in the schema, or with another definition: those updates are lost" },
	{ "repaired_labels", WARNING,
	    "label values that are not UTF-8 were changed: encode them" },
	{ "long_labels", WARNING,
	    "label values over 1,024 bytes were cut: they are no labels" },
	{ "no_space", ERROR,
	    "the file system was full: updates of new series were lost; make it larger" },
	{ "leaked_bytes", FINE, NULL },
	{ "no_free_slot_processes", ERROR,
	    "raise limits.processes: those processes have no gauges of their own" },
	{ "dropped_updates", ERROR,
	    "gauge updates were lost, for want of a slot, a descriptor or memory: raise limits.processes and ulimit -n" },
	{ "bad_exemplars", WARNING,
	    "labels of exemplars have at most 128 characters together, and legal names" },
	{ "slot_denied_processes", ERROR,
	    "processes dropped their privileges and cannot open the file: codeai-metrics create -g GROUP, or open it before dropping them" },
	{ "slot_blocked_processes", ERROR,
	    "somebody holds a read lock on the file; find who with lslocks(8)" },
	{ "torn_reads", NOTE,
	    "a histogram was written faster than it could be read; its next reading is whole" },
	{ "damaged_values", ERROR,
	    "something wrote into the segment that is no program of ours" },
	{ "invalid_entries", ERROR,
	    "families or series are damaged, and left out: remove the segment when its processes have ended" },
};

static void
check_failure(struct findings *f, const struct cmxr_statistic *of, uint64_t n)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(meanings[i].name, of->name) == 0 && n > 0)
			find(f, meanings[i].severity, meanings[i].remedy,
			    "%s: %" PRIu64 " (%s)", of->name, n, of->help);
}

void
check_failures(const struct patient *p, struct findings *f)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;

	while ((of = cmxr_statistic_next(&cursor)) != NULL)
		check_failure(f, of, cmxr_statistic_value(of, &p->info));
	if (p->info.fallback_updates > 0)
		find(f, NOTE,
		    "harmless where threads move between CPUs; each costs some nanoseconds more",
		    "%" PRIu64 " updates used a fallback stripe",
		    p->info.fallback_updates);
}

/* The id of this boot without its hyphens; "" where it cannot be read. */
static void
boot_id(char id[33])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	size_t n = 0;
	int c;

	while (f != NULL && n < 32 && (c = getc(f)) != EOF && c != '\n')
		if (c != '-')
			id[n++] = (char)c;
	id[n] = '\0';
	if (f != NULL)
		fclose(f);
}

static void
check_rseq(const struct patient *p, struct findings *f)
{
	if (strcmp(p->info.rseq, "works") == 0)
		find(f, FINE, NULL,
		    "rseq works: updates take no atomic instruction");
	else if (strcmp(p->info.rseq, "broken") == 0)
		find(f, WARNING,
		    "a kernel under gVisor or an old valgrind does that; updates are atomic instructions instead, exact and slower",
		    "rseq is broken here");
	else
		find(f, NOTE,
		    "a kernel before 4.18, seccomp, CODEAI_METRICS_RSEQ=0 or another machine than x86-64 and arm64; updates are exact and slower",
		    "no process could use rseq");
}

void
check_machine(const struct patient *p, struct findings *f)
{
	struct utsname machine;
	char id[33];

	if (uname(&machine) == 0)
		find(f, FINE, NULL, "%s %s on %s, this program %s",
		    machine.sysname, machine.release, machine.machine,
		    CMX_VERSION);
	boot_id(id);
	if (id[0] != '\0' && strcmp(id, p->info.boot_id) != 0)
		find(f, NOTE,
		    "a copy may be read; the application makes a new one at its start",
		    "it is of another boot, or of another machine");
	check_rseq(p, f);
	if (p->read_seconds > 1)
		find(f, WARNING,
		    "fewer series; or --segment.timeout and the scrape's own timeout above it",
		    "reading it takes %.1f seconds", p->read_seconds);
	else
		find(f, FINE, NULL, "reading it takes %.1f ms",
		    p->read_seconds * 1e3);
}

/*
 * cmd.h: what the verbs of codeai-metrics(1) share.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_base.h>

/* Exit codes; promtool has the same. */
enum { DONE = 0, FAILED = 1, USAGE = 2, FINDINGS = 3 };

/* The options before the verb. */
struct globals {
	const char *segment;  /* -s, or null: the default path */
	void (*sigpipe)(int); /* our caller's action of SIGPIPE */
};

struct command {
	const char *verb;
	const char *arguments; /* as in the manual's SYNOPSIS */
	const char *summary;
	int (*run)(const struct globals *, int argc, char *argv[]);
};

int cmd_add(const struct globals *, int argc, char *argv[]);
int cmd_apply(const struct globals *, int argc, char *argv[]);
int cmd_check(const struct globals *, int argc, char *argv[]);
int cmd_create(const struct globals *, int argc, char *argv[]);
int cmd_dashboard(const struct globals *, int argc, char *argv[]);
int cmd_dump(const struct globals *, int argc, char *argv[]);
int cmd_exec(const struct globals *, int argc, char *argv[]);
int cmd_get(const struct globals *, int argc, char *argv[]);
int cmd_header(const struct globals *, int argc, char *argv[]);
int cmd_info(const struct globals *, int argc, char *argv[]);
int cmd_lint(const struct globals *, int argc, char *argv[]);
int cmd_list(const struct globals *, int argc, char *argv[]);
int cmd_observe(const struct globals *, int argc, char *argv[]);
int cmd_ps(const struct globals *, int argc, char *argv[]);
int cmd_remove(const struct globals *, int argc, char *argv[]);
int cmd_rules(const struct globals *, int argc, char *argv[]);
int cmd_set(const struct globals *, int argc, char *argv[]);
int cmd_time(const struct globals *, int argc, char *argv[]);

/* Print a verb's usage to stderr; returns USAGE. */
int usage_of(const char *verb);

/*
 * getopt(3) for a verb, which has short options only: an argument --word is
 * refused as a whole.
 */
int next_option(int argc, char *argv[], const char *letters);

/* Print that an argument is one too many.  Returns USAGE. */
int too_many(const char *verb, const char *argument);

/* Does a name match one of the globs?  Without globs every name does. */
bool is_wanted(const char *name, size_t n_globs, const char *const *globs);

/* Print which globs match no family.  Returns DONE where each matches one. */
struct cmxr_snapshot;
int check_globs(const struct cmxr_snapshot *, size_t n_globs,
    const char *const *globs);

/* Print "codeai-metrics: text" for each line of an error; returns FAILED. */
int fail(const struct cmx_error *);

/*
 * Open the segment and take a snapshot.  Returns DONE; or prints why not, and
 * returns FAILED.  The process metrics are included only where they are asked
 * for.
 */
struct cmxr_reader;
struct cmxr_snapshot;
int open_snapshot(const struct globals *, bool with_process_metrics,
    struct cmxr_reader **, const struct cmxr_snapshot **);

/* Find a family by name; prints that there is none, and returns false. */
struct cmxr_family;
bool find_family(const struct cmxr_snapshot *, const char *name, size_t *index,
    struct cmxr_family *);

/*
 * Turn LABEL=VALUE arguments, each label once and in any order, into values in
 * the family's order, for at most CMX_LABELS_MAX.  Prints what is wrong, and
 * returns false.
 */
struct cmx_family_def;
bool parse_labels(const struct cmx_family_def *, int argc, char *argv[],
    const char *values[]);

/* Replace each control character by '?', in place. */
void make_printable(char *text);

/* Print a text that a segment holds: as it is, but for control characters. */
void print_printable(const char *text);

/*
 * Flush stdout.  Prints a message and returns FAILED where it could not be
 * written.
 */
int finish_output(void);

/*
 * Write to standard output (null and "-") or to a file, which appears as a
 * whole or not at all.  Prints why that fails, and returns FAILED.
 */
int write_output(const char *path, const char *data, size_t size);

/* dump -f table (dump_table.c): values for people, percentiles for histograms.
 */
void print_table(const struct cmxr_snapshot *, size_t n_globs,
    const char *const *globs);

#endif

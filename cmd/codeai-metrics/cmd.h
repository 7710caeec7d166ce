/*
 * cmd.h: what the verbs of codeai-metrics(1) share.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <codeai/metrics_base.h>

/* Exit codes; promtool has the same. */
enum { DONE = 0, FAILED = 1, USAGE = 2, FINDINGS = 3 };

/* The options of all verbs. */
struct globals {
	const char *segment;  /* -s, or null: the default path */
	void (*sigpipe)(int); /* our caller's action of SIGPIPE */
};

struct verb_option {
	int letter;
	const char *name;     /* of the long form */
	const char *argument; /* null: it has none */
	const char *help;
	bool is_required;
};

/* A verb; each has a file of its own. */
struct command {
	const char *verb;
	const char *operands; /* as in the manual's SYNOPSIS */
	const char *summary;
	const struct verb_option *options; /* ended by letter 0; or null */
	bool has_segment;                  /* -s may stand behind it too */
	bool stops_at_operand;             /* what follows is no option */
	int (*run)(const struct globals *, int argc, char *argv[]);
};

extern const struct command add_command;
extern const struct command apply_command;
extern const struct command check_command;
extern const struct command create_command;
extern const struct command dashboard_command;
extern const struct command doctor_command;
extern const struct command dump_command;
extern const struct command exec_command;
extern const struct command get_command;
extern const struct command header_command;
extern const struct command info_command;
extern const struct command lint_command;
extern const struct command list_command;
extern const struct command observe_command;
extern const struct command ps_command;
extern const struct command remove_command;
extern const struct command rules_command;
extern const struct command set_command;
extern const struct command time_command;
extern const struct command top_command;

/* -s behind a verb. */
void set_segment(const char *path);

/* Print a verb's usage to stderr; returns USAGE. */
int usage_of(const struct command *);
/* Print a verb's usage, and each option in a line. */
void print_help_of(FILE *, const struct command *);

/*
 * getopt_long(3) for the options of a verb.  -s, --segment and --help it does
 * itself.
 */
int next_option(int argc, char *argv[], const struct command *);

/* Print that an argument is one too many.  Returns USAGE. */
int too_many(const struct command *, const char *argument);

/* Read a number, which must be the whole text.  Returns false, and is silent.
 */
bool parse_number(const char *text, double *);

/* Does a name match one of the globs?  Without globs every name does. */
bool is_wanted(const char *name, size_t n_globs, const char *const *globs);

/* Print which globs match no family.  Returns DONE where each matches one. */
struct cmxr_snapshot;
int check_globs(const struct cmxr_snapshot *, size_t n_globs,
    const char *const *globs);

/* The family whose name is most like this one; null: none is like it. */
const char *guess_family(const struct cmxr_snapshot *, const char *name);

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

/* Print what of a family's labels is wrong, and which it has. */
struct cmx_family_def;
void say_labels(const struct cmx_family_def *, const char *argument,
    const char *what);

/*
 * Turn LABEL=VALUE arguments, each label once and in any order, into values in
 * the family's order, for at most CMX_LABELS_MAX.  Prints what is wrong, and
 * returns false.
 */
bool parse_labels(const struct cmx_family_def *, int argc, char *argv[],
    const char *values[]);

/*
 * How many bytes are a control character, a mark of direction, or none of
 * UTF-8, at the beginning of a text; 0: it begins with something to be printed.
 * Requires: it is not empty.
 */
size_t unprintable_size(const char *text);

/* As an exposition has a label's value; as long as the room is. */
size_t escape_value(const char *value, char *text, size_t size);

/* Replace each of these by '?', in place. */
void make_printable(char *text);

/*
 * Print a text that a segment holds: as it is, but for these; of a newline and
 * a tab there is a blank.
 */
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

#endif

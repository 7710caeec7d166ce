/*
 * fleet.h: segments that are read: how they are named, found, and told apart.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <codeai/metrics_reader.h>

/* task.c */

struct workers;

struct workers *workers_new(void);
/* Begin the first thread.  Returns false where there is none to be had. */
bool workers_start(struct workers *);
/* Nobody waits any more: let who waits now go on. */
void workers_give_up(struct workers *);
/* Null is allowed.  Waits for all tasks that are under way; none follows. */
void workers_end(struct workers *);
/* Null is allowed.  They have ended, and no task is asked about any more. */
void workers_free(struct workers *);

enum task_phase {
	TASK_IDLE, /* what it works on belongs to the caller */
	TASK_QUEUED,
	TASK_RUNS,
};

/* A piece of work, which is done again and again.  Zeroed, but for these: */
struct task {
	struct workers *workers;
	void (*work)(void *arg);
	void *arg;

	/* Protected by the workers' lock. */
	STAILQ_ENTRY(task) entry;
	enum task_phase phase;
	uint64_t begun_ns;
	uint64_t rest_ns; /* until then nothing is asked of it */
	bool is_late;     /* a scrape went on without it */
};

/* Ask for the work, unless it is under way or rests. */
void task_begin(struct task *);

/*
 * Wait for the work, at most until the deadline on the monotonic clock; not at
 * all where an earlier scrape waited in vain.  Returns false where it is late;
 * else what was worked on belongs to the caller until the next task_begin().
 */
bool task_wait(struct task *, uint64_t deadline_ns);

/* Did the last scrape wait in vain?  Not where it was told to give up. */
bool task_is_late(struct task *);
bool task_is_idle(struct task *);

/* reading.c */

struct reading;

/* What a segment was when it was read. */
struct reading_result {
	char *path;        /* a default segment may appear in another place */
	enum cmx_err code; /* CMX_OK, or why there is no snapshot */
	struct cmx_error error;
	const struct cmxr_snapshot *snapshot; /* or null */
	struct cmxr_info info;
	double seconds;   /* that it took */
	bool was_dropped; /* another segment is counted from 0; caller clears */
};

/* A task that reads a segment of at most so many bytes. */
struct reading *reading_new(struct workers *, const char *path, bool is_default,
    uint64_t limit);
/* Null is allowed.  Returns false, and does nothing, where it is under way. */
bool reading_free(struct reading *);

/* As the calls of tasks; reading_wait() returns null where it is late. */
void reading_begin(struct reading *);
struct reading_result *reading_wait(struct reading *, uint64_t deadline_ns);
bool reading_is_late(struct reading *);

/* find.c */

struct find;

struct file_id {
	dev_t device;
	ino_t inode;
};

/* The paths that a pattern names, sorted. */
struct found {
	char **paths;
	size_t n;
	struct file_id *files;    /* find.c's, in the order of the search */
	unsigned long generation; /* another one where they may be others */
};

bool find_is_pattern(const char *path);
/* False also where the file system does not answer within two seconds. */
bool find_is_directory(const char *path);
/* The size of the directory of a pattern that is no pattern, with its '/'. */
size_t find_fixed_part(const char *pattern);

struct find *find_new(struct workers *, const char *pattern);
/* As reading_free(). */
bool find_free(struct find *);
/* Look; anew: also in a directory that was not changed. */
void find_begin(struct find *, bool is_anew);
/* Null: it is late. */
const struct found *find_wait(struct find *, uint64_t deadline_ns);

/* source.c */

#define SOURCE_IS_LATE 1
#define STATISTICS_MAX 64

/* Labels that each series of a segment gets; the texts are its own. */
struct labels {
	size_t n;
	struct cmx_label at[CMX_LABELS_MAX];
};

/* Add copies.  Returns false where there are too many, or no memory. */
bool labels_add(struct labels *, const char *name, const char *value);
void labels_free(struct labels *);
/* The value, or null. */
const char *labels_find(const struct labels *, const char *name);
bool labels_are_same(const struct labels *, const struct labels *);

/* A segment that is shown, whether it exists or not. */
struct source {
	char *path;
	/* The path at the start: what our metrics call it, wherever it moves.
	 */
	char *name;
	bool is_default; /* not named: it may appear in several places */
	bool is_found;   /* by a pattern */
	struct labels labels;
	uint64_t labels_hash; /* alike for the same labels */
	size_t origin;        /* the number of its -s */
	bool is_left_out;     /* another one has its labels or its file */
	/* fleet.c's: it is in the log as left out; who goes first. */
	bool is_told;
	int rank;
	LIST_ENTRY(source) leaving;
	struct reading *reading;
	const struct cmxr_snapshot *snapshot; /* of this scrape, or null */
	struct cmxr_info info;                /* that was counted last */
	double seconds;                       /* that the last reading took */
	/* As cmxr_statistic_next() lists them; counters are sums. */
	uint64_t statistics[STATISTICS_MAX];
	/* An enum cmx_err, or SOURCE_IS_LATE; a change is logged. */
	int state;
};

struct source *source_new(const char *path, const struct labels *,
    bool is_default);
/* As reading_free(). */
bool source_free(struct source *);

/* Make its reading.  Returns false where there is no memory for it. */
bool source_start(struct source *, struct workers *, uint64_t limit);

/*
 * A scrape begins the reading of all sources, and then finishes them all: each
 * has its snapshot, or null.
 */
void source_begin(struct source *);
void source_finish(struct source *, uint64_t deadline_ns);

/* origin.c */

/* One -s. */
struct origin {
	char *path; /* of a segment, or a pattern */
	bool is_default;
	bool is_pattern;
	struct labels labels;
};

/*
 * Fill a zeroed origin from "PATH" or "PATH,label=value,...", or with the
 * default path.  Both print what is wrong, and return false.
 */
bool origin_parse(struct origin *, const char *argument);
bool origin_default(struct origin *);
void origin_free(struct origin *);
/* Make n of them distinct: fleet_make_distinct(). */
bool origins_make_distinct(struct origin *, size_t n);
/* The label segment="a/m" of "/run/a/m.seg", where so many bytes are skipped.
 */
bool origin_add_name(struct labels *, const char *path, size_t skipped);

/* fleet.c */

struct fleet;

struct fleet_budget {
	uint64_t max_bytes; /* of a segment */
	size_t max_sources;
};

struct fleet *fleet_new(void);
/* Null is allowed.  Waits for readings that are under way. */
void fleet_free(struct fleet *);

/*
 * Add "PATH" or "PATH,label=value,..." of the command line; null is the default
 * path.  Prints what is wrong, and returns false.
 */
bool fleet_add(struct fleet *, const char *argument);

/*
 * Make the segments distinct: where there are several, those without labels
 * get segment="name".  Returns false where two are still alike.
 */
bool fleet_make_distinct(struct fleet *);

/* What was added: a path or a pattern, and its labels. */
size_t fleet_n_origins(const struct fleet *);
const char *fleet_origin(const struct fleet *, size_t, bool *is_pattern);
const struct labels *fleet_origin_labels(const struct fleet *, size_t);

/* Begin.  Returns false where there is no memory, or no thread. */
bool fleet_start(struct fleet *, const struct fleet_budget *);
/* Nobody waits for a segment any longer. */
void fleet_give_up(struct fleet *);
/* At the next reading, look for segments everywhere.  Of any thread. */
void fleet_look_anew(struct fleet *);

/* Find the segments that there are, and read them all. */
void fleet_read(struct fleet *, uint64_t deadline_ns);

/* Those of the last reading.  The generation changes with the list. */
size_t fleet_n_sources(const struct fleet *);
const struct source *fleet_source(const struct fleet *, size_t);
unsigned long fleet_generation(const struct fleet *);
size_t fleet_n_shown(const struct fleet *);
/* Found, and not shown. */
size_t fleet_n_left_out(const struct fleet *);

/* fleet_metrics.c */

/*
 * A path as a label's value: what is not UTF-8 is shown as question marks.
 * Null: no memory.  The caller frees.
 */
char *legal_text(const char *);

struct fleet_metrics;

struct fleet_metrics *fleet_metrics_new(const struct fleet *,
    struct cmx_error *);
void fleet_metrics_free(struct fleet_metrics *);
/* What is to be said of the fleet after it was read. */
const struct cmxr_snapshot *fleet_metrics_update(struct fleet_metrics *,
    const struct fleet *);

#endif

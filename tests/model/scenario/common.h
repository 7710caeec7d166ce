/*
 * common.h: a segment, handles of it, and looking at it, for scenarios.
 */
#ifndef SCENARIO_COMMON_H
#define SCENARIO_COMMON_H

#include <string.h>

#include "../model.h"

#include "codeai/metrics.h"
#include "codeai/metrics_reader.h"

#define SEGMENT "/m/a.seg"
#define SCHEMA  "/m/a.json"

/* The process that looks at the end, and has no part before. */
#define LAST_PROCESS (MODEL_PROCESSES - 1)

extern struct cmx_registry *registry[MODEL_PROCESSES];
extern struct cmxr_reader *reader[MODEL_PROCESSES];
extern struct cmx_family family[MODEL_PROCESSES];

/* A schema file that the kernel of the model has. */
void have_file(const char *path, const char *text);

/*
 * In a process of its own: the segment is created from SCHEMA, and lies there
 * when the run begins.
 */
void have_segment(const char *schema);

/* Open the segment as a writer, as a reader; keep the handle. */
void open_as(int process);
void read_as(int process);

/* The family of a process's registry, kept in family[process]. */
void find_family(int process, const char *name);

/* Find a counter of one label, and add one to it. */
void count_one(const struct cmx_family *, const char *value);

const struct cmxr_snapshot *take(int process);

/* The total of a counter's series; UINT64_MAX where it has none. */
uint64_t total_of(const struct cmxr_snapshot *, const char *name,
    const char *value);
/* Of all series, the overflow series among them. */
uint64_t total_of_all(const struct cmxr_snapshot *, const char *name);
unsigned int n_series_of(const struct cmxr_snapshot *, const char *name,
    const char *value);

/* Nothing that a reader found was invalid. */
void check_nothing_invalid(int process);

/* No value but of a process of these, under its own pid. */
void check_gauges(const struct cmxr_snapshot *, const char *name,
    unsigned int may_be, unsigned int must_be, double of_process);

#endif

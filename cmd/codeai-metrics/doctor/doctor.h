/*
 * doctor.h: the parts of "codeai-metrics doctor".
 *
 *	../cmd_doctor.c	options, and the order of the checks
 *	findings.c	what was found, as lines or as JSON
 *	place.c		which file is meant, and what others there are
 *	access.c	file system, owner, mode, who may read and write
 *	health.c	fill, failures, boot, rseq
 *	processes.c	who uses it, with what library; who shows it
 *	labels.c	what will fill it
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_reader.h>

/* findings.c */

enum severity { FINE, NOTE, WARNING, ERROR };

struct findings;

struct findings *findings_new(void);
void findings_free(struct findings *);
/* @remedy may be null, or "". */
void find(struct findings *, enum severity, const char *remedy, const char *fmt,
    ...) CMX_PRINTF(4, 5);
bool findings_have(const struct findings *, enum severity at_least);
/* Without is_whole only what is not fine. */
void findings_print(const struct findings *, bool is_whole);
/* Returns false where memory ended. */
bool findings_print_json(const struct findings *);

/* What is examined. */
struct patient {
	const char *segment; /* as it was named; null: the default */
	char path[4096];     /* "": none */
	struct cmxr_reader *reader;
	const struct cmxr_snapshot *snapshot;
	struct cmxr_info info;
	double read_seconds;
	bool is_read; /* there is all of these */
};

/* Each returns where it cannot go on; it has said why. */

/* Returns false where there is no segment to be read. */
bool check_place(struct patient *, struct findings *);
void check_file(const struct patient *, struct findings *);
/* A user by name or number. */
void check_user(const struct patient *, const char *user, struct findings *);
void check_fill(const struct patient *, struct findings *);
void check_failures(const struct patient *, struct findings *);
void check_machine(const struct patient *, struct findings *);
void check_processes(const struct patient *, struct findings *);
void check_exporters(const struct patient *, struct findings *);
void check_labels(const struct patient *, struct findings *);
void check_limits(const struct patient *, struct findings *);

#endif

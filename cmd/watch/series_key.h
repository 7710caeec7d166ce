/*
 * series_key.h: the values of some labels of a series, as one text.
 */
#ifndef SERIES_KEY_H
#define SERIES_KEY_H

#include <codeai/metrics_reader.h>

/* The label of the process of a gauge that shows each of them. */
#define TALLY_PID "pid"

/* Where the value of each label is. */
struct places {
	size_t n;
	const char *fixed[CMX_LABELS_MAX + 1]; /* of the segment; or null */
	int label[CMX_LABELS_MAX + 1];         /* of the family; or -1 */
	bool is_pid[CMX_LABELS_MAX + 1];
};

bool def_is_each(const struct cmx_family_def *);
/* Is it a time of day, by its name: when something started, or was last? */
bool def_is_start_time(const struct cmx_family_def *);
bool def_is_timestamp(const struct cmx_family_def *);

#define PID_SIZE 48

/* The value of TALLY_PID, with the pid namespace where that is needed; or "".
 */
void pid_text(const struct cmxr_series *, char text[PID_SIZE]);

/* Of @n labels @by, for a family whose series all get @labels. */
void places_find(struct places *, size_t n, const char *const *by,
    const struct cmx_family_def *, size_t n_labels,
    const struct cmx_label *labels);

/* The values, each with a NUL; of no label one NUL.  Zeroed: none yet. */
struct series_key {
	char *text; /* the caller frees */
	size_t size, capacity;
};

/* Returns false where memory ended. */
bool series_key_make(struct series_key *, const struct places *,
    const struct cmxr_series *);

#endif

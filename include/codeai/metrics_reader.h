/*
 * codeai/metrics_reader.h: reading a segment, for exporters and tools.
 *
 * A reader maps a segment read-only, takes snapshots of it, and encodes them.
 * It validates everything that it reads: a damaged family or series is left
 * out and counted, and the rest is shown.  It never waits for a writer.
 *
 *	struct cmxr_reader *reader;
 *	const struct cmxr_snapshot *snapshot;
 *	struct cmxr_buffer text = { 0 };
 *
 *	cmxr_guard_install();
 *	if (cmxr_open(NULL, &reader, &err) != 0 ||
 *	    cmxr_snapshot_take(reader, &snapshot, &err) != 0)
 *		errx(1, "%s", err.text);
 *	cmxr_encode(&(struct cmxr_input){ .snapshot = snapshot }, 1, CMXR_TEXT,
 *	    NULL, &text, &err);
 *	fwrite(text.data, 1, text.size, stdout);
 *
 * One thread at a time may use a reader and its snapshots; different readers
 * are independent.  Not for signal handlers.
 */
#ifndef CODEAI_METRICS_READER_H
#define CODEAI_METRICS_READER_H

#include <codeai/metrics_base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cmxr_reader;
struct cmxr_snapshot;

/*
 * cmxr_guard_install: survive a segment that is truncated while it is read.
 *
 * Installs a SIGBUS handler for the process, which turns a fault of
 * cmxr_snapshot_take() into CMX_ERR_FORMAT and passes every other SIGBUS on
 * to the earlier action.  For programs whose purpose is to read; a library in
 * another program should not call it.
 *
 * Returns:   0, or CMX_ERR_SYSTEM.
 * Safety:    call it before threads; once more does nothing.
 */
CMX_PUBLIC int cmxr_guard_install(void);

/*
 * cmxr_open: open a segment, or a copy of one, for reading.
 *
 * NULL is cmx_segment_path().  Owner, file system and boot do not matter.
 *
 * Returns:   0 and *readerp, or a negative enum cmx_err:
 *            CMX_ERR_NOT_FOUND, CMX_ERR_MISMATCH, CMX_ERR_FORMAT,
 *            CMX_ERR_PERMISSION, CMX_ERR_ARGUMENT (a null readerp, a path
 *            that is too long), CMX_ERR_MEMORY, CMX_ERR_SYSTEM.
 * Owner:     the caller closes with cmxr_close().
 */
CMX_PUBLIC int cmxr_open(const char *segment, struct cmxr_reader **readerp,
    struct cmx_error *err);

/*
 * Open through a descriptor, such as that of cmx_segment_fd(); it is
 * duplicated.
 * @name, which must not be null, stands for the file in errors.
 */
CMX_PUBLIC int cmxr_open_fd(int fd, const char *name,
    struct cmxr_reader **readerp, struct cmx_error *err);

/*
 * cmxr_probe: does the path name a segment?  For who finds files in a
 * directory: reads the first bytes only, and does not follow a symbolic link.
 *
 * Returns:   0 where it is a file that begins as a segment; CMX_ERR_PERMISSION
 *            where that cannot be read; CMX_ERR_NOT_FOUND; CMX_ERR_FORMAT for
 *            anything else; CMX_ERR_SYSTEM.
 * Safety:    thread.  Never waits for a FIFO.
 */
CMX_PUBLIC int cmxr_probe(const char *path);

/* Close a reader and its snapshot.  Null is allowed. */
CMX_PUBLIC void cmxr_close(struct cmxr_reader *);

/*
 * cmxr_is_current: does the path that was opened still name this segment?
 *
 * False once the path names another file, or none.  The next
 * cmxr_snapshot_take() goes over to a segment that cmx_apply() put there, after
 * any number of them; a reader that is not current after that has a segment
 * that was removed, and goes on showing it.  Cost: one stat(2).
 */
CMX_PUBLIC bool cmxr_is_current(const struct cmxr_reader *);

/*
 * struct cmxr_info: sizes and counts of a segment, filled by cmxr_info_get().
 *
 * All are of the newest segment, but n_live_slots, which counts those of its
 * predecessors too.  n_predecessors and n_live_slots are of the last snapshot;
 * before the first one they are 0, and those that live now.  torn_reads is the
 * sum over all snapshots.
 */
struct cmxr_info {
	const char *path; /* belongs to the reader; "" without a name */
	uint32_t version;
	uint64_t layout_hash;
	uint64_t created_ns; /* wall clock */
	char boot_id[33];
	bool is_retired;
	uint64_t n_predecessors; /* replaced segments that still count */
	uint64_t apparent_bytes; /* of the file */
	uint64_t allocated_bytes;
	uint64_t stripe_bytes;       /* of address space, each */
	uint64_t stripe_ready_bytes; /* with memory, in each */
	uint64_t n_cpu_stripes, n_fallback_stripes;
	uint64_t arena_bytes, arena_used_bytes;
	uint64_t cell_used_bytes; /* in each stripe */
	uint64_t n_families, families_limit;
	/* Without overflow series, and without families that have no label. */
	uint64_t n_series, series_limit;
	uint64_t n_slots, n_live_slots;
	/* Failures since the segment was made. */
	uint64_t invalid_updates;  /* NaN, negative, fraction: not counted */
	uint64_t overflow_lookups; /* went to an overflow series */
	uint64_t failed_lookups;   /* got a sink */
	uint64_t repaired_labels;  /* were not UTF-8 */
	uint64_t long_labels;      /* over CMX_LABEL_VALUE_MAX */
	uint64_t no_space;         /* the file system was full */
	uint64_t leaked_bytes;     /* lost to races of inserts */
	uint64_t no_free_slot;     /* processes that found all slots taken */
	uint64_t dropped_gauges;   /* updates without a slot or a page */
	uint64_t bad_exemplars;    /* labels that no exemplar may have */
	uint64_t slot_denied;      /* processes that cannot open the file */
	uint64_t slot_blocked;     /* processes that a read lock kept away */
	uint64_t rseq_aborts;      /* sections tried again, all CPUs */
	uint64_t fallback_updates; /* updates of a CPU made elsewhere */
	/*
	 * The memory of the series of each type: their cells in every stripe
	 * (for gauges in the stripes of live processes and the shared one),
	 * their entries, two index words for each.
	 */
	struct {
		uint64_t n_series, bytes;
	} counters, gauges, histograms;
	/* Failures of this reader. */
	uint64_t invalid_entries; /* families and series left out */
	uint64_t torn_reads;      /* pairs that never held still */
	/*
	 * Does the kernel abort preempted sections (rseq(2))?  "works",
	 * "broken"; or "untried", where no process of the segment could try,
	 * and none uses the stripes of CPUs.
	 */
	char rseq[8];
	uint64_t damaged_values; /* made legal, over all snapshots */
	/*
	 * The wall clock at the snapshot of this reader that first had the
	 * values that the last one has; 0 before the first one.
	 */
	uint64_t changed_ns;
	uint64_t reserved[11];
};

/*
 * Fill a struct cmxr_info; empties the snapshot if that fails.  Returns 0, or
 * CMX_ERR_FORMAT where the segment was truncated, CMX_ERR_MEMORY or
 * CMX_ERR_SYSTEM.
 */
CMX_PUBLIC int cmxr_info_get(struct cmxr_reader *, struct cmxr_info *,
    struct cmx_error *err);

/*
 * struct cmxr_statistic: a number of struct cmxr_info, with its name and its
 * meaning.
 */
struct cmxr_statistic {
	const char *name; /* "invalid_updates", "series_limit", ... */
	const char *help; /* one sentence */
	/* CMX_COUNTER: counts since the segment was made; else CMX_GAUGE. */
	enum cmx_type type;
	size_t offset; /* of its uint64_t in struct cmxr_info */
};

/*
 * cmxr_statistic_next: walk the statistics, in their order; null at the end.
 *
 * *cursor is 0 before the first call.  codeai-metrics(7) lists them.
 * Owner:     the library; constant.  Safety: thread, process, signal, fork.
 */
CMX_PUBLIC const struct cmxr_statistic *cmxr_statistic_next(size_t *cursor);

/* The value of a statistic. */
CMX_PUBLIC uint64_t cmxr_statistic_value(const struct cmxr_statistic *,
    const struct cmxr_info *);

/*
 * The schema text that the segment was made from, or "" if it cannot be read.
 * Owner: the reader; valid until it takes a snapshot or is closed.
 */
CMX_PUBLIC const char *cmxr_schema_text(struct cmxr_reader *);

/*
 * cmxr_snapshot_take: read all families, series and values.
 *
 * Requires:  no other thread uses this reader.
 * Ensures:   the snapshot has every update that happened before this call.
 *            The count, the sum and the buckets of a histogram are of the same
 *            observations.  Totals never fall from one snapshot of a segment to
 *            the next.
 * Returns:   0 and *snapshotp, or CMX_ERR_FORMAT, CMX_ERR_MEMORY,
 *            CMX_ERR_SYSTEM, CMX_ERR_TOO_LARGE (cmxr_set_limit()).
 * Owner:     the reader; valid until its next take or its close.  A take that
 *            fails empties the snapshot that was taken before.
 * Cost:      reads the structure that is new, and adds up all values.
 */
CMX_PUBLIC int cmxr_snapshot_take(struct cmxr_reader *,
    const struct cmxr_snapshot **snapshotp, struct cmx_error *err);

/*
 * struct cmxr_process: a process that uses the segment, or the last owner of a
 * free slot.  The process wrote its pid and texts itself; the pid is that in
 * its own pid namespace.
 */
struct cmxr_process {
	uint32_t slot;
	uint32_t pid;
	bool is_alive;       /* the kernel holds its beacon */
	uint32_t n_gauges;   /* gauges it has set; 0 where it is dead */
	uint64_t claimed_ns; /* wall clock: its first use of the segment */
	char role[40];       /* cmx_set_role() */
	char command[40];
	uint64_t reserved[4];
};

/*
 * cmxr_process_next: walk the slots that were ever claimed.
 *
 * *cursor is 0 before the first call.  False at the end.  A process that found
 * all slots taken is not listed.
 */
CMX_PUBLIC bool cmxr_process_next(const struct cmxr_snapshot *, size_t *cursor,
    struct cmxr_process *);

/*
 * cmxr_show_processes: show the families codeai_process_* in snapshots, or
 * not; a new reader shows them.
 *
 * These are no families of the segment: the reader asks /proc for each live
 * process, and sums by role.  If the segment has a family of such a name, that
 * family is shown instead.  A number that cannot be read (another user's
 * descriptors, another pid namespace) is left out.  When a process ends, the
 * reader keeps the CPU time that its last snapshot saw.
 * Cost:      some ten microseconds for each process.
 */
CMX_PUBLIC void cmxr_show_processes(struct cmxr_reader *, bool);

/*
 * cmxr_set_limit: read no segment that is larger; a new reader has no limit.
 *
 * cmxr_snapshot_take() returns CMX_ERR_TOO_LARGE, before it reads them, where
 * the file of the segment and those that it replaced take more than @bytes of
 * memory (not of address space); or where the labels of all series, or the
 * snapshot as CMXR_TEXT, could take more than @bytes.  What a snapshot
 * allocates, and the time it takes, grow with the memory of the files and that
 * of the labels, whatever the files say; the text can be some hundred times as
 * large.  0: no limit.
 */
CMX_PUBLIC void cmxr_set_limit(struct cmxr_reader *, uint64_t bytes);

/* A family of a snapshot. */
struct cmxr_family {
	struct cmx_family_def def; /* belongs to the reader */
	uint64_t created_ns;
	uint64_t n_series; /* that are shown */
	/*
	 * Histograms: the bounds of the buckets that are shown (the classic
	 * ones, or powers of two for a family with native buckets only), and
	 * the bounds of the cells.  Both without +Inf.
	 */
	size_t n_bounds, n_cell_bounds;
	const double *bounds, *cell_bounds;
	uint64_t reserved[4];
};

CMX_PUBLIC size_t cmxr_snapshot_n_families(const struct cmxr_snapshot *);

/*
 * cmxr_snapshot_find: find a family by name, and store its index in *i.
 * Returns false, and *i is unchanged, where there is none.  Cost: one hash,
 * whatever the number of families.
 */
CMX_PUBLIC bool cmxr_snapshot_find(const struct cmxr_snapshot *,
    const char *name, size_t *i);

/* Requires: i is below cmxr_snapshot_n_families(). */
CMX_PUBLIC void cmxr_snapshot_family(const struct cmxr_snapshot *, size_t i,
    struct cmxr_family *);

/*
 * A cell of a histogram: the observations between two bounds.  The buckets of
 * all formats are sums of cells.
 */
struct cmxr_cell {
	double count, sum;
};

/* A series of a snapshot, filled by cmxr_series_next(). */
struct cmxr_series {
	/* One value for each label, valid until the next cmxr_series_next(). */
	const char *values[CMX_LABELS_MAX];
	bool is_overflow;
	uint32_t pid; /* CMX_EACH: the process of this value; else 0 */
	uint64_t created_ns;
	/*
	 * A counter of whole numbers has whole; a counter of doubles and a
	 * gauge have value.  A histogram has n_buckets counts (one for each
	 * shown bound and one for +Inf, not cumulative), the count and the sum
	 * of all, and the cells, which belong to the snapshot.
	 */
	uint64_t whole;
	double value;
	size_t n_buckets;
	uint64_t count;
	double sum;
	const uint64_t *buckets;
	size_t n_cells;
	const struct cmxr_cell *cells;
	/*
	 * CMX_EACH: the inode of the pid namespace, where another process of
	 * the series has the same pid in another one; else 0.
	 */
	uint64_t pid_namespace;
	uint64_t reserved[3];
};

/*
 * cmxr_series_next: walk the series of a family.
 *
 * Requires: family is below cmxr_snapshot_n_families(), and *cursor is 0
 * before the first call.  Skips overflow series that were never used, and
 * gauges that no process has set: all but those without labels, which are 0
 * (those of CMX_EACH are skipped).  Returns false at the end.  Does not
 * allocate.
 */
CMX_PUBLIC bool cmxr_series_next(const struct cmxr_snapshot *, size_t family,
    size_t *cursor, struct cmxr_series *);

/*
 * struct cmxr_table: values that no segment holds, shown beside snapshots.
 *
 * An exporter has numbers of its own, and some about each segment.  A table
 * gives them to the encoders: its columns are families, which have the same
 * labels; its rows are values of these labels; a cell is a series.  Nothing is
 * shared with other processes.
 *
 *	const char *const labels[] = { "disk" }, *const names[] = { "sda" };
 *	int size, sda;
 *
 *	cmxr_table_new(1, labels, &table, &err);
 *	size = cmxr_table_add_family(table, "disk_size_bytes", "Its size",
 *	    CMX_GAUGE, &err);
 *	sda = cmxr_table_add_row(table, names, &err);
 *	cmxr_table_set(table, sda, size, 1e12);
 *
 * One thread at a time may use a table and its snapshot.
 */
struct cmxr_table;

/*
 * cmxr_table_new: a table without families and rows.
 *
 * Shape:     @labels has @n_labels names; they are copied.  Without labels the
 *            table has one row, number 0.
 * Returns:   0 and *tablep, or CMX_ERR_ARGUMENT (labels that no schema may
 *            have), CMX_ERR_MEMORY.
 * Owner:     the caller frees with cmxr_table_free(); null is allowed there.
 */
CMX_PUBLIC int cmxr_table_new(size_t n_labels, const char *const *labels,
    struct cmxr_table **tablep, struct cmx_error *err);
CMX_PUBLIC void cmxr_table_free(struct cmxr_table *);

/*
 * cmxr_table_add_family: add a column, a counter or a gauge.
 *
 * Returns:   its number, or CMX_ERR_ARGUMENT (a name or a help text that no
 *            schema may have, a histogram), CMX_ERR_EXISTS, CMX_ERR_MEMORY.
 */
CMX_PUBLIC int cmxr_table_add_family(struct cmxr_table *, const char *name,
    const char *help, enum cmx_type type, struct cmx_error *err);

/*
 * cmxr_table_add_row: add a row, whose cells are not shown before they are set.
 *
 * Shape:     @values has one value for each label of the table; copied.
 * Returns:   its number, or CMX_ERR_ARGUMENT (a value that is not UTF-8, a
 *            table without labels), CMX_ERR_EXISTS, CMX_ERR_MEMORY.
 */
CMX_PUBLIC int cmxr_table_add_row(struct cmxr_table *,
    const char *const *values, struct cmx_error *err);

/* Remove all rows; without labels, what its cells hold. */
CMX_PUBLIC void cmxr_table_clear(struct cmxr_table *);

/*
 * Set a cell.  A number that is none of the table's is ignored, so that a
 * failed _add needs no check; NaN is "not shown".
 */
CMX_PUBLIC void cmxr_table_set(struct cmxr_table *, int row, int family,
    double value);

/* Owner: the table; has what is set by then, until another row is added. */
CMX_PUBLIC const struct cmxr_snapshot *cmxr_table_snapshot(
    const struct cmxr_table *);

enum cmxr_format {
	CMXR_TEXT = 1, /* Prometheus text 0.0.4 */
	CMXR_JSON = 2,
	CMXR_OPENMETRICS = 3, /* OpenMetrics text 1.0.0 */
	CMXR_PROTOBUF = 4,    /* io.prometheus.client.MetricFamily, delimited */
};

/*
 * A body.  A zeroed buffer is empty; the encoder allocates, the caller frees
 * with cmxr_buffer_free().
 */
struct cmxr_buffer {
	char *data;
	size_t size;
	size_t capacity;
};

CMX_PUBLIC void cmxr_buffer_free(struct cmxr_buffer *);

/* The HTTP Content-Type of a format. */
CMX_PUBLIC const char *cmxr_content_type(enum cmxr_format);

/* A snapshot, and labels that are put in front of those of each series. */
struct cmxr_input {
	const struct cmxr_snapshot *snapshot;
	size_t n_labels;
	const struct cmx_label *labels;
	uint64_t reserved[2];
};

/*
 * cmxr_labels_check: may an input have these labels?
 *
 * Returns:   0, or CMX_ERR_ARGUMENT: a name that is invalid, reserved (le,
 *            quantile, names that begin with __) or used twice; a value that is
 *            not UTF-8.
 */
CMX_PUBLIC int cmxr_labels_check(size_t n_labels,
    const struct cmx_label *labels, struct cmx_error *err);

/*
 * cmxr_utf8_size: the number of bytes from the beginning that are valid UTF-8;
 * n where all are.  Safety: thread, process, signal, fork.
 */
CMX_PUBLIC size_t cmxr_utf8_size(const char *text, size_t n);

/*
 * cmxr_number_to_text: write a number as the formats do, with a NUL: a whole
 * number below 2^53 with all its digits, any other with the shortest text that
 * reads back as the same double; NaN, +Inf, -Inf.
 */
CMX_PUBLIC void cmxr_number_to_text(double v, char text[32]);

/*
 * Options of cmxr_encode(); zeroed is the default.  With globs or names only
 * some families are encoded: those whose name matches a glob, and those for
 * which one of the names is that of the family, of its OpenMetrics family, or
 * of a sample.
 */
struct cmxr_options {
	size_t n_globs;
	const char *const *globs;
	size_t n_names;
	const char *const *names;
	/*
	 * OpenMetrics gets a series _created for each counter and histogram:
	 * the time since when it counts.  Protobuf always has that time.
	 */
	bool with_created;
	uint64_t reserved[4];
};

/*
 * cmxr_negotiate: the format that a request's Accept header asks for.
 *
 * The clause with the greatest weight decides, the first among equals:
 * OpenMetrics 1.0.0 (also for 0.0.1), protobuf if the clause has
 * proto=io.prometheus.client.MetricFamily and encoding=delimited, or text
 * 0.0.4. A null header, one that names no format of ours, and one that is no
 * Accept header at all get text 0.0.4.
 */
CMX_PUBLIC enum cmxr_format cmxr_negotiate(const char *accept);

/* Does an Accept-Encoding header, which may be null, allow gzip? */
CMX_PUBLIC bool cmxr_accepts_gzip(const char *accept_encoding);

/*
 * cmxr_encode: snapshots to the bytes of one exposition format.
 *
 * Families of one name in several inputs become one group.  A family is left
 * out if its type is not that of the group's first, or if it has a label that
 * its input adds too.  The inputs' labels must tell their series apart. options
 * may be null.
 *
 * Returns:   the number of families that were left out, mostly 0, and the body
 *            in *buffer, replacing its contents; or CMX_ERR_ARGUMENT, or
 *            CMX_ERR_MEMORY, after which the contents are unspecified.
 * Owner:     the caller, cmxr_buffer_free(); a buffer can be used again, which
 *            saves allocations.
 */
CMX_PUBLIC int cmxr_encode(const struct cmxr_input *inputs, size_t n_inputs,
    enum cmxr_format format, const struct cmxr_options *options,
    struct cmxr_buffer *buffer, struct cmx_error *err);

#ifdef __cplusplus
}
#endif

#endif

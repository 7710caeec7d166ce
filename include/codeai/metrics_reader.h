/*
 * codeai/metrics_reader.h: reading a segment, for exporters and tools.
 *
 * A reader maps a segment read-only, takes snapshots of it, and encodes them.
 * It trusts nothing that it finds there: a damaged family or series is left
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
 * to the action that was there before.  For programs that exist to read; a
 * library in somebody else's process should leave it out.
 *
 * Returns:   0, or CMX_ERR_SYSTEM.
 * Safety:    call it once, before threads.
 */
CMX_PUBLIC int cmxr_guard_install(void);

/*
 * cmxr_open: open a segment, or a copy of one, for reading.
 *
 * NULL is cmx_segment_path().  Owner, file system and boot do not matter.
 *
 * Returns:   0 and *readerp, or a negative enum cmx_err:
 *            CMX_ERR_NOT_FOUND, CMX_ERR_MISMATCH, CMX_ERR_FORMAT,
 *            CMX_ERR_PERMISSION, CMX_ERR_MEMORY, CMX_ERR_SYSTEM.
 * Owner:     the caller closes with cmxr_close().
 */
CMX_PUBLIC int cmxr_open(const char *segment, struct cmxr_reader **readerp,
    struct cmx_error *err);

/* The same through a descriptor, as of cmx_segment_fd(); it is duplicated. */
CMX_PUBLIC int cmxr_open_fd(int fd, const char *name,
    struct cmxr_reader **readerp, struct cmx_error *err);

/* Close a reader and its snapshot.  Null is allowed. */
CMX_PUBLIC void cmxr_close(struct cmxr_reader *);

/*
 * cmxr_is_current: does the path that was opened still name this segment?
 *
 * False once it was removed or replaced; the reader goes on showing the old
 * one.  Cost: one stat(2).
 */
CMX_PUBLIC bool cmxr_is_current(const struct cmxr_reader *);

/*
 * struct cmxr_info: sizes and counts of a segment, filled by cmxr_info_get().
 */
struct cmxr_info {
	const char *path; /* belongs to the reader; "" without a name */
	uint32_t version;
	uint64_t layout_hash;
	uint64_t created_ns; /* wall clock */
	char boot_id[33];
	bool is_retired;
	uint64_t n_predecessors; /* that it replaced and that still count */
	uint64_t apparent_bytes; /* of the file */
	uint64_t allocated_bytes;
	uint64_t stripe_bytes;       /* of address space, each */
	uint64_t stripe_ready_bytes; /* with memory, in each */
	uint64_t n_cpu_stripes, n_fallback_stripes;
	uint64_t arena_bytes, arena_used_bytes;
	uint64_t cell_used_bytes; /* in each stripe */
	uint64_t n_families, families_limit;
	uint64_t n_series, series_limit; /* overflow series not counted */
	uint64_t n_slots, n_live_slots;
	/* what went wrong since the segment was made */
	uint64_t invalid_updates;  /* NaN, negative, fraction: not counted */
	uint64_t overflow_lookups; /* went to an overflow series */
	uint64_t failed_lookups;   /* got a sink */
	uint64_t repaired_labels;  /* were not UTF-8 */
	uint64_t long_labels;      /* over CMX_LABEL_VALUE_MAX */
	uint64_t no_space;         /* the file system was full */
	uint64_t leaked_bytes;     /* lost to races of inserts */
	uint64_t shared_slots;     /* processes without a slot of their own */
	uint64_t dropped_gauges;   /* updates without a page just then */
	uint64_t bad_exemplars;    /* labels that no exemplar may have */
	uint64_t rseq_aborts;      /* sections tried again, all CPUs */
	uint64_t fallback_updates; /* updates of a CPU made elsewhere */
	/*
	 * Memory that the series of each type take: their cells in every
	 * stripe (gauges: in the stripes of live processes and the shared
	 * one), their entries, two index words each.
	 */
	struct {
		uint64_t n_series, bytes;
	} counters, gauges, histograms;
	/* of this reader */
	uint64_t invalid_entries; /* families and series left out */
	uint64_t torn_reads;      /* pairs that never held still */
	uint64_t reserved[16];
};

/* Returns 0, or CMX_ERR_FORMAT where the segment was truncated. */
CMX_PUBLIC int cmxr_info_get(struct cmxr_reader *, struct cmxr_info *,
    struct cmx_error *err);

/*
 * struct cmxr_statistic: a number of struct cmxr_info, with what people need
 * to know of it.
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

/* The schema text that the segment was made from; belongs to the reader. */
CMX_PUBLIC const char *cmxr_schema_text(struct cmxr_reader *);

/*
 * cmxr_snapshot_take: read all families, series and values.
 *
 * Requires:  no other thread uses this reader.
 * Ensures:   everything that was ordered before this call is contained.  Of
 *            each histogram, _count, _sum and buckets are of the same set of
 *            observations.  Totals never decrease from one to the next.
 * Returns:   0 and *snapshotp, or CMX_ERR_FORMAT, CMX_ERR_MEMORY,
 *            CMX_ERR_SYSTEM.
 * Owner:     the reader; valid until its next take or its close.
 * Cost:      structure only where it is new; then loads and additions.
 */
CMX_PUBLIC int cmxr_snapshot_take(struct cmxr_reader *,
    const struct cmxr_snapshot **snapshotp, struct cmx_error *err);

/*
 * struct cmxr_process: a process that uses the segment, or the last one that
 * had its slot.  Slot, pid and texts are what it wrote of itself; its pid is
 * that of its own pid namespace.
 */
struct cmxr_process {
	uint32_t slot;
	uint32_t pid;
	bool is_alive;       /* the kernel says so: its beacon is held */
	uint32_t n_gauges;   /* that it has set; 0 where it is dead */
	uint64_t claimed_ns; /* wall clock: its first use of the segment */
	char role[40];       /* cmx_set_role() */
	char command[40];
	uint64_t reserved[4];
};

/*
 * cmxr_process_next: walk the slots that were ever claimed.
 *
 * *cursor is 0 before the first call.  False at the end.  Processes that found
 * all slots taken are not among them.
 */
CMX_PUBLIC bool cmxr_process_next(const struct cmxr_snapshot *, size_t *cursor,
    struct cmxr_process *);

/*
 * cmxr_show_processes: have the families codeai_process_* in snapshots, or
 * not; a new reader has them.
 *
 * They are no families of the segment: the reader asks /proc for each live
 * process, and sums by role.  A family of the segment that has one of their
 * names is shown instead.  What cannot be read (another user's descriptors,
 * another pid namespace) is absent.  CPU time of a process that ended is kept
 * as of the last snapshot that saw it, by this reader.
 * Cost:      some ten microseconds for each process.
 */
CMX_PUBLIC void cmxr_show_processes(struct cmxr_reader *, bool);

/* A family of a snapshot. */
struct cmxr_family {
	struct cmx_family_def def; /* belongs to the reader */
	uint64_t created_ns;
	uint64_t n_series; /* that are shown */
	/*
	 * Histograms: the bounds of the buckets that are shown, which are the
	 * classic ones or, of a family with native buckets alone, powers of
	 * two; and those of its cells.  Both without +Inf.
	 */
	size_t n_bounds, n_cell_bounds;
	const double *bounds, *cell_bounds;
	uint64_t reserved[4];
};

CMX_PUBLIC size_t cmxr_snapshot_n_families(const struct cmxr_snapshot *);

/*
 * cmxr_snapshot_find: the place of the family of a name, in *i; false, and *i
 * as it was, where there is none.  Cost: one hash, whatever the number of
 * families.
 */
CMX_PUBLIC bool cmxr_snapshot_find(const struct cmxr_snapshot *,
    const char *name, size_t *i);

/* Requires: i is below cmxr_snapshot_n_families(). */
CMX_PUBLIC void cmxr_snapshot_family(const struct cmxr_snapshot *, size_t i,
    struct cmxr_family *);

/*
 * A cell of a histogram: the observations between two bounds, of which the
 * buckets of all formats are made.
 */
struct cmxr_cell {
	double count, sum;
};

/* A series of a snapshot, filled by cmxr_series_next(). */
struct cmxr_series {
	/* One for each label; as all of it, valid until the next series. */
	const char *values[CMX_LABELS_MAX];
	bool is_overflow;
	uint32_t pid; /* CMX_EACH: whose value this is; else 0 */
	uint64_t created_ns;
	/*
	 * A counter of whole numbers: whole.  Another counter, a gauge: value.
	 * A histogram: n_buckets counts, one for each shown bound and for
	 * +Inf, not cumulative; count and sum of all; and the cells, which
	 * belong to the snapshot.
	 */
	uint64_t whole;
	double value;
	size_t n_buckets;
	uint64_t count;
	double sum;
	const uint64_t *buckets;
	size_t n_cells;
	const struct cmxr_cell *cells;
	uint64_t reserved[4];
};

/*
 * cmxr_series_next: walk the series of a family.
 *
 * *cursor is 0 before the first call.  Series that nothing ever set (gauges)
 * and overflow series that were never needed are passed over.  False at the
 * end.
 */
CMX_PUBLIC bool cmxr_series_next(const struct cmxr_snapshot *, size_t family,
    size_t *cursor, struct cmxr_series *);

enum cmxr_format {
	CMXR_TEXT = 1, /* Prometheus text 0.0.4 */
	CMXR_JSON = 2,
	CMXR_OPENMETRICS = 3, /* OpenMetrics text 1.0.0 */
	CMXR_PROTOBUF = 4,    /* io.prometheus.client.MetricFamily, delimited */
};

/* A body.  Zeroed is empty; the encoder makes room, the caller frees. */
struct cmxr_buffer {
	char *data;
	size_t size;
	size_t capacity;
};

CMX_PUBLIC void cmxr_buffer_free(struct cmxr_buffer *);

/* The HTTP Content-Type of a format. */
CMX_PUBLIC const char *cmxr_content_type(enum cmxr_format);

/* A snapshot, and labels that each of its series gets in front. */
struct cmxr_input {
	const struct cmxr_snapshot *snapshot;
	size_t n_labels;
	const struct cmx_label *labels;
	uint64_t reserved[2];
};

/*
 * cmxr_labels_check: may an input have these labels?
 *
 * Returns:   0, or CMX_ERR_ARGUMENT: a name that is none, that is reserved
 *            (le, quantile, names that begin with __), or that stands twice;
 *            a value that is not UTF-8.
 */
CMX_PUBLIC int cmxr_labels_check(size_t n_labels,
    const struct cmx_label *labels, struct cmx_error *err);

/*
 * cmxr_utf8_size: how many of n bytes, from the beginning on, are UTF-8; n
 * where all are.  Safety: thread, process, signal, fork.
 */
CMX_PUBLIC size_t cmxr_utf8_size(const char *text, size_t n);

/*
 * cmxr_number_to_text: a number as the formats write it, with a NUL: the
 * shortest text that reads back as the same double; NaN, +Inf, -Inf.
 */
CMX_PUBLIC void cmxr_number_to_text(double v, char text[32]);

/*
 * What is encoded: the families whose name matches one of the globs, or is
 * one of the names (of the family, of its OpenMetrics family, or of a
 * sample); with neither, all.  Zeroed is the default.
 */
struct cmxr_options {
	size_t n_globs;
	const char *const *globs;
	size_t n_names;
	const char *const *names;
	/*
	 * OpenMetrics shows since when each counter and histogram counts, as
	 * a series _created of its own; protobuf does without being asked.
	 */
	bool with_created;
	uint64_t reserved[4];
};

/*
 * cmxr_negotiate: the format that a request's Accept header asks for.
 *
 * OpenMetrics 1.0.0 (0.0.1 is answered with it), protobuf where the clause
 * has proto=io.prometheus.client.MetricFamily and encoding=delimited, else
 * text 0.0.4: for a null header, for one that names nothing we have, and for
 * one that is no Accept header at all.
 */
CMX_PUBLIC enum cmxr_format cmxr_negotiate(const char *accept);

/* May the answer be compressed by gzip?  The Accept-Encoding, or null. */
CMX_PUBLIC bool cmxr_accepts_gzip(const char *accept_encoding);

/*
 * cmxr_encode: snapshots to the bytes of one exposition format.
 *
 * Families of one name in several inputs become one group; a later one of
 * another type is left out, and so is one that has a label of its input
 * itself.  The inputs' labels must tell their series apart.  options may be
 * null.
 *
 * Returns:   0 and the body in *buffer, replacing what it held; the number of
 *            families left out; or CMX_ERR_ARGUMENT, CMX_ERR_MEMORY.
 * Owner:     the caller, cmxr_buffer_free(); reuse it to save allocations.
 */
CMX_PUBLIC int cmxr_encode(const struct cmxr_input *inputs, size_t n_inputs,
    enum cmxr_format format, const struct cmxr_options *options,
    struct cmxr_buffer *buffer, struct cmx_error *err);

#ifdef __cplusplus
}
#endif

#endif

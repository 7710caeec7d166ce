/*
 * codeai/metrics.h: counters, gauges and histograms that many processes share.
 *
 * A segment is a file of shared memory with one service's metrics.  Every
 * process of the service opens it (or inherits it through fork), looks up the
 * series that it needs, and updates them; codeai-metricsd(8) shows the totals
 * to Prometheus.  Updates take no lock, make no system call, and survive the
 * death of any process.
 *
 *	struct cmx_registry *reg;
 *	struct cmx_family requests;
 *	struct cmx_counter ok;
 *
 *	if (cmx_open(NULL, "metrics.json", 0, &reg, &err) != 0)
 *		warnx("%s", err.text);
 *	cmx_family_find(reg, "requests_total", &requests, &err);
 *	cmx_counter_find(&requests, 1, (const char *[]){ "ok" }, &ok, &err);
 *	cmx_counter_inc(&ok);
 *
 * What may run together: everything with everything, in any number of
 * threads, processes and signal handlers, except cmx_close(), after which no
 * thread of the same process may use the registry or its handles.
 *
 *			thread	process	signal	fork
 *	cmx_open	yes	yes	no	child may use it
 *	cmx_close	no	yes	no	child closes its own
 *	cmx_register	yes	yes	no	yes
 *	..._find	yes	yes	yes	yes
 *	updates		yes	yes	yes	yes
 *
 * A child of vfork(2) shares its parent's memory, and must not update.
 *
 * Nothing here prints, exits, aborts, takes a lock, starts a thread, handles
 * a signal, or changes errno, umask or locale.
 */
#ifndef CODEAI_METRICS_H
#define CODEAI_METRICS_H

#include <codeai/metrics_base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of cmx_open(). */
#define CMX_ATTACH_ONLY    1u /* do not create; CMX_ERR_NOT_FOUND instead */
#define CMX_ANY_FILESYSTEM 2u /* allow a disk, where a store can block */
#define CMX_PRIVATE        4u /* no file: for this process and its children */
#define CMX_EMPTY          8u /* a new segment gets no families; register them */

/* An opened segment.  Opaque; one for each cmx_open(). */
struct cmx_registry;

/*
 * The handles.  Small structs that the caller owns and may copy; filled by
 * the _find calls, valid until cmx_close(), shareable between threads, valid
 * in forked children.  A zeroed handle is a sink: updates of it do nothing.
 * Their members belong to the library.
 */
struct cmx_family {
	struct cmx_registry *registry;
	uint32_t entry;
	uint32_t type;
	uint64_t reserved[2];
};

struct cmx_counter {
	unsigned char *cell; /* in the first stripe */
	struct cmx_registry *registry;
	uint32_t n_cpus; /* stripes that an inlined update may use */
	uint8_t stripe_shift;
	uint8_t is_double;
	uint8_t reserved[2];
	int32_t rseq_offset; /* of the thread's struct rseq */
	uint32_t exemplars;  /* entry of its exemplars; 0: none */
};

struct cmx_gauge {
	struct cmx_registry *registry;
	uint64_t offset; /* in a gauge stripe; 0 in a sink */
	uint32_t is_shared;
	uint32_t reserved0;
	uint64_t reserved[1];
};

struct cmx_histogram {
	unsigned char *cell;
	struct cmx_registry *registry;
	uint32_t n_cpus;
	uint8_t stripe_shift;
	uint8_t is_native;
	uint16_t n_bounds;
	int32_t rseq_offset;
	uint32_t exemplars;   /* entry of its exemplars; 0: none */
	const double *bounds; /* padded with +Inf to a multiple of 8 */
	uint64_t reserved[1];
};

/*
 * The layout of a counter's handle.  The sizes of all handles stay as long as
 * the library's soname does; but an update of a counter that the compiler puts
 * into the program knows the inside of its handle.  So cmx_counter_find()
 * tells the number that it was compiled with, and is refused where the library
 * has another (CMX_ERR_MISMATCH).
 */
#define CMX_HANDLE_LAYOUT 1

/*
 * Every handle fits in so many bytes, aligned to 8: for callers who do not
 * compile this header (codeai-metrics-ffi(7)).
 */
#define CMX_HANDLE_SIZE 64

/*
 * cmx_open: open a service's segment, or create it.
 *
 * @segment names the file; NULL is cmx_segment_path().  Where there is no
 * such file it is created from @schema, a JSON file; NULL is the CodeAI
 * schema, which is built in.  Where there is one, the families of @schema
 * that it lacks are added to it; with NULL it is taken as it is.  Of two
 * processes that create at once, one attaches to the other's.
 *
 * Requires:  regp is not null.
 * Returns:   0 and *regp, or a negative enum cmx_err; *regp is then null, and
 *            everything that takes a registry or a handle does nothing.
 * Errors:    CMX_ERR_SCHEMA     the schema is wrong; err has each mistake
 *            CMX_ERR_NOT_FOUND  CMX_ATTACH_ONLY, and there is no segment
 *            CMX_ERR_CONFLICT   a family is there, defined differently
 *            CMX_ERR_MISMATCH   another version, machine, boot or layout
 *            CMX_ERR_FORMAT     not a segment, truncated, damaged
 *            CMX_ERR_PERMISSION kind of file, owner or mode
 *            CMX_ERR_FILESYSTEM not memory
 *            CMX_ERR_NO_SPACE   the file system is full
 *            CMX_ERR_MEMORY, CMX_ERR_SYSTEM
 * Owner:     the caller closes with cmx_close(); exiting without is fine.
 * Safety:    thread, process.  Allocates; not for signal handlers.
 * Cost:      50 microseconds; some milliseconds where it creates.
 */
CMX_PUBLIC int cmx_open(const char *segment, const char *schema,
    unsigned int flags, struct cmx_registry **regp, struct cmx_error *err);

/*
 * cmx_close: unmap a segment and free the registry.  Null is allowed.
 *
 * Requires:  no thread of this process uses the registry or its handles, now
 *            or later.  Other processes and children are not affected.
 */
CMX_PUBLIC void cmx_close(struct cmx_registry *);

/*
 * struct cmx_create_options: what cmx_create() may be told.  Zeroed is the
 * default: mode 0660 for root and 0600 for others, the creator's group.
 */
struct cmx_create_options {
	unsigned int flags; /* CMX_ANY_FILESYSTEM */
	unsigned int mode;  /* of the file; 0: the default */
	bool has_group;
	unsigned int group; /* gid */
	uint64_t reserved[4];
};

/*
 * cmx_create: create a segment ahead of the application.
 *
 * As cmx_open() where nothing is there, and CMX_ERR_EXISTS otherwise.
 * options may be null.  Safety: thread, process.
 */
CMX_PUBLIC int cmx_create(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_error *err);

/* What cmx_apply() did. */
struct cmx_apply_result {
	bool is_created;        /* there was no segment */
	bool is_replaced;       /* a new segment has taken the name */
	unsigned int n_added;   /* families that the live segment got */
	unsigned int n_carried; /* replaced segments that count no more: their
	                           totals are in the new one */
	unsigned int n_waiting; /* replaced segments that have writers */
	uint64_t reserved[4];
};

/*
 * cmx_apply: give a live segment another schema.
 *
 * Families that are new are added to it.  Where a family is defined
 * differently, or the limits are, a new segment takes the name; processes
 * that have the old one open go on writing there, and those that open the
 * name come to the new one.  Readers show the sum of both: no total goes back
 * and none counts twice, at any instant, whoever is killed.  Once the old
 * segment's last writer has ended, the next cmx_apply() carries its totals
 * into the new one and removes it.
 *
 * Carried are counters, histograms and gauges of CMX_LAST whose type, labels,
 * buckets and value stay as they were; families that only processes
 * registered go along.  Families that the new schema leaves out, and totals
 * of those that it changes, end with the old segment's last writer.
 *
 * Requires:  segment and schema as of cmx_open(); result may be null.
 * Returns:   0, or a negative enum cmx_err: nothing is lost, and another call
 *            goes on where this one ended.
 * Errors:    as cmx_open(), and
 *            CMX_ERR_FULL       seven replaced segments have writers still
 *            CMX_ERR_NO_SPACE   no room for the new segment or the totals
 * Safety:    thread, process; of several at once one waits for the other.
 *            Not for signal handlers.  Allocates.
 */
CMX_PUBLIC int cmx_apply(const char *segment, const char *schema,
    struct cmx_apply_result *result, struct cmx_error *err);

/*
 * cmx_remove: take a segment's name away; NULL is cmx_segment_path().
 *
 * Processes that have it open go on; the next cmx_open() makes a new one.
 * Only a segment is removed, never another file.
 */
CMX_PUBLIC int cmx_remove(const char *segment, struct cmx_error *err);

/*
 * cmx_segment_fd: a descriptor of the segment, or -1.
 *
 * For cmxr_open_fd(), when a process shows its own (private) segment.  It
 * belongs to the registry.
 */
CMX_PUBLIC int cmx_segment_fd(const struct cmx_registry *);

/*
 * cmx_set_role: name this process's part in the service: "worker", "cron".
 *
 * Process metrics are summed by role (codeai_process_count{role="worker"},
 * codeai_process_cpu_seconds_total, ...).  The default is the name of the
 * program; null and "" are that too.  A forked child begins with the default,
 * and names its own.
 *
 * Bad input: bytes that are not UTF-8 become U+FFFD; at most 39 bytes are
 *            kept, no character is cut.
 * Safety:    thread, process, signal, fork.  Claims the process's slot, as a
 *            look-up does.
 */
CMX_PUBLIC void cmx_set_role(struct cmx_registry *, const char *role);

/*
 * cmx_register: add a family to the live segment, for all its processes.
 *
 * Returns:   0 and the family, also where the same definition was there; or
 *            a negative enum cmx_err, and *familyp is a sink.
 * Errors:    CMX_ERR_ARGUMENT   the definition breaks a rule: err says which
 *            CMX_ERR_CONFLICT   defined differently, or its name clashes
 *            CMX_ERR_FULL       no room for another family
 *            CMX_ERR_NO_SPACE   the file system is full
 * Owner:     the definition is copied.
 * Safety:    thread, process, fork.  Does not allocate.
 * Progress:  lock-free.
 */
CMX_PUBLIC int cmx_register(struct cmx_registry *,
    const struct cmx_family_def *, struct cmx_family *familyp,
    struct cmx_error *err);

/*
 * cmx_family_find: the family of a name.
 *
 * Returns:   0, or CMX_ERR_NOT_FOUND and *familyp is a sink.
 * Safety:    thread, process, signal, fork.
 * Cost:      linear in the families of the segment; keep the result.
 */
CMX_PUBLIC int cmx_family_find(struct cmx_registry *, const char *name,
    struct cmx_family *familyp, struct cmx_error *err);

/*
 * cmx_family_definition: what a family is, as the segment has it.
 *
 * Shape:     @labels has room for CMX_LABELS_MAX names, and is what
 *            def->labels points to.
 * Returns:   0, or CMX_ERR_ARGUMENT for a sink, CMX_ERR_FORMAT; @def is then
 *            untouched.
 * Owner:     strings and bounds are the segment's, valid until cmx_close().
 * Safety:    thread, process, signal, fork.
 */
CMX_PUBLIC int cmx_family_definition(const struct cmx_family *,
    struct cmx_family_def *def, const char *labels[], struct cmx_error *err);

/*
 * cmx_counter_find, cmx_gauge_find, cmx_histogram_find: the series of a
 * family with these label values, made where it is new.
 *
 * Shape:     @n_labels strings, in the order of the family's labels.  A null
 *            string is "".  Bytes that are not UTF-8 become U+FFFD.
 * Returns:   0; 1 where the family's overflow series was given instead, in
 *            which updates are counted under label values "__overflow__"; or
 *            a negative enum cmx_err, and the handle is a sink.
 * Overflow:  the family has max_series, the segment is full, the file system
 *            is full, or a value is longer than CMX_LABEL_VALUE_MAX.
 * Errors:    CMX_ERR_ARGUMENT   the family is a sink, or a pointer is null
 *            CMX_ERR_TYPE       the family is of another type
 *            CMX_ERR_LABELS     another number of labels
 * Safety:    thread, process, signal, fork.  Never allocates heap memory.
 *            Label values that are not UTF-8 take 70 KiB of stack.
 * Progress:  lock-free; at most 64 words of the index are looked at.
 * Cost:      one hash and one comparison for a series that is there; some
 *            microseconds for a new one.
 */
#ifdef CMX_NO_INLINE
CMX_PUBLIC int cmx_counter_find(const struct cmx_family *, size_t n_labels,
    const char *const *values, struct cmx_counter *, struct cmx_error *err);
#endif
CMX_PUBLIC int cmx_gauge_find(const struct cmx_family *, size_t n_labels,
    const char *const *values, struct cmx_gauge *, struct cmx_error *err);
CMX_PUBLIC int cmx_histogram_find(const struct cmx_family *, size_t n_labels,
    const char *const *values, struct cmx_histogram *, struct cmx_error *err);

/*
 * cmx_counter_inc, cmx_counter_add, cmx_counter_add_double: add to a counter.
 *
 * Unit:      of the family.
 * Bad input: a negative, infinite or NaN increment, and a fraction (or more
 * than 2^53) on a counter of whole numbers, changes nothing and is counted as
 *            an invalid update of the segment.
 * Returns:   nothing; it cannot fail.
 * Safety:    thread, process, signal, fork.
 * Progress:  wait-free for whole numbers, lock-free for doubles.
 * Cost:      one addition to a cell of this CPU, without an atomic
 *            instruction; inlined unless CMX_NO_INLINE is defined.
 * Limits:    wraps at 2^64, which Prometheus reads as a reset.
 */
#ifdef CMX_NO_INLINE
CMX_PUBLIC CMX_DIRECT void cmx_counter_inc(const struct cmx_counter *);
CMX_PUBLIC CMX_DIRECT void cmx_counter_add(const struct cmx_counter *,
    uint64_t n);
#endif
CMX_PUBLIC void cmx_counter_add_double(const struct cmx_counter *, double v);

/*
 * cmx_gauge_set, _add, _sub, _inc, _dec: this process's value of a gauge.
 *
 * A gauge belongs to the process that writes it; how the values of several
 * become one is the family's aggregation, and a dead process's value is gone.
 * A gauge of CMX_LAST is one value for all.  Any double may be set.  _add to
 * a gauge that was never set begins at 0.
 *
 * Safety:    thread, process, signal, fork.  The first write of a process
 *            claims its slot: some system calls, once.
 * Progress:  set is wait-free, the others lock-free.
 */
CMX_PUBLIC void cmx_gauge_set(const struct cmx_gauge *, double v);
CMX_PUBLIC void cmx_gauge_add(const struct cmx_gauge *, double v);
CMX_PUBLIC void cmx_gauge_sub(const struct cmx_gauge *, double v);
CMX_PUBLIC void cmx_gauge_inc(const struct cmx_gauge *);
CMX_PUBLIC void cmx_gauge_dec(const struct cmx_gauge *);

/*
 * cmx_histogram_observe: count a value in its bucket.
 *
 * Its bucket's count and sum change in one store, so a scrape sees both or
 * neither.  NaN, infinities, and what is below 0 where the family has native
 * buckets, change nothing and are counted as invalid updates.
 *
 * Safety:    thread, process, signal, fork.
 * Progress:  lock-free.
 */
CMX_PUBLIC CMX_DIRECT void cmx_histogram_observe(const struct cmx_histogram *,
    double v);

/*
 * cmx_counter_add_exemplar, cmx_histogram_observe_exemplar: update, and leave
 * an example of it: the labels of a trace, mostly.
 *
 * A family keeps exemplars where its schema says so ("exemplars": true): the
 * last one of a counter, the last one of each bucket of a histogram.  In other
 * families these are plain updates.
 *
 * Shape:     @n labels, no name twice; together at most 128 characters and,
 *            with a NUL for each name and value, 160 bytes.
 * Bad input: the update is made; labels that no exemplar may have are counted
 *            and left out.  n 0 leaves none, and is counted too.
 * Safety:    thread, process, signal, fork.
 * Progress:  as the update; nobody waits for an exemplar.  One that two
 *            writers mix is not shown.
 * Cost:      the update, a look at the clock, 192 bytes copied.
 */
CMX_PUBLIC void cmx_counter_add_exemplar(const struct cmx_counter *,
    uint64_t amount, size_t n, const struct cmx_label *pairs);
CMX_PUBLIC void cmx_histogram_observe_exemplar(const struct cmx_histogram *,
    double v, size_t n, const struct cmx_label *pairs);

#ifdef __cplusplus
}
#endif

#ifndef CMX_NO_INLINE
#include <codeai/metrics_inline.h>
#endif

#endif

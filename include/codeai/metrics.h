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
 * All calls may run at once in any number of threads and processes, and those
 * with "signal" in signal handlers too.  The exception is cmx_close(): no
 * thread of the same process may use the registry or its handles during it, or
 * afterwards.
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
 * The first look-up of a process holds back its thread's signals, and
 * pthread_cancel(3), for some microseconds; no call is a cancellation point.
 * Two threads that make their process's first look-up at once: one claims the
 * slot, the other waits for it.
 *
 * No call prints, exits, aborts, starts a thread, handles a signal, or changes
 * errno, umask or locale.  Look-ups and updates never wait for another thread
 * or process.  cmx_apply() waits while another process applies a schema to the
 * segment.  A call that creates a segment clones short-lived child processes
 * once, to try the kernel's restartable sequences; the application gets no
 * SIGCHLD from them.
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
#define CMX_APPLY          16u /* cmx_apply() the schema first */

/* An opened segment.  Opaque; a process has one for each file. */
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
 * The version of the members of struct cmx_counter.  The sizes of all handles
 * stay the same as long as the library's soname does, but the compiler inlines
 * updates of counters into the program, and inlined code uses the members.
 * cmx_counter_find() therefore passes the version that the program was compiled
 * with.  A library with another version returns CMX_ERR_MISMATCH, and the
 * handle is a sink.
 */
#define CMX_HANDLE_LAYOUT 1

/*
 * The size in bytes, aligned to 8, that every handle fits in: for callers in
 * other languages, who do not compile this header (codeai-metrics-ffi(7)).
 */
#define CMX_HANDLE_SIZE 64

/*
 * cmx_open: open a service's segment, or create it.
 *
 * @segment names the file; NULL is cmx_segment_path().  A file that does not
 * exist is created from @schema, a JSON file; NULL is the built-in CodeAI
 * schema.  A segment that exists gets the families of @schema that it lacks;
 * with NULL it stays as it is.  Where the segment defines a family in another
 * way (type, labels, buckets, aggregation), that family is a sink for this
 * process and all others count; another help text, unit, exemplars, max_series
 * or limits do not matter.  With CMX_APPLY, cmx_apply() changes the segment
 * first; where that fails, the segment is opened as it is.  Of two processes
 * that create at once, one attaches to the other's segment.
 *
 * A process has one registry for each file, whatever number of its threads,
 * libraries and modules open it, by whatever name: a further call returns the
 * same one, and adds the families of its schema.  As many calls of cmx_close()
 * end it.  A module that is loaded again after it was unloaded finds it too.
 *
 * Requires:  regp is not null.
 * Returns:   0 and *regp; 1 and *regp where families conflict, or a schema, a
 *            mode or a group could not be applied, and err says which and why;
 *            or a negative enum cmx_err: *regp is then null, and everything
 *            that takes a registry or a handle does nothing.
 * Errors:    CMX_ERR_SCHEMA     the schema is wrong; err has the mistakes,
 *                               as many as fit
 *            CMX_ERR_NOT_FOUND  CMX_ATTACH_ONLY, and there is no segment; or
 *                               the schema file does not exist
 *            CMX_ERR_CONFLICT   with 1: a family of the segment has the name,
 *                               but another definition; err has both
 *            CMX_ERR_ARGUMENT   regp is null, a flag is unknown, the path is
 *                               empty or too long, the limits are too large,
 *                               a variable of the environment is wrong
 *            CMX_ERR_FULL       the segment has no room for new families
 *            CMX_ERR_EXISTS     other processes make and remove the segment
 *                               again and again
 *            CMX_ERR_MISMATCH   another version, machine, boot or layout
 *            CMX_ERR_FORMAT     not a segment, truncated, damaged
 *            CMX_ERR_PERMISSION kind of file, owner or mode
 *            CMX_ERR_FILESYSTEM not memory
 *            CMX_ERR_NO_SPACE   the file system is full
 *            CMX_ERR_MEMORY, CMX_ERR_SYSTEM
 * Owner:     the caller closes with cmx_close(); exiting without is fine.
 * Safety:    thread, process.  Allocates; not for signal handlers.
 * Cost:      50 microseconds; some milliseconds where it creates; a few where
 *            the process has the file open.
 */
CMX_PUBLIC int cmx_open(const char *segment, const char *schema,
    unsigned int flags, struct cmx_registry **regp, struct cmx_error *err);

/*
 * struct cmx_create_options: what cmx_open_with() and cmx_create() may be told.
 * Zeroed is the default: the mode of the environment's CODEAI_METRICS_MODE, or
 * 0660 for root and where a group is chosen, and 0600 for others; the group of
 * CODEAI_METRICS_GROUP, or the one that the directory gives to new files.
 */
struct cmx_create_options {
	unsigned int flags; /* those of the call */
	unsigned int mode;  /* of the file; 0: the default */
	bool has_group;
	unsigned int group; /* gid; of the user that the workers become */
	uint64_t reserved[4];
};

/*
 * cmx_open_with: open as cmx_open() does, with a mode and a group.
 *
 * A segment that is created gets them.  One that exists and belongs to this
 * user (or to anybody, for root) gets them too: so a master that runs as root
 * adopts a segment for its workers.  CODEAI_METRICS_MODE (octal) and
 * CODEAI_METRICS_GROUP (a name or a number) say them to every program, in
 * cmx_open() too.
 *
 * Requires:  options and regp are not null; reserved members are 0.
 * Returns, errors, safety: as cmx_open().
 */
CMX_PUBLIC int cmx_open_with(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_registry **regp,
    struct cmx_error *err);

/*
 * cmx_default: the process's registry of the default segment.
 *
 * Opened by the first call, as cmx_open(NULL, NULL, 0) does, and kept by the
 * library until the process ends: for callers that can keep nothing from one
 * request to the next, such as scripts in a server.  Children that are forked
 * after the first call have it too.
 *
 * Returns:   the registry, or null and err; another call tries again.
 * Errors:    as cmx_open().
 * Owner:     the library; the caller does not close it.
 * Safety:    thread, process, fork.  Not for signal handlers.
 * Cost:      a lock of this process, after the first call.
 */
CMX_PUBLIC struct cmx_registry *cmx_default(struct cmx_error *err);

/*
 * cmx_close: end an open.  The last one of a file unmaps the segment and frees
 * the registry.  Null is allowed.
 *
 * Requires:  for the last one, no thread of this process uses the registry or
 *            its handles, now or later.  Other processes and children are not
 *            affected.
 */
CMX_PUBLIC void cmx_close(struct cmx_registry *);

/*
 * cmx_create: create a segment ahead of the application.
 *
 * Creates as cmx_open() does, but returns CMX_ERR_EXISTS where the segment
 * exists.  options may be null.  Safety: thread, process.
 */
CMX_PUBLIC int cmx_create(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_error *err);

/* What cmx_apply() did. */
struct cmx_apply_result {
	bool is_created;        /* there was no segment */
	bool is_replaced;       /* a new segment has taken the name */
	unsigned int n_added;   /* families that the live segment got */
	unsigned int n_carried; /* replaced segments that were carried over */
	unsigned int n_waiting; /* replaced segments that wait for writers */
	/*
	 * Of cmx_apply_check(): families whose totals are not carried, and
	 * series that are counted in an overflow series from then on.
	 */
	unsigned int n_uncarried, n_overflowed;
	uint64_t reserved[3];
};

/*
 * cmx_apply: give a live segment another schema.
 *
 * New families are added to the segment.  If the schema changes a family or
 * the limits, a new segment takes the name instead.  Processes that have the
 * old segment open go on writing to it; a process that opens the name gets the
 * new one.  Readers show the sum of both: no total falls and none counts twice,
 * at any instant, whatever process is killed.  Once the old segment's last
 * writer has ended, the next cmx_apply() carries its totals into the new
 * segment and removes it.
 *
 * The totals that are carried are those of counters, histograms and gauges of
 * CMX_LAST whose type, labels, buckets and value do not change, also of
 * families that only processes registered.  The totals of a family that the
 * new schema drops or changes end with the old segment's last writer.
 *
 * Requires:  segment and schema as for cmx_open(); result may be null.
 * Returns:   0, or a negative enum cmx_err: nothing is lost, and another call
 *            continues where this one ended.
 * Errors:    as cmx_open(), and
 *            CMX_ERR_FULL       seven replaced segments still have writers
 *            CMX_ERR_NO_SPACE   no room for the new segment or the totals
 * Safety:    thread, process; several calls at once run one after the other,
 *            and each waits for 30 seconds at most.
 *            Not for signal handlers.  Allocates.
 */
CMX_PUBLIC int cmx_apply(const char *segment, const char *schema,
    struct cmx_apply_result *result, struct cmx_error *err);

/*
 * cmx_apply_check: what cmx_apply() would do, without doing it.
 *
 * Requires:  as cmx_apply(); err is not null to learn what would be lost.
 * Returns:   0 and the result, is_created, is_replaced, n_added, n_uncarried
 *            and n_overflowed; err has the code CMX_OK and, as many as fit, a
 *            line for each family whose totals would end or be counted in an
 *            overflow series; or a negative enum cmx_err.
 * Errors:    those of the schema and of reading the segment.
 * Safety:    thread, process.  Not for signal handlers.  Allocates.
 */
CMX_PUBLIC int cmx_apply_check(const char *segment, const char *schema,
    struct cmx_apply_result *result, struct cmx_error *err);

/*
 * cmx_remove: remove the name of a segment; NULL is cmx_segment_path().
 *
 * Processes that have the segment open keep it; the next cmx_open() creates a
 * new one.  The names of segments that it replaced are removed too.  A file
 * that is no segment is refused.
 *
 * Returns:   0, or CMX_ERR_NOT_FOUND, CMX_ERR_FORMAT (no segment),
 *            CMX_ERR_PERMISSION, CMX_ERR_ARGUMENT, CMX_ERR_SYSTEM.
 * Safety:    thread, process.  Not for signal handlers.
 */
CMX_PUBLIC int cmx_remove(const char *segment, struct cmx_error *err);

/*
 * cmx_segment_fd: a descriptor of the segment, or -1.
 *
 * For cmxr_open_fd(), in a process that shows its own (private) segment.  The
 * registry owns the descriptor: the caller does not close it.  -1 is for a null
 * registry, and where the application has closed the descriptor.
 */
CMX_PUBLIC int cmx_segment_fd(const struct cmx_registry *);

/*
 * cmx_set_role: name this process's part in the service: "worker", "cron".
 *
 * Process metrics are summed by role (codeai_process_count{role="worker"},
 * codeai_process_cpu_seconds_total, ...).  A null or empty role is the default,
 * the short name of the program.  A forked child begins with the default and
 * can set a role of its own.
 *
 * Bad input: bytes that are not UTF-8 become U+FFFD; at most 39 bytes are
 *            kept, and no character is cut in two.
 * Safety:    thread, process, signal, fork.  Claims the process's slot, as a
 *            look-up does.
 */
CMX_PUBLIC void cmx_set_role(struct cmx_registry *, const char *role);

/*
 * cmx_register: add a family to the live segment, for all its processes.
 *
 * familyp may be null.  max_series is not part of the comparison.
 *
 * Returns:   0 and the family, also where the segment had the same definition;
 *            or a negative enum cmx_err, and *familyp is a sink.
 * Errors:    CMX_ERR_ARGUMENT   the definition breaks a rule: err says which
 *            CMX_ERR_CONFLICT   the segment has another definition of the
 *                               name, or a family whose name clashes
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
 * cmx_family_find: find a family by name.
 *
 * Returns:   0, or CMX_ERR_NOT_FOUND (or CMX_ERR_ARGUMENT, for a null) and
 *            *familyp is a sink.
 * Safety:    thread, process, signal, fork.
 * Cost:      linear in the families of the segment; keep the result.
 */
CMX_PUBLIC int cmx_family_find(struct cmx_registry *, const char *name,
    struct cmx_family *familyp, struct cmx_error *err);

/*
 * cmx_family_definition: the definition of a family, as the segment has it.
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
 * cmx_counter_find, cmx_gauge_find, cmx_histogram_find: find the series of a
 * family with these label values, or make it.
 *
 * Shape:     @n_labels strings, in the order of the family's labels.  A null
 *            string is "".  Bytes that are not UTF-8 become U+FFFD.
 * Returns:   0; or 1 and the family's overflow series, which counts updates
 *            under the label values "__overflow__" (err has the reason, with
 *            the code CMX_OK); or a negative enum cmx_err, and the handle is
 *            a sink.
 * Overflow:  the family has max_series, the segment is full, the file system
 *            is full, or a value is longer than CMX_LABEL_VALUE_MAX.
 * Errors:    CMX_ERR_ARGUMENT   the family is a sink, or a pointer is null
 *            CMX_ERR_TYPE       the family is of another type
 *            CMX_ERR_LABELS     another number of labels
 *            CMX_ERR_MISMATCH   a program compiled with another
 *                               CMX_HANDLE_LAYOUT looks up a counter
 * Safety:    thread, process, signal, fork.  Never allocates heap memory;
 *            needs less than 4 KiB of stack, whatever the values are.
 * Progress:  lock-free; reads at most 64 words of the index.
 * Cost:      one hash and one comparison for a series that exists; some
 *            microseconds for a new one.  The first look-up of a process
 *            claims its slot, with some system calls.
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
 * Bad input: changes nothing, and the segment counts it as an invalid update:
 *            a negative, infinite or NaN increment, and on a counter of whole
 *            numbers a fraction or more than 2^53.
 * Returns:   nothing; it cannot fail.
 * Safety:    thread, process, signal, fork.
 * Progress:  wait-free for whole numbers, lock-free for doubles.
 * Cost:      _inc and _add: one addition to a cell of this CPU, on x86-64
 *            without an atomic instruction; inlined unless CMX_NO_INLINE is
 *            defined.
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
 * Each process has its own value of a gauge.  The family's aggregation makes
 * one value of those of all live processes; the value of a process disappears
 * with the process.  A gauge of CMX_LAST has one value for all.  Any double may
 * be set.  _add to a gauge that was never set begins at 0.
 *
 * Safety:    thread, process, signal, fork.  The first write of a process
 *            makes system calls: for its slot, and for pages of its values.
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
 * The count and the sum of the bucket change in one store, so a scrape sees
 * both or neither.
 *
 * Bad input: changes nothing, and the segment counts it as an invalid update:
 *            NaN, infinities, and negative values where the family has native
 *            buckets.
 *
 * Safety:    thread, process, signal, fork.
 * Progress:  lock-free.
 */
CMX_PUBLIC CMX_DIRECT void cmx_histogram_observe(const struct cmx_histogram *,
    double v);

/*
 * cmx_timer_begin, cmx_timer_seconds, cmx_timer_observe: time something, for
 * any histogram of seconds.
 *
 * The timer is the caller's; it may be observed any number of times.  One that
 * was zeroed and not begun has 0 seconds, and observes nothing.
 *
 * Unit:      seconds, by CLOCK_MONOTONIC.
 * Safety:    thread, process, signal, fork.
 */
CMX_PUBLIC void cmx_timer_begin(struct cmx_timer *);
CMX_PUBLIC double cmx_timer_seconds(const struct cmx_timer *);
CMX_PUBLIC void cmx_timer_observe(const struct cmx_timer *,
    const struct cmx_histogram *);

/*
 * cmx_counter_add_exemplar, cmx_histogram_observe_exemplar: update, and store
 * an example of the update: usually the labels of a trace.
 *
 * A family whose schema says "exemplars": true keeps the last exemplar of a
 * counter, and of each bucket of a histogram.  In other families these are
 * plain updates.
 *
 * Shape:     @n labels, no name twice; together at most 128 characters and,
 *            with a NUL for each name and value, 160 bytes.
 * Bad input: the update is made.  An exemplar with an invalid label, or with
 *            none (n is 0), is not stored, and the segment counts it as a bad
 *            exemplar.
 * Safety:    thread, process, signal, fork.
 * Progress:  that of the update; no thread waits for an exemplar.  An exemplar
 *            that two writers mixed is not shown.
 * Cost:      the update, one reading of the clock, a copy of 192 bytes.
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

/*
 * codeai/metrics_base.h: what the application API and the reader API share.
 *
 * Error codes and the error object, metric types, gauge aggregations, family
 * definitions, label pairs, and the schema check.  Includes nothing of the
 * project.
 */
#ifndef CODEAI_METRICS_BASE_H
#define CODEAI_METRICS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CMX_VERSION_MAJOR 0
#define CMX_VERSION_MINOR 1
#define CMX_VERSION_PATCH 0
#define CMX_VERSION                   \
	CMX_STRING(CMX_VERSION_MAJOR) \
	"." CMX_STRING(CMX_VERSION_MINOR) "." CMX_STRING(CMX_VERSION_PATCH)
#define CMX_STRING(number)  CMX_STRING_(number)
#define CMX_STRING_(number) #number

/* Functions of the library's ABI; everything else in it is hidden. */
#if defined(__GNUC__)
#define CMX_PUBLIC          __attribute__((visibility("default")))
#define CMX_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#else
#define CMX_PUBLIC
#define CMX_PRINTF(fmt, va)
#endif

/*
 * For functions that headers define.  CMX_WEAK: the linker keeps one of the
 * definitions that several files of a program have.  CMX_UNUSED: a static
 * function of each file, which need not call it.
 */
#if defined(__GNUC__)
#define CMX_WEAK   __attribute__((weak, visibility("default")))
#define CMX_UNUSED __attribute__((unused))
#else
#define CMX_UNUSED
#endif

/*
 * Calls go to the function directly and not through the procedure linkage
 * table, which would take a fifth of an update's time.
 */
#if defined(__GNUC__) && !defined(__clang__)
#define CMX_DIRECT __attribute__((noplt))
#else
#define CMX_DIRECT
#endif

/*
 * Members named reserved are room for later versions of the library.  A struct
 * that the caller fills (cmx_family_def, cmx_create_options, cmxr_input,
 * cmxr_options) must have zeros there; the call returns CMX_ERR_ARGUMENT
 * otherwise.
 */

/*
 * Limits of families.  A definition that exceeds one is refused; a label value
 * that is longer at run time goes to the overflow series.
 */
#define CMX_LABELS_MAX      64   /* labels of one family */
#define CMX_LABEL_VALUE_MAX 1024 /* bytes of one label value */
#define CMX_NAME_MAX        200  /* bytes of a metric or label name */
#define CMX_HELP_MAX        2048 /* bytes of a help text */
#define CMX_BOUNDS_MAX      256  /* finite bucket bounds of a histogram */

/*
 * enum cmx_err: why a call failed.  A call that can fail returns one of these,
 * which are negative; 0 is success, and a positive result is described with its
 * function.  The details are in the caller's struct cmx_error.
 */
enum cmx_err {
	CMX_OK = 0,
	CMX_ERR_ARGUMENT = -1,    /* a null, too many, out of range */
	CMX_ERR_SYSTEM = -2,      /* a system call failed: sys_errno */
	CMX_ERR_MEMORY = -3,      /* malloc or mmap has no memory */
	CMX_ERR_SCHEMA = -4,      /* the schema file is not valid */
	CMX_ERR_NOT_FOUND = -5,   /* no such segment or family */
	CMX_ERR_EXISTS = -6,      /* the segment exists already */
	CMX_ERR_FORMAT = -7,      /* not a segment, or damaged */
	CMX_ERR_MISMATCH = -8,    /* another layout, boot, machine word */
	CMX_ERR_PERMISSION = -9,  /* owner, mode, kind or place of the file */
	CMX_ERR_FILESYSTEM = -10, /* the file system is not memory */
	CMX_ERR_CONFLICT = -11,   /* the family is defined differently */
	CMX_ERR_TYPE = -12,       /* the family is of another type */
	CMX_ERR_LABELS = -13,     /* wrong number or names of labels */
	CMX_ERR_FULL = -14,       /* family table, arena or cells are full */
	CMX_ERR_NO_SPACE = -15,   /* the file system has no page left */
	CMX_ERR_TOO_LARGE = -16,  /* larger than its reader allows */
};

/*
 * struct cmx_error: what went wrong, in words.
 *
 * Belongs to the caller, usually on its stack; every function accepts a null
 * pointer instead.  A failure fills it.  A look-up that returns 1 fills it too,
 * with the code CMX_OK and the reason; after other successes its contents are
 * unspecified.  text names the object, what is wrong, what is allowed and what
 * to do, without a final newline.  line and column count from 1 and are 0
 * without a place in a file.  The struct never grows.
 */
struct cmx_error {
	enum cmx_err code;
	int sys_errno; /* errno of the failed system call, or 0 */
	int line;
	int column;      /* in characters, as an editor counts */
	char text[1024]; /* ends with a NUL, cut with "..." if longer */
};

/*
 * The name of a code: "argument", "system", "not found", ...; "unknown" for a
 * number that is no code.  Never null.
 */
CMX_PUBLIC const char *cmx_err_name(enum cmx_err code);

enum cmx_type {
	CMX_COUNTER = 1,
	CMX_GAUGE = 2,
	CMX_HISTOGRAM = 3,
};

/* The name of a type in Prometheus: "counter", "gauge", "histogram". */
CMX_PUBLIC const char *cmx_type_name(enum cmx_type type);

/*
 * enum cmx_aggregate: how the gauges of several processes become one value.
 *
 * All but CMX_LAST use the values of live processes only: those of a process
 * that ended are gone at the next scrape.  A process that never set the gauge
 * has no value.
 */
enum cmx_aggregate {
	CMX_SUM = 0,
	CMX_MIN = 1,
	CMX_MAX = 2,
	CMX_AVG = 3,
	CMX_LAST = 4, /* one shared value: the last writer wins, it stays */
	CMX_EACH = 5, /* one series for each live process, label pid */
};

/* The schema's word for an aggregation: "sum", "min", ... */
CMX_PUBLIC const char *cmx_aggregate_name(enum cmx_aggregate aggregate);

/*
 * struct cmx_family_def: the definition of a family (a metric).
 *
 * The call that takes a definition copies what it needs: strings and arrays
 * must live until it returns.  Zero is the default of every member but name and
 * type.
 */
struct cmx_family_def {
	const char *name; /* codeai_http_requests_total */
	const char *help; /* one sentence; NULL is "" */
	const char *unit; /* "seconds", or NULL */
	enum cmx_type type;
	enum cmx_aggregate aggregate; /* gauges only */
	bool is_double;               /* counters only: double, not u64 */
	uint32_t max_series;          /* 0: bounded by the segment only */
	size_t n_labels;
	const char *const *labels; /* n_labels names */
	size_t n_bounds;           /* histograms only; no +Inf */
	const double *bounds;      /* increasing, finite */
	/*
	 * Histograms only: native (exponential) buckets, alone or beside
	 * bounds.  Each is 2^(2^-schema) times as wide as the one before it,
	 * schema -4 to 8.  The first contains native_min, the last native_max.
	 * Smaller values count in the zero bucket, larger ones in one bucket
	 * above.  Negative values are refused as invalid updates.
	 */
	bool is_native;
	int native_schema;
	double native_min, native_max; /* 1e-290 to 1e290 */
	bool has_exemplars;            /* counters and histograms */
	uint64_t reserved[4];
};

/* A label by name. */
struct cmx_label {
	const char *name;
	const char *value;
};

struct cmx_registry;

/*
 * The time when something began.  A _begin function fills it; programs do not
 * use its members.
 */
struct cmx_timer {
	struct cmx_registry *registry;
	uint64_t begun_ns;
	uint64_t reserved;
};

/*
 * struct cmx_diagnostic: one finding of cmx_schema_check().
 */
struct cmx_diagnostic {
	bool is_warning;    /* a naming rule, not an error */
	const char *source; /* the file's name, or "<string>" */
	int line, column;   /* from 1; 0 where there is no place */
	const char *path;   /* "metrics[3].buckets", or "" */
	const char *text;
};

/*
 * cmx_schema_check: read a schema file and report everything wrong with it.
 *
 * Calls @report for each error and each warning (promlint's naming rules) in
 * the order of the file, for the first 200 findings.  NULL for @path checks the
 * built-in CodeAI schema.
 *
 * Returns:   the number of errors (also beyond 200, warnings not counted), or a
 *            negative enum cmx_err: the file could not be read, there is no
 *            memory, or @report is null.
 * Owner:     the diagnostic and its strings end with the call of @report.
 * Safety:    thread, process.  Allocates.  Not for signal handlers.
 * Source:    codeai-metrics-schema(5).
 */
CMX_PUBLIC int cmx_schema_check(const char *path,
    void (*report)(void *arg, const struct cmx_diagnostic *), void *arg,
    struct cmx_error *err);

/* The values that a schema lists for one label; n is 0 without a list. */
struct cmx_label_values {
	size_t n;
	const char *const *values;
};

/*
 * cmx_schema_read: visit the families of a schema file.
 *
 * Calls @visit for each family, in the order of the file, with its definition
 * and a struct cmx_label_values for each of its labels.  NULL for @path is the
 * CodeAI schema.
 *
 * Returns:   0, or a negative enum cmx_err, and @visit was not called.
 *            CMX_ERR_SCHEMA: err has the mistakes, as many as fit.
 * Owner:     what @visit gets is valid during its call.
 * Safety:    thread, process.  Allocates.  Not for signal handlers.
 */
CMX_PUBLIC int cmx_schema_read(const char *path,
    void (*visit)(void *arg, const struct cmx_family_def *,
	const struct cmx_label_values *),
    void *arg, struct cmx_error *err);

/*
 * cmx_segment_path: the path of the segment that a null name means.
 *
 * The first of: $CODEAI_METRICS_SEGMENT; for root
 * /run/codeai-metrics/metrics.seg; else
 * $XDG_RUNTIME_DIR/codeai-metrics/metrics.seg; else
 * /dev/shm/codeai-metrics-UID/metrics.seg.  /run and $XDG_RUNTIME_DIR count
 * only on a memory file system, which a container's /run often is not.  A
 * set-uid program ignores the environment.
 *
 * Returns:   0, or CMX_ERR_ARGUMENT: @buf is null or @size too small.
 * Safety:    thread, process.  Reads the environment.
 */
CMX_PUBLIC int cmx_segment_path(char *buf, size_t size, struct cmx_error *err);

#ifdef __cplusplus
}
#endif

#endif

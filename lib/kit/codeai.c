/*
 * codeai.c: the CodeAI metrics, one call for each event.
 */
#include "codeai/metrics_codeai.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <string.h>

#include "base/atomic.h"
#include "base/number.h"
#include "base/require.h"
#include "kit/codeai_families.h"
#include "write/family_table.h"
#include "write/hot.h"
#include "write/registry.h"
#include "write/series.h"
#include "write/series_group.h"
#include "write/slot.h"

static_assert((int)CMXI_CODEAI_FAMILIES <= CMXI_KEPT_ENTRIES,
    "the registry keeps an entry for each");

#define UNUSABLE UINT32_MAX

static bool
is_usable(const struct cmx_registry *reg, uint32_t entry,
    const struct cmx_family_def *def)
{
	const struct cmxi_shm_family *record = cmxi_registry_family(reg, entry);

	return record->type == def->type && record->n_labels == def->n_labels;
}

/* Find a family at its first use in this process, or add it. */
static CMXI_NOINLINE uint32_t
resolve(struct cmx_registry *reg, enum cmxi_codeai_family which)
{
	const struct cmx_family_def *def = &cmxi_codeai_families[which];
	uint32_t entry = cmxi_family_find(reg, def->name);
	int saved = errno, r = 0;

	REQUIRE(which < CMXI_CODEAI_FAMILIES);
	if (entry == 0)
		r = cmxi_family_append(reg, def, &entry, NULL);
	if (r != 0 || !is_usable(reg, entry, def)) {
		entry = UNUSABLE;
		cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
	}
	/*
	 * Keep the look-up open: a file system that is full may have room
	 * later.
	 */
	if (r != CMX_ERR_NO_SPACE && r != CMX_ERR_SYSTEM)
		/*
		 * (AA) release, pairs with (AB).
		 * Orders what the search of the family's word has acquired
		 * before the entry.  Without it another thread could read half
		 * a record.
		 */
		cmxi_store32_release(&reg->kept_entries[which], entry);
	errno = saved;
	return entry;
}

/* The entry of a family, or UNUSABLE. */
static inline uint32_t
entry_of(struct cmx_registry *reg, enum cmxi_codeai_family which)
{
	/*
	 * (AB) acquire, pairs with (AA).
	 * Orders this load before the loads of the record.
	 */
	uint32_t entry = cmxi_load32_acquire(&reg->kept_entries[which]);

	return cmxi_likely(entry != 0) ? entry : resolve(reg, which);
}

/* A family's handle, or a sink where the family cannot be used. */
static inline struct cmx_family
family_of(struct cmx_registry *reg, enum cmxi_codeai_family which)
{
	uint32_t entry = entry_of(reg, which);

	if (cmxi_unlikely(entry == UNUSABLE))
		return (struct cmx_family){ .registry = NULL };
	return (struct cmx_family){ .registry = reg, .entry = entry };
}

/*
 * Families that one helper updates together, found by one look-up: the entry of
 * a group holds the cells of all members.
 *
 * The key of the group is the helper's label values; a member uses the first
 * n_labels of them.  A value that is a number (the status) can be part of the
 * group's number instead.
 */
struct member {
	enum cmxi_codeai_family family;
	uint32_t n_labels;
};

#define MEMBERS_MAX 4

struct group {
	uint32_t number; /* below 16; codeai-metrics-segment(5): never change */
	uint32_t n_labels;
	uint32_t n_members;
	struct member members[MEMBERS_MAX];
};

static const struct group http_group = { 1, 2, 4,
	{ { CMXI_HTTP_REQUESTS, 3 }, { CMXI_HTTP_REQUEST_DURATION, 2 },
	    { CMXI_HTTP_REQUEST_SIZE, 2 }, { CMXI_HTTP_RESPONSE_SIZE, 2 } } };
static const struct group db_group = { 2, 2, 2,
	{ { CMXI_DB_QUERIES, 2 }, { CMXI_DB_QUERY_DURATION, 2 } } };
static const struct group workflow_group = { 3, 2, 2,
	{ { CMXI_WORKFLOW_EXECUTIONS, 2 },
	    { CMXI_WORKFLOW_EXECUTION_DURATION, 1 } } };
static const struct group integration_group = { 4, 3, 2,
	{ { CMXI_INTEGRATION_CALLS, 3 },
	    { CMXI_INTEGRATION_CALL_DURATION, 2 } } };

/*
 * The slow path: find the members one by one, and store them as a group unless
 * one of them is an overflow series.  Returns false where a member cannot be
 * used, or counts doubles.
 */
static CMXI_NOINLINE bool
find_members(struct cmx_registry *reg, const struct group *group,
    uint32_t number, const char *const *values, uint64_t *cells)
{
	const struct cmxi_shm_series *found;
	bool is_exact = true;

	for (uint32_t i = 0; i < group->n_members; i++) {
		uint32_t entry = entry_of(reg, group->members[i].family);

		if (entry == UNUSABLE ||
		    cmxi_registry_family(reg, entry)->is_double)
			return false;
		if (cmxi_series_find(reg, entry, group->members[i].n_labels,
			values, &found) != 0)
			is_exact = false;
		cells[i] = found->cell_offset;
	}
	if (is_exact)
		cmxi_series_group_make(reg, number, group->n_labels, values,
		    group->n_members, cells);
	return true;
}

/*
 * The cells of the members for these values: those that are stored, or found
 * now and written to buf; null where a member cannot be used.
 */
static inline const uint64_t *
find_group(struct cmx_registry *reg, const struct group *group, uint32_t value,
    const char *const *values, uint64_t *buf)
{
	uint32_t number = value * 16 + group->number;
	const uint64_t *cells =
	    cmxi_series_group_find(reg, number, group->n_labels, values);

	REQUIRE(value <= 999);
	cmxi_slot_ensure(&reg->segment, reg->own);
	if (cmxi_likely(cells != NULL))
		return cells;
	return find_members(reg, group, number, values, buf) ? buf : NULL;
}

static CMXI_NOINLINE void
count_invalid(const struct cmx_registry *reg)
{
	cmxi_segment_count(&reg->segment, CMXI_STAT_INVALID_UPDATES, 1);
}

/* Observe a value, which is never negative, in a member of a group. */
static inline void
observe_member(struct cmx_registry *reg, const struct group *group,
    const uint64_t *cells, uint32_t i, double v)
{
	if (cmxi_unlikely(!(v >= 0 && v <= DBL_MAX))) {
		count_invalid(reg);
		return;
	}
	cmxi_hot_observe(reg,
	    cmxi_registry_family(reg, entry_of(reg, group->members[i].family)),
	    cells[i], v);
}

static void
count_one(struct cmx_registry *reg, enum cmxi_codeai_family which, size_t n,
    const char *const *values)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_counter counter;

	if (cmx_counter_find(&family, n, values, &counter, NULL) >= 0)
		cmx_counter_inc(&counter);
}

static void
observe_one(struct cmx_registry *reg, enum cmxi_codeai_family which, size_t n,
    const char *const *values, double v)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_histogram histogram;

	/* A duration or a size below zero is not observed. */
	if (!(v >= 0)) {
		cmxi_segment_count(&reg->segment, CMXI_STAT_INVALID_UPDATES, 1);
		return;
	}
	if (cmx_histogram_find(&family, n, values, &histogram, NULL) >= 0)
		cmx_histogram_observe(&histogram, v);
}

static void
set_gauge(struct cmx_registry *reg, enum cmxi_codeai_family which, size_t n,
    const char *const *values, double v)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_gauge gauge;

	if (cmx_gauge_find(&family, n, values, &gauge, NULL) >= 0)
		cmx_gauge_set(&gauge, v);
}

/* Add to a gauge without labels. */
static void
add_gauge(struct cmx_registry *reg, enum cmxi_codeai_family which, double v)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_gauge gauge;

	if (cmx_gauge_find(&family, 0, NULL, &gauge, NULL) >= 0)
		cmx_gauge_add(&gauge, v);
}

/* A status of three digits, or 0. */
static uint32_t
status_number(int status)
{
	return status < 100 || status > 999 ? 0 : (uint32_t)status;
}

/*
 * The slow path: a family of the group has other labels or another type in this
 * segment.  Each of the families that can be used is updated by a look-up of
 * its own.
 */
static CMXI_NOINLINE void
record_http_request_singly(struct cmx_registry *reg, const char *const *values,
    double seconds, int64_t request_bytes, int64_t response_bytes)
{
	count_one(reg, CMXI_HTTP_REQUESTS, 3, values);
	observe_one(reg, CMXI_HTTP_REQUEST_DURATION, 2, values, seconds);
	if (request_bytes >= 0)
		observe_one(reg, CMXI_HTTP_REQUEST_SIZE, 2, values,
		    (double)request_bytes);
	if (response_bytes >= 0)
		observe_one(reg, CMXI_HTTP_RESPONSE_SIZE, 2, values,
		    (double)response_bytes);
}

/* Update a group of a counter and a histogram of seconds. */
static inline void
record_pair(struct cmx_registry *reg, const struct group *group,
    const char *const *values, double seconds)
{
	uint64_t buf[MEMBERS_MAX];
	const uint64_t *cells = find_group(reg, group, 0, values, buf);

	REQUIRE(group->n_members == 2);
	if (cmxi_unlikely(cells == NULL)) {
		count_one(reg, group->members[0].family,
		    group->members[0].n_labels, values);
		observe_one(reg, group->members[1].family,
		    group->members[1].n_labels, values, seconds);
		return;
	}
	cmxi_hot_count(reg, cells[0]);
	observe_member(reg, group, cells, 1, seconds);
}

void
cmx_record_http_request(struct cmx_registry *reg, const char *method,
    const char *path, int status, double seconds, int64_t request_bytes,
    int64_t response_bytes)
{
	uint32_t number = status_number(status);
	const char status_text[] = { (char)('0' + number / 100),
		(char)('0' + number / 10 % 10), (char)('0' + number % 10),
		'\0' };
	/* Without a valid status the label is the last digit only, "0". */
	const char *values[] = { method, path,
		status_text + (number == 0 ? 2 : 0) };
	uint64_t buf[MEMBERS_MAX];
	const uint64_t *cells;

	if (reg == NULL)
		return;
	cells = find_group(reg, &http_group, number, values, buf);
	if (cmxi_unlikely(cells == NULL)) {
		record_http_request_singly(reg, values, seconds, request_bytes,
		    response_bytes);
		return;
	}
	cmxi_hot_count(reg, cells[0]);
	observe_member(reg, &http_group, cells, 1, seconds);
	if (request_bytes >= 0)
		observe_member(reg, &http_group, cells, 2,
		    (double)request_bytes);
	if (response_bytes >= 0)
		observe_member(reg, &http_group, cells, 3,
		    (double)response_bytes);
}

void
cmx_record_db_query(struct cmx_registry *reg, const char *operation,
    const char *entity, double seconds, bool failed)
{
	const char *values[] = { operation, entity };

	if (reg == NULL)
		return;
	record_pair(reg, &db_group, values, seconds);
	if (failed)
		count_one(reg, CMXI_DB_QUERY_ERRORS, 2, values);
}

void
cmx_record_db_query_error(struct cmx_registry *reg, const char *operation,
    const char *entity)
{
	const char *values[] = { operation, entity };

	if (reg != NULL)
		count_one(reg, CMXI_DB_QUERY_ERRORS, 2, values);
}

void
cmx_set_db_connections(struct cmx_registry *reg, int64_t active, int64_t idle)
{
	if (reg == NULL)
		return;
	set_gauge(reg, CMXI_DB_CONNECTIONS_ACTIVE, 0, NULL, (double)active);
	set_gauge(reg, CMXI_DB_CONNECTIONS_IDLE, 0, NULL, (double)idle);
}

void
cmx_add_db_connections(struct cmx_registry *reg, int64_t active, int64_t idle)
{
	if (reg == NULL)
		return;
	add_gauge(reg, CMXI_DB_CONNECTIONS_ACTIVE, (double)active);
	add_gauge(reg, CMXI_DB_CONNECTIONS_IDLE, (double)idle);
}

void
cmx_record_workflow_execution(struct cmx_registry *reg, const char *workflow,
    const char *status, double seconds)
{
	const char *values[] = { workflow, status };

	if (reg != NULL)
		record_pair(reg, &workflow_group, values, seconds);
}

void
cmx_record_workflow_step(struct cmx_registry *reg, const char *workflow,
    const char *step, double seconds)
{
	const char *values[] = { workflow, step };

	if (reg != NULL)
		observe_one(reg, CMXI_WORKFLOW_STEP_DURATION, 2, values,
		    seconds);
}

void
cmx_record_job_execution(struct cmx_registry *reg, const char *job,
    const char *status)
{
	const char *values[] = { job, status };

	if (reg != NULL)
		count_one(reg, CMXI_JOB_EXECUTIONS, 2, values);
}

void
cmx_record_job(struct cmx_registry *reg, const char *job, const char *status,
    double seconds)
{
	cmx_record_job_execution(reg, job, status);
	if (reg != NULL)
		observe_one(reg, CMXI_JOB_EXECUTION_DURATION, 1, &job, seconds);
}

void
cmxi_codeai_in_flight(struct cmx_registry *reg, double change)
{
	struct cmx_family family;
	struct cmx_gauge gauge;

	if (reg == NULL)
		return;
	family = family_of(reg, CMXI_HTTP_IN_FLIGHT);
	cmx_gauge_find(&family, 0, NULL, &gauge, NULL);
	cmx_gauge_add(&gauge, change);
}

void
cmx_set_job_queue_size(struct cmx_registry *reg, const char *queue,
    int64_t size)
{
	if (reg != NULL)
		set_gauge(reg, CMXI_JOB_QUEUE_SIZE, 1, &queue, (double)size);
}

void
cmx_record_cache_access(struct cmx_registry *reg, const char *cache, bool hit)
{
	if (reg != NULL)
		count_one(reg, hit ? CMXI_CACHE_HITS : CMXI_CACHE_MISSES, 1,
		    &cache);
}

void
cmx_record_integration_call(struct cmx_registry *reg, const char *integration,
    const char *operation, const char *status, double seconds)
{
	const char *values[] = { integration, operation, status };

	if (reg != NULL)
		record_pair(reg, &integration_group, values, seconds);
}

void
cmx_set_circuit_breaker_state(struct cmx_registry *reg, const char *integration,
    enum cmx_circuit_state state)
{
	if (reg != NULL)
		set_gauge(reg, CMXI_CIRCUIT_BREAKER_STATE, 1, &integration,
		    (double)state);
}

void
cmx_record_event(struct cmx_registry *reg, const char *event)
{
	if (reg != NULL)
		count_one(reg, CMXI_EVENTS_EMITTED, 1, &event);
}

void
cmx_set_runtime_info(struct cmx_registry *reg, const char *version,
    const char *runtime_version)
{
	const char *values[] = { version, runtime_version };

	if (reg != NULL)
		set_gauge(reg, CMXI_RUNTIME_INFO, 2, values, 1);
}

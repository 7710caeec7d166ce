/*
 * record.c: the CodeAI metrics, one call for each event.  Level 7w.
 */
#include "codeai/metrics_codeai.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "family.h"
#include "number.h"
#include "registry.h"
#include "schema.h"

/* The families in the order of lib/codeai.schema.json. */
enum codeai_family {
	HTTP_REQUESTS,
	HTTP_REQUEST_DURATION,
	HTTP_REQUEST_SIZE,
	HTTP_RESPONSE_SIZE,
	DB_QUERIES,
	DB_QUERY_ERRORS,
	DB_QUERY_DURATION,
	DB_CONNECTIONS_ACTIVE,
	DB_CONNECTIONS_IDLE,
	WORKFLOW_EXECUTIONS,
	WORKFLOW_EXECUTION_DURATION,
	WORKFLOW_STEP_DURATION,
	JOB_EXECUTIONS,
	JOB_QUEUE_SIZE,
	CACHE_HITS,
	CACHE_MISSES,
	INTEGRATION_CALLS,
	INTEGRATION_CALL_DURATION,
	CIRCUIT_BREAKER_STATE,
	EVENTS_EMITTED,
	RUNTIME_INFO,
	N_FAMILIES
};

static_assert(N_FAMILIES == CMXI_CODEAI_FAMILIES, "one entry for each");

#define UNUSABLE UINT32_MAX

static bool
is_usable(const struct cmx_registry *reg, uint32_t entry,
    const struct cmx_family_def *def)
{
	const struct cmxi_shm_family *record = cmxi_registry_family(reg, entry);

	return record->type == def->type && record->n_labels == def->n_labels;
}

/* The first use of a family in this process: find it, or add it. */
static CMXI_NOINLINE uint32_t
resolve(struct cmx_registry *reg, enum codeai_family which)
{
	const struct cmx_family_def *def = &reg->codeai->families[which].def;
	uint32_t entry = cmxi_family_find(&reg->segment, def->name);
	int saved = errno;

	if (entry == 0 &&
	    cmxi_family_append(&reg->segment, def, &entry, NULL) != 0)
		entry = UNUSABLE;
	if (entry != UNUSABLE && !is_usable(reg, entry, def))
		entry = UNUSABLE;
	if (entry == UNUSABLE)
		cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
	cmxi_store32_relaxed(&reg->codeai_entries[which], entry);
	errno = saved;
	return entry;
}

/* A family's handle; a sink where there is none to be used. */
static inline struct cmx_family
family_of(struct cmx_registry *reg, enum codeai_family which)
{
	uint32_t entry = cmxi_load32_relaxed(&reg->codeai_entries[which]);

	if (cmxi_unlikely(entry == 0))
		entry = resolve(reg, which);
	if (cmxi_unlikely(entry == UNUSABLE))
		return (struct cmx_family){ .registry = NULL };
	return (struct cmx_family){ .registry = reg, .entry = entry };
}

static void
count(struct cmx_registry *reg, enum codeai_family which, size_t n,
    const char *const *values)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_counter counter;

	if (cmx_counter_find(&family, n, values, &counter, NULL) >= 0)
		cmx_counter_inc(&counter);
}

static void
observe(struct cmx_registry *reg, enum codeai_family which, size_t n,
    const char *const *values, double v)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_histogram histogram;

	/* No duration and no size is below zero. */
	if (!(v >= 0)) {
		cmxi_segment_count(&reg->segment, CMXI_STAT_INVALID_UPDATES, 1);
		return;
	}
	if (cmx_histogram_find(&family, n, values, &histogram, NULL) >= 0)
		cmx_histogram_observe(&histogram, v);
}

static void
set(struct cmx_registry *reg, enum codeai_family which, size_t n,
    const char *const *values, double v)
{
	struct cmx_family family = family_of(reg, which);
	struct cmx_gauge gauge;

	if (cmx_gauge_find(&family, n, values, &gauge, NULL) >= 0)
		cmx_gauge_set(&gauge, v);
}

/* A status of three digits, or "0". */
static void
status_to_text(int status, char text[4])
{
	if (status < 100 || status > 999) {
		memcpy(text, "0", 2);
		return;
	}
	text[0] = (char)('0' + status / 100);
	text[1] = (char)('0' + status / 10 % 10);
	text[2] = (char)('0' + status % 10);
	text[3] = '\0';
}

void
cmx_record_http_request(struct cmx_registry *reg, const char *method,
    const char *path, int status, double seconds, int64_t request_bytes,
    int64_t response_bytes)
{
	char status_text[4];
	const char *values[] = { method, path, status_text };

	if (reg == NULL)
		return;
	status_to_text(status, status_text);
	count(reg, HTTP_REQUESTS, 3, values);
	observe(reg, HTTP_REQUEST_DURATION, 2, values, seconds);
	if (request_bytes >= 0)
		observe(reg, HTTP_REQUEST_SIZE, 2, values,
		    (double)request_bytes);
	if (response_bytes >= 0)
		observe(reg, HTTP_RESPONSE_SIZE, 2, values,
		    (double)response_bytes);
}

void
cmx_record_db_query(struct cmx_registry *reg, const char *operation,
    const char *entity, double seconds, bool failed)
{
	const char *values[] = { operation, entity };

	if (reg == NULL)
		return;
	count(reg, DB_QUERIES, 2, values);
	if (failed)
		count(reg, DB_QUERY_ERRORS, 2, values);
	observe(reg, DB_QUERY_DURATION, 2, values, seconds);
}

void
cmx_set_db_connections(struct cmx_registry *reg, int64_t active, int64_t idle)
{
	if (reg == NULL)
		return;
	set(reg, DB_CONNECTIONS_ACTIVE, 0, NULL, (double)active);
	set(reg, DB_CONNECTIONS_IDLE, 0, NULL, (double)idle);
}

void
cmx_record_workflow_execution(struct cmx_registry *reg, const char *workflow,
    const char *status, double seconds)
{
	const char *values[] = { workflow, status };

	if (reg == NULL)
		return;
	count(reg, WORKFLOW_EXECUTIONS, 2, values);
	observe(reg, WORKFLOW_EXECUTION_DURATION, 1, values, seconds);
}

void
cmx_record_workflow_step(struct cmx_registry *reg, const char *workflow,
    const char *step, double seconds)
{
	const char *values[] = { workflow, step };

	if (reg != NULL)
		observe(reg, WORKFLOW_STEP_DURATION, 2, values, seconds);
}

void
cmx_record_job_execution(struct cmx_registry *reg, const char *job,
    const char *status)
{
	const char *values[] = { job, status };

	if (reg != NULL)
		count(reg, JOB_EXECUTIONS, 2, values);
}

void
cmx_set_job_queue_size(struct cmx_registry *reg, const char *queue,
    int64_t size)
{
	if (reg != NULL)
		set(reg, JOB_QUEUE_SIZE, 1, &queue, (double)size);
}

void
cmx_record_cache_access(struct cmx_registry *reg, const char *cache, bool hit)
{
	if (reg != NULL)
		count(reg, hit ? CACHE_HITS : CACHE_MISSES, 1, &cache);
}

void
cmx_record_integration_call(struct cmx_registry *reg, const char *integration,
    const char *operation, const char *status, double seconds)
{
	const char *values[] = { integration, operation, status };

	if (reg == NULL)
		return;
	count(reg, INTEGRATION_CALLS, 3, values);
	observe(reg, INTEGRATION_CALL_DURATION, 2, values, seconds);
}

void
cmx_set_circuit_breaker_state(struct cmx_registry *reg, const char *integration,
    enum cmx_circuit_state state)
{
	if (reg != NULL)
		set(reg, CIRCUIT_BREAKER_STATE, 1, &integration, (double)state);
}

void
cmx_record_event(struct cmx_registry *reg, const char *event)
{
	if (reg != NULL)
		count(reg, EVENTS_EMITTED, 1, &event);
}

void
cmx_set_runtime_info(struct cmx_registry *reg, const char *version,
    const char *runtime_version)
{
	const char *values[] = { version, runtime_version };

	if (reg != NULL)
		set(reg, RUNTIME_INFO, 2, values, 1);
}

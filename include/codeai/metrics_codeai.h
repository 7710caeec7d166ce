/*
 * codeai/metrics_codeai.h: the CodeAI metrics, one call for each event.
 *
 * Each helper finds its families and series at every call: the program keeps
 * no handles.  A family that the segment lacks is added at the first use of its
 * helper, as the CodeAI schema defines it.  A family of the segment that has
 * the name but another type or another number of labels is left alone.
 *
 * In common:
 *   Bad input:	with a null registry a call does nothing; a null string is "".
 *		A duration that is negative, infinite or NaN is not observed,
 *		but counts as an invalid update; the event itself is counted.
 *   Cardinality: a path or a name that a remote user can choose freely makes
 *		an unbounded number of series; pass the route's template, or
 *		what cmx_http_normalize_path() makes of the raw path.
 *   Returns:	nothing; it cannot fail.
 *   Safety:	thread, process, signal, fork.
 *   Unit:	seconds and bytes.
 */
#ifndef CODEAI_METRICS_CODEAI_H
#define CODEAI_METRICS_CODEAI_H

#include <codeai/metrics.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One HTTP request: codeai_http_requests_total{method,path,status},
 * codeai_http_request_duration_seconds, _request_size_bytes and
 * _response_size_bytes{method,path}.  A size below 0 is unknown, and not
 * observed.  A status that is not from 100 to 999 is counted as "0".
 */
CMX_PUBLIC void cmx_record_http_request(struct cmx_registry *,
    const char *method, const char *path, int status, double seconds,
    int64_t request_bytes, int64_t response_bytes);

/*
 * One database query: codeai_db_queries_total{operation,entity},
 * codeai_db_query_duration_seconds and, where it failed,
 * codeai_db_query_errors_total.
 */
CMX_PUBLIC void cmx_record_db_query(struct cmx_registry *,
    const char *operation, const char *entity, double seconds, bool failed);

/*
 * Count the failure of a query that was recorded as a success before:
 * codeai_db_query_errors_total only.
 */
CMX_PUBLIC void cmx_record_db_query_error(struct cmx_registry *,
    const char *operation, const char *entity);

/*
 * This process's connection pool: codeai_db_connections_active and _idle,
 * summed over live processes.
 */
CMX_PUBLIC void cmx_set_db_connections(struct cmx_registry *, int64_t active,
    int64_t idle);

/*
 * Add to this process's numbers of connections, for a pool that counts as it
 * goes.  A process uses either this or cmx_set_db_connections().
 */
CMX_PUBLIC void cmx_add_db_connections(struct cmx_registry *, int64_t active,
    int64_t idle);

/*
 * One run of a workflow: codeai_workflow_executions_total{workflow,status}
 * and codeai_workflow_execution_duration_seconds{workflow}.
 */
CMX_PUBLIC void cmx_record_workflow_execution(struct cmx_registry *,
    const char *workflow, const char *status, double seconds);

/*
 * The duration of a step:
 * codeai_workflow_step_duration_seconds{workflow,step}.
 */
CMX_PUBLIC void cmx_record_workflow_step(struct cmx_registry *,
    const char *workflow, const char *step, double seconds);

/* One run of a job: codeai_job_executions_total{job,status}. */
CMX_PUBLIC void cmx_record_job_execution(struct cmx_registry *, const char *job,
    const char *status);

/*
 * The same with its duration: codeai_job_execution_duration_seconds{job}, as
 * "codeai-metrics exec" records it.
 */
CMX_PUBLIC void cmx_record_job(struct cmx_registry *, const char *job,
    const char *status, double seconds);

/* The length of a queue, one value for all: codeai_job_queue_size{queue}. */
CMX_PUBLIC void cmx_set_job_queue_size(struct cmx_registry *, const char *queue,
    int64_t size);

/*
 * One look into a cache: codeai_cache_hits_total{cache} or
 * codeai_cache_misses_total{cache}.
 */
CMX_PUBLIC void cmx_record_cache_access(struct cmx_registry *,
    const char *cache, bool hit);

/*
 * One call to another service:
 * codeai_integration_calls_total{integration,operation,status} and
 * codeai_integration_call_duration_seconds{integration,operation}.
 */
CMX_PUBLIC void cmx_record_integration_call(struct cmx_registry *,
    const char *integration, const char *operation, const char *status,
    double seconds);

enum cmx_circuit_state {
	CMX_CIRCUIT_CLOSED = 0,
	CMX_CIRCUIT_OPEN = 1,
	CMX_CIRCUIT_HALF_OPEN = 2,
};

/*
 * The state of a circuit breaker, one value for all:
 * codeai_circuit_breaker_state{integration}.
 */
CMX_PUBLIC void cmx_set_circuit_breaker_state(struct cmx_registry *,
    const char *integration, enum cmx_circuit_state state);

/* One event: codeai_events_emitted_total{event}. */
CMX_PUBLIC void cmx_record_event(struct cmx_registry *, const char *event);

/*
 * The versions of the program and of its runtime:
 * codeai_runtime_info{version,go_version} is 1 while a process that called this
 * lives.  The label is named go_version because existing dashboards use it.
 */
CMX_PUBLIC void cmx_set_runtime_info(struct cmx_registry *, const char *version,
    const char *runtime_version);

#ifdef __cplusplus
}
#endif

#endif

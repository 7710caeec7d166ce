/*
 * codeai_families.c: the families of the CodeAI metrics.
 */
#include "kit/codeai_families.h"

#define LABELS(...)                                                         \
	.n_labels =                                                         \
	    sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(const char *), \
	.labels = (const char *const[])                                     \
	{                                                                   \
		__VA_ARGS__                                                 \
	}

#define BOUNDS(...)                                                     \
	.n_bounds = sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), \
	.bounds = (const double[])                                      \
	{                                                               \
		__VA_ARGS__                                             \
	}

#define REQUEST_SECONDS \
	BOUNDS(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
#define REQUEST_BYTES    BOUNDS(100, 1000, 10000, 100000, 1e6, 1e7, 1e8, 1e9)
#define QUERY_SECONDS    BOUNDS(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
#define WORKFLOW_SECONDS BOUNDS(0.1, 0.5, 1, 5, 10, 30, 60, 120, 300)
#define JOB_SECONDS \
	BOUNDS(0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200)
#define CALL_SECONDS BOUNDS(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30)

const struct cmx_family_def cmxi_codeai_families[CMXI_CODEAI_FAMILIES] = {
	[CMXI_HTTP_REQUESTS] = {
		.name = "codeai_http_requests_total",
		.help = "Total number of HTTP requests",
		.type = CMX_COUNTER,
		LABELS("method", "path", "status"),
	},
	[CMXI_HTTP_REQUEST_DURATION] = {
		.name = "codeai_http_request_duration_seconds",
		.help = "HTTP request duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("method", "path"),
		REQUEST_SECONDS,
	},
	[CMXI_HTTP_REQUEST_SIZE] = {
		.name = "codeai_http_request_size_bytes",
		.help = "HTTP request size in bytes",
		.type = CMX_HISTOGRAM,
		.unit = "bytes",
		LABELS("method", "path"),
		REQUEST_BYTES,
	},
	[CMXI_HTTP_RESPONSE_SIZE] = {
		.name = "codeai_http_response_size_bytes",
		.help = "HTTP response size in bytes",
		.type = CMX_HISTOGRAM,
		.unit = "bytes",
		LABELS("method", "path"),
		REQUEST_BYTES,
	},
	[CMXI_DB_QUERIES] = {
		.name = "codeai_db_queries_total",
		.help = "Total number of database queries",
		.type = CMX_COUNTER,
		LABELS("operation", "entity"),
	},
	[CMXI_DB_QUERY_ERRORS] = {
		.name = "codeai_db_query_errors_total",
		.help = "Total number of failed database queries",
		.type = CMX_COUNTER,
		LABELS("operation", "entity"),
	},
	[CMXI_DB_QUERY_DURATION] = {
		.name = "codeai_db_query_duration_seconds",
		.help = "Database query duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("operation", "entity"),
		QUERY_SECONDS,
	},
	[CMXI_DB_CONNECTIONS_ACTIVE] = {
		.name = "codeai_db_connections_active",
		.help = "Number of active database connections",
		.type = CMX_GAUGE,
	},
	[CMXI_DB_CONNECTIONS_IDLE] = {
		.name = "codeai_db_connections_idle",
		.help = "Number of idle database connections",
		.type = CMX_GAUGE,
	},
	[CMXI_WORKFLOW_EXECUTIONS] = {
		.name = "codeai_workflow_executions_total",
		.help = "Total number of workflow executions",
		.type = CMX_COUNTER,
		LABELS("workflow", "status"),
	},
	[CMXI_WORKFLOW_EXECUTION_DURATION] = {
		.name = "codeai_workflow_execution_duration_seconds",
		.help = "Workflow execution duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("workflow"),
		WORKFLOW_SECONDS,
	},
	[CMXI_WORKFLOW_STEP_DURATION] = {
		.name = "codeai_workflow_step_duration_seconds",
		.help = "Workflow step duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("workflow", "step"),
		CALL_SECONDS,
	},
	[CMXI_JOB_EXECUTIONS] = {
		.name = "codeai_job_executions_total",
		.help = "Total number of job executions",
		.type = CMX_COUNTER,
		LABELS("job", "status"),
	},
	[CMXI_JOB_QUEUE_SIZE] = {
		.name = "codeai_job_queue_size",
		.help = "Number of jobs in queue",
		.type = CMX_GAUGE,
		.aggregate = CMX_LAST,
		LABELS("queue"),
	},
	[CMXI_CACHE_HITS] = {
		.name = "codeai_cache_hits_total",
		.help = "Total number of cache hits",
		.type = CMX_COUNTER,
		LABELS("cache"),
	},
	[CMXI_CACHE_MISSES] = {
		.name = "codeai_cache_misses_total",
		.help = "Total number of cache misses",
		.type = CMX_COUNTER,
		LABELS("cache"),
	},
	[CMXI_INTEGRATION_CALLS] = {
		.name = "codeai_integration_calls_total",
		.help = "Total number of integration calls",
		.type = CMX_COUNTER,
		LABELS("integration", "operation", "status"),
	},
	[CMXI_INTEGRATION_CALL_DURATION] = {
		.name = "codeai_integration_call_duration_seconds",
		.help = "Integration call duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("integration", "operation"),
		CALL_SECONDS,
	},
	[CMXI_CIRCUIT_BREAKER_STATE] = {
		.name = "codeai_circuit_breaker_state",
		.help = "Circuit breaker state (0=closed, 1=open, 2=half-open)",
		.type = CMX_GAUGE,
		.aggregate = CMX_LAST,
		LABELS("integration"),
	},
	[CMXI_EVENTS_EMITTED] = {
		.name = "codeai_events_emitted_total",
		.help = "Total number of events emitted",
		.type = CMX_COUNTER,
		LABELS("event"),
	},
	[CMXI_RUNTIME_INFO] = {
		.name = "codeai_runtime_info",
		.help = "Runtime information",
		.type = CMX_GAUGE,
		.aggregate = CMX_MAX,
		LABELS("version", "go_version"),
	},
	[CMXI_HTTP_IN_FLIGHT] = {
		.name = "codeai_http_requests_in_flight",
		.help = "HTTP requests that have begun and not ended",
		.type = CMX_GAUGE,
	},
	[CMXI_JOB_EXECUTION_DURATION] = {
		.name = "codeai_job_execution_duration_seconds",
		.help = "Job execution duration in seconds",
		.type = CMX_HISTOGRAM,
		.unit = "seconds",
		LABELS("job"),
		JOB_SECONDS,
	},
};

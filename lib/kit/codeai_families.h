/*
 * codeai_families.h: the families of the CodeAI metrics, as the helpers know
 * them.
 *
 * They are those of codeai.schema.json in the same order;
 * tests/unit/test_codeai.c compares both.  With this table a helper finds or
 * adds its family without parsing a schema.
 */
#ifndef CMXI_CODEAI_FAMILIES_H
#define CMXI_CODEAI_FAMILIES_H

#include "codeai/metrics_base.h"

enum cmxi_codeai_family {
	CMXI_HTTP_REQUESTS,
	CMXI_HTTP_REQUEST_DURATION,
	CMXI_HTTP_REQUEST_SIZE,
	CMXI_HTTP_RESPONSE_SIZE,
	CMXI_DB_QUERIES,
	CMXI_DB_QUERY_ERRORS,
	CMXI_DB_QUERY_DURATION,
	CMXI_DB_CONNECTIONS_ACTIVE,
	CMXI_DB_CONNECTIONS_IDLE,
	CMXI_WORKFLOW_EXECUTIONS,
	CMXI_WORKFLOW_EXECUTION_DURATION,
	CMXI_WORKFLOW_STEP_DURATION,
	CMXI_JOB_EXECUTIONS,
	CMXI_JOB_QUEUE_SIZE,
	CMXI_CACHE_HITS,
	CMXI_CACHE_MISSES,
	CMXI_INTEGRATION_CALLS,
	CMXI_INTEGRATION_CALL_DURATION,
	CMXI_CIRCUIT_BREAKER_STATE,
	CMXI_EVENTS_EMITTED,
	CMXI_RUNTIME_INFO,
	CMXI_HTTP_IN_FLIGHT,
	CMXI_JOB_EXECUTION_DURATION,
	CMXI_CODEAI_FAMILIES
};

extern const struct cmx_family_def cmxi_codeai_families[CMXI_CODEAI_FAMILIES];

/* A request of this process begins (1) or ends (-1). */
void cmxi_codeai_in_flight(struct cmx_registry *, double change);

#endif

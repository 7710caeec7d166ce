/*
 * timer.c: requests and queries, timed.
 */
#include "codeai/metrics_codeai.h"
#include "codeai/metrics_db.h"
#include "codeai/metrics_http.h"

#include "base/clock.h"

static void
begin(struct cmx_registry *registry, struct cmx_timer *timer)
{
	if (timer != NULL)
		*timer = (struct cmx_timer){ .registry = registry,
			.begun_ns = cmxi_clock_ns(CLOCK_MONOTONIC) };
}

/* Never negative, because CLOCK_MONOTONIC never goes back. */
static double
elapsed_seconds(const struct cmx_timer *timer)
{
	return (double)(cmxi_clock_ns(CLOCK_MONOTONIC) - timer->begun_ns) /
	    (double)CMXI_NS_PER_SECOND;
}

void
cmx_http_begin(struct cmx_registry *registry, struct cmx_timer *timer)
{
	begin(registry, timer);
}

void
cmx_http_end(const struct cmx_timer *timer, const char *method,
    const char *path, int status, int64_t request_bytes, int64_t response_bytes)
{
	if (timer != NULL && timer->registry != NULL)
		cmx_record_http_request(timer->registry,
		    cmx_http_method(method), path, status,
		    elapsed_seconds(timer), request_bytes, response_bytes);
}

void
cmx_db_begin(struct cmx_registry *registry, struct cmx_timer *timer)
{
	begin(registry, timer);
}

void
cmx_db_end(const struct cmx_timer *timer, const char *operation,
    const char *entity, bool failed)
{
	if (timer != NULL && timer->registry != NULL)
		cmx_record_db_query(timer->registry, operation, entity,
		    elapsed_seconds(timer), failed);
}

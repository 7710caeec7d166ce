/*
 * timer.c: requests, queries and anything else, timed.
 */
#include "codeai/metrics.h"
#include "codeai/metrics_codeai.h"
#include "codeai/metrics_db.h"
#include "codeai/metrics_http.h"

#include "base/clock.h"
#include "kit/codeai_families.h"

static void
begin(struct cmx_registry *registry, struct cmx_timer *timer)
{
	if (timer != NULL)
		*timer = (struct cmx_timer){ .registry = registry,
			.begun_ns = cmxi_clock_ns(CLOCK_MONOTONIC) };
}

void
cmx_timer_begin(struct cmx_timer *timer)
{
	begin(NULL, timer);
}

/* Never negative, because CLOCK_MONOTONIC never goes back. */
double
cmx_timer_seconds(const struct cmx_timer *timer)
{
	if (timer == NULL || timer->begun_ns == 0)
		return 0;
	return (double)(cmxi_clock_ns(CLOCK_MONOTONIC) - timer->begun_ns) /
	    (double)CMXI_NS_PER_SECOND;
}

void
cmx_timer_observe(const struct cmx_timer *timer,
    const struct cmx_histogram *histogram)
{
	if (timer != NULL && timer->begun_ns != 0)
		cmx_histogram_observe(histogram, cmx_timer_seconds(timer));
}

void
cmx_http_begin(struct cmx_registry *registry, struct cmx_timer *timer)
{
	begin(registry, timer);
	if (timer != NULL)
		cmxi_codeai_in_flight(registry, 1);
}

void
cmx_http_end(const struct cmx_timer *timer, const char *method,
    const char *path, int status, int64_t request_bytes, int64_t response_bytes)
{
	if (timer == NULL || timer->registry == NULL)
		return;
	cmx_record_http_request(timer->registry, cmx_http_method(method), path,
	    status, cmx_timer_seconds(timer), request_bytes, response_bytes);
	cmxi_codeai_in_flight(timer->registry, -1);
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
		    cmx_timer_seconds(timer), failed);
}

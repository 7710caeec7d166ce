/*
 * segment_lock.h: the locks of a segment that are not those of slots.
 */
#ifndef CMXI_SEGMENT_LOCK_H
#define CMXI_SEGMENT_LOCK_H

#include "segment/segment.h"

/*
 * Tell that this process, and every child that inherits the mapping, can write.
 * The kernel ends that with the last of them.  Returns 0 or CMX_ERR_SYSTEM.
 */
int cmxi_segment_lock_as_writer(const struct cmxi_segment *,
    struct cmx_error *);

/*
 * Can any process write?  -1 where the kernel cannot tell.
 */
int cmxi_segment_has_writers(const struct cmxi_segment *);

/*
 * Keep other processes and threads from replacing the segment, until unlock or
 * the end of this process.  Waits for one that does, for CMXI_APPLY_WAIT_MS at
 * most, or the milliseconds that the environment's CODEAI_METRICS_APPLY_WAIT
 * says.  Returns 0, or CMX_ERR_SYSTEM, and err says who was waited for.
 */
#define CMXI_APPLY_WAIT_MS 30000

int cmxi_segment_lock_apply(const struct cmxi_segment *, struct cmx_error *);
/*
 * Is it still this process that applies?  One of another pid namespace, of
 * which it is not known whether it lives, loses the right to who has the lock.
 */
bool cmxi_segment_applies(const struct cmxi_segment *);
void cmxi_segment_unlock_apply(const struct cmxi_segment *);

#endif

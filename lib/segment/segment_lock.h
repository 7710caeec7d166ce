/*
 * segment_lock.h: the locks of a segment that are not beacons.
 */
#ifndef CMXI_SEGMENT_LOCK_H
#define CMXI_SEGMENT_LOCK_H

#include "segment/segment.h"

/*
 * Locks that the kernel drops with their holder.  writer: this process can
 * write, and so can the children that inherit the mapping.  apply: nobody
 * else replaces the segment meanwhile; waits for whoever does.
 * Return 0 or CMX_ERR_SYSTEM.
 */
int cmxi_segment_lock_as_writer(const struct cmxi_segment *,
    struct cmx_error *);
int cmxi_segment_lock_apply(const struct cmxi_segment *, struct cmx_error *);

/* Does any process hold it?  -1 where the kernel cannot tell. */
int cmxi_segment_has_writers(const struct cmxi_segment *);

#endif

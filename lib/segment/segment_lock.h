/*
 * segment_lock.h: the locks of a segment that are not beacons.
 */
#ifndef CMXI_SEGMENT_LOCK_H
#define CMXI_SEGMENT_LOCK_H

#include "segment/segment.h"

/*
 * Locks that the kernel drops when their holder ends.  The writer lock tells
 * that this process, and every child that inherits the mapping, can write.  The
 * apply lock keeps others from replacing the segment, and waits for one that
 * does.  Both return 0 or CMX_ERR_SYSTEM.
 */
int cmxi_segment_lock_as_writer(const struct cmxi_segment *,
    struct cmx_error *);
int cmxi_segment_lock_apply(const struct cmxi_segment *, struct cmx_error *);

/*
 * Does any process hold the writer lock?  -1 where the kernel cannot tell.
 */
int cmxi_segment_has_writers(const struct cmxi_segment *);

#endif

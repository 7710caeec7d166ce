/*
 * live_slots.h: the slots whose process lives.
 */
#ifndef CMXI_LIVE_SLOTS_H
#define CMXI_LIVE_SLOTS_H

#include "base/buf.h"
#include "segment/segment.h"

/*
 * List the slots whose beacon is held in *slots (of uint32_t).  Returns 0 or an
 * error.
 */
int cmxi_slots_list_live(const struct cmxi_segment *, struct cmxi_buf *slots,
    struct cmx_error *);

#endif

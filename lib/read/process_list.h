/*
 * process_list.h: the slots of a segment that were ever claimed.
 */
#ifndef CMXI_PROCESS_LIST_H
#define CMXI_PROCESS_LIST_H

#include "codeai/metrics_reader.h"

#include "read/gauges.h"

struct cmxi_process_list {
	struct cmxi_buf slots;  /* of struct cmxi_shm_slot: copies */
	struct cmxi_buf places; /* of uint32_t: index + 1 among the live ones */
};

/*
 * Copy the slots of a segment.  The scratch memory of its gauges tells which of
 * them live.  Returns 0, CMX_ERR_MEMORY or CMX_ERR_FORMAT.
 */
int cmxi_process_list_load(struct cmxi_process_list *,
    const struct cmxi_segment *, const struct cmxi_gauge_scratch *,
    struct cmx_error *);

size_t cmxi_process_list_size(const struct cmxi_process_list *);

/*
 * The owner of slot i, or the last owner it had, with printable texts; *slotp
 * is the copy.  Returns false where the slot was never claimed, or a claim is
 * under way.
 */
bool cmxi_process_list_get(const struct cmxi_process_list *, size_t i,
    const struct cmxi_gauge_scratch *, struct cmxr_process *,
    const struct cmxi_shm_slot **slotp);

void cmxi_process_list_fini(struct cmxi_process_list *);

#endif

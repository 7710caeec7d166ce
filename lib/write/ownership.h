/*
 * ownership.h: the mode and the group that a segment gets.
 */
#ifndef CMXI_OWNERSHIP_H
#define CMXI_OWNERSHIP_H

#include "codeai/metrics.h"
#include "segment/segment_name.h"

/* Can the owner read and write the file, and can no other write it? */
bool cmxi_mode_is_allowed(unsigned long mode);

/*
 * Choose by the options (may be null), else by the environment
 * (CODEAI_METRICS_MODE, CODEAI_METRICS_GROUP), else the default: 0660 for root
 * and where a group is chosen, 0600 for others, and the group that the
 * directory gives.  *is_chosen tells whether options or environment said
 * something.  Returns 0 or CMX_ERR_ARGUMENT.
 */
int cmxi_ownership_choose(const struct cmx_create_options *,
    struct cmxi_owner *, bool *is_chosen, struct cmx_error *);

/*
 * Give a segment that is there, and is our own, what was chosen.  A segment of
 * somebody else is left as it is.  Returns 0 or CMX_ERR_PERMISSION.
 */
int cmxi_ownership_adopt(const struct cmxi_segment *, const struct cmxi_owner *,
    struct cmx_error *);

/*
 * Let the group into the directory of a default path, if the directory is our
 * own; nothing is said where that cannot be.
 */
void cmxi_ownership_open_directory(const char *path, const struct cmxi_owner *);

#endif

/*
 * segment_name.h: the names of a segment's file, and whose it is.
 */
#ifndef CMXI_SEGMENT_NAME_H
#define CMXI_SEGMENT_NAME_H

#include "segment/segment.h"

/* The owner, group and mode that a new file gets. */
struct cmxi_owner {
	mode_t mode;
	uid_t uid; /* -1: as it is */
	gid_t gid;
};

/* Returns 0, CMX_ERR_PERMISSION or CMX_ERR_SYSTEM. */
int cmxi_segment_set_owner(const struct cmxi_segment *,
    const struct cmxi_owner *, struct cmx_error *);

/*
 * Give a new segment its name.  Returns CMX_ERR_EXISTS where another process
 * has given the name to its segment; the caller then opens that one.
 */
int cmxi_segment_publish(struct cmxi_segment *, const struct cmxi_owner *,
    struct cmx_error *);

/*
 * Give a new segment the name of another file, which loses the name at that
 * instant.
 */
int cmxi_segment_replace(struct cmxi_segment *, const struct cmxi_owner *,
    struct cmx_error *);

/* Give the file of an opened segment a second name, unless it has it. */
int cmxi_segment_link(const struct cmxi_segment *, const char *path,
    struct cmx_error *);

/* Note in the header that the name was removed, if that can be written. */
void cmxi_segment_mark_retired(int fd);

/*
 * Remove the name of a segment and mark the segment as retired; remove the
 * names of the segments that it replaced.
 */
int cmxi_segment_remove(const char *path, struct cmx_error *);

/*
 * Give the segment of a second name an owner and a mode, if it is ours.
 * Returns the seed of the one that it replaced, or 0.
 */
uint64_t cmxi_segment_adopt_name(const char *path, uint64_t seed,
    const struct cmxi_owner *);

/* Does its path still name this file? */
bool cmxi_segment_is_named(const struct cmxi_segment *);

/*
 * The second name of a segment with this seed, which was replaced by one of
 * this path.  The caller frees it; null: no memory.
 */
char *cmxi_segment_predecessor_path(const char *path, uint64_t seed,
    struct cmx_error *);

#endif

/*
 * segment_name.h: the names of a segment's file, and whose it is.
 */
#ifndef CMXI_SEGMENT_NAME_H
#define CMXI_SEGMENT_NAME_H

#include "segment/segment.h"

/* Whose a new file is, and who may do what with it. */
struct cmxi_owner {
	mode_t mode;
	uid_t uid; /* -1: as it is */
	gid_t gid;
};

/*
 * Give it its name.  Returns CMX_ERR_EXISTS where another was faster; the
 * caller then closes this one and opens that.
 */
int cmxi_segment_publish(struct cmxi_segment *, const struct cmxi_owner *,
    struct cmx_error *);

/* Give it the name of another file, which loses it at that instant. */
int cmxi_segment_replace(struct cmxi_segment *, const struct cmxi_owner *,
    struct cmx_error *);

/* Give an opened segment's file one more name; it may have it already. */
int cmxi_segment_link(const struct cmxi_segment *, const char *path,
    struct cmx_error *);

/* Say in the header that the name is gone; best effort. */
void cmxi_segment_mark_retired(int fd);

/* Mark a segment as retired and take its name away. */
int cmxi_segment_remove(const char *path, struct cmx_error *);

/* Does its path still name this file? */
bool cmxi_segment_is_named(const struct cmxi_segment *);

/* Where a segment lies that was replaced by one of this path. */
#define CMXI_PREDECESSOR_SUFFIX 17 /* a point, 16 hexadecimal digits */
int cmxi_segment_predecessor_path(const char *path, uint64_t seed, char *buf,
    size_t size, struct cmx_error *);

#endif

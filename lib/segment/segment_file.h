/*
 * segment_file.h: create a segment, or open one.
 */
#ifndef CMXI_SEGMENT_FILE_H
#define CMXI_SEGMENT_FILE_H

#include "segment/layout.h"
#include "segment/segment.h"

/* How a segment is opened. */
enum cmxi_access {
	/* Map read-write; owner, boot and file system are checked. */
	CMXI_WRITE,
	/* Map read-only; more is checked when it is read. */
	CMXI_READ
};

#define CMXI_ANY_FILESYSTEM 1u /* disks too, where a store may block */

/*
 * Create a segment without a name, mapped read-write, with its header, its
 * schema text and the first page of every stripe.  A null path creates a
 * private one, a memfd.
 */
int cmxi_segment_create(struct cmxi_segment *, const char *path,
    const struct cmxi_layout_input *, const char *schema, unsigned int flags,
    struct cmx_error *);

/*
 * Open a segment by name.  Each kind of wrong file is refused with its reason.
 */
int cmxi_segment_open(struct cmxi_segment *, const char *path, enum cmxi_access,
    unsigned int flags, struct cmx_error *);

/*
 * Fill err with the reason why the segment of a path could not be opened, from
 * errno as saved.
 */
int cmxi_segment_open_error(const char *path, int saved, struct cmx_error *);

/* Open a segment for reading through a descriptor, which is duplicated. */
int cmxi_segment_open_fd(struct cmxi_segment *, int fd, const char *name,
    struct cmx_error *);

#endif

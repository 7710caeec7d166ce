/*
 * segment_file.h: making a segment, opening one that is there.
 */
#ifndef CMXI_SEGMENT_FILE_H
#define CMXI_SEGMENT_FILE_H

#include "segment/layout.h"
#include "segment/segment.h"

/* How a segment is opened. */
enum cmxi_access {
	/* Map read-write; trust the place and the boot, or refuse. */
	CMXI_WRITE,
	/* Map read-only; trust nothing, refuse little. */
	CMXI_READ
};

#define CMXI_ANY_FILESYSTEM 1u /* a disk too, where a store may block */

/*
 * Create a segment without a name, mapped read-write, with its header, its
 * schema text and the first page of every stripe in place.  A null path makes
 * a private one, a memfd.
 */
int cmxi_segment_create(struct cmxi_segment *, const char *path,
    const struct cmxi_layout_input *, const char *schema, unsigned int flags,
    struct cmx_error *);

/* Open by name; every kind of wrong file is refused with its reason. */
int cmxi_segment_open(struct cmxi_segment *, const char *path, enum cmxi_access,
    unsigned int flags, struct cmx_error *);

/* Why a segment of this path could not be opened, for errno saved. */
int cmxi_segment_open_error(const char *path, int saved, struct cmx_error *);

/* Open a segment for reading through a descriptor, which is duplicated. */
int cmxi_segment_open_fd(struct cmxi_segment *, int fd, const char *name,
    struct cmx_error *);

#endif

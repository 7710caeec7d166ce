/*
 * segment.h: create, map and check a segment; reserve its pages.
 *
 * Both halves stand on this file.  It knows files, mappings and pages; what
 * the bytes mean is known above.
 */
#ifndef CMXI_SEGMENT_H
#define CMXI_SEGMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "codeai/metrics_base.h"
#include "segment/format.h"
#include "segment/layout.h"

/* How a segment is opened. */
enum cmxi_access {
	CMXI_WRITE, /* map read-write; trust the place and the boot, or refuse
	             */
	CMXI_READ   /* map read-only; trust nothing, refuse little */
};

#define CMXI_ANY_FILESYSTEM 1u /* a disk too, where a store may block */

/*
 * struct cmxi_segment: a process's view of a segment.  Private memory; stays
 * valid in forked children.
 */
struct cmxi_segment {
	unsigned char *base;
	size_t size;
	/*
	 * Kept for beacons and old kernels.  The application may close it
	 * under us, and open another file there: cmxi_segment_owns_fd().
	 */
	int fd;
	dev_t device;
	ino_t inode;
	char *path;                   /* absolute; null for a private segment */
	struct cmxi_shm_header fixed; /* a private copy, checked */
};

/*
 * Create a segment without a name, mapped read-write, with its header, its
 * schema text and the first page of every stripe in place.  A null path makes
 * a private one, a memfd.
 */
int cmxi_segment_create(struct cmxi_segment *, const char *path,
    const struct cmxi_layout_input *, const char *schema, unsigned int flags,
    struct cmx_error *);

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

/* Open by name; every kind of wrong file is refused with its reason. */
int cmxi_segment_open(struct cmxi_segment *, const char *path, enum cmxi_access,
    unsigned int flags, struct cmx_error *);

/* Why a segment of this path could not be opened, for errno saved. */
int cmxi_segment_open_error(const char *path, int saved, struct cmx_error *);

/* Open a segment for reading through a descriptor, which is duplicated. */
int cmxi_segment_open_fd(struct cmxi_segment *, int fd, const char *name,
    struct cmx_error *);

void cmxi_segment_close(struct cmxi_segment *);

/* Mark a segment as retired and take its name away. */
int cmxi_segment_remove(const char *path, struct cmx_error *);

/*
 * Locks that the kernel drops with their holder.  hold: this process can
 * write, and so can the children that inherit the mapping.  apply: nobody
 * else replaces the segment meanwhile; waits for whoever does.
 * Return 0 or CMX_ERR_SYSTEM.
 */
int cmxi_segment_lock_as_writer(const struct cmxi_segment *,
    struct cmx_error *);
int cmxi_segment_lock_apply(const struct cmxi_segment *, struct cmx_error *);

/* Does any process hold it?  -1 where the kernel cannot tell. */
int cmxi_segment_has_writers(const struct cmxi_segment *);

/* Does its path still name this file? */
bool cmxi_segment_is_named(const struct cmxi_segment *);

/* Where a segment lies that was replaced by one of this path. */
#define CMXI_PREDECESSOR_SUFFIX 17 /* a point, 16 hexadecimal digits */
int cmxi_segment_predecessor_path(const char *path, uint64_t seed, char *buf,
    size_t size, struct cmx_error *);

/* Is this descriptor one of the segment's file? */
bool cmxi_segment_is_file(const struct cmxi_segment *, int fd);

/* Is fd still the file that was opened? */
bool cmxi_segment_owns_fd(const struct cmxi_segment *);

/*
 * Make sure that the pages of [offset, offset + size) exist, so that a store
 * to them never faults.  Repeating it is harmless and cheap.  Keeps errno.
 * Returns 0, CMX_ERR_NO_SPACE, CMX_ERR_SYSTEM, or CMX_ERR_FORMAT where the
 * range is outside of the file.
 */
int cmxi_segment_reserve(const struct cmxi_segment *, uint64_t offset,
    uint64_t size);

/* The same for [offset, offset + size) of every stripe. */
int cmxi_segment_reserve_cells(const struct cmxi_segment *, uint64_t offset,
    uint64_t size);

static inline struct cmxi_shm_header *
cmxi_segment_header(const struct cmxi_segment *s)
{
	return (struct cmxi_shm_header *)(void *)s->base;
}

/* A reference of an index or family word; bounds were checked, or trusted. */
static inline void *
cmxi_segment_entry(const struct cmxi_segment *s, uint32_t ref)
{
	return s->base + s->fixed.arena_offset +
	    (uint64_t)ref * CMXI_ENTRY_UNIT;
}

static inline uint64_t *
cmxi_segment_family_words(const struct cmxi_segment *s)
{
	return (uint64_t *)(void *)(s->base + s->fixed.family_offset);
}

static inline unsigned char *
cmxi_segment_stripe(const struct cmxi_segment *s, uint32_t i)
{
	return s->base + s->fixed.stripe_offset + i * s->fixed.stripe_size;
}

static inline unsigned char *
cmxi_segment_gauge_stripe(const struct cmxi_segment *s, uint64_t slot)
{
	return s->base + s->fixed.gauge_offset +
	    slot * s->fixed.gauge_stripe_size;
}

/* Where the totals of the predecessor stand once they are carried. */
static inline unsigned char *
cmxi_segment_carry_stripe(const struct cmxi_segment *s)
{
	return cmxi_segment_stripe(s,
	    s->fixed.n_cpu_stripes + s->fixed.n_fallback_stripes);
}

static inline uint32_t
cmxi_segment_n_stripes(const struct cmxi_segment *s)
{
	return s->fixed.n_cpu_stripes + s->fixed.n_fallback_stripes;
}

/* Count something that went wrong; relaxed: it publishes nothing. */
void cmxi_segment_count(const struct cmxi_segment *, enum cmxi_stat,
    uint64_t n);

#endif

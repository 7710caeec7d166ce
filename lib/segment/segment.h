/*
 * segment.h: a mapped segment, and its pages.
 *
 * Both halves use this file.  It knows mappings and pages, and nothing of what
 * the bytes mean.  segment_file.h creates and opens the file, segment_name.h
 * gives and removes its names, segment_lock.h has its locks.
 */
#ifndef CMXI_SEGMENT_H
#define CMXI_SEGMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/require.h"
#include "codeai/metrics_base.h"
#include "segment/format.h"

struct cmxi_opened;
struct stat;

/*
 * struct cmxi_segment: a process's view of a segment.  Private memory; stays
 * valid in forked children.
 */
struct cmxi_segment {
	unsigned char *base;
	size_t size;
	/*
	 * Used for beacons, and for old kernels.  The application may close it
	 * and open another file under its number: cmxi_segment_owns_fd() tells.
	 */
	int fd;
	struct cmxi_opened *opened; /* whose descriptor it is; null: our own */
	dev_t device;
	ino_t inode;
	char *path;                   /* absolute; null for a private segment */
	char *temporary;              /* a name to be removed; mostly null */
	struct cmxi_shm_header fixed; /* a private copy, checked */
};

void cmxi_segment_close(struct cmxi_segment *);

/* Remove the temporary name of a new segment, which has its own by now. */
void cmxi_segment_end_temporary(struct cmxi_segment *);

/*
 * Read through the descriptor that this process has of the file already, if
 * closing another one would do harm (opened.h).
 */
bool cmxi_segment_borrow(struct cmxi_segment *, const struct stat *);

/* Does fd refer to the file of the segment? */
bool cmxi_segment_is_file(const struct cmxi_segment *, int fd);

/* Does s->fd still refer to the file that was opened? */
bool cmxi_segment_owns_fd(const struct cmxi_segment *);

/*
 * For segment_create.c and segment_open.c.  adopt: note which file s->fd is.
 * set_path: store the absolute path.  map: map size bytes of the file.
 * populate: reserve without counting a failure, because the header may not
 * exist yet.  Return 0 or a negative enum cmx_err.
 */
int cmxi_segment_adopt(struct cmxi_segment *, const char *name, struct stat *,
    struct cmx_error *);
int cmxi_segment_set_path(struct cmxi_segment *, const char *path,
    struct cmx_error *);
int cmxi_segment_map(struct cmxi_segment *, size_t size, bool is_writable,
    const char *name, struct cmx_error *);
int cmxi_segment_populate(const struct cmxi_segment *, uint64_t offset,
    uint64_t size);

/*
 * Reserve the pages of [offset, offset + size), so that no store to them
 * faults.  Repeated calls are harmless and cheap.  Keeps errno.
 *
 * Returns 0, CMX_ERR_NO_SPACE, CMX_ERR_SYSTEM, or CMX_ERR_FORMAT where the
 * range is outside of the file.
 */
int cmxi_segment_reserve(const struct cmxi_segment *, uint64_t offset,
    uint64_t size);

/* Reserve [offset, offset + size) of every stripe. */
int cmxi_segment_reserve_cells(const struct cmxi_segment *, uint64_t offset,
    uint64_t size);

/*
 * The memory that the file takes, in bytes; holes take none.  Returns false,
 * with errno, where the kernel does not say.
 */
bool cmxi_segment_allocated(const struct cmxi_segment *, uint64_t *bytes);

static inline struct cmxi_shm_header *
cmxi_segment_header(const struct cmxi_segment *s)
{
	return (struct cmxi_shm_header *)(void *)s->base;
}

/* The text of the schema, fixed.schema_size bytes without a NUL. */
static inline const char *
cmxi_segment_schema(const struct cmxi_segment *s)
{
	return (const char *)s->base + s->fixed.schema_offset;
}

/*
 * The record or entry that a word refers to.  Readers have checked the
 * reference; writers trust it.
 */
static inline void *
cmxi_segment_entry(const struct cmxi_segment *s, uint32_t ref)
{
	return s->base + s->fixed.arena_offset +
	    (uint64_t)ref * CMXI_ENTRY_UNIT;
}

static inline unsigned char *
cmxi_segment_stripe(const struct cmxi_segment *s, uint32_t i)
{
	/* The last one is the carry stripe. */
	REQUIRE(i <= s->fixed.n_cpu_stripes + s->fixed.n_fallback_stripes);
	return s->base + s->fixed.stripe_offset + i * s->fixed.stripe_size;
}

static inline unsigned char *
cmxi_segment_gauge_stripe(const struct cmxi_segment *s, uint64_t slot)
{
	/* The last one is the shared stripe. */
	REQUIRE(slot <= s->fixed.n_slots);
	return s->base + s->fixed.gauge_offset +
	    slot * s->fixed.gauge_stripe_size;
}

/* The stripe that gets the totals of the predecessor when they are carried. */
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

/* Add 1 to a statistic of the header.  relaxed: it publishes nothing. */
void cmxi_segment_count(const struct cmxi_segment *, enum cmxi_stat,
    uint64_t n);

#endif

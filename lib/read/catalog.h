/*
 * catalog.h: a reader's own copy of families and series.
 *
 * Read by pread, validated once, then trusted.  Nothing here is looked at in
 * the segment a second time; the values are values.h's.
 */
#ifndef CMXI_CATALOG_H
#define CMXI_CATALOG_H

#include "base/buf.h"
#include "base/hash_set.h"
#include "base/pool.h"
#include "read/arena_window.h"
#include "read/buckets.h"
#include "segment/family_record.h"
#include "segment/segment.h"

/*
 * A series, of which there may be a million: 32 bytes and its text.  The label
 * values are not kept beside the text, which has them.
 */
struct cmxi_catalog_series {
	uint64_t created_ns;
	const char *text; /* a="1",b="2" as the text formats write it */
	uint32_t text_size;
	uint32_t cell_unit; /* its cells' place in a stripe, in 8 bytes */
	uint32_t exemplars; /* entry of its slots; 0: none */
	bool is_escaped;    /* the text has backslashes */
};

static inline uint64_t
cmxi_catalog_series_cells(const struct cmxi_catalog_series *s)
{
	return (uint64_t)s->cell_unit * sizeof(uint64_t);
}

struct cmxi_catalog_family {
	struct cmxi_definition definition;
	struct cmxi_buckets buckets;
	struct cmxi_shm_family *record; /* a private copy, or null */
	uint64_t created_ns;
	uint32_t cell_size;   /* bytes of a series in one stripe */
	uint32_t n_exemplars; /* slots of a series */
	uint32_t ref;
	/* series[0] is the overflow series, or the only one. */
	size_t n_series, capacity;
	uint64_t entry_bytes; /* of all of them in the arena */
	struct cmxi_catalog_series *series;
};

struct cmxi_catalog {
	const struct cmxi_segment *segment;
	struct cmxi_shm_header header; /* as of the last refresh */
	size_t n_families, capacity;
	struct cmxi_catalog_family **families;
	uint64_t n_family_words; /* of the table, looked at so far */
	uint64_t family_word;    /* the one that is looked at */
	uint32_t *index;         /* the entries of its words seen so far */
	uint64_t begun;          /* inserts_begun of the last scan */
	uint64_t done;           /* inserts_done of the last scan */
	unsigned int n_idle; /* refreshes since an insert was seen to move */
	/* Hashes of all keys, so that none is shown twice; and their bytes. */
	struct cmxi_hash_set seen;
	uint64_t entry_bytes;
	uint64_t n_invalid;   /* families and series left out */
	struct cmxi_buf refs; /* of uint32_t: new entries of this refresh */
	struct cmxi_arena_window window;
	struct cmxi_buf text; /* of the series that is read */
	struct cmxi_pool pool;
};

/* What a reader finds where a writer put something. */
enum cmxi_entry_kind {
	CMXI_ENTRY_IS_INVALID, /* not what a writer makes: left out */
	CMXI_ENTRY_IS_VALID
};

void cmxi_catalog_init(struct cmxi_catalog *, const struct cmxi_segment *);
void cmxi_catalog_fini(struct cmxi_catalog *);

/*
 * Read what is new.  Returns 0, CMX_ERR_MEMORY, CMX_ERR_SYSTEM, or
 * CMX_ERR_FORMAT where the file is shorter than it was.
 */
int cmxi_catalog_refresh(struct cmxi_catalog *, struct cmx_error *);

/* catalog_series.c */

/*
 * Read and check the series entry ref of a family, and append it there.
 * Returns 0 and its kind, or a negative enum cmx_err.
 */
int cmxi_catalog_add_series(struct cmxi_catalog *, struct cmxi_catalog_family *,
    uint32_t ref, enum cmxi_entry_kind *, struct cmx_error *);

/*
 * The values of a series' labels, each with its NUL, into buf, which has room
 * for text_size + 1 bytes.  Returns their size.
 */
size_t cmxi_catalog_series_values(const struct cmxi_catalog_family *,
    const struct cmxi_catalog_series *, char *buf);

int cmxi_catalog_no_memory(struct cmx_error *);

#endif

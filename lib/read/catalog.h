/*
 * catalog.h: a reader's own copy of families and series.
 *
 * pread copies the structure once; it is validated and then trusted, and never
 * read from the segment again.  The values are in values.h.
 */
#ifndef CMXI_CATALOG_H
#define CMXI_CATALOG_H

#include "base/buf.h"
#include "base/hash_index.h"
#include "base/hash_set.h"
#include "base/pool.h"
#include "family/exposed.h"
#include "read/arena_window.h"
#include "read/buckets.h"
#include "segment/family_record.h"
#include "segment/segment.h"

/*
 * A series takes 32 bytes and its text; a segment may have a million.  The
 * label values have no copy of their own: the text contains them.
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
	uint32_t cell_size;   /* bytes that a series takes in one stripe */
	uint32_t n_exemplars; /* exemplar slots of a series */
	uint32_t ref;
	/*
	 * series[0] is the overflow series, or the only one of a family without
	 * labels.
	 */
	size_t n_series, capacity;
	uint64_t entry_bytes; /* of all of them in the arena */
	uint64_t text_bytes;  /* of the labels of all of them */
	uint32_t text_max;    /* of the labels of one of them */
	struct cmxi_catalog_series *series;
};

struct cmxi_catalog {
	const struct cmxi_segment *segment;
	struct cmxi_shm_header header; /* the header as of the last refresh */
	size_t n_families, capacity;
	struct cmxi_catalog_family **families;
	struct cmxi_hash_index refs_index; /* families by their references */
	struct cmxi_exposed_set exposed;   /* the names that they expose */
	uint64_t n_family_words; /* words of the family table that were read */
	uint64_t family_word;    /* the word that is read */
	uint32_t *index;         /* the entry that each index word had */
	uint64_t begun;          /* inserts_begun of the last scan */
	uint64_t done;           /* inserts_done of the last scan */
	unsigned int n_idle;     /* refreshes since an insert count moved */
	/*
	 * The hashes of all keys, so that no series is shown twice; the size of
	 * all keys, and of all cells in a stripe and in a gauge stripe.
	 */
	struct cmxi_hash_set seen;
	uint64_t entry_bytes, cell_bytes, gauge_bytes;
	uint64_t cell_end; /* of the last cell in a stripe */
	/*
	 * The references of families that were read, and the cells of gauges:
	 * no writer gives one twice.
	 */
	struct cmxi_hash_set family_refs, gauge_cells;
	/* The most that entries, cells and gauges may take, each. */
	uint64_t value_limit;
	/*
	 * The size of all texts, in which each series repeats the names of its
	 * labels; and what the reader's limit allows, 0: any.
	 */
	uint64_t text_bytes, limit;
	uint64_t n_invalid;   /* families and series that were left out */
	struct cmxi_buf refs; /* of uint32_t: what this refresh found */
	struct cmxi_arena_window window;
	struct cmxi_buf text; /* of the series that is read */
	struct cmxi_pool pool;
};

/* What an entry of a segment proved to be. */
enum cmxi_entry_kind {
	CMXI_ENTRY_IS_INVALID, /* no writer makes it: left out */
	CMXI_ENTRY_IS_VALID
};

void cmxi_catalog_init(struct cmxi_catalog *, const struct cmxi_segment *);
void cmxi_catalog_fini(struct cmxi_catalog *);

/*
 * Read what is new in the segment.  Returns 0, CMX_ERR_MEMORY, CMX_ERR_SYSTEM,
 * or CMX_ERR_FORMAT where the file is shorter than it was.
 */
int cmxi_catalog_refresh(struct cmxi_catalog *, struct cmx_error *);

/* catalog_series.c */

/*
 * Read and check the entry ref of a series, and append the series to its
 * family. Returns 0 and what the entry is, or a negative enum cmx_err.
 */
int cmxi_catalog_add_series(struct cmxi_catalog *, struct cmxi_catalog_family *,
    uint32_t ref, enum cmxi_entry_kind *, struct cmx_error *);

/*
 * Copy the values of a series' labels, each with a NUL, to buf, which has room
 * for text_size + 1 bytes.  Returns the size of all.
 */
size_t cmxi_catalog_series_values(const struct cmxi_catalog_family *,
    const struct cmxi_catalog_series *, char *buf);

/*
 * Is there room in the arena for so many more bytes of entries and records?
 * Where they overlap, they take more than it has.
 */
bool cmxi_catalog_has_room(struct cmxi_catalog *, uint64_t size);

int cmxi_catalog_no_memory(struct cmx_error *);

#endif

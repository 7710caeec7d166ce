/*
 * catalog.c: a reader's own copy of families and series.
 *
 * The writer's side of the protocol is write/index.c and write/family_table.c;
 * segment/protocols.h argues both.
 */
#include "read/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/hash.h"
#include "read/fault_guard.h"
#include "segment/exemplar.h"
#include "segment/words.h"

/* The number of bytes of the index that one pread copies. */
#define READ_BLOCK (64 * 1024)

void
cmxi_catalog_init(struct cmxi_catalog *c, const struct cmxi_segment *segment)
{
	memset(c, 0, sizeof(*c));
	c->segment = segment;
}

static void
free_family(struct cmxi_catalog_family *family)
{
	cmxi_buckets_fini(&family->buckets);
	free(family->record);
	free(family->series);
	free(family);
}

void
cmxi_catalog_fini(struct cmxi_catalog *c)
{
	for (size_t i = 0; i < c->n_families; i++)
		free_family(c->families[i]);
	free(c->families);
	cmxi_hash_index_fini(&c->refs_index);
	cmxi_exposed_fini(&c->exposed);
	free(c->index);
	cmxi_hash_set_fini(&c->seen);
	cmxi_hash_set_fini(&c->family_refs);
	cmxi_hash_set_fini(&c->gauge_cells);
	cmxi_buf_fini(&c->refs);
	cmxi_window_fini(&c->window);
	cmxi_buf_fini(&c->text);
	cmxi_pool_fini(&c->pool);
	memset(c, 0, sizeof(*c));
}

/*
 * Loads from the mapping; protocols.h says why, in "Reading through the
 * kernel".
 */

static uint64_t
load_insert_count(const uint64_t *count)
{
	/*
	 * (F) acquire, pairs with (E).
	 * Orders this load before the scan of the index.  Without it a scan
	 * could be older than the counts that are kept for it.
	 */
	return cmxi_load64_acquire(count);
}

static void
load_marks(void *arg)
{
	struct cmxi_catalog *c = arg;
	const struct cmxi_shm_header *h = cmxi_segment_header(c->segment);

	c->header.arena_ready = cmxi_ready_mark_load(&h->arena_ready);
	c->header.cell_ready = cmxi_ready_mark_load(&h->cell_ready);
}

static void
load_insert_counts(void *arg)
{
	struct cmxi_catalog *c = arg;
	const struct cmxi_shm_header *h = cmxi_segment_header(c->segment);

	c->header.inserts_done = load_insert_count(&h->inserts_done);
	c->header.inserts_begun = load_insert_count(&h->inserts_begun);
}

/* Replace each new slot number by the entry that its word refers to. */
static void
load_index_words(void *arg)
{
	struct cmxi_catalog *c = arg;
	uint32_t *refs = (uint32_t *)(void *)c->refs.data;
	size_t n = c->refs.size / sizeof(*refs);

	for (size_t i = 0; i < n; i++) {
		uint32_t slot = refs[i];

		refs[i] = (uint32_t)cmxi_index_word_load(c->segment, slot);
		c->index[slot] = refs[i];
	}
}

static void
load_family_word(void *arg)
{
	struct cmxi_catalog *c = arg;

	c->family_word = cmxi_family_word_load(c->segment, c->n_family_words);
}

static int
guarded(struct cmxi_catalog *c, void (*load)(void *), struct cmx_error *err)
{
	return cmxi_guarded(c->segment, load, c) ?
	    0 :
	    cmxi_guard_error(c->segment, err);
}

/* Families */

/*
 * Copy a record into memory of our own; *copy is null where its bytes are no
 * record.
 */
static int
copy_record(struct cmxi_catalog *c, uint32_t ref, struct cmxi_shm_family **copy,
    struct cmx_error *err)
{
	uint64_t at = (uint64_t)ref * CMXI_ENTRY_UNIT;
	const unsigned char *bytes;
	uint32_t size;
	int r;

	*copy = NULL;
	r = cmxi_window_look(&c->window, c->segment, at,
	    sizeof(struct cmxi_shm_family), &bytes, err);
	if (bytes == NULL)
		return r;
	memcpy(&size, bytes, sizeof(size));
	if (size < sizeof(struct cmxi_shm_family) || size > CMXI_WINDOW_SIZE ||
	    !cmxi_catalog_has_room(c, size))
		return 0;
	r = cmxi_window_look(&c->window, c->segment, at, size, &bytes, err);
	if (bytes == NULL)
		return r;
	*copy = aligned_alloc(64, cmxi_round_up(size, 64));
	if (*copy == NULL)
		return cmxi_catalog_no_memory(err);
	memcpy(*copy, bytes, size);
	return 0;
}

/* Read a family's record and its first series. */
static int
read_family(struct cmxi_catalog *c, struct cmxi_catalog_family *family,
    enum cmxi_entry_kind *kind, struct cmx_error *err)
{
	int r = guarded(c, load_marks, err);

	*kind = CMXI_ENTRY_IS_INVALID;
	if (r != 0)
		return r;
	r = cmxi_hash_set_add(&c->family_refs, family->ref);
	if (r <= 0)
		return r < 0 ? cmxi_catalog_no_memory(err) : 0;
	cmxi_window_forget(&c->window);
	r = copy_record(c, family->ref, &family->record, err);
	if (family->record == NULL)
		return r;
	if (!cmxi_family_record_decode(family->record, family->record->size,
		&family->definition) ||
	    cmxi_exposed_find(&c->exposed, &family->definition.def) !=
		CMXI_HASH_INDEX_NONE)
		/* Two families that expose one name: writers refuse the second.
		 */
		return 0;
	if (!cmxi_buckets_init(&family->buckets, &family->definition))
		return cmxi_catalog_no_memory(err);
	family->created_ns = family->record->created_ns;
	family->cell_size = family->record->cell_size;
	family->n_exemplars = (uint32_t)cmxi_exemplar_slots(family->record);
	return cmxi_catalog_add_series(c, family, family->record->overflow,
	    kind, err);
}

static uint64_t
hash_ref(struct cmxi_catalog *c, uint32_t ref)
{
	return cmxi_hash(&ref, sizeof(ref),
	    cmxi_hash_index_seed(&c->refs_index));
}

static bool
has_ref(const void *arg, uint32_t number, const void *key)
{
	const struct cmxi_catalog *c = arg;

	return c->families[number]->ref == *(const uint32_t *)key;
}

/* The number of the family with a reference, or CMXI_HASH_INDEX_NONE. */
static uint32_t
family_number(struct cmxi_catalog *c, uint32_t ref)
{
	return cmxi_hash_index_find(&c->refs_index, hash_ref(c, ref), has_ref,
	    c, &ref);
}

/*
 * Note a family's names and its reference, which a damaged table may have
 * twice: then the first family is the one that is found.  Returns false where
 * there is no memory.
 */
static bool
note_family(struct cmxi_catalog *c, const struct cmxi_catalog_family *family,
    uint32_t number)
{
	return cmxi_exposed_add(&c->exposed, &family->definition.def, number) &&
	    (family_number(c, family->ref) != CMXI_HASH_INDEX_NONE ||
		cmxi_hash_index_add(&c->refs_index, hash_ref(c, family->ref),
		    number));
}

static int
append_family(struct cmxi_catalog *c, uint32_t ref, struct cmx_error *err)
{
	struct cmxi_catalog_family *family =
	    calloc(1, sizeof(struct cmxi_catalog_family));
	enum cmxi_entry_kind kind;
	int r;

	if (family == NULL ||
	    !cmxi_array_reserve(&c->families, &c->capacity, c->n_families + 1,
		sizeof(struct cmxi_catalog_family *))) {
		free(family);
		return cmxi_catalog_no_memory(err);
	}
	family->ref = ref;
	r = read_family(c, family, &kind, err);
	if (r == 0 && kind == CMXI_ENTRY_IS_VALID &&
	    !note_family(c, family, (uint32_t)c->n_families))
		r = cmxi_catalog_no_memory(err);
	if (r == 0 && kind == CMXI_ENTRY_IS_VALID) {
		c->families[c->n_families++] = family;
		return 0;
	}
	free_family(family);
	c->n_invalid += r == 0;
	return r;
}

/*
 * Read the words of the table.  pread tells which words are set: a load could
 * allocate a page of a sparse file, and would fault in a truncated one.  A load
 * with acquire order then reads each word that is set.
 */
static int
refresh_families(struct cmxi_catalog *c, struct cmx_error *err)
{
	const struct cmxi_shm_header *fixed = &c->segment->fixed;

	for (; c->n_family_words < fixed->n_family_words; c->n_family_words++) {
		uint64_t word;
		int r = cmxi_read_at(c->segment,
		    fixed->family_offset + c->n_family_words * sizeof(word),
		    &word, sizeof(word), err);

		if (r != 0 || word == 0)
			return r;
		r = guarded(c, load_family_word, err);
		if (r == 0)
			r = append_family(c, (uint32_t)c->family_word, err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The index */

/* Note the slots of a block whose words are new. */
static void
note_block(struct cmxi_catalog *c, const uint64_t *words, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)(at + i);

		if (words[i] != 0 && c->index[slot] == 0)
			cmxi_buf_bytes(&c->refs, &slot, sizeof(slot));
	}
}

static int
scan_index(struct cmxi_catalog *c, struct cmx_error *err)
{
	const struct cmxi_shm_header *fixed = &c->segment->fixed;
	static const size_t per_block = READ_BLOCK / sizeof(uint64_t);
	uint64_t *block = malloc(READ_BLOCK);
	int r = 0;

	if (c->index == NULL)
		c->index = calloc(fixed->n_index_words, sizeof(*c->index));
	c->refs.size = 0;
	if (block == NULL || c->index == NULL)
		r = cmxi_catalog_no_memory(err);
	for (uint64_t at = 0; r == 0 && at < fixed->n_index_words;
	     at += per_block) {
		uint64_t left = fixed->n_index_words - at;
		size_t n = left < per_block ? (size_t)left : per_block;

		r = cmxi_read_at(c->segment,
		    fixed->index_offset + at * sizeof(*block), block,
		    n * sizeof(*block), err);
		if (r == 0)
			note_block(c, block, at, n);
	}
	free(block);
	if (r == 0 && c->refs.failed)
		r = cmxi_catalog_no_memory(err);
	return r == 0 ? guarded(c, load_index_words, err) : r;
}

static int
compare_refs(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Find the family of an entry.  Entries of one family come in runs, so *hint,
 * the family of the entry before, is compared first.
 */
static struct cmxi_catalog_family *
family_of(struct cmxi_catalog *c, uint32_t ref, size_t *hint)
{
	uint32_t number;

	if (*hint < c->n_families && c->families[*hint]->ref == ref)
		return c->families[*hint];
	number = family_number(c, ref);
	if (number == CMXI_HASH_INDEX_NONE)
		return NULL;
	*hint = number;
	return c->families[number];
}

static int
append_entry(struct cmxi_catalog *c, uint32_t ref, size_t *hint,
    struct cmx_error *err)
{
	struct cmxi_catalog_family *family = NULL;
	enum cmxi_entry_kind kind = CMXI_ENTRY_IS_INVALID;
	const unsigned char *bytes;
	uint32_t family_ref;
	int r = cmxi_window_look(&c->window, c->segment,
	    (uint64_t)ref * CMXI_ENTRY_UNIT, sizeof(struct cmxi_shm_series),
	    &bytes, err);

	if (r != 0)
		return r;
	if (bytes != NULL) {
		memcpy(&family_ref, bytes + CMXI_KEY_OFFSET,
		    sizeof(family_ref));
		if (CMXI_IS_GROUP(family_ref))
			return 0;
		family = family_of(c, family_ref, hint);
	}
	if (family != NULL)
		r = cmxi_catalog_add_series(c, family, ref, &kind, err);
	c->n_invalid += r == 0 && kind == CMXI_ENTRY_IS_INVALID;
	return r;
}

/* Read in the order of the arena, so that most entries are in the window. */
static int
append_new(struct cmxi_catalog *c, struct cmx_error *err)
{
	uint32_t *refs = (uint32_t *)(void *)c->refs.data;
	size_t n = c->refs.size / sizeof(*refs), hint = 0;
	int r = 0;

	if (n > 0)
		qsort(refs, n, sizeof(*refs), compare_refs);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = append_entry(c, refs[i], &hint, err);
	return r;
}

/*
 * While the two insert counts differ, so many refreshes scan; afterwards one in
 * SCAN_AGAIN does.
 */
#define SCANS_AFTER_INSERT 4
#define SCAN_AGAIN         64

/*
 * May the index have something that the last scan did not see?
 *
 * inserts_begun counts the inserts that were published or are under way,
 * inserts_done those that were published.  If both were equal before that scan,
 * every insert had been published by then; if neither has moved since, no
 * insert has been published since.
 *
 * A writer that was killed between the two leaves them unequal for ever.  A
 * writer that is only slow moves inserts_done later.  One refresh in SCAN_AGAIN
 * scans anyway: a writer killed between its index word and inserts_done would
 * otherwise leave its series unseen.
 */
static bool
needs_scan(struct cmxi_catalog *c)
{
	if (c->index == NULL || c->header.inserts_begun != c->begun ||
	    c->header.inserts_done != c->done) {
		c->n_idle = 0;
		return true;
	}
	if (c->begun == c->done)
		return false;
	c->n_idle++;
	return c->n_idle < SCANS_AFTER_INSERT || c->n_idle % SCAN_AGAIN == 0;
}

/*
 * Values of a file with holes are copies: so many of its blocks.  A reader with
 * a limit keeps no more than that.
 */
#define VALUES_PER_BLOCK 16
#define VALUES_MIN       (UINT64_C(64) << 20)

static int
find_value_limit(struct cmxi_catalog *c, struct cmx_error *err)
{
	uint64_t bytes;

	if (!cmxi_segment_allocated(c->segment, &bytes))
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "cannot ask how large the segment is");
	c->value_limit = bytes * VALUES_PER_BLOCK + VALUES_MIN;
	if (c->limit != 0 && c->value_limit > c->limit)
		c->value_limit = c->limit;
	return 0;
}

static int
refresh_catalog(struct cmxi_catalog *c, struct cmx_error *err)
{
	int r = cmxi_read_at(c->segment, 0, &c->header, sizeof(c->header), err);
	bool scan;

	if (r == 0)
		r = find_value_limit(c, err);

	if (r == 0)
		r = guarded(c, load_insert_counts, err);
	scan = needs_scan(c);
	if (r == 0 && scan)
		r = scan_index(c, err);
	/*
	 * The families are read after the index: the family of a series is
	 * published before the series.
	 */
	if (r == 0)
		r = refresh_families(c, err);
	if (r != 0 || !scan)
		return r;
	cmxi_window_forget(&c->window);
	r = guarded(c, load_marks, err);
	if (r == 0)
		r = append_new(c, err);
	/*
	 * The first scan finds everything, later ones little: free the large
	 * buffer.
	 */
	if (c->refs.size > READ_BLOCK)
		cmxi_buf_fini(&c->refs);
	c->begun = c->header.inserts_begun;
	c->done = c->header.inserts_done;
	return r;
}

int
cmxi_catalog_refresh(struct cmxi_catalog *c, struct cmx_error *err)
{
	const struct cmxi_segment *segment = c->segment;
	uint64_t limit = c->limit;
	int r = refresh_catalog(c, err);

	/* Many readers may be open, of which few find something new. */
	cmxi_window_fini(&c->window);
	/*
	 * A refresh that failed leaves an incomplete catalog: the next one
	 * begins anew.
	 */
	if (r != 0) {
		cmxi_catalog_fini(c);
		cmxi_catalog_init(c, segment);
		c->limit = limit;
	}
	return r;
}

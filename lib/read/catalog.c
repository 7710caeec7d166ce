/*
 * catalog.c: a reader's own copy of families and series.
 *
 * The writer's side of the protocol is series.c; both stand in format.h.
 */
#include "read/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/require.h"
#include "base/utf8.h"
#include "family/compare.h"
#include "segment/exemplar.h"

#define READ_BLOCK  (64 * 1024)
#define WINDOW_SIZE (256 * 1024)
#define POOL_CHUNK  (64 * 1024)

/* The longest key. */
#define KEY_MAX             \
	(sizeof(uint32_t) + \
	    CMX_LABELS_MAX * (sizeof(uint16_t) + CMX_LABEL_VALUE_MAX))

struct cmxi_pool_chunk {
	struct cmxi_pool_chunk *next;
	size_t used, size;
	char bytes[];
};

void
cmxi_catalog_init(struct cmxi_catalog *c, const struct cmxi_segment *segment)
{
	memset(c, 0, sizeof(*c));
	c->segment = segment;
}

static void
free_family(struct cmxi_catalog_family *family)
{
	free(family->record);
	free(family->series);
	free(family);
}

void
cmxi_catalog_fini(struct cmxi_catalog *c)
{
	struct cmxi_pool_chunk *next;

	for (size_t i = 0; i < c->n_families; i++)
		free_family(c->families[i]);
	free(c->families);
	free(c->index);
	cmxi_hash_set_fini(&c->seen);
	cmxi_buf_fini(&c->refs);
	cmxi_buf_fini(&c->window);
	cmxi_buf_fini(&c->text);
	for (; c->pool != NULL; c->pool = next) {
		next = c->pool->next;
		free(c->pool);
	}
	memset(c, 0, sizeof(*c));
}

/* n bytes that live as long as the catalog, or null. */
static char *
pool_take(struct cmxi_catalog *c, size_t n)
{
	struct cmxi_pool_chunk *chunk = c->pool;
	size_t size = n > POOL_CHUNK ? n : POOL_CHUNK;

	if (chunk == NULL || chunk->size - chunk->used < n) {
		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		chunk->next = c->pool;
		chunk->used = 0;
		chunk->size = size;
		c->pool = chunk;
	}
	chunk->used += n;
	return chunk->bytes + chunk->used - n;
}

static int
no_memory(struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the families and series of the segment");
}

/* Exactly n bytes at offset. */
static int
read_at(const struct cmxi_catalog *c, uint64_t offset, void *bytes, size_t n,
    struct cmx_error *err)
{
	ssize_t got = pread(c->segment->fd, bytes, n, (off_t)offset);

	if (got == (ssize_t)n)
		return 0;
	if (got < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "cannot read the segment");
	return cmxi_error(err, CMX_ERR_FORMAT,
	    "the segment was truncated: %zd bytes at offset %llu, where %zu belong",
	    got, (unsigned long long)offset, n);
}

/*
 * The arena's bytes [offset, offset + n), through a window: entries are asked
 * for in order.  Null with r set where they cannot be read.
 */
static const unsigned char *
arena_bytes(struct cmxi_catalog *c, uint64_t offset, size_t n, int *r,
    struct cmx_error *err)
{
	const struct cmxi_shm_header *fixed = &c->segment->fixed;
	uint64_t at = c->window_offset;

	*r = 0;
	if (offset > fixed->arena_size || fixed->arena_size - offset < n)
		return NULL;
	if (offset < at || offset + n > at + c->window.size) {
		uint64_t size = fixed->arena_size - offset;

		size = size < WINDOW_SIZE ? size : WINDOW_SIZE;
		c->window.size = 0;
		if (!cmxi_buf_reserve(&c->window, WINDOW_SIZE)) {
			*r = no_memory(err);
			return NULL;
		}
		*r = read_at(c, fixed->arena_offset + offset, c->window.data,
		    size, err);
		if (*r != 0)
			return NULL;
		c->window.size = size;
		c->window_offset = at = offset;
	}
	return (const unsigned char *)c->window.data + (offset - at);
}

/* Series */

/* Walk a key's labels: is it one that a writer makes?  Its hash too. */
static bool
key_is_valid(const unsigned char *key, size_t size, size_t n_labels,
    uint64_t seed, uint64_t *hash)
{
	size_t at = sizeof(uint32_t);
	uint32_t family;

	memcpy(&family, key, sizeof(family));
	*hash = cmxi_hash_begin(family, seed);
	for (size_t i = 0; i < n_labels; i++) {
		uint16_t n;

		if (size - at < sizeof(n))
			return false;
		memcpy(&n, key + at, sizeof(n));
		at += sizeof(n);
		if (n > CMX_LABEL_VALUE_MAX || size - at < n ||
		    memchr(key + at, '\0', n) != NULL ||
		    !cmxi_utf8_is_valid((const char *)key + at, n))
			return false;
		*hash = cmxi_hash_label(*hash, key + at, n, seed);
		at += n;
	}
	return at == size;
}

/* The labels of a valid key, as the text formats write them. */
static int
copy_labels(struct cmxi_catalog *c, const struct cmxi_catalog_family *family,
    const unsigned char *key, struct cmxi_catalog_series *series)
{
	const unsigned char *p = key + sizeof(uint32_t);
	struct cmxi_buf *text = &c->text;
	char *copy;

	text->size = 0;
	for (size_t i = 0; i < family->d.def.n_labels; i++) {
		uint16_t n;

		memcpy(&n, p, sizeof(n));
		cmxi_buf_string(text, i > 0 ? "," : "");
		cmxi_buf_string(text, family->d.labels[i]);
		cmxi_buf_string(text, "=\"");
		cmxi_buf_escaped(text, (const char *)p + sizeof(n), n);
		cmxi_buf_char(text, '"');
		p += sizeof(n) + n;
	}
	copy = pool_take(c, text->size);
	if (copy == NULL || text->failed)
		return CMX_ERR_MEMORY;
	if (text->size > 0)
		memcpy(copy, text->data, text->size);
	series->text = copy;
	series->text_size = (uint32_t)text->size;
	series->is_escaped = memchr(copy, '\\', text->size) != NULL;
	return 0;
}

size_t
cmxi_catalog_series_values(const struct cmxi_catalog_family *family,
    const struct cmxi_catalog_series *series, char *buf)
{
	const char *p = series->text;
	char *to = buf;

	/* We wrote the text, so each value begins and ends. */
	for (size_t i = 0; i < family->d.def.n_labels; i++) {
		p += strlen(family->d.labels[i]) + strlen("=\"");
		while (*p != '"') {
			if (*p == '\\' && *++p == 'n') {
				*to++ = '\n';
				p++;
			} else {
				*to++ = *p++;
			}
		}
		*to++ = '\0';
		p += strlen("\",");
	}
	return (size_t)(to - buf);
}

static bool
cells_are_valid(const struct cmxi_catalog *c,
    const struct cmxi_catalog_family *family, uint64_t offset)
{
	const struct cmxi_shm_header *h = &c->segment->fixed;
	uint64_t size = family->cell_size;
	uint64_t end = family->d.def.type == CMX_GAUGE ? h->gauge_stripe_size :
							 c->header.cell_ready;

	if (end > h->stripe_size && family->d.def.type != CMX_GAUGE)
		end = h->stripe_size;
	return offset >= CMXI_STRIPE_HEADER && offset % 8 == 0 &&
	    offset / 8 <= UINT32_MAX &&
	    (family->d.def.type != CMX_HISTOGRAM || offset % 16 == 0) &&
	    offset <= end && end - offset >= size;
}

/* Do the slots behind an entry lie in the arena? */
static bool
find_exemplars(const struct cmxi_catalog *c,
    const struct cmxi_catalog_family *family, uint32_t ref, uint32_t key_size,
    struct cmxi_catalog_series *series)
{
	uint64_t at = cmxi_exemplars_offset(ref, key_size);
	uint64_t size = family->n_exemplars * sizeof(struct cmxi_shm_exemplar);
	uint64_t end = c->header.arena_ready;

	if (size == 0)
		return true;
	if (end > c->segment->fixed.arena_size)
		end = c->segment->fixed.arena_size;
	series->exemplars = (uint32_t)(at / CMXI_ENTRY_UNIT);
	return at <= end && end - at >= size;
}

/*
 * Read and check one entry.  1: it is there; 0: it is not one that a writer
 * makes; negative: it cannot be read.
 */
static int
read_series(struct cmxi_catalog *c, struct cmxi_catalog_family *family,
    uint32_t ref, struct cmxi_catalog_series *series, struct cmx_error *err)
{
	uint64_t at = (uint64_t)ref * CMXI_ENTRY_UNIT;
	struct cmxi_shm_series entry;
	const unsigned char *bytes;
	uint64_t hash, size;
	int r;

	bytes = arena_bytes(c, at, sizeof(entry), &r, err);
	if (bytes == NULL)
		return r;
	memcpy(&entry, bytes, sizeof(entry));
	if (entry.key_size < sizeof(uint32_t) || entry.key_size > KEY_MAX ||
	    entry.key_family != family->ref ||
	    !cells_are_valid(c, family, entry.cell_offset))
		return 0;
	bytes = arena_bytes(c, at + CMXI_KEY_OFFSET, entry.key_size, &r, err);
	if (bytes == NULL)
		return r;
	if (!key_is_valid(bytes, entry.key_size, family->d.def.n_labels,
		c->segment->fixed.seed, &hash) ||
	    hash != entry.hash)
		return 0;
	*series = (struct cmxi_catalog_series){
		.cell_unit = (uint32_t)(entry.cell_offset / sizeof(uint64_t)),
		.created_ns = entry.created_ns,
	};
	if (!find_exemplars(c, family, ref, entry.key_size, series))
		return 0;
	/* Entries that overlap could else grow without end. */
	size = cmxi_entry_size(entry.key_size, family->n_exemplars);
	family->entry_bytes += size;
	c->entry_bytes += size;
	if (c->entry_bytes > c->segment->fixed.arena_size)
		return 0;
	r = cmxi_hash_set_add(&c->seen, entry.hash);
	if (r == 0)
		return 0;
	if (r < 0 || copy_labels(c, family, bytes, series) != 0)
		return no_memory(err);
	return 1;
}

static int
append_series(struct cmxi_catalog_family *family,
    const struct cmxi_catalog_series *series)
{
	if (family->n_series == family->capacity) {
		size_t capacity = family->capacity * 2 + 4;
		void *grown =
		    reallocarray(family->series, capacity, sizeof(*series));

		if (grown == NULL)
			return CMX_ERR_MEMORY;
		family->series = grown;
		family->capacity = capacity;
	}
	family->series[family->n_series++] = *series;
	return 0;
}

/* Families */

/* The marks may have moved since the header was read. */
static int
refresh_marks(struct cmxi_catalog *c, struct cmx_error *err)
{
	return read_at(c, offsetof(struct cmxi_shm_header, arena_ready),
	    &c->header.arena_ready, 2 * sizeof(uint64_t), err);
}

/* Would two families expose one name?  No writer lets that happen. */
static bool
clashes_with_any(const struct cmxi_catalog *c, const struct cmx_family_def *def)
{
	char name[CMXI_CLASH_SIZE];

	for (size_t i = 0; i < c->n_families; i++)
		if (cmxi_def_clash(&c->families[i]->d.def, def, name,
			sizeof(name)))
			return true;
	return false;
}

/* A private copy of a record; null with r 0 where it is not one. */
static struct cmxi_shm_family *
copy_record(struct cmxi_catalog *c, uint32_t ref, int *r, struct cmx_error *err)
{
	uint64_t at = (uint64_t)ref * CMXI_ENTRY_UNIT;
	struct cmxi_shm_family *record;
	const unsigned char *bytes;
	uint32_t size;

	bytes = arena_bytes(c, at, sizeof(*record), r, err);
	if (bytes == NULL)
		return NULL;
	memcpy(&size, bytes, sizeof(size));
	if (size < sizeof(*record) || size > WINDOW_SIZE)
		return NULL;
	bytes = arena_bytes(c, at, size, r, err);
	if (bytes == NULL)
		return NULL;
	record = aligned_alloc(64, ((size_t)size + 63) / 64 * 64);
	if (record == NULL) {
		*r = no_memory(err);
		return NULL;
	}
	memcpy(record, bytes, size);
	return record;
}

/* Read a family's record and its first series; results as read_series(). */
static int
read_family(struct cmxi_catalog *c, uint32_t ref,
    struct cmxi_catalog_family *family, struct cmx_error *err)
{
	struct cmxi_catalog_series overflow;
	int r = refresh_marks(c, err);

	if (r != 0)
		return r;
	/* What is in the window may be older than the record. */
	c->window.size = 0;
	family->record = copy_record(c, ref, &r, err);
	if (family->record == NULL)
		return r;
	if (!cmxi_family_record_decode(family->record, family->record->size,
		&family->d) ||
	    clashes_with_any(c, &family->d.def))
		return 0;
	family->created_ns = family->record->created_ns;
	family->cell_size = family->record->cell_size;
	family->n_exemplars = (uint32_t)cmxi_exemplar_slots(family->record);
	r = read_series(c, family, family->record->overflow, &overflow, err);
	if (r == 1 && append_series(family, &overflow) != 0)
		r = no_memory(err);
	return r;
}

static int
append_family(struct cmxi_catalog *c, uint32_t ref, struct cmx_error *err)
{
	struct cmxi_catalog_family *family =
	    calloc(1, sizeof(struct cmxi_catalog_family));
	void *grown = reallocarray(c->families, c->n_families + 1,
	    sizeof(struct cmxi_catalog_family *));
	int r;

	if (grown != NULL)
		c->families = grown;
	if (family == NULL || grown == NULL) {
		free(family);
		return no_memory(err);
	}
	family->ref = ref;
	r = read_family(c, ref, family, err);
	if (r == 1)
		c->families[c->n_families++] = family;
	else
		free_family(family);
	return r;
}

static int
refresh_families(struct cmxi_catalog *c, struct cmx_error *err)
{
	uint64_t n_words = c->segment->fixed.n_family_words;

	while (c->n_family_words < n_words) {
		uint64_t word;
		int r = read_at(c,
		    c->segment->fixed.family_offset +
			c->n_family_words * sizeof(word),
		    &word, sizeof(word), err);

		if (r != 0 || word == 0)
			return r;
		r = append_family(c, (uint32_t)word, err);
		if (r < 0)
			return r;
		c->n_invalid += r == 0;
		c->n_family_words++;
	}
	return 0;
}

/* The index */

/* Note the entries of the words that are new in a block. */
static void
note_block(struct cmxi_catalog *c, const uint64_t *words, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t ref = (uint32_t)words[i];

		if (ref == 0 || c->index[at + i] != 0)
			continue;
		c->index[at + i] = ref;
		cmxi_buf_bytes(&c->refs, &ref, sizeof(ref));
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
		r = no_memory(err);
	for (uint64_t at = 0; r == 0 && at < fixed->n_index_words;
	     at += per_block) {
		uint64_t left = fixed->n_index_words - at;
		size_t n = left < per_block ? (size_t)left : per_block;

		r = read_at(c, fixed->index_offset + at * sizeof(*block), block,
		    n * sizeof(*block), err);
		if (r == 0)
			note_block(c, block, at, n);
	}
	free(block);
	return r == 0 && c->refs.failed ? no_memory(err) : r;
}

static int
compare_refs(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The family that an entry names; asked for in runs, so the last is first. */
static struct cmxi_catalog_family *
family_of(struct cmxi_catalog *c, uint32_t ref, size_t *hint)
{
	if (*hint < c->n_families && c->families[*hint]->ref == ref)
		return c->families[*hint];
	for (size_t i = 0; i < c->n_families; i++)
		if (c->families[i]->ref == ref) {
			*hint = i;
			return c->families[i];
		}
	return NULL;
}

static int
append_new(struct cmxi_catalog *c, struct cmx_error *err)
{
	uint32_t *refs = (uint32_t *)(void *)c->refs.data;
	size_t n = c->refs.size / sizeof(*refs), hint = 0;

	if (n > 0)
		qsort(refs, n, sizeof(*refs), compare_refs);
	for (size_t i = 0; i < n; i++) {
		struct cmxi_catalog_family *family;
		struct cmxi_catalog_series series;
		const unsigned char *bytes;
		uint32_t family_ref;
		int r;

		bytes = arena_bytes(c, (uint64_t)refs[i] * CMXI_ENTRY_UNIT,
		    sizeof(struct cmxi_shm_series), &r, err);
		if (r != 0)
			return r;
		family = NULL;
		if (bytes != NULL) {
			memcpy(&family_ref, bytes + CMXI_KEY_OFFSET,
			    sizeof(family_ref));
			if (CMXI_IS_GROUP(family_ref))
				continue;
			family = family_of(c, family_ref, &hint);
		}
		r = family == NULL ?
		    0 :
		    read_series(c, family, refs[i], &series, err);
		if (r == 1 && append_series(family, &series) != 0)
			r = no_memory(err);
		if (r < 0)
			return r;
		c->n_invalid += r == 0;
	}
	return 0;
}

/* Scans after an insert that never ended, and then one in so many. */
#define SCANS_AFTER_INSERT 4
#define SCAN_AGAIN         64

/*
 * (E) Is there something that the last scan did not see?  inserts_begun
 * counts what is published and what is under way; where it was equal to
 * inserts_done before that scan, all of it was published by then, and where
 * neither has moved, nothing has been published since.
 *
 * A writer that was killed in between leaves them unequal for ever.  Whoever
 * is only slow moves inserts_done when it goes on; the one scan in
 * SCAN_AGAIN is for a writer that is killed at the very instant.
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

static int
refresh_catalog(struct cmxi_catalog *c, struct cmx_error *err)
{
	int r = read_at(c, 0, &c->header, sizeof(c->header), err);
	bool scan = needs_scan(c);

	if (r == 0 && scan)
		r = scan_index(c, err);
	/* After the index: a series' family was there before the series. */
	if (r == 0)
		r = refresh_families(c, err);
	if (r != 0 || !scan)
		return r;
	c->window.size = 0;
	r = refresh_marks(c, err);
	if (r == 0)
		r = append_new(c, err);
	/* Many at once are the first ones; later there are few. */
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
	int r = refresh_catalog(c, err);

	/* Half a refresh is no catalog: the next one starts anew. */
	if (r != 0) {
		cmxi_catalog_fini(c);
		cmxi_catalog_init(c, segment);
	}
	return r;
}

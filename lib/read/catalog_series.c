/*
 * catalog_series.c: check the entry of a series, and copy it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "read/catalog.h"
#include "segment/exemplar.h"

/* The longest key. */
#define KEY_MAX             \
	(sizeof(uint32_t) + \
	    CMX_LABELS_MAX * (sizeof(uint16_t) + CMX_LABEL_VALUE_MAX))

int
cmxi_catalog_no_memory(struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the families and series of the segment");
}

/*
 * Walk the labels of a key: is it one that a writer makes?  Computes its hash.
 */
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

/* Write the labels of a valid key as the text formats do. */
static int
copy_labels(struct cmxi_catalog *c, const struct cmxi_catalog_family *family,
    const unsigned char *key, struct cmxi_catalog_series *series,
    struct cmx_error *err)
{
	const unsigned char *p = key + sizeof(uint32_t);
	struct cmxi_buf *text = &c->text;
	char *copy;

	text->size = 0;
	for (size_t i = 0; i < family->definition.def.n_labels; i++) {
		uint16_t n;

		memcpy(&n, p, sizeof(n));
		cmxi_buf_string(text, i > 0 ? "," : "");
		cmxi_buf_string(text, family->definition.labels[i]);
		cmxi_buf_string(text, "=\"");
		cmxi_buf_escaped(text, (const char *)p + sizeof(n), n);
		cmxi_buf_char(text, '"');
		p += sizeof(n) + n;
	}
	c->text_bytes += text->size;
	if (c->limit != 0 && c->text_bytes > c->limit)
		return cmxi_error(err, CMX_ERR_TOO_LARGE,
		    "%s: has series with labels of more than %" PRIu64
		    " bytes, which is what its reader allows",
		    c->segment->path != NULL ? c->segment->path : "segment",
		    c->limit);
	copy = cmxi_pool_take(&c->pool, text->size);
	if (copy == NULL || text->failed)
		return cmxi_catalog_no_memory(err);
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

	/* add_text() wrote the text, so every value has both quotes. */
	for (size_t i = 0; i < family->definition.def.n_labels; i++) {
		p += strlen(family->definition.labels[i]) + strlen("=\"");
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

bool
cmxi_catalog_has_room(struct cmxi_catalog *c, uint64_t size)
{
	c->entry_bytes += size;
	return c->entry_bytes <= c->segment->fixed.arena_size &&
	    c->entry_bytes <= c->value_limit;
}

static bool
cells_are_valid(const struct cmxi_catalog *c,
    const struct cmxi_catalog_family *family, uint64_t offset)
{
	const struct cmxi_shm_header *h = &c->segment->fixed;
	uint64_t size = family->cell_size;
	uint64_t end = family->definition.def.type == CMX_GAUGE ?
	    h->gauge_stripe_size :
	    c->header.cell_ready;

	if (end > h->stripe_size && family->definition.def.type != CMX_GAUGE)
		end = h->stripe_size;
	return offset >= CMXI_STRIPE_HEADER && offset % 8 == 0 &&
	    offset / 8 <= UINT32_MAX &&
	    (family->definition.def.type != CMX_HISTOGRAM ||
		offset % 16 == 0) &&
	    offset <= end && end - offset >= size;
}

/*
 * Is there room for one more series of the family, beside those before it?  A
 * hostile file could give one cell to every series, and make us keep a copy for
 * each: writers take cells one after the other, so their sum is bounded.
 */
static bool
cells_have_room(struct cmxi_catalog *c,
    const struct cmxi_catalog_family *family, uint64_t offset)
{
	const struct cmxi_shm_header *h = &c->segment->fixed;
	uint64_t end = offset + family->cell_size;

	if (family->definition.def.type == CMX_GAUGE) {
		c->gauge_bytes += family->cell_size;
		return c->gauge_bytes <= h->gauge_stripe_size &&
		    c->gauge_bytes <= c->value_limit &&
		    cmxi_hash_set_add(&c->gauge_cells, offset) == 1;
	}
	c->cell_bytes += family->cell_size;
	if (c->cell_bytes > h->stripe_size ||
	    c->cell_bytes > c->header.cell_ready ||
	    c->cell_bytes > c->value_limit)
		return false;
	/* It is checked, and stays so whatever the header says later. */
	if (end > c->cell_end)
		c->cell_end = end;
	return true;
}

/* Are the exemplar slots of an entry within the arena? */
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

/* Read and check one entry. */
static int
read_series(struct cmxi_catalog *c, struct cmxi_catalog_family *family,
    uint32_t ref, struct cmxi_catalog_series *series,
    enum cmxi_entry_kind *kind, struct cmx_error *err)
{
	uint64_t at = (uint64_t)ref * CMXI_ENTRY_UNIT, hash, size;
	struct cmxi_shm_series entry;
	const unsigned char *bytes;
	int r;

	*kind = CMXI_ENTRY_IS_INVALID;
	r = cmxi_window_look(&c->window, c->segment, at, sizeof(entry), &bytes,
	    err);
	if (bytes == NULL)
		return r;
	memcpy(&entry, bytes, sizeof(entry));
	if (entry.key_size < sizeof(uint32_t) || entry.key_size > KEY_MAX ||
	    entry.key_family != family->ref ||
	    !cells_are_valid(c, family, entry.cell_offset))
		return 0;
	r = cmxi_window_look(&c->window, c->segment, at + CMXI_KEY_OFFSET,
	    entry.key_size, &bytes, err);
	if (bytes == NULL)
		return r;
	if (!key_is_valid(bytes, entry.key_size,
		family->definition.def.n_labels, c->segment->fixed.seed,
		&hash) ||
	    hash != entry.hash)
		return 0;
	*series = (struct cmxi_catalog_series){
		.cell_unit = (uint32_t)(entry.cell_offset / sizeof(uint64_t)),
		.created_ns = entry.created_ns,
	};
	if (!find_exemplars(c, family, ref, entry.key_size, series))
		return 0;
	/*
	 * A hostile file could list entries that overlap, and make us keep
	 * more than its arena holds: stop at its size.
	 */
	size = cmxi_entry_size(entry.key_size, family->n_exemplars);
	family->entry_bytes += size;
	if (!cmxi_catalog_has_room(c, size) ||
	    !cells_have_room(c, family, entry.cell_offset))
		return 0;
	r = cmxi_hash_set_add(&c->seen, entry.hash);
	if (r == 0)
		return 0;
	if (r < 0)
		return cmxi_catalog_no_memory(err);
	r = copy_labels(c, family, bytes, series, err);
	if (r == 0)
		*kind = CMXI_ENTRY_IS_VALID;
	return r;
}

int
cmxi_catalog_add_series(struct cmxi_catalog *c,
    struct cmxi_catalog_family *family, uint32_t ref,
    enum cmxi_entry_kind *kind, struct cmx_error *err)
{
	struct cmxi_catalog_series series;
	int r = read_series(c, family, ref, &series, kind, err);

	if (r != 0 || *kind == CMXI_ENTRY_IS_INVALID)
		return r;
	if (!cmxi_array_reserve(&family->series, &family->capacity,
		family->n_series + 1, sizeof(series)))
		return cmxi_catalog_no_memory(err);
	family->series[family->n_series++] = series;
	family->text_bytes += series.text_size;
	if (series.text_size > family->text_max)
		family->text_max = series.text_size;
	return 0;
}

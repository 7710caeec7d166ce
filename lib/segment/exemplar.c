/*
 * exemplar.c: an exemplar <-> its bytes in a segment.
 */
#include "segment/exemplar.h"

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/hash.h"
#include "base/require.h"
#include "base/utf8.h"
#include "family/name.h"
#include "family/native_buckets.h"

#define WORDS (sizeof(struct cmxi_shm_exemplar) / sizeof(uint64_t))

size_t
cmxi_exemplar_slots(const struct cmxi_shm_family *family)
{
	if (!family->has_exemplars)
		return 0;
	return family->type == CMX_HISTOGRAM ? family->n_shown + 1u : 1;
}

uint64_t
cmxi_exemplar_bytes(const struct cmx_family_def *def)
{
	uint64_t n =
	    def->type == CMX_HISTOGRAM ? cmxi_shown_bounds(def, NULL) + 1 : 1;

	return def->has_exemplars ?
	    n * sizeof(struct cmxi_shm_exemplar) + CMXI_EXEMPLAR_ALIGN :
	    0;
}

/* Never 0, which marks a slot that no writer has filled. */
static uint64_t
check_sum_of(const struct cmxi_shm_exemplar *e)
{
	return cmxi_hash(&e->value, sizeof(*e) - sizeof(e->check), 0) | 1;
}

static size_t
n_characters(const char *s)
{
	size_t n = 0;

	/* Counts the bytes that do not continue a character. */
	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Append a text and its NUL.  Returns false where it does not fit. */
static bool
put_text(struct cmxi_shm_exemplar *e, const char *text)
{
	size_t n = strlen(text) + 1;

	if (n > sizeof(e->pairs) - e->size)
		return false;
	memcpy(e->pairs + e->size, text, n);
	e->size += (uint32_t)n;
	return true;
}

static bool
stands_before(const struct cmx_label *pairs, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(pairs[j].name, pairs[i].name) == 0)
			return true;
	return false;
}

bool
cmxi_exemplar_fill(struct cmxi_shm_exemplar *e, double value, uint64_t time_ns,
    size_t n, const struct cmx_label *pairs)
{
	size_t characters = 0;

	REQUIRE(n == 0 || pairs != NULL);
	memset(e, 0, sizeof(*e));
	e->value = value;
	e->time_ns = time_ns;
	e->n_pairs = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		const char *text = pairs[i].value;

		if (pairs[i].name == NULL || text == NULL ||
		    !cmxi_label_name_is_valid(pairs[i].name) ||
		    stands_before(pairs, i) || !put_text(e, pairs[i].name) ||
		    !put_text(e, text) ||
		    !cmxi_utf8_is_valid(text, strlen(text)))
			return false;
		characters += n_characters(pairs[i].name) + n_characters(text);
	}
	e->check = check_sum_of(e);
	return n > 0 && characters <= CMXI_EXEMPLAR_CHARACTERS;
}

void
cmxi_exemplar_store(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from)
{
	uint64_t words[WORDS];

	memcpy(words, from, sizeof(words));
	/* relaxed: the check sum tells whether the words belong together */
	for (size_t i = 0; i < WORDS; i++)
		cmxi_store64_relaxed((uint64_t *)(void *)to + i, words[i]);
}

void
cmxi_exemplar_load(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from)
{
	uint64_t words[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		words[i] = cmxi_load64_relaxed(
		    (const uint64_t *)(const void *)from + i);
	memcpy(to, words, sizeof(words));
}

bool
cmxi_exemplar_next(const struct cmxi_shm_exemplar *e, size_t *p,
    struct cmx_label *pair)
{
	const char *texts[2];

	REQUIRE(*p <= e->size);
	for (int i = 0; i < 2; i++) {
		const char *nul = memchr(e->pairs + *p, '\0', e->size - *p);

		if (nul == NULL)
			return false;
		texts[i] = e->pairs + *p;
		*p = (size_t)(nul + 1 - e->pairs);
	}
	*pair = (struct cmx_label){ texts[0], texts[1] };
	return true;
}

/*
 * The check sum is no secret and a forged one proves nothing, so the labels are
 * validated too.
 */
bool
cmxi_exemplar_is_valid(const struct cmxi_shm_exemplar *e)
{
	struct cmxi_shm_exemplar again;
	struct cmx_label pairs[sizeof(e->pairs) / 4], pair;
	size_t p = 0, n = 0;

	if (e->check == 0 || e->check != check_sum_of(e) || e->n_pairs == 0 ||
	    e->size > sizeof(e->pairs) || e->n_pairs > CMXI_ARRAY_LEN(pairs))
		return false;
	while (n < e->n_pairs && cmxi_exemplar_next(e, &p, &pair))
		pairs[n++] = pair;
	return n == e->n_pairs && p == e->size &&
	    cmxi_exemplar_fill(&again, e->value, e->time_ns, n, pairs);
}

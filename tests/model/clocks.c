/*
 * clocks.c: what is ordered before what, and what a load may return.
 *
 * Vector clocks follow the C11 rules for release, acquire and fences.  Each
 * word of atomic accesses keeps its last stores: a load may return any of them
 * that the reading actor does not yet know to be overwritten.  A plain access
 * that is not ordered after another actor's write is a failure, in every
 * schedule and at no cost of the search; so is an access to a page that is not
 * ordered after the making of that page.
 */
#include "parts.h"

#include <string.h>
#include <sys/mman.h>

#include "hooks.h"

#define HISTORY       6
#define LOCATIONS_MAX 8192

struct store {
	struct clock release; /* what an acquiring load learns */
	uint64_t value;
	bool releases;
	int8_t actor; /* -1: before the run */
	uint16_t epoch;
};

/* The atomic accesses to a word of 4 or 8 bytes. */
struct location {
	uint8_t size, n;
	uint32_t first; /* the number of the oldest store that is kept */
	uint32_t seen[MODEL_ACTORS];
	struct store stores[HISTORY];
};

/* Eight bytes of the space; of this run where run says so. */
struct granule {
	uint32_t run;
	int8_t writer; /* of plain writes; -1: none */
	uint16_t written;
	uint16_t read[MODEL_ACTORS];
	uint16_t location[2];
};

struct page {
	uint32_t run;
	uint16_t made[MODEL_ACTORS]; /* epochs; 0: not by this actor */
	bool is_kept;                /* it is there before each run */
	bool is_dirty;
};

struct clock clock_of[MODEL_ACTORS];

static struct clock acquired_relaxed[MODEL_ACTORS],
    released_by_fence[MODEL_ACTORS];
static bool has_fence[MODEL_ACTORS];
static struct granule *granules;
static struct page *pages;
static unsigned char *image;
static struct location locations[LOCATIONS_MAX];
static uint32_t n_locations, run;
static uint32_t dirty[PAGES_IN_ALL];
static size_t n_dirty;

static void *
reserve(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("no address space for the model");
	return p;
}

static void
init(void)
{
	granules = reserve(SPACE_SIZE / 8 * sizeof(*granules));
	pages = reserve(PAGES_IN_ALL * sizeof(*pages));
	image = reserve(N_FILES * FILE_ROOM);
}

/* Clocks */

void
clock_join(struct clock *c, const struct clock *other)
{
	for (int i = 0; i < 8; i++)
		if (other->at[i] > c->at[i])
			c->at[i] = other->at[i];
}

void
clocks_reset(void)
{
	if (granules == NULL)
		init();
	run++;
	n_locations = 0;
	memset(clock_of, 0, sizeof(clock_of));
	memset(acquired_relaxed, 0, sizeof(acquired_relaxed));
	memset(has_fence, 0, sizeof(has_fence));
	for (int i = 0; i < MODEL_ACTORS; i++)
		clock_of[i].at[i] = 1;
}

/* What this actor does from now on is not ordered before what was released. */
static void
tick(int actor)
{
	if (++clock_of[actor].at[actor] == UINT16_MAX)
		fail("a run of more than 65,535 releases");
}

void
clock_fork(int parent, int child)
{
	uint16_t own = clock_of[child].at[child];

	clock_of[child] = clock_of[parent];
	clock_of[child].at[child] = own;
	tick(parent);
}

void
clock_acquire(const struct clock *object)
{
	if (self >= 0)
		clock_join(&clock_of[self], object);
}

void
clock_release_of(int actor, struct clock *object)
{
	clock_join(object, &clock_of[actor]);
	tick(actor);
}

void
clock_release(struct clock *object)
{
	if (self >= 0)
		clock_release_of(self, object);
}

static bool
is_ordered(int actor, uint16_t epoch)
{
	return actor < 0 || epoch <= clock_of[self].at[actor];
}

/* Pages */

static struct page *
page_of(const void *p)
{
	struct page *page = &pages[((uintptr_t)p - SPACE_BASE) / PAGE];

	if (page->run != run) {
		page->run = run;
		memset(page->made, 0, sizeof(page->made));
	}
	return page;
}

bool
page_exists(const void *p)
{
	const struct page *page = page_of(p);

	for (int i = 0; i < MODEL_ACTORS; i++)
		if (page->made[i] != 0)
			return true;
	return page->is_kept;
}

void
memory_page_made(const void *p)
{
	struct page *page = page_of(p);

	if (self < 0)
		page->is_kept |= is_setting_up;
	if (self < 0 && !is_setting_up)
		page->made[0] = 1;
	if (self >= 0 && page->made[self] == 0)
		page->made[self] = clock_of[self].at[self];
}

/* The page of an access is there, and the making of it is ordered before. */
static void
check_page(const void *p)
{
	const struct page *page = page_of(p);

	if (page->is_kept)
		return;
	if (!page_exists(p))
		fail("touches a page that is not there");
	for (int i = 0; i < MODEL_ACTORS && self >= 0; i++)
		if (page->made[i] != 0 && is_ordered(i, page->made[i]))
			return;
	if (is_exploring)
		fail(
		    "touches a page that is made without being ordered before");
}

void
memory_dirty(const void *p, size_t n)
{
	uint64_t from = ((uintptr_t)p - SPACE_BASE) / PAGE;
	uint64_t to = ((uintptr_t)p - SPACE_BASE + n - 1) / PAGE;

	for (uint64_t i = from; i <= to; i++)
		if (!pages[i].is_dirty) {
			pages[i].is_dirty = true;
			dirty[n_dirty++] = (uint32_t)i;
		}
}

void
memory_keep(void)
{
	for (size_t i = 0; i < n_dirty; i++) {
		uint64_t at = (uint64_t)dirty[i] * PAGE;

		pages[dirty[i]].is_dirty = false;
		memcpy(image + at, (void *)(SPACE_BASE + at), PAGE);
	}
	n_dirty = 0;
}

void
memory_restore(void)
{
	for (size_t i = 0; i < n_dirty; i++) {
		uint64_t at = (uint64_t)dirty[i] * PAGE;

		pages[dirty[i]].is_dirty = false;
		memcpy((void *)(SPACE_BASE + at), image + at, PAGE);
	}
	n_dirty = 0;
}

uint64_t
memory_hash(void)
{
	uint64_t hash = 0;

	/* Dirty pages come in any order: their hashes are added. */
	for (size_t i = 0; i < n_dirty; i++) {
		const uint64_t *words =
		    (const void *)(SPACE_BASE + (uint64_t)dirty[i] * PAGE);
		uint64_t h = 0;

		for (size_t j = 0; j < PAGE / 8; j++)
			h = (h ^ words[j] ^ j) * UINT64_C(0x9e3779b97f4a7c15) ^
			    h >> 29;
		hash += h * (2 * dirty[i] + 1);
	}
	return hash;
}

/* Plain accesses */

static struct granule *
granule_of(uintptr_t address)
{
	struct granule *g = &granules[(address - SPACE_BASE) / 8];

	if (g->run != run) {
		memset(g, 0, sizeof(*g));
		g->run = run;
		g->writer = -1;
	}
	return g;
}

/* Atomic stores by others that a plain access is not ordered after. */
static void
check_stores(const struct granule *g)
{
	for (int i = 0; i < 2; i++) {
		const struct location *l = &locations[g->location[i]];

		for (int k = 0; g->location[i] != 0 && k < l->n; k++)
			if (!is_ordered(l->stores[k].actor, l->stores[k].epoch))
				fail(
				    "a plain access beside a store of %c that is not ordered before",
				    'A' + l->stores[k].actor);
	}
}

static void
check_granule(struct granule *g, bool writes)
{
	if (g->writer >= 0 && !is_ordered(g->writer, g->written))
		fail(
		    "a race: a plain %s after a plain write of %c that is not ordered before",
		    writes ? "write" : "read", 'A' + g->writer);
	check_stores(g);
	if (!writes) {
		g->read[self] = clock_of[self].at[self];
		return;
	}
	for (int i = 0; i < MODEL_ACTORS; i++)
		if (i != self && !is_ordered(i, g->read[i]))
			fail(
			    "a race: a plain write after a read of %c that is not ordered before",
			    'A' + i);
	g->writer = (int8_t)self;
	g->written = clock_of[self].at[self];
	g->location[0] = g->location[1] = 0;
}

static void
check_mapped(const void *p, bool writes)
{
	if (!kernel_may_touch(process_self(), p, writes))
		fail("%s a file that the process has not mapped%s",
		    writes ? "writes" : "reads", writes ? " for writing" : "");
}

void
memory_plain(const void *p, size_t n, bool writes, const void *code)
{
	uintptr_t from = (uintptr_t)p / 8 * 8, at = from;

	at_code = code;
	if (in_files(p)) {
		check_mapped(p, writes);
		check_page(p);
		check_page((const char *)p + n - 1);
		if (writes)
			memory_dirty(p, n);
	}
	for (; is_exploring && at < (uintptr_t)p + n; at += 8)
		check_granule(granule_of(at), writes);
}

/* Atomic accesses */

static struct store *
newest(struct location *l)
{
	return &l->stores[l->n - 1];
}

static uint32_t
number_of(const struct location *l, int k)
{
	return l->first + (uint32_t)k;
}

static struct location *
new_location(struct granule *g, uintptr_t address, uint8_t size, uint64_t value)
{
	struct location *l;

	if (n_locations + 2 > LOCATIONS_MAX)
		fail(
		    "more words of atomic accesses than the model has room for");
	l = &locations[++n_locations];
	memset(l, 0, offsetof(struct location, stores));
	l->size = size;
	l->n = 1;
	l->stores[0] = (struct store){ .value = value,
		.actor = g->writer,
		.epoch = g->written };
	if (size == 8)
		g->location[0] = g->location[1] = 0;
	g->location[size == 4 && address % 8 == 4] = (uint16_t)n_locations;
	return l;
}

static uint64_t
value_at(uintptr_t address, uint8_t size)
{
	return size == 8 ? *(const uint64_t *)address :
			   *(const uint32_t *)address;
}

/* The location of a word; null where halves of it have one of their own. */
static struct location *
location_of(uintptr_t address, uint8_t size, bool writes)
{
	struct granule *g = granule_of(address);
	uint16_t i = g->location[size == 4 && address % 8 == 4];

	if (!is_ordered(g->writer, g->written))
		fail(
		    "an atomic access beside a plain write of %c that is not ordered before",
		    'A' + g->writer);
	if (!writes)
		g->read[self] = clock_of[self].at[self];
	if (size == 8 &&
	    (g->location[1] != 0 || (i != 0 && locations[i].size == 4)))
		return NULL;
	if (i != 0 && locations[i].size == size)
		return &locations[i];
	return new_location(g, address, size, value_at(address, size));
}

static void
learn(const struct store *s, int order)
{
	if (!s->releases)
		return;
	clock_join(order == __ATOMIC_RELAXED || order == __ATOMIC_RELEASE ?
		&acquired_relaxed[self] :
		&clock_of[self],
	    &s->release);
}

static bool
releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
	    order == __ATOMIC_SEQ_CST;
}

/* How many of the newest stores this actor may still read; at least 1. */
static int
n_readable(const struct location *l)
{
	int k = l->n - 1;

	while (k > 0 && !is_ordered(l->stores[k].actor, l->stores[k].epoch) &&
	    number_of(l, k) > l->seen[self])
		k--;
	return l->n - k;
}

uint64_t
clock_load(uintptr_t address, uint8_t size, int order, bool may_be_stale,
    bool *is_stale)
{
	struct location *l = location_of(address, size, false);
	int k;

	*is_stale = false;
	if (l == NULL)
		return value_at(address, size);
	k = l->n - 1;
	if (may_be_stale)
		k -= (int)search_choose_stale((unsigned int)n_readable(l));
	*is_stale = k < l->n - 1;
	if (number_of(l, k) > l->seen[self])
		l->seen[self] = number_of(l, k);
	learn(&l->stores[k], order);
	return l->stores[k].value;
}

static void
append(struct location *l, uint64_t value, int order, const struct store *after)
{
	struct store s = { .value = value,
		.actor = (int8_t)self,
		.epoch = clock_of[self].at[self],
		.releases = releases(order) || has_fence[self] };

	if (releases(order))
		s.release = clock_of[self];
	else if (has_fence[self])
		s.release = released_by_fence[self];
	if (after != NULL && after->releases) {
		clock_join(&s.release, &after->release);
		s.releases = true;
	}
	if (l->n == HISTORY) {
		memmove(l->stores, l->stores + 1,
		    (HISTORY - 1) * sizeof(l->stores[0]));
		l->n--;
		l->first++;
	}
	l->stores[l->n++] = s;
	l->seen[self] = number_of(l, l->n - 1);
	if (releases(order))
		tick(self);
}

void
clock_store(uintptr_t address, uint8_t size, uint64_t value, int order)
{
	struct location *l = location_of(address, size, true);

	if (l == NULL)
		fail("a store of 8 bytes over words of 4");
	append(l, value, order, NULL);
}

void
clock_change(uintptr_t address, uint8_t size, uint64_t value, int order)
{
	struct location *l = location_of(address, size, true);
	struct store before;

	if (l == NULL)
		fail("a change of 8 bytes over words of 4");
	before = *newest(l);
	learn(&before, order);
	append(l, value, order, &before);
}

/* A compare-and-swap that fails reads the newest store. */
void
clock_look(uintptr_t address, uint8_t size, int order)
{
	struct location *l = location_of(address, size, false);

	if (l == NULL)
		return;
	l->seen[self] = number_of(l, l->n - 1);
	learn(newest(l), order);
}

void
clock_fence(int order)
{
	if (order != __ATOMIC_RELEASE)
		clock_join(&clock_of[self], &acquired_relaxed[self]);
	if (order == __ATOMIC_ACQUIRE)
		return;
	released_by_fence[self] = clock_of[self];
	has_fence[self] = true;
	tick(self);
}

void
memory_atomic(const void *p, uint8_t size, bool writes)
{
	if (in_files(p)) {
		check_mapped(p, writes);
		check_page(p);
		if (writes)
			memory_dirty(p, size);
	}
}

/* Copies by the kernel (pread) */

/*
 * Bytes that a plain write put there without being ordered before the copy.
 * The kernel may copy what was there before, or a part: whoever uses them is
 * wrong, and these bytes make it visible.
 */
#define UNORDERED 0xa5

/* A word of the copy that may be older than memory is now. */
struct older {
	uint64_t at; /* in the copy */
	const struct store *store;
	uint8_t size;
};

#define OLDER_MAX 64

/* Words that the copy may have older, and unordered bytes of it. */
static unsigned int
look_at_granule(struct granule *g, uintptr_t at, uintptr_t from, size_t n,
    unsigned char *to, struct older *older, unsigned int n_older)
{
	if (g->writer >= 0 && !is_ordered(g->writer, g->written))
		for (uintptr_t a = at; a < at + 8; a++)
			if (a >= from && a < from + n)
				to[a - from] = UNORDERED;
	for (int i = 0; i < 2; i++) {
		struct location *l = &locations[g->location[i]];
		uintptr_t a = at + 4 * (uintptr_t)i;
		int may;

		if (g->location[i] == 0 || a < from || a + l->size > from + n)
			continue;
		may = word_is_known(a) ? n_readable(l) : 1;
		for (int k = l->n - may; k < l->n - 1 && n_older < OLDER_MAX;
		     k++)
			older[n_older++] = (struct older){ .at = a - from,
				.store = &l->stores[k],
				.size = l->size };
		l->seen[self] = number_of(l, l->n - 1);
	}
	return n_older;
}

void
memory_copy_out(void *to, const void *from, size_t n)
{
	struct older older[OLDER_MAX];
	unsigned int n_older = 0, chosen;
	uintptr_t at = (uintptr_t)from, end = at + n;

	memcpy(to, from, n);
	if (!is_exploring)
		return;
	for (uintptr_t p = at / PAGE * PAGE; p < end; p += PAGE) {
		/* A page that the kernel copies from is there from then on. */
		if (page_exists((const void *)p))
			memory_page_made((const void *)p);
		if (!pages[(p - SPACE_BASE) / PAGE].is_dirty)
			continue;
		for (uintptr_t a = p < at ? at / 8 * 8 : p;
		     a < p + PAGE && a < end; a += 8)
			if (granules[(a - SPACE_BASE) / 8].run == run)
				n_older = look_at_granule(granule_of(a), a, at,
				    n, to, older, n_older);
	}
	chosen = search_choose_stale(n_older + 1);
	if (chosen > 0)
		memcpy((unsigned char *)to + older[chosen - 1].at,
		    &older[chosen - 1].store->value, older[chosen - 1].size);
}

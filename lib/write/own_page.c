/*
 * own_page.c: memory that belongs to one process and is cleared in its
 * children.
 */
#include "write/own_page.h"

#include <assert.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/require.h"
#include "base/wiped_page.h"

#define SPARE_SHIFT      40
#define SPARE_PLACE_MASK ((UINT64_C(1) << SPARE_SHIFT) - 1)
#define SPARE_SIZE_MAX   (UINT64_MAX >> SPARE_SHIFT)

static_assert(sizeof(struct cmxi_own_page) <= CMXI_WIPED_PAGE_SIZE, "one page");

char *
cmxi_scratch_map(size_t size)
{
	char *text = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(size > 0);
	return text == MAP_FAILED ? NULL : text;
}

void
cmxi_scratch_unmap(char *text, size_t size)
{
	munmap(text, size);
}

struct cmxi_own_page *
cmxi_own_page_new(void)
{
	/*
	 * Without the advice a child would take its parent's slot for its own.
	 */
	return cmxi_wiped_page_new();
}

void
cmxi_own_page_free(struct cmxi_own_page *own)
{
	cmxi_wiped_page_free(own);
}

bool
cmxi_own_page_take_spare(struct cmxi_own_page *own, enum cmxi_spare_kind kind,
    uint64_t size, uint64_t most, uint64_t *place)
{
	REQUIRE(kind < CMXI_SPARE_KINDS && size > 0);
	for (int i = 0; i < CMXI_SPARES; i++) {
		uint64_t *spare = &own->spares[kind][i];
		uint64_t seen = cmxi_load64_relaxed(spare);
		uint64_t has = seen >> SPARE_SHIFT;

		/*
		 * (Z) acquire, pairs with (Y).
		 * Orders this exchange before stores to the space.
		 */
		if (seen != 0 && has >= size && has <= most &&
		    cmxi_cas64_acquire(spare, &seen, 0)) {
			*place = seen & SPARE_PLACE_MASK;
			return true;
		}
	}
	return false;
}

bool
cmxi_own_page_give_spare(struct cmxi_own_page *own, enum cmxi_spare_kind kind,
    uint64_t size, uint64_t place)
{
	REQUIRE(kind < CMXI_SPARE_KINDS && size > 0);
	if (size > SPARE_SIZE_MAX || place > SPARE_PLACE_MASK)
		return false;
	for (int i = 0; i < CMXI_SPARES; i++) {
		uint64_t empty = 0;

		/*
		 * (Y) release, pairs with (Z).
		 * Orders what was stored to the space before its place is told.
		 * Without it the bytes of a lost insert could come after those
		 * of another thread's, and be published with them.
		 */
		if (cmxi_cas64_release(&own->spares[kind][i], &empty,
			size << SPARE_SHIFT | place))
			return true;
	}
	return false;
}

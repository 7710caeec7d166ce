/*
 * wiped_page.c: a private page that the kernel clears in each forked child.
 */
#include "base/wiped_page.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

void *
cmxi_wiped_page_new(void)
{
	void *page = mmap(NULL, CMXI_WIPED_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int saved;

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, CMXI_WIPED_PAGE_SIZE, MADV_WIPEONFORK) == 0)
		return page;
	saved = errno;
	munmap(page, CMXI_WIPED_PAGE_SIZE);
	errno = saved;
	return NULL;
}

void
cmxi_wiped_page_free(void *page)
{
	if (page != NULL)
		munmap(page, CMXI_WIPED_PAGE_SIZE);
}

/*
 * wiped_page.h: a private page that the kernel clears in each forked child.
 */
#ifndef CMXI_WIPED_PAGE_H
#define CMXI_WIPED_PAGE_H

#define CMXI_WIPED_PAGE_SIZE 4096

/*
 * A zeroed page, which is zeroed again in the children of fork, raw clone and
 * _Fork alike; or null and errno, where there is no memory or the kernel
 * refuses the advice (MADV_WIPEONFORK, Linux 4.14).
 */
void *cmxi_wiped_page_new(void);
void cmxi_wiped_page_free(void *);

#endif

/*
 * pool.h: many small pieces of memory that are freed together.
 */
#ifndef CMXI_POOL_H
#define CMXI_POOL_H

#include <stddef.h>

/* Zeroed memory is an empty pool. */
struct cmxi_pool {
	struct cmxi_pool_chunk *chunks;
};

/*
 * n bytes that live as long as the pool, or null.  They lie on 16 bytes where
 * each n before was a multiple of it.
 */
char *cmxi_pool_take(struct cmxi_pool *, size_t n);
void cmxi_pool_fini(struct cmxi_pool *);

#endif

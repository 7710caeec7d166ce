/*
 * pool.c: many small pieces of memory that are freed together.
 */
#include "base/pool.h"

#include <stdlib.h>

#define CHUNK_SIZE (64 * 1024)

struct cmxi_pool_chunk {
	struct cmxi_pool_chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

char *
cmxi_pool_take(struct cmxi_pool *pool, size_t n)
{
	struct cmxi_pool_chunk *chunk = pool->chunks;
	size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;

	if (chunk == NULL || chunk->size - chunk->used < n) {
		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		chunk->next = pool->chunks;
		chunk->used = 0;
		chunk->size = size;
		pool->chunks = chunk;
	}
	chunk->used += n;
	return chunk->bytes + chunk->used - n;
}

void
cmxi_pool_fini(struct cmxi_pool *pool)
{
	struct cmxi_pool_chunk *next;

	for (; pool->chunks != NULL; pool->chunks = next) {
		next = pool->chunks->next;
		free(pool->chunks);
	}
}

/*
 * pool.c: many small pieces of memory that are freed together.
 */
#include "base/pool.h"

#include <stdlib.h>

/* A pool of few pieces is small; each chunk is as large as all before it. */
#define CHUNK_MIN (4 * 1024)
#define CHUNK_MAX (64 * 1024)

struct cmxi_pool_chunk {
	struct cmxi_pool_chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

static size_t
next_size(const struct cmxi_pool_chunk *last)
{
	if (last == NULL)
		return CHUNK_MIN;
	return 2 * last->size < CHUNK_MAX ? 2 * last->size : CHUNK_MAX;
}

char *
cmxi_pool_take(struct cmxi_pool *pool, size_t n)
{
	struct cmxi_pool_chunk *chunk = pool->chunks;

	if (chunk == NULL || chunk->size - chunk->used < n) {
		size_t size = next_size(chunk);

		size = n > size ? n : size;
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

/*
 * fuzz.h: what the targets share.  A target is a file with
 * LLVMFuzzerTestOneInput(); tests/fuzz/run runs them.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A copy of the input that ends with a NUL; the caller frees it. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The input as a stream of choices; zero after its end. */
struct choices {
	const uint8_t *data;
	size_t size;
};

static inline uint64_t
choose_word(struct choices *c, size_t bytes)
{
	uint64_t word = 0;

	if (bytes > c->size)
		bytes = c->size;
	memcpy(&word, c->data, bytes);
	c->data += bytes;
	c->size -= bytes;
	return word;
}

static inline uint64_t
choose(struct choices *c, uint64_t below)
{
	return choose_word(c,
		   below <= 256       ? 1 :
		       below <= 65536 ? 2 :
					8) %
	    below;
}

#endif

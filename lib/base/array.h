/*
 * array.h: an array that grows.
 */
#ifndef CMXI_ARRAY_H
#define CMXI_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Give the array that *arrayp points to n elements of size bytes; new elements
 * are unset.  Returns false where there is no memory; the array is unchanged
 * then.
 */
bool cmxi_array_resize(void *arrayp, size_t n, size_t size);

/*
 * Make room for at least n elements of size bytes in the array that *arrayp
 * points to, which has *capacity elements now.  New elements are zero.  Returns
 * false where there is no memory; the array is unchanged then.
 */
bool cmxi_array_reserve(void *arrayp, size_t *capacity, size_t n, size_t size);

#endif

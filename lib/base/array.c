/*
 * array.c: an array that grows.
 */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/require.h"

bool
cmxi_array_reserve(void *arrayp, size_t *capacity, size_t n, size_t size)
{
	size_t grown = n + n / 2 + 4;
	unsigned char *array;

	REQUIRE(size > 0);
	if (n <= *capacity)
		return true;
	/* Copied by memcpy(), because *arrayp may be a pointer of any type. */
	memcpy(&array, arrayp, sizeof(array));
	array = reallocarray(array, grown, size);
	if (array == NULL)
		return false;
	memset(array + *capacity * size, 0, (grown - *capacity) * size);
	memcpy(arrayp, &array, sizeof(array));
	*capacity = grown;
	return true;
}

/*
 * array.c: an array that grows.
 */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/require.h"

/* Copied by memcpy(), because *arrayp may be a pointer of any type. */
static void *
load_pointer(const void *arrayp)
{
	void *array;

	memcpy(&array, arrayp, sizeof(array));
	return array;
}

bool
cmxi_array_resize(void *arrayp, size_t n, size_t size)
{
	void *array;

	REQUIRE(n > 0 && size > 0);
	array = reallocarray(load_pointer(arrayp), n, size);
	if (array != NULL)
		memcpy(arrayp, &array, sizeof(array));
	return array != NULL;
}

bool
cmxi_array_reserve(void *arrayp, size_t *capacity, size_t n, size_t size)
{
	size_t grown = n + n / 2 + 4;

	if (n <= *capacity)
		return true;
	if (!cmxi_array_resize(arrayp, grown, size))
		return false;
	memset((unsigned char *)load_pointer(arrayp) + *capacity * size, 0,
	    (grown - *capacity) * size);
	*capacity = grown;
	return true;
}

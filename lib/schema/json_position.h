/*
 * json_position.h: where in a JSON text a value stands.
 *
 * jansson gives values without places.  This index is built over the same
 * text, after jansson has accepted it, and answers for a path such as
 * "metrics[3].buckets" with line and column.
 */
#ifndef CMXI_JSON_POSITION_H
#define CMXI_JSON_POSITION_H

#include <stdbool.h>
#include <stddef.h>

struct cmxi_json_place {
	int line, column; /* from 1; columns count characters */
};

struct cmxi_json_positions;

/*
 * Index a text.  Requires: jansson has accepted it as valid JSON.  Returns null
 * where there is no memory; cmxi_json_positions_find() accepts null.
 */
struct cmxi_json_positions *cmxi_json_positions_build(const char *text,
    size_t size);

void cmxi_json_positions_free(struct cmxi_json_positions *);

/*
 * The place of the value at path, or of its key where of_key is set and the
 * value is a member.  A path that does not exist gets the place of its nearest
 * parent.
 */
struct cmxi_json_place cmxi_json_positions_find(
    const struct cmxi_json_positions *, const char *path, bool of_key);

#endif

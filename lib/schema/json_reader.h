/*
 * json_reader.h: what reading a schema's JSON stands on.
 *
 * A parse knows where in the document it stands, and collects findings with
 * their places.  The getters take a member of the object where it stands, and
 * report it where it is not what it must be.
 */
#ifndef CMXI_JSON_READER_H
#define CMXI_JSON_READER_H

#include <jansson.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "schema/json_position.h"
#include "schema/schema.h"

#define CMXI_JSON_PATH_MAX 384

/* An error or warning, kept until all are known and sorted by place. */
struct cmxi_diagnosis {
	struct cmx_diagnostic d;
	size_t order;
	char path[CMXI_JSON_PATH_MAX];
	char text[512];
};

struct cmxi_parse {
	const char *source;
	struct cmxi_json_positions *positions;
	struct cmxi_buf diagnoses; /* of struct cmxi_diagnosis */
	int n_errors;
	bool is_warning; /* findings are warnings now */
	bool no_memory;
	/* Where the parse stands, "metrics[3].native"; cut where too long. */
	char path[CMXI_JSON_PATH_MAX];
	size_t path_size;
	struct cmxi_schema *schema;
};

/*
 * The most findings that are kept of one text; further ones are only counted.
 */
#define CMXI_DIAGNOSES_MAX 200

enum cmxi_place_of { CMXI_OF_VALUE, CMXI_OF_KEY };

/*
 * Enter a member or an element of the current value.  leave restores the place
 * that enter returned.
 */
size_t cmxi_parse_enter(struct cmxi_parse *, const char *key);
size_t cmxi_parse_enter_element(struct cmxi_parse *, size_t index);
void cmxi_parse_leave(struct cmxi_parse *, size_t before);

/* Note an error, or a warning where p->is_warning, about the current value. */
void cmxi_parse_diagnose(struct cmxi_parse *, const char *fmt, ...)
    CMX_PRINTF(2, 3);

/* Note the same about a member of the current value. */
void cmxi_parse_diagnose_member(struct cmxi_parse *, enum cmxi_place_of,
    const char *key, const char *fmt, ...) CMX_PRINTF(4, 5);

/* Give all findings to report, sorted by their place in the text. */
void cmxi_parse_report(struct cmxi_parse *, cmxi_diagnose_fn *report,
    void *arg);

/*
 * Allocate zeroed memory.  Returns null and sets p->no_memory where there is
 * none.
 */
void *cmxi_parse_allocate(struct cmxi_parse *, size_t n, size_t size);

/* The type of a JSON value in words: "an object", "a string", ... */
const char *cmxi_json_kind(const json_t *);

/* Report every key of object that is not among allowed. */
void cmxi_parse_keys(struct cmxi_parse *, json_t *object,
    const char *const *allowed, size_t n);

/*
 * A member that must be a string if it exists; null where it does not, or is no
 * string.
 */
const char *cmxi_parse_string(struct cmxi_parse *, json_t *object,
    const char *key);

/*
 * A whole number between min and max, or fallback where the member is absent.
 */
uint64_t cmxi_parse_integer(struct cmxi_parse *, json_t *object,
    const char *key, uint64_t min, uint64_t max, uint64_t fallback);

/* A number that must exist; NaN where it does not. */
double cmxi_parse_number(struct cmxi_parse *, json_t *object, const char *key);

/* A member that is true or false; an absent one is false. */
bool cmxi_parse_flag(struct cmxi_parse *, json_t *object, const char *key);

/*
 * The index of a member's word in words.  Returns -1 and reports the allowed
 * words where it is none of them.
 */
int cmxi_parse_word(struct cmxi_parse *, json_t *object, const char *key,
    const char *const *words, size_t n);

/*
 * Read the current value as an array of *n strings.  The caller frees the
 * array.  Returns null where the value is not one.
 */
const char **cmxi_parse_strings(struct cmxi_parse *, json_t *array, size_t *n);

#endif

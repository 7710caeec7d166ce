/*
 * header.h: what "codeai-metrics header" prints, while it is written.
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>
#include <stdio.h>

#include <codeai/metrics_base.h>

#include "identifier.h"

/*
 * No text in a header has this character: strings escape it, comments leave it
 * out.
 */
#define TYPE_MARK '\1'

struct stream {
	FILE *file;
	char *text;
	size_t size;
};

struct header {
	const char *prefix;
	/* The first word that all families share. */
	char namespace[IDENTIFIER_MAX];
	char type[IDENTIFIER_MAX]; /* struct TYPE holds the handles */
	struct identifiers used;
	struct stream members, functions, resolve;
	bool has_failed; /* no memory */
};

/*
 * Write a family into the three streams (header_family.c); a visitor of
 * cmx_schema_read(), with the struct header.
 */
void put_family(void *header, const struct cmx_family_def *,
    const struct cmx_label_values *known);

#endif

/*
 * encode.h: snapshot -> bytes of one exposition format.
 *
 * A format is a const struct of functions in a file of its own; the driver in
 * encode.c walks the families of all inputs and calls them.
 */
#ifndef CMXI_ENCODE_H
#define CMXI_ENCODE_H

#include "read/snapshot.h"

/* The labels that an input adds in front of the labels of each series. */
struct cmxi_prefix {
	const struct cmx_label *labels;
	size_t n_labels;
	const char *text; /* a="1",b="2" as the text formats write it */
	size_t text_size;
};

/* Where an encoder writes, and how. */
struct cmxi_output {
	struct cmxi_buf *b;
	bool with_created; /* OpenMetrics shows since when series count */
	size_t family_at;  /* protobuf: where the open family begins */
	struct cmxi_buf scratch;
	struct cmxi_buf values;  /* of one series' labels */
	struct cmxi_buf buckets; /* of one native histogram */
};

struct cmxi_encoder {
	const char *content_type;
	void (*begin)(struct cmxi_output *);
	/* Called once for a family, before its series. */
	void (*family)(struct cmxi_output *, const struct cmxi_values *);
	/* Called for all shown series of a family in one input. */
	void (*series)(struct cmxi_output *, const struct cmxi_values *,
	    const struct cmxi_prefix *);
	void (*family_end)(struct cmxi_output *);
	void (*end)(struct cmxi_output *);
};

extern const struct cmxi_encoder cmxi_encoder_text;
extern const struct cmxi_encoder cmxi_encoder_openmetrics;
extern const struct cmxi_encoder cmxi_encoder_protobuf;
extern const struct cmxi_encoder cmxi_encoder_json;

/* Append label="value"; the value is escaped as in all text formats. */
void cmxi_encode_label(struct cmxi_buf *, const char *name, const char *value);

/* The exemplar of a slot of a series, or null. */
const struct cmxi_shm_exemplar *cmxi_encode_exemplar(const struct cmxi_values *,
    size_t series, size_t slot);

#endif

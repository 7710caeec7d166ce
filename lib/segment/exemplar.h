/*
 * exemplar.h: an exemplar <-> its bytes in a segment.
 *
 * A slot of the arena for each bucket that is shown, or for a counter.  Any
 * writer stores to it at any time and none waits: what two of them mix, or
 * one did not end, has a wrong check sum, and a reader passes over it.
 */
#ifndef CMXI_EXEMPLAR_H
#define CMXI_EXEMPLAR_H

#include <stdbool.h>
#include <string.h>

#include "codeai/metrics_base.h"
#include "segment/format.h"

/* OpenMetrics: characters of all names and values of one exemplar. */
#define CMXI_EXEMPLAR_CHARACTERS 128

/* How many a series of this family has. */
size_t cmxi_exemplar_slots(const struct cmxi_shm_family *);

/*
 * Fill a slot's bytes.  False where the labels are none: a bad or doubled
 * name, a value that is not UTF-8, more than 128 characters or 160 bytes.
 */
bool cmxi_exemplar_fill(struct cmxi_shm_exemplar *, double value,
    uint64_t time_ns, size_t n, const struct cmx_label *pairs);

/* Store to a slot, load from one; each word is one access, no more. */
void cmxi_exemplar_store(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from);
void cmxi_exemplar_load(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from);

/* Is there one, whole, as a writer makes it? */
bool cmxi_exemplar_is_valid(const struct cmxi_shm_exemplar *);

/* The pair at *p, which then is the next one's; false at the end. */
bool cmxi_exemplar_next(const struct cmxi_shm_exemplar *, size_t *p,
    struct cmx_label *pair);

#endif

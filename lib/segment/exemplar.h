/*
 * exemplar.h: an exemplar <-> its bytes in a segment.
 *
 * A histogram has one slot in the arena for each bucket that is shown, a
 * counter has one.  Any writer stores to a slot at any time, and none waits.  A
 * slot that two writers mixed, or that a killed one left half written, has a
 * wrong check sum, and readers skip it.
 */
#ifndef CMXI_EXEMPLAR_H
#define CMXI_EXEMPLAR_H

#include <stdbool.h>
#include <string.h>

#include "codeai/metrics_base.h"
#include "segment/format.h"

/*
 * The limit of OpenMetrics: characters of all names and values of an exemplar.
 */
#define CMXI_EXEMPLAR_CHARACTERS 128

/*
 * The number of exemplar slots of a series; 0 for a family without exemplars.
 */
size_t cmxi_exemplar_slots(const struct cmxi_shm_family *);

/* The bytes of the arena that the exemplars of a series of such a family take.
 */
uint64_t cmxi_exemplar_bytes(const struct cmx_family_def *);

/*
 * Fill a slot's bytes.  Returns false where the labels are invalid: a bad or
 * repeated name, a value that is not UTF-8, more than 128 characters or 160
 * bytes.
 */
bool cmxi_exemplar_fill(struct cmxi_shm_exemplar *, double value,
    uint64_t time_ns, size_t n, const struct cmx_label *pairs);

/* Store to a slot, and load from one; each word is one access. */
void cmxi_exemplar_store(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from);
void cmxi_exemplar_load(struct cmxi_shm_exemplar *to,
    const struct cmxi_shm_exemplar *from);

/* Does the slot hold a whole exemplar, such as a writer makes? */
bool cmxi_exemplar_is_valid(const struct cmxi_shm_exemplar *);

/* Take the pair at *p and move *p to the next one; false at the end. */
bool cmxi_exemplar_next(const struct cmxi_shm_exemplar *, size_t *p,
    struct cmx_label *pair);

#endif

/*
 * rseq.h: may this process use the CPU stripes?
 *
 * The sections themselves are in <codeai/private/rseq_x86_64.h> and its
 * sibling.
 */
#ifndef CMXI_RSEQ_H
#define CMXI_RSEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "segment/format.h"

/* Has libc registered this process's threads?  We never do it ourselves. */
bool cmxi_rseq_is_registered(void);

/* Where a thread's struct rseq is, from its thread pointer. */
int32_t cmxi_rseq_offset(void);

/*
 * Does the kernel abort a section whose thread it preempts?  Some released
 * ones do not (arm64, 6.19 to 7.0.13), and no version number tells.  Two
 * children of one CPU try it: one tick of the scheduler, some milliseconds.
 */
bool cmxi_rseq_self_test(void);

/* How many CPU stripes of a segment this process may update; 0: none. */
uint32_t cmxi_rseq_usable_cpus(const struct cmxi_shm_header *);

#endif

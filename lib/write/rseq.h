/*
 * rseq.h: may this process use the CPU stripes?
 *
 * The sections themselves are in <codeai/private/rseq_x86_64.h> and
 * <codeai/private/rseq_aarch64.h>.
 */
#ifndef CMXI_RSEQ_H
#define CMXI_RSEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "segment/segment.h"

/*
 * Has libc registered this process's threads?  This library never registers
 * one.
 */
bool cmxi_rseq_is_registered(void);

/* The offset of a thread's struct rseq from its thread pointer. */
int32_t cmxi_rseq_offset(void);

/*
 * Does the kernel abort the section of a thread that it preempts?  Some
 * released kernels do not (arm64, 6.19 to 7.0.13), and no version number
 * tells.  Two child processes on one CPU try it, which takes some milliseconds:
 * one tick of the scheduler.
 *
 * Returns CMXI_RSEQ_WORKS or CMXI_RSEQ_BROKEN; or CMXI_RSEQ_UNTRIED where this
 * process cannot try: no child can be made, it may not choose its CPU, none of
 * the children was preempted.
 */
unsigned int cmxi_rseq_self_test(void);

/*
 * The number of CPU stripes of a segment that this process may update; 0: none.
 * The first process that can try the kernel stores the result in the header.
 */
uint32_t cmxi_rseq_usable_cpus(const struct cmxi_segment *);

#endif

/*
 * gauge_cell.h: the value of a gauge <-> the bits of its cell.
 */
#ifndef CMXI_GAUGE_CELL_H
#define CMXI_GAUGE_CELL_H

#include <math.h>

#include "base/atomic.h"
#include "segment/format.h"

/* A set value never equals "never set": every NaN is stored in one form. */
static inline uint64_t
cmxi_gauge_bits(double v)
{
	uint64_t bits = cmxi_double_to_bits(isnan(v) ? (double)NAN : v);

	return bits ^ CMXI_GAUGE_UNSET;
}

static inline double
cmxi_gauge_value(uint64_t bits)
{
	return cmxi_bits_to_double(bits ^ CMXI_GAUGE_UNSET);
}

#endif

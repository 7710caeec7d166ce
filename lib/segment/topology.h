/*
 * topology.h: how many stripes this machine needs and may use.
 */
#ifndef CMXI_TOPOLOGY_H
#define CMXI_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

struct cmxi_topology {
	uint32_t n_cpu_stripes;
	uint32_t n_fallback_stripes; /* a power of two */
};

/*
 * The stripes of a new segment: one for each possible CPU where rseq works, and
 * the fallback.
 */
struct cmxi_topology cmxi_topology_read(bool rseq_works);

/*
 * The highest number in a list such as "0-3,8-11", plus one; 0 for a text that
 * is no such list.
 */
uint32_t cmxi_topology_parse_list(const char *list);

#endif

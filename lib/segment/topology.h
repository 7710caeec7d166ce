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
 * The stripes of a new segment: one for each CPU that is present, and those of
 * the fallback, of which there are more where this program's threads have no
 * CPU stripes: the others will be of its kind.
 */
struct cmxi_topology cmxi_topology_read(bool uses_cpus);

/*
 * The highest number in a list such as "0-3,8-11", plus one; 0 for a text that
 * is no such list.
 */
uint32_t cmxi_topology_parse_list(const char *list);

#endif

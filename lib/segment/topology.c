/*
 * topology.c: how many stripes this machine needs and may use.
 */
#include "segment/topology.h"

#include <unistd.h>

#include "base/kernel_file.h"
#include "base/require.h"

#define POSSIBLE_CPUS_FILE "/sys/devices/system/cpu/possible"
#define CPUS_MAX           8192

/* At least two shards, so that threads of two CPUs need not share one. */
#define FALLBACK_MIN 2
#define FALLBACK_MAX 16

/*
 * Beside CPU stripes few processes use the fallback: those that cannot use the
 * stripes.
 */
#define FALLBACK_MAX_BESIDE_CPUS 4

uint32_t
cmxi_topology_parse_list(const char *list)
{
	uint32_t highest = 0, number = 0;
	int digits = 0;

	REQUIRE(list != NULL);
	for (const char *p = list;; p++) {
		if (*p >= '0' && *p <= '9') {
			number = number * 10 + (uint32_t)(*p - '0');
			if (++digits > 5)
				return 0;
			continue;
		}
		if (digits == 0 ||
		    (*p != '-' && *p != ',' && *p != '\n' && *p != '\0'))
			return 0;
		highest = number > highest ? number : highest;
		number = 0;
		digits = 0;
		if (*p == '\n' || *p == '\0')
			return highest + 1;
	}
}

/*
 * The CPUs that are possible, not those online: a CPU may be added later, and
 * its number may exceed the count.
 */
static uint32_t
n_possible_cpus(void)
{
	char list[256];
	uint32_t cpus;

	cmxi_kernel_file_read(POSSIBLE_CPUS_FILE, list, sizeof(list));
	cpus = cmxi_topology_parse_list(list);
	if (cpus == 0) {
		long configured = sysconf(_SC_NPROCESSORS_CONF);

		cpus = configured > 0 ? (uint32_t)configured : 1;
	}
	return cpus <= CPUS_MAX ? cpus : CPUS_MAX;
}

struct cmxi_topology
cmxi_topology_read(bool rseq_works)
{
	uint32_t n_cpus = n_possible_cpus();
	uint32_t most = rseq_works ? FALLBACK_MAX_BESIDE_CPUS : FALLBACK_MAX;
	struct cmxi_topology t = { .n_cpu_stripes = rseq_works ? n_cpus : 0,
		.n_fallback_stripes = FALLBACK_MIN };

	while (t.n_fallback_stripes < most && t.n_fallback_stripes < n_cpus)
		t.n_fallback_stripes *= 2;
	return t;
}

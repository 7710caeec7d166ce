/*
 * topology.c: how many stripes this machine needs and may use.
 */
#include "segment/topology.h"

#include <unistd.h>

#include "base/kernel_file.h"
#include "base/require.h"

#define PRESENT_CPUS_FILE "/sys/devices/system/cpu/present"
#define CPUS_MAX          8192

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

static uint32_t
n_cpus_of(const char *file)
{
	char list[256];

	cmxi_kernel_file_read(file, list, sizeof(list));
	return cmxi_topology_parse_list(list);
}

/*
 * The CPUs that are present: virtual machines say that 128 are possible where 4
 * are there, and every stripe takes memory and time of each scrape.  A CPU that
 * is added later, and has a higher number, uses the fallback.
 */
static uint32_t
n_present_cpus(void)
{
	uint32_t cpus = n_cpus_of(PRESENT_CPUS_FILE);

	if (cpus == 0) {
		long configured = sysconf(_SC_NPROCESSORS_CONF);

		cpus = configured > 0 ? (uint32_t)configured : 1;
	}
	return cpus <= CPUS_MAX ? cpus : CPUS_MAX;
}

struct cmxi_topology
cmxi_topology_read(bool uses_cpus)
{
	uint32_t n_cpus = n_present_cpus();
	uint32_t most = uses_cpus ? FALLBACK_MAX_BESIDE_CPUS : FALLBACK_MAX;
	struct cmxi_topology t = { .n_cpu_stripes = n_cpus,
		.n_fallback_stripes = FALLBACK_MIN };

	while (t.n_fallback_stripes < most && t.n_fallback_stripes < n_cpus)
		t.n_fallback_stripes *= 2;
	return t;
}

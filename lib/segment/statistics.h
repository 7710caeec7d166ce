/*
 * statistics.h: what a segment says of itself, in one table.
 *
 * The enumeration of the header's counts, the reader's list, codeai-metrics
 * info and the exporter's codeai_metricsd_segment_* all follow from it, and a
 * check compares it with codeai-metrics(7).  A new statistic is a line here, a
 * member of struct cmxr_info where no member holds it yet, its line in the
 * manual, and whoever counts it.
 */
#ifndef CMXI_STATISTICS_H
#define CMXI_STATISTICS_H

/*
 * Counts in the segment's header, in the order of the format: a new one comes
 * last.  Writers add to them, relaxed, on slow paths.
 *
 *	X(enumerator, member of struct cmxr_info, name, help)
 */
#define CMXI_HEADER_STATISTICS(X)                                             \
	X(INVALID_UPDATES, invalid_updates, "invalid_updates",                \
	    "Updates that were refused: NaN, negative, infinite, a fraction") \
	X(OVERFLOW_LOOKUPS, overflow_lookups, "overflow_lookups",             \
	    "Look-ups that were given an overflow series")                    \
	X(FAILED_LOOKUPS, failed_lookups, "failed_lookups",                   \
	    "Look-ups that were given a sink")                                \
	X(REPAIRED_LABELS, repaired_labels, "repaired_labels",                \
	    "Label values that were not UTF-8")                               \
	X(LONG_LABELS, long_labels, "long_labels",                            \
	    "Label values over the limit of 1,024 bytes")                     \
	X(NO_SPACE, no_space, "no_space",                                     \
	    "Requests for a page that the file system refused")               \
	X(LEAKED_BYTES, leaked_bytes, "leaked_bytes",                         \
	    "Bytes that races of inserts lost")                               \
	X(NO_FREE_SLOT, no_free_slot, "no_free_slot_processes",               \
	    "Processes that found all gauge slots taken")                     \
	X(DROPPED_GAUGES, dropped_gauges, "dropped_updates",                  \
	    "Gauge updates that found no slot, descriptor, memory or page")   \
	X(BAD_EXEMPLARS, bad_exemplars, "bad_exemplars",                      \
	    "Labels that no exemplar may have")                               \
	X(SLOT_DENIED, slot_denied, "slot_denied_processes",                  \
	    "Processes that may not open the segment and have no descriptor") \
	X(SLOT_BLOCKED, slot_blocked, "slot_blocked_processes",               \
	    "Processes that a read lock kept from a gauge slot")

enum cmxi_stat {
#define X(enumerator, member, name, help) CMXI_STAT_##enumerator,
	CMXI_HEADER_STATISTICS(X)
#undef X
	    CMXI_STATS
};

/*
 * What a reader finds out otherwise.
 *
 *	X(type, member of struct cmxr_info, name, help)
 */
#define CMXI_READER_STATISTICS(X)                                             \
	X(COUNTER, rseq_aborts, "rseq_aborts",                                \
	    "Updates that were tried again on their CPU")                     \
	X(COUNTER, fallback_updates, "fallback_updates",                      \
	    "Updates that a CPU made in a fallback stripe")                   \
	X(COUNTER, torn_reads, "torn_reads",                                  \
	    "Histogram cells that never held still while they were read")     \
	X(COUNTER, damaged_values, "damaged_values",                          \
	    "Values that no program stores, and that were made legal")        \
	X(GAUGE, invalid_entries, "invalid_entries",                          \
	    "Families and series that were left out as damaged")              \
	X(GAUGE, n_series, "series", "Series in the segment")                 \
	X(GAUGE, series_limit, "series_limit",                                \
	    "Series that the segment can hold")                               \
	X(GAUGE, n_families, "families", "Families in the segment")           \
	X(GAUGE, families_limit, "families_limit",                            \
	    "Families that the segment can hold")                             \
	X(GAUGE, n_live_slots, "processes",                                   \
	    "Live processes that hold a gauge slot")                          \
	X(GAUGE, n_slots, "processes_limit",                                  \
	    "Live processes that can hold a gauge slot")                      \
	X(GAUGE, n_predecessors, "predecessors",                              \
	    "Segments that this one replaced and that still have writers")    \
	X(GAUGE, apparent_bytes, "apparent_bytes", "Size of the file")        \
	X(GAUGE, allocated_bytes, "allocated_bytes",                          \
	    "Memory that the segment takes")                                  \
	X(GAUGE, arena_bytes, "arena_bytes", "Room for families and labels")  \
	X(GAUGE, arena_used_bytes, "arena_used_bytes",                        \
	    "Room for families and labels that is taken")                     \
	X(GAUGE, stripe_bytes, "stripe_bytes", "Room for values in a stripe") \
	X(GAUGE, stripe_ready_bytes, "stripe_ready_bytes",                    \
	    "Bytes of a stripe that have memory")                             \
	X(GAUGE, cell_used_bytes, "stripe_used_bytes",                        \
	    "Room for values in a stripe that is taken")                      \
	X(GAUGE, n_cpu_stripes, "cpu_stripes",                                \
	    "Stripes that belong to a CPU each")                              \
	X(GAUGE, n_fallback_stripes, "fallback_stripes",                      \
	    "Stripes for updates that no CPU stripe can take")

#endif

/*
 * format.h: the bytes of a segment.
 *
 * protocols.h says what processes may do with them, and why it is right;
 * codeai-metrics-segment(5) has the same structs for people, and a test
 * compares the two.
 *
 * EXTENSION
 *
 * version changes with every change of a struct or of a meaning in this file;
 * programs of different versions refuse each other's segments.  Reserved bytes
 * are zero.
 */
#ifndef CMXI_FORMAT_H
#define CMXI_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "segment/protocols.h"
#include "segment/statistics.h"

#define CMXI_MAGIC      "CMXSEG\r\n" /* a text-mode transfer breaks it */
#define CMXI_MAGIC_SIZE 8
#define CMXI_VERSION    3
#define CMXI_BYTE_ORDER 0x01020304u
#define CMXI_WORD_SIZE  8

#define CMXI_HEADER_SIZE 4096

/* The unit of an entry reference in bytes; reference 0 refers to nothing. */
#define CMXI_ENTRY_UNIT 16

/*
 * The first bytes of a stripe are its own statistics, so no cell has offset 0.
 */
#define CMXI_STRIPE_HEADER 64

/*
 * A gauge cell holds the bits of its double XOR this NaN, so that memory that
 * was never written reads as "never set".
 */
#define CMXI_GAUGE_UNSET UINT64_C(0x7ff8c0de0badcafe)

/* Every label of an overflow series has this value. */
#define CMXI_OVERFLOW_VALUE "__overflow__"

/* Header flags. */
#define CMXI_FLAG_PAIR_ATOMIC 1u /* 16-byte loads of the creator are atomic */
#define CMXI_FLAG_NO_FAMILIES 4u /* its schema's families were not created */
#define CMXI_FLAG_IN_MEMORY   8u /* on a file system that ends with the boot */

/*
 * Does this kernel abort a preempted section?  A header is made with UNTRIED,
 * and the first process that can try it says what it found, once.
 */
#define CMXI_RSEQ_UNTRIED 0u
#define CMXI_RSEQ_WORKS   1u /* CPU stripes may be used */
#define CMXI_RSEQ_BROKEN  2u

/*
 * struct cmxi_shm_header: the first page of a segment.
 *
 * The first CMXI_FIXED_SIZE bytes are written once, before the file has a
 * name, and never change; layout_hash covers them.  Then come the words that
 * writers change, each group on lines of its own.
 */
#define CMXI_FIXED_SIZE 512

struct cmxi_shm_header {
	char magic[CMXI_MAGIC_SIZE];
	uint32_t version;
	uint32_t header_size;
	uint32_t byte_order;
	uint32_t word_size;
	uint64_t layout_hash; /* XXH3 of the fixed bytes, this one zero */
	uint8_t boot_id[16];  /* zero: unknown */
	uint64_t created_ns;  /* CLOCK_REALTIME */
	uint64_t seed;        /* of the index's hash; random */
	uint32_t flags;       /* CMXI_FLAG_ */
	uint32_t page_size;   /* unit of reservation */
	uint64_t file_size;
	uint64_t schema_offset; /* the schema's text as accepted */
	uint64_t schema_size;
	uint64_t family_offset; /* words: tag << 32 | entry */
	uint64_t n_family_words;
	uint64_t bitmap_offset; /* a bit for each page of the index */
	uint64_t bitmap_size;
	uint64_t index_offset;  /* words: tag << 32 | entry */
	uint64_t n_index_words; /* a power of two */
	uint64_t arena_offset;
	uint64_t arena_size;
	uint64_t slot_offset;
	uint64_t n_slots;
	uint64_t stripe_offset;
	uint64_t stripe_size; /* a power of two */
	uint32_t n_cpu_stripes;
	uint32_t n_fallback_stripes; /* after the CPU stripes */
	uint64_t gauge_offset;       /* n_slots + 1 stripes, shared one last */
	uint64_t gauge_stripe_size;  /* a power of two */
	uint64_t series_limit;
	uint64_t predecessor_seed; /* 0: it replaced no other segment */
	uint64_t origin_ns;        /* created_ns of the first one of the line */
	uint64_t origin_seed; /* of the first one of the line; or its own */
	uint8_t reserved0[CMXI_FIXED_SIZE - 248];

	/*
	 * Set to 1 when the name was taken away.
	 * Written: anyone, once.  Read: by people.  Order: relaxed; it
	 * publishes nothing.
	 */
	uint64_t retired;

	/*
	 * 1: the predecessor's totals stand in the carry stripe, its first
	 * carry_size bytes, and the predecessor counts no more.
	 * Written: the holder of the APPLY lock, once.  Order: release at (Q),
	 * acquire at (R); carry_size before carried.
	 */
	uint64_t carried;
	uint64_t carry_size;

	/*
	 * Who applies a schema now: pid, start and pid namespace, the low bits
	 * of each; 0: nobody.  Order: relaxed; taken by compare-and-swap.
	 */
	uint64_t applier;

	/*
	 * Writers that hold the read lock of all instead of a write lock of
	 * their own.  Order: relaxed; raised before they write.
	 */
	uint64_t n_read_locked_writers;
	uint8_t reserved1[CMXI_CACHE_LINE - 40];

	/*
	 * Bump marks: bytes taken from the arena, from each stripe, from each
	 * gauge stripe.
	 * Order: relaxed; taking publishes nothing.
	 */
	uint64_t arena_used;
	uint64_t cell_used;
	uint64_t gauge_used;
	uint8_t reserved2[CMXI_CACHE_LINE - 24];

	/*
	 * Ready marks: below them every page exists, in every stripe.
	 * Order: release at (I) after the pages were reserved, acquire at (J)
	 * before they are used.
	 */
	uint64_t arena_ready;
	uint64_t cell_ready;
	uint8_t reserved3[CMXI_CACHE_LINE - 16];

	/*
	 * "Insert a series": entries published or under way, and published.
	 * Order: (E), (F).  n_groups counts those among the published that are
	 * groups (relaxed).
	 */
	uint64_t inserts_begun;
	uint64_t inserts_done;
	uint64_t n_groups;
	uint8_t reserved4[CMXI_CACHE_LINE - 24];

	uint64_t stats[CMXI_STATS];
	uint8_t reserved5[CMXI_CACHE_LINE - 8 * CMXI_STATS];

	/* Tickets for fallback shards; relaxed, any value will do. */
	uint64_t shard_ticket;

	/*
	 * Slots that were ever claimed have numbers below slots_used; slot_hint
	 * was claimed last.
	 * Order: relaxed; they shorten searches and publish nothing.
	 */
	uint64_t slots_used;
	uint64_t slot_hint;

	/* CMXI_RSEQ_; relaxed: stripes that nobody used are zero. */
	uint64_t rseq;
	uint8_t reserved6[CMXI_CACHE_LINE - 32];

	uint8_t
	    reserved7[CMXI_HEADER_SIZE - CMXI_FIXED_SIZE - 6 * CMXI_CACHE_LINE];
};

static_assert(sizeof(struct cmxi_shm_header) == CMXI_HEADER_SIZE, "header");
static_assert(offsetof(struct cmxi_shm_header, version) == 8, "header");
static_assert(offsetof(struct cmxi_shm_header, layout_hash) == 24, "header");
static_assert(offsetof(struct cmxi_shm_header, boot_id) == 32, "header");
static_assert(offsetof(struct cmxi_shm_header, flags) == 64, "header");
static_assert(offsetof(struct cmxi_shm_header, file_size) == 72, "header");
static_assert(offsetof(struct cmxi_shm_header, family_offset) == 96, "header");
static_assert(offsetof(struct cmxi_shm_header, index_offset) == 128, "header");
static_assert(offsetof(struct cmxi_shm_header, arena_offset) == 144, "header");
static_assert(offsetof(struct cmxi_shm_header, slot_offset) == 160, "header");
static_assert(offsetof(struct cmxi_shm_header, stripe_offset) == 176, "header");
static_assert(offsetof(struct cmxi_shm_header, n_cpu_stripes) == 192, "header");
static_assert(offsetof(struct cmxi_shm_header, gauge_offset) == 200, "header");
static_assert(offsetof(struct cmxi_shm_header, series_limit) == 216, "header");
static_assert(offsetof(struct cmxi_shm_header, predecessor_seed) == 224,
    "header");
static_assert(offsetof(struct cmxi_shm_header, retired) == CMXI_FIXED_SIZE,
    "the fixed bytes end where the changing ones begin");
static_assert(offsetof(struct cmxi_shm_header, carried) == 520, "header");
static_assert(offsetof(struct cmxi_shm_header, arena_used) == 640, "header");
static_assert(offsetof(struct cmxi_shm_header, arena_ready) == 768, "header");
static_assert(offsetof(struct cmxi_shm_header, inserts_begun) == 896, "header");
static_assert(offsetof(struct cmxi_shm_header, stats) == 1024, "header");
static_assert(offsetof(struct cmxi_shm_header, shard_ticket) == 1152, "header");

/*
 * struct cmxi_shm_family: the record of a family, in the arena, on a cache
 * line boundary.  Everything but the last line is immutable once published.
 *
 * Behind it: the bounds of the cells, padded with +Inf to a multiple of
 * CMXI_BOUNDS_PAD; then, of a native family, the bounds that are shown; then
 * the texts, each with its NUL: name, help, unit, label names.
 */
#define CMXI_BOUNDS_PAD 8

struct cmxi_shm_family {
	uint32_t size; /* bytes of the whole record */
	uint8_t type;  /* enum cmx_type */
	uint8_t aggregate;
	uint8_t is_double;
	uint8_t reserved0;
	uint16_t n_labels;
	uint16_t n_bounds;
	uint32_t max_series;
	uint32_t cell_size;   /* bytes of a series in one stripe */
	uint32_t text_offset; /* from the record's start */
	uint32_t overflow;    /* entry of the overflow series */
	uint32_t reserved1;
	uint64_t created_ns;
	uint8_t is_native;
	uint8_t has_exemplars;
	int8_t native_schema;
	uint8_t reserved4;
	uint16_t n_declared; /* classic bounds of the definition */
	uint16_t n_shown;    /* bounds that text formats show */
	double native_min;
	double native_max;
	uint8_t reserved2[CMXI_CACHE_LINE - 64];

	/*
	 * Series of this family, the overflow series not counted, and look-ups
	 * that were sent to it.  Written: any writer that inserts.
	 * Order: relaxed; they publish nothing.
	 */
	uint64_t n_series;
	uint64_t overflow_lookups;
	uint8_t reserved3[CMXI_CACHE_LINE - 16];
};

static_assert(sizeof(struct cmxi_shm_family) == 256, "family");
static_assert(offsetof(struct cmxi_shm_family, is_native) == 40, "family");
static_assert(offsetof(struct cmxi_shm_family, native_max) == 56, "family");
static_assert(offsetof(struct cmxi_shm_family, n_labels) == 8, "family");
static_assert(offsetof(struct cmxi_shm_family, max_series) == 12, "family");
static_assert(offsetof(struct cmxi_shm_family, cell_size) == 16, "family");
static_assert(offsetof(struct cmxi_shm_family, text_offset) == 20, "family");
static_assert(offsetof(struct cmxi_shm_family, overflow) == 24, "family");
static_assert(offsetof(struct cmxi_shm_family, created_ns) == 32, "family");
static_assert(offsetof(struct cmxi_shm_family, n_series) == 128, "family");

/*
 * struct cmxi_shm_series: the entry of a series, in the arena, immutable once
 * published.
 *
 * key: the family's entry reference (u32), then for each label a u16 length
 * and the bytes, all in the machine's byte order.
 */
struct cmxi_shm_series {
	uint64_t hash;
	uint64_t cell_offset; /* in a stripe; of a gauge: in a gauge stripe */
	uint64_t created_ns;
	uint32_t key_size;
	uint32_t key_family; /* the key begins here, its labels follow */
};

/*
 * struct cmxi_shm_exemplar: behind the entry of a series whose family has
 * exemplars, on a multiple of 64, one slot for each shown bucket and for
 * +Inf, or one for a counter.
 */
struct cmxi_shm_exemplar {
	uint64_t check; /* XXH3 of what follows, the last bit set; 0: none */
	double value;
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t size;    /* bytes of pairs */
	uint32_t n_pairs;
	char pairs[160]; /* name and value, each with its NUL */
};

static_assert(sizeof(struct cmxi_shm_exemplar) == 192, "exemplar");
static_assert(offsetof(struct cmxi_shm_exemplar, pairs) == 32, "exemplar");

/*
 * A group is an entry that names no series: it holds the cell offsets of
 * several series that one helper updates together (kit/codeai.c), so that the
 * helper looks up once.  Its key_family is 4 * number + 1.  Records are aligned
 * to 64 bytes, so the reference of a family is a multiple of 4 and never equals
 * it.  The cell offsets follow the key, on a multiple of 8.  Readers skip
 * groups.
 */
#define CMXI_GROUP(number) ((uint32_t)(number)*4 + 1)
#define CMXI_IS_GROUP(ref) (((ref)&3) == 1)

#define CMXI_KEY_OFFSET offsetof(struct cmxi_shm_series, key_family)

/* Exemplars begin on a multiple of 64 bytes, wherever their entry lies. */
#define CMXI_EXEMPLAR_ALIGN (CMXI_CACHE_LINE / 2)

/* The bytes of the arena that an entry with a key of this size takes. */
static inline uint64_t
cmxi_entry_size(size_t key_size, size_t n_exemplars)
{
	uint64_t n = cmxi_round_up(CMXI_KEY_OFFSET + key_size, CMXI_ENTRY_UNIT);

	if (n_exemplars > 0)
		n += n_exemplars * sizeof(struct cmxi_shm_exemplar) +
		    CMXI_EXEMPLAR_ALIGN;
	return n;
}

/* The offset in the arena of the exemplars of an entry, after its key. */
static inline uint64_t
cmxi_exemplars_offset(uint32_t ref, size_t key_size)
{
	return cmxi_round_up((uint64_t)ref * CMXI_ENTRY_UNIT + CMXI_KEY_OFFSET +
		key_size,
	    CMXI_EXEMPLAR_ALIGN);
}

static_assert(sizeof(struct cmxi_shm_series) == 32, "series");
static_assert(offsetof(struct cmxi_shm_series, key_size) == 24, "series");
static_assert(CMXI_KEY_OFFSET == 28, "series");

/*
 * struct cmxi_shm_slot: a process's place for gauges.
 *
 * The truth about a slot is its beacon, the write lock on the byte
 * CMXI_BEACON_BYTE(number).  What else it says of the process is for
 * people, and lets a reader find it under /proc without mistaking another
 * for it.
 */
#define CMXI_ROLE_SIZE    40 /* with its NUL; a multiple of 8 */
#define CMXI_COMMAND_SIZE 40

struct cmxi_shm_slot {
	/*
	 * Odd while the new owner wipes the gauge stripe.
	 * Written: the owner.  Order: a seqlock, (M) to (P).
	 */
	uint32_t generation;
	uint32_t pid;
	uint64_t claimed_ns;
	/*
	 * Bytes of the slot's gauge stripe that have pages; only grows, over
	 * all owners.  Order: release at (K), acquire at (L).
	 */
	uint64_t ready;
	uint64_t start_ticks;   /* of the process since the boot; or 0 */
	uint64_t pid_namespace; /* inode of /proc/PID/ns/pid; or 0 */
	/*
	 * Odd while the owner changes its role.
	 * Order: a seqlock, (M) to (P).
	 */
	uint32_t role_version;
	uint32_t reserved;
	char role[CMXI_ROLE_SIZE];
	char command[CMXI_COMMAND_SIZE];
};

static_assert(sizeof(struct cmxi_shm_slot) == 128, "slot");
static_assert(offsetof(struct cmxi_shm_slot, claimed_ns) == 8, "slot");
static_assert(offsetof(struct cmxi_shm_slot, ready) == 16, "slot");
static_assert(offsetof(struct cmxi_shm_slot, start_ticks) == 24, "slot");
static_assert(offsetof(struct cmxi_shm_slot, role_version) == 40, "slot");
static_assert(offsetof(struct cmxi_shm_slot, role) == 48, "slot");
static_assert(offsetof(struct cmxi_shm_slot, command) == 88, "slot");

/* struct cmxi_shm_stripe: the first bytes of a stripe. */
struct cmxi_shm_stripe {
	uint64_t rseq_aborts;      /* sections that were tried again */
	uint64_t fallback_updates; /* updates of this CPU made elsewhere */
	uint8_t reserved[CMXI_STRIPE_HEADER - 16];
};

static_assert(sizeof(struct cmxi_shm_stripe) == CMXI_STRIPE_HEADER, "stripe");

#endif

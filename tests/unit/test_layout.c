#include "test.h"

#include "segment/family_record.h"
#include "segment/layout.h"

static struct cmxi_shm_header
make_header(uint64_t series, uint32_t n_cpus)
{
	struct cmxi_shm_header h;
	const struct cmxi_layout_input in = { .series = series,
		.families = 10,
		.processes = 5,
		.label_bytes = 10000,
		.schema_size = 3000,
		.largest_cell = 200,
		.n_cpu_stripes = n_cpus,
		.n_fallback_stripes = 2,
		.page_size = 4096 };

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, CMXI_MAGIC, CMXI_MAGIC_SIZE);
	h.version = CMXI_VERSION;
	h.seed = 1;
	h.header_size = CMXI_HEADER_SIZE;
	h.byte_order = CMXI_BYTE_ORDER;
	h.word_size = CMXI_WORD_SIZE;
	assert_int_equal(cmxi_layout_compute(&in, &h, NULL), 0);
	h.layout_hash = cmxi_layout_hash(&h);
	return h;
}

/* No region reaches into the next, and the last ends with the file. */
static void
assert_sound(const struct cmxi_shm_header *h)
{
	assert_true(h->schema_offset >= CMXI_HEADER_SIZE);
	assert_true(h->family_offset >= h->schema_offset + h->schema_size);
	assert_true(
	    h->bitmap_offset >= h->family_offset + 8 * h->n_family_words);
	assert_true(h->index_offset >= h->bitmap_offset + h->bitmap_size);
	assert_true(h->bitmap_size * 8 * h->page_size >= h->n_index_words * 8);
	assert_true(h->arena_offset >= h->index_offset + 8 * h->n_index_words);
	assert_true(h->slot_offset >= h->arena_offset + h->arena_size);
	assert_true(h->stripe_offset >=
	    h->slot_offset + h->n_slots * sizeof(struct cmxi_shm_slot));
	assert_int_equal(h->gauge_offset,
	    h->stripe_offset +
		(h->n_cpu_stripes + h->n_fallback_stripes + 1) *
		    h->stripe_size);
	assert_int_equal(h->file_size,
	    h->gauge_offset + (h->n_slots + 1) * h->gauge_stripe_size);
	assert_true(h->n_index_words >= 2 * h->series_limit);
	assert_int_equal(h->stripe_offset % h->page_size, 0);
}

TEST(regions_follow_each_other_without_overlap)
{
	for (uint64_t series = 1; series <= 1u << 20; series *= 3) {
		struct cmxi_shm_header h = make_header(series, 7);

		assert_sound(&h);
		assert_true(h.stripe_size >= series * 200);
	}
}

TEST(a_header_that_was_just_made_is_accepted)
{
	struct cmxi_shm_header h = make_header(1000, 2);

	assert_int_equal(cmxi_layout_check(&h, h.file_size, "x", NULL), 0);
}

TEST(a_segment_beyond_the_address_space_is_refused_with_its_size)
{
	const struct cmxi_layout_input in = { .series = 1u << 25,
		.families = 10,
		.processes = 65536,
		.label_bytes = 10000,
		.largest_cell = 32304,
		.n_cpu_stripes = 8192,
		.n_fallback_stripes = 64,
		.page_size = 4096 };
	struct cmxi_shm_header h;
	struct cmx_error err;

	memset(&h, 0, sizeof(h));
	assert_int_equal(cmxi_layout_compute(&in, &h, &err), CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "lower limits.series"));
	assert_non_null(strstr(err.text, "33554432 series"));
}

TEST(a_shorter_file_is_refused_with_both_sizes)
{
	struct cmxi_shm_header h = make_header(1000, 2);
	struct cmx_error err;
	char number[32];

	assert_int_equal(cmxi_layout_check(&h, h.file_size - 1, "x", &err),
	    CMX_ERR_FORMAT);
	snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)h.file_size);
	assert_non_null(strstr(err.text, number));
}

TEST(every_flipped_bit_of_the_fixed_bytes_is_refused)
{
	for (size_t i = 0; i < CMXI_FIXED_SIZE * 8; i++) {
		struct cmxi_shm_header h = make_header(1000, 2);

		((unsigned char *)&h)[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_true(cmxi_layout_check(&h, UINT64_MAX, "x", NULL) < 0);
	}
}

/* A forger knows the hash: sizes and offsets are judged for themselves. */
TEST(forged_numbers_are_refused_or_sound)
{
	const size_t first = offsetof(struct cmxi_shm_header, page_size);
	uint64_t random = 3;

	for (int i = 0; i < test_rounds(200000); i++) {
		struct cmxi_shm_header h = make_header(1000, 2), forged = h;
		size_t at = first + test_random(&random) % 160;
		uint64_t value =
		    test_random(&random) >> test_random(&random) % 64;

		at -= at % 4;
		if (at + 8 > offsetof(struct cmxi_shm_header, series_limit))
			continue;
		memcpy((unsigned char *)&forged + at, &value, sizeof(value));
		forged.layout_hash = cmxi_layout_hash(&forged);
		if (cmxi_layout_check(&forged, h.file_size, "x", NULL) == 0)
			assert_sound(&forged);
	}
}

TEST(mismatches_name_what_was_found_and_what_is_wanted)
{
	struct cmxi_shm_header h = make_header(1000, 2);
	struct cmx_error err;

	h.version = 77;
	assert_int_equal(cmxi_layout_check(&h, h.file_size, "name", &err),
	    CMX_ERR_MISMATCH);
	assert_non_null(strstr(err.text,
	    "name: version is 77, this program "
	    "has 3"));
}

/* The tables of the manual are this program's. */
#define FIELD(type, field)                                              \
	{                                                               \
#type, #field, offsetof(struct cmxi_shm_##type, field), \
		    sizeof(((struct cmxi_shm_##type *)NULL)->field)     \
	}

TEST(the_manual_has_the_offset_and_size_of_every_field)
{
	static const struct {
		const char *type, *field;
		size_t offset, size;
	} fields[] = {
		FIELD(header, magic),
		FIELD(header, version),
		FIELD(header, header_size),
		FIELD(header, byte_order),
		FIELD(header, word_size),
		FIELD(header, layout_hash),
		FIELD(header, boot_id),
		FIELD(header, created_ns),
		FIELD(header, seed),
		FIELD(header, flags),
		FIELD(header, page_size),
		FIELD(header, file_size),
		FIELD(header, schema_offset),
		FIELD(header, schema_size),
		FIELD(header, family_offset),
		FIELD(header, n_family_words),
		FIELD(header, bitmap_offset),
		FIELD(header, bitmap_size),
		FIELD(header, index_offset),
		FIELD(header, n_index_words),
		FIELD(header, arena_offset),
		FIELD(header, arena_size),
		FIELD(header, slot_offset),
		FIELD(header, n_slots),
		FIELD(header, stripe_offset),
		FIELD(header, stripe_size),
		FIELD(header, n_cpu_stripes),
		FIELD(header, n_fallback_stripes),
		FIELD(header, gauge_offset),
		FIELD(header, gauge_stripe_size),
		FIELD(header, series_limit),
		FIELD(header, predecessor_seed),
		FIELD(header, origin_ns),
		FIELD(header, origin_seed),
		FIELD(header, retired),
		FIELD(header, carried),
		FIELD(header, carry_size),
		FIELD(header, applier),
		FIELD(header, n_read_locked_writers),
		FIELD(header, arena_used),
		FIELD(header, cell_used),
		FIELD(header, gauge_used),
		FIELD(header, arena_ready),
		FIELD(header, cell_ready),
		FIELD(header, inserts_begun),
		FIELD(header, inserts_done),
		FIELD(header, n_groups),
		FIELD(header, stats),
		FIELD(header, shard_ticket),
		FIELD(header, slots_used),
		FIELD(header, slot_hint),
		FIELD(header, rseq),
		FIELD(family, size),
		FIELD(family, type),
		FIELD(family, aggregate),
		FIELD(family, is_double),
		FIELD(family, n_labels),
		FIELD(family, n_bounds),
		FIELD(family, max_series),
		FIELD(family, cell_size),
		FIELD(family, text_offset),
		FIELD(family, overflow),
		FIELD(family, created_ns),
		FIELD(family, is_native),
		FIELD(family, has_exemplars),
		FIELD(family, native_schema),
		FIELD(family, n_declared),
		FIELD(family, n_shown),
		FIELD(family, native_min),
		FIELD(family, native_max),
		FIELD(family, n_series),
		FIELD(family, overflow_lookups),
		FIELD(series, hash),
		FIELD(series, cell_offset),
		FIELD(series, created_ns),
		FIELD(series, key_size),
		FIELD(series, key_family),
		FIELD(exemplar, check),
		FIELD(exemplar, value),
		FIELD(exemplar, time_ns),
		FIELD(exemplar, size),
		FIELD(exemplar, n_pairs),
		FIELD(exemplar, pairs),
		FIELD(slot, generation),
		FIELD(slot, pid),
		FIELD(slot, claimed_ns),
		FIELD(slot, ready),
		FIELD(slot, start_ticks),
		FIELD(slot, pid_namespace),
		FIELD(slot, role_version),
		FIELD(slot, role),
		FIELD(slot, command),
		FIELD(stripe, rseq_aborts),
		FIELD(stripe, fallback_updates),
	};
	char *page = test_read_file("man/codeai-metrics-segment.5");
	char line[128];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(line, sizeof(line), ".It %zu Ta %zu Ta %s.%s Ta",
		    fields[i].offset, fields[i].size, fields[i].type,
		    fields[i].field);
		if (strstr(page, line) == NULL)
			fail_msg("codeai-metrics-segment.5 lacks: %s", line);
	}
	free(page);
}

TEST(definitions_survive_their_record)
{
	static const char *const labels[] = { "method", "path" };
	static const double bounds[] = { 0.1, 0.25, 5 };
	const struct cmx_family_def def = { .name = "a_seconds",
		.help = "Help \"x\"\n",
		.unit = "seconds",
		.type = CMX_HISTOGRAM,
		.n_labels = 2,
		.labels = labels,
		.n_bounds = 3,
		.bounds = bounds,
		.max_series = 9 };
	struct cmxi_shm_family *record =
	    aligned_alloc(64, (cmxi_family_record_size(&def) / 64 + 1) * 64);
	struct cmxi_definition d;
	const double *padded;

	cmxi_family_record_encode(&def, record);
	assert_true(cmxi_family_record_decode(record, record->size, &d));
	assert_string_equal(d.def.name, def.name);
	assert_string_equal(d.def.help, def.help);
	assert_string_equal(d.def.unit, def.unit);
	assert_string_equal(d.def.labels[1], "path");
	assert_int_equal(d.def.n_bounds, 3);
	assert_int_equal(d.def.max_series, 9);
	assert_int_equal(record->cell_size, 4 * 16);
	padded = cmxi_family_record_bounds(record);
	assert_double(padded[2], 5);
	for (int i = 3; i < CMXI_BOUNDS_PAD; i++)
		assert_true(padded[i] > 1e308);
	free(record);
}

TEST(damaged_records_are_refused_or_well_formed)
{
	static const char *const labels[] = { "method", "path" };
	const struct cmx_family_def def = { .name = "a_total",
		.help = "Help",
		.type = CMX_COUNTER,
		.n_labels = 2,
		.labels = labels };
	size_t size = cmxi_family_record_size(&def);
	uint64_t random = 11;

	for (int i = 0; i < test_rounds(200000); i++) {
		/* Exactly the record, so that valgrind sees every overrun. */
		struct cmxi_shm_family *record = malloc(size);
		struct cmxi_definition d;

		cmxi_family_record_encode(&def, record);
		for (int j = 0; j < 1 + i % 3; j++)
			((unsigned char *)record)[test_random(&random) % size] =
			    (unsigned char)test_random(&random);
		if (cmxi_family_record_decode(record, size, &d)) {
			assert_true(strlen(d.def.name) > 0);
			for (size_t j = 0; j < d.def.n_labels; j++)
				assert_true(strlen(d.def.labels[j]) > 0);
		}
		free(record);
	}
}

/*
 * Native histograms: where their buckets are, and what each format shows.
 */
#include "metrics.h"

#include <float.h>
#include <math.h>

#include "family/native_buckets.h"

TEST(keys_are_those_of_the_specification)
{
	static const struct {
		double v;
		int schema;
		int32_t key;
	} rows[] = {
		{ DBL_MAX, 0, 1024 },
		{ 5e-324, 0, -1074 },
		{ 1, 0, 0 },
		{ 1.0000001, 0, 1 },
		{ 2, 0, 1 },
		{ DBL_MAX, 3, 8192 },
		{ 5e-324, 3, -8592 },
		{ 0.001, 3, -79 },
		{ 0.3, 3, -13 },
		{ 10, 3, 27 },
		{ 1, 3, 0 },
		{ 1, 8, 0 },
		{ 1, -4, 0 },
		{ 1.5, -4, 1 },
		{ 65536, -4, 1 },
		{ 65537, -4, 2 },
		{ 1.0 / 65536, -4, -1 },
		{ 3, -1, 1 },
		{ 4, -1, 1 },
		{ 5, -1, 2 },
		{ 0.25, -1, -1 },
		{ 0.2, -1, -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cmxi_native_key(rows[i].v, rows[i].schema) != rows[i].key)
			fail_msg("%g in schema %d: key %d, wanted %d",
			    rows[i].v, rows[i].schema,
			    (int)cmxi_native_key(rows[i].v, rows[i].schema),
			    (int)rows[i].key);
}

/* A bound is the last value of its bucket; the next value is in the next. */
TEST(bounds_end_their_buckets)
{
	for (int schema = CMXI_NATIVE_SCHEMA_MIN;
	     schema <= CMXI_NATIVE_SCHEMA_MAX; schema++)
		for (int32_t key = -900; key < 900; key++) {
			double bound;

			if (schema < 0 && abs(key) << -schema > 900)
				continue;
			bound = cmxi_native_bound(key, schema);
			assert_int_equal(cmxi_native_key(bound, schema), key);
			assert_int_equal(
			    cmxi_native_key(nextafter(bound, HUGE_VAL), schema),
			    key + 1);
		}
	assert_true(cmxi_native_bound(1024, 0) == DBL_MAX);
	assert_true(cmxi_native_bound(-8, 3) == 0.5);
}

/* A value's bucket at half the resolution is that of its key. */
TEST(coarser_keys_are_those_of_the_coarser_schema)
{
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 100000; i++) {
		double v;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		v = ldexp((double)(seed >> 11 | 1), (int)(seed % 200) - 150);
		for (int s = CMXI_NATIVE_SCHEMA_MAX; s > CMXI_NATIVE_SCHEMA_MIN;
		     s--)
			assert_int_equal(cmxi_native_coarser(
					     cmxi_native_key(v, s)),
			    cmxi_native_key(v, s - 1));
	}
}

#define NATIVE "\"native\":{\"schema\":2,\"min\":0.01,\"max\":100}"
#define HISTOGRAM(more) \
	"{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\"," more "}"

static struct cmxr_series
only_series(struct cmxr_reader *reader, struct cmxr_family *family)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_series series;
	size_t cursor = 0;

	cmxr_show_processes(reader, false);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	cmxr_snapshot_family(snapshot, 0, family);
	assert_true(cmxr_series_next(snapshot, 0, &cursor, &series));
	return series;
}

TEST(observations_are_in_the_cell_between_its_bounds)
{
	struct fixture f =
	    fixture_open("", HISTOGRAM(NATIVE ",\"buckets\":[0.5,1,7,1000]"));
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmxr_reader *reader;
	struct cmxr_family family;
	struct cmxr_series s;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	s = only_series(reader, &family);
	/* 0.5 and 1 are bounds of both kinds; 7 and 1000 cut. */
	assert_int_equal(family.n_bounds, 4);
	assert_int_equal(s.n_cells, family.n_cell_bounds + 1);
	for (size_t i = 0; i <= family.n_cell_bounds; i++) {
		double above = i > 0 ? family.cell_bounds[i - 1] : 0;

		if (i < family.n_cell_bounds)
			cmx_histogram_observe(&h, family.cell_bounds[i]);
		cmx_histogram_observe(&h, nextafter(above, HUGE_VAL));
		s = only_series(reader, &family);
		assert_true(
		    s.cells[i].count == (i < family.n_cell_bounds ? 2 : 1));
	}
	assert_int_equal(s.count, 2 * family.n_cell_bounds + 1);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(text_has_the_classic_buckets_or_powers_of_two)
{
	struct fixture f = fixture_open("", HISTOGRAM(NATIVE));
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);

	cmx_histogram_observe(&h, 0);
	cmx_histogram_observe(&h, 0.3);
	cmx_histogram_observe(&h, 1);
	cmx_histogram_observe(&h, 1e9);
	assert_shows(f.segment_path, "h_bucket{le=\"0.015625\"} 1");
	assert_shows(f.segment_path, "h_bucket{le=\"0.25\"} 1");
	assert_shows(f.segment_path, "h_bucket{le=\"0.5\"} 2");
	assert_shows(f.segment_path, "h_bucket{le=\"1\"} 3");
	assert_shows(f.segment_path, "h_bucket{le=\"64\"} 3");
	assert_shows(f.segment_path, "h_bucket{le=\"+Inf\"} 4");
	assert_shows(f.segment_path, "h_count 4");
	fixture_close(&f);
}

TEST(what_is_below_zero_is_invalid)
{
	struct fixture f = fixture_open("", HISTOGRAM(NATIVE));
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);

	cmx_histogram_observe(&h, -1e-300);
	cmx_histogram_observe(&h, -5);
	assert_shows(f.segment_path, "h_count 0");
	assert_int_equal(info(f.segment_path).invalid_updates, 2);
	fixture_close(&f);
}

TEST(a_definition_with_native_buckets_is_compared_with_them)
{
	struct fixture f = fixture_open("", HISTOGRAM(NATIVE));
	struct cmx_family_def def = { .name = "h",
		.help = "h",
		.type = CMX_HISTOGRAM,
		.is_native = true,
		.native_schema = 2,
		.native_min = 0.01,
		.native_max = 100 };

	assert_int_equal(cmx_register(f.reg, &def, NULL, NULL), 0);
	def.native_schema = 3;
	assert_int_equal(cmx_register(f.reg, &def, NULL, NULL),
	    CMX_ERR_CONFLICT);
	def.native_schema = 2;
	def.native_max = 101;
	assert_int_equal(cmx_register(f.reg, &def, NULL, NULL),
	    CMX_ERR_CONFLICT);
	fixture_close(&f);
}

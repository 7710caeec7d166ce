/*
 * test_table.c: values that no segment holds.
 */
#include <math.h>

#include <codeai/metrics_reader.h>

#include "test.h"

static struct cmxr_table *
table_of(size_t n_labels, const char *const *labels)
{
	struct cmxr_table *table;
	struct cmx_error error;

	assert_int_equal(cmxr_table_new(n_labels, labels, &table, &error), 0);
	return table;
}

static void
assert_text(const struct cmxr_table *table, enum cmxr_format format,
    const char *expected)
{
	const struct cmxr_input input = { .snapshot =
					      cmxr_table_snapshot(table) };
	struct cmxr_buffer text = { 0 };
	struct cmx_error error;

	assert_int_equal(cmxr_encode(&input, 1, format, NULL, &text, &error),
	    0);
	assert_int_equal(text.size, strlen(expected));
	assert_memory_equal(text.data, expected, text.size);
	cmxr_buffer_free(&text);
}

static const char *const disk[] = { "disk", "host" };

TEST(a_table_is_shown_as_families_of_rows)
{
	struct cmxr_table *t = table_of(2, disk);
	struct cmx_error error;
	int size =
	    cmxr_table_add_family(t, "disk_bytes", "Size", CMX_GAUGE, &error);
	int reads = cmxr_table_add_family(t, "disk_reads_total", NULL,
	    CMX_COUNTER, &error);
	int sda = cmxr_table_add_row(t,
	    (const char *const[]){ "s\"d\\a\n", "" }, &error);
	int sdb =
	    cmxr_table_add_row(t, (const char *const[]){ "sdb", "x" }, &error);

	cmxr_table_set(t, sda, size, 1.5);
	cmxr_table_set(t, sda, reads, 4294967296.0);
	cmxr_table_set(t, sdb, size, -1);
	assert_text(t, CMXR_TEXT,
	    "# HELP disk_bytes Size\n"
	    "# TYPE disk_bytes gauge\n"
	    "disk_bytes{disk=\"s\\\"d\\\\a\\n\",host=\"\"} 1.5\n"
	    "disk_bytes{disk=\"sdb\",host=\"x\"} -1\n"
	    "# HELP disk_reads_total \n"
	    "# TYPE disk_reads_total counter\n"
	    "disk_reads_total{disk=\"s\\\"d\\\\a\\n\",host=\"\"} 4294967296\n");
	cmxr_table_set(t, sda, size, NAN);
	cmxr_table_set(t, sda, reads, NAN);
	assert_text(t, CMXR_OPENMETRICS,
	    "# HELP disk_bytes Size\n"
	    "# TYPE disk_bytes gauge\n"
	    "disk_bytes{disk=\"sdb\",host=\"x\"} -1\n"
	    "# HELP disk_reads \n"
	    "# TYPE disk_reads counter\n"
	    "# EOF\n");
	cmxr_table_free(t);
}

TEST(a_table_without_labels_has_one_row)
{
	struct cmxr_table *t = table_of(0, NULL);
	struct cmx_error error;
	int up =
	    cmxr_table_add_family(t, "up_seconds", "Up", CMX_GAUGE, &error);

	cmxr_table_set(t, 0, up, 7);
	assert_text(t, CMXR_TEXT,
	    "# HELP up_seconds Up\n# TYPE up_seconds gauge\nup_seconds 7\n");
	assert_int_equal(cmxr_table_add_row(t, NULL, &error), CMX_ERR_ARGUMENT);
	cmxr_table_free(t);
}

TEST(a_table_that_is_cleared_takes_the_same_rows_again)
{
	struct cmxr_table *t = table_of(2, disk);
	struct cmx_error error;
	int size =
	    cmxr_table_add_family(t, "disk_bytes", "", CMX_GAUGE, &error);
	char name[16];
	const char *values[] = { name, "x" };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "%d", i);
			cmxr_table_set(t, cmxr_table_add_row(t, values, &error),
			    size, i);
		}
		assert_int_equal(cmxr_table_add_row(t, values, &error),
		    CMX_ERR_EXISTS);
		cmxr_table_clear(t);
	}
	assert_text(t, CMXR_TEXT,
	    "# HELP disk_bytes \n# TYPE disk_bytes gauge\n");
	cmxr_table_free(t);
}

TEST(a_table_refuses_what_no_format_carries)
{
	static const char *const reserved[] = { "__a" };
	static const char *const twice[] = { "a", "a" };
	struct cmxr_table *t;
	struct cmx_error error;
	int row;

	assert_int_equal(cmxr_table_new(1, reserved, &t, &error),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_table_new(2, twice, &t, &error),
	    CMX_ERR_ARGUMENT);
	t = table_of(2, disk);
	assert_int_equal(cmxr_table_add_family(t, "a b", "", CMX_GAUGE, &error),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_table_add_family(t, "a", "", CMX_HISTOGRAM,
			     &error),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_table_add_family(t, "a", "", CMX_GAUGE, &error),
	    0);
	assert_int_equal(cmxr_table_add_family(t, "a", "", CMX_GAUGE, &error),
	    CMX_ERR_EXISTS);
	row =
	    cmxr_table_add_row(t, (const char *const[]){ "\xff", "" }, &error);
	assert_int_equal(row, CMX_ERR_ARGUMENT);
	/* A number of no row, no family. */
	cmxr_table_set(t, row, 0, 1);
	cmxr_table_set(t, 0, 0, 1);
	cmxr_table_set(t, 1, 0, 1);
	cmxr_table_set(t, 0, -1, 1);
	assert_text(t, CMXR_TEXT, "# HELP a \n# TYPE a gauge\n");
	cmxr_table_free(t);
}

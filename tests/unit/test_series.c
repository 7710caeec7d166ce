/*
 * The index: found, made once, limited, repaired; by many processes at once.
 */
#include "metrics.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/hash.h"

#define METRICS                                                        \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","   \
	"\"labels\":[\"x\",\"y\"]},"                                   \
	"{\"name\":\"few_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"],\"max_series\":3},"                        \
	"{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"}"

TEST(the_same_values_are_the_same_series)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a = counter(f.reg, "a_total", 2, VALUES("1", "2"));
	struct cmx_counter b = counter(f.reg, "a_total", 2, VALUES("1", "2"));
	struct cmx_counter c = counter(f.reg, "a_total", 2, VALUES("12", ""));

	assert_ptr_equal(a.cell, b.cell);
	assert_ptr_not_equal(a.cell, c.cell);
	fixture_close(&f);
}

TEST(values_are_told_apart_by_their_borders)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a = counter(f.reg, "a_total", 2, VALUES("ab", "c"));
	struct cmx_counter b = counter(f.reg, "a_total", 2, VALUES("a", "bc"));

	assert_ptr_not_equal(a.cell, b.cell);
	fixture_close(&f);
}

TEST(empty_and_null_values_are_one_and_legal)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a = counter(f.reg, "a_total", 2, VALUES("", "z"));
	struct cmx_counter b = counter(f.reg, "a_total", 2, VALUES(NULL, "z"));

	assert_ptr_equal(a.cell, b.cell);
	cmx_counter_inc(&a);
	assert_shows(f.segment_path, "a_total{x=\"\",y=\"z\"} 1");
	fixture_close(&f);
}

TEST(wrong_look_ups_say_why_and_give_a_sink)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_family a = family(f.reg, "a_total"), none;
	struct cmx_counter c;
	struct cmx_gauge g;
	struct cmx_error err;
	char *before = exposition(f.segment_path, CMXR_TEXT), *after;

	assert_int_equal(cmx_counter_find(&a, 1, VALUES("1"), &c, &err),
	    CMX_ERR_LABELS);
	assert_string_equal(err.text,
	    "family a_total: has 2 labels, 1 values were given");
	cmx_counter_inc(&c);
	assert_int_equal(cmx_gauge_find(&a, 2, VALUES("1", "2"), &g, &err),
	    CMX_ERR_TYPE);
	assert_string_equal(err.text,
	    "family a_total: is a counter, not a gauge");
	cmx_gauge_set(&g, 1);
	assert_int_equal(cmx_family_find(f.reg, "nothing", &none, &err),
	    CMX_ERR_NOT_FOUND);
	assert_int_equal(cmx_counter_find(&none, 0, NULL, &c, &err),
	    CMX_ERR_ARGUMENT);
	cmx_counter_add(&c, 5);
	after = exposition(f.segment_path, CMXR_TEXT);
	assert_string_equal(before, after);
	assert_int_equal(info(f.segment_path).failed_lookups, 3);
	free(before);
	free(after);
	fixture_close(&f);
}

TEST(a_full_family_counts_in_its_overflow_series)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_family few = family(f.reg, "few_total");
	struct cmx_counter c;

	for (int i = 0; i < 10; i++) {
		char value[8];
		const char *values = value;

		snprintf(value, sizeof(value), "%d", i);
		assert_int_equal(cmx_counter_find(&few, 1, &values, &c, NULL),
		    i >= 3);
		cmx_counter_inc(&c);
	}
	assert_shows(f.segment_path, "few_total{x=\"2\"} 1");
	assert_shows(f.segment_path, "few_total{x=\"__overflow__\"} 7");
	assert_int_equal(info(f.segment_path).overflow_lookups, 7);
	fixture_close(&f);
}

TEST(an_overflow_series_that_was_never_needed_is_not_shown)
{
	struct fixture f = fixture_open("", METRICS);
	char *text = exposition(f.segment_path, CMXR_TEXT);

	assert_null(strstr(text, "__overflow__"));
	assert_non_null(strstr(text, "\ng 0\n"));
	free(text);
	fixture_close(&f);
}

TEST(asking_for_the_overflow_values_gives_the_overflow_series)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_family few = family(f.reg, "few_total");
	struct cmx_counter c;

	assert_int_equal(cmx_counter_find(&few, 1, VALUES("__overflow__"), &c,
			     NULL),
	    1);
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "few_total{x=\"__overflow__\"} 1");
	fixture_close(&f);
}

TEST(a_full_segment_keeps_totals_exact)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":100},", METRICS);
	struct cmx_family a = family(f.reg, "a_total");
	int n_overflow = 0;

	for (int i = 0; i < 1000; i++) {
		struct cmx_counter c;
		char value[8];

		snprintf(value, sizeof(value), "%d", i);
		n_overflow +=
		    cmx_counter_find(&a, 2, VALUES(value, "-"), &c, NULL);
		cmx_counter_inc(&c);
	}
	assert_int_equal(n_overflow, 900);
	assert_shows(f.segment_path,
	    "a_total{x=\"__overflow__\",y=\"__overflow__\"} 900");
	fixture_close(&f);
}

TEST(bytes_that_are_not_utf8_are_replaced_and_counted)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter a =
	    counter(f.reg, "a_total", 2, VALUES("a\xff", "ok"));
	struct cmx_counter b =
	    counter(f.reg, "a_total", 2, VALUES("a\xfe", "ok"));

	assert_ptr_equal(a.cell, b.cell);
	cmx_counter_inc(&a);
	assert_shows(f.segment_path, "a_total{x=\"a\xef\xbf\xbd\",y=\"ok\"} 1");
	assert_int_equal(info(f.segment_path).repaired_labels, 2);
	fixture_close(&f);
}

TEST(long_values_are_legal_up_to_the_limit)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_family a = family(f.reg, "a_total");
	struct cmx_counter c;
	char value[CMX_LABEL_VALUE_MAX + 2];

	memset(value, 'v', sizeof(value));
	value[CMX_LABEL_VALUE_MAX] = '\0';
	assert_int_equal(cmx_counter_find(&a, 2, VALUES(value, value), &c,
			     NULL),
	    0);
	cmx_counter_inc(&c);
	value[CMX_LABEL_VALUE_MAX] = 'v';
	value[CMX_LABEL_VALUE_MAX + 1] = '\0';
	assert_int_equal(cmx_counter_find(&a, 2, VALUES(value, ""), &c, NULL),
	    1);
	/* Legal as it comes, too long once it is repaired. */
	memset(value, 0xff, CMX_LABEL_VALUE_MAX);
	value[CMX_LABEL_VALUE_MAX] = '\0';
	assert_int_equal(cmx_counter_find(&a, 2, VALUES(value, ""), &c, NULL),
	    1);
	assert_int_equal(info(f.segment_path).long_labels, 2);
	assert_int_equal(info(f.segment_path).n_series, 1);
	fixture_close(&f);
}

TEST(sixty_labels_of_a_kilobyte_are_one_series)
{
	struct fixture f = fixture_open("", METRICS);
	char names[60][8], value[1025];
	const char *labels[60], *values[60];
	struct cmx_family_def def = { .name = "wide_total",
		.help = "h",
		.type = CMX_COUNTER,
		.n_labels = 60,
		.labels = labels };
	struct cmx_family wide;
	struct cmx_counter a, b;

	memset(value, 'x', 1024);
	value[1024] = '\0';
	for (int i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "l%d", i);
		labels[i] = names[i];
		values[i] = value;
	}
	assert_int_equal(cmx_register(f.reg, &def, &wide, NULL), 0);
	assert_int_equal(cmx_counter_find(&wide, 60, values, &a, NULL), 0);
	assert_int_equal(cmx_counter_find(&wide, 60, values, &b, NULL), 0);
	assert_ptr_equal(a.cell, b.cell);
	fixture_close(&f);
}

#define N_PROCESSES 8
#define N_SERIES    10000

static int
insert_all(void *arg)
{
	const struct fixture *f = arg;
	struct cmx_family a = family(f->reg, "a_total");

	for (int i = 0; i < N_SERIES; i++) {
		struct cmx_counter c;
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		if (cmx_counter_find(&a, 2, VALUES(value, "-"), &c, NULL) != 0)
			return 1;
		cmx_counter_inc(&c);
	}
	return 0;
}

TEST(processes_that_insert_the_same_series_at_once_make_each_once)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":10010},", METRICS);
	struct cmxr_info i;
	pid_t pids[N_PROCESSES];
	char *text;
	int n = 0;

	for (int j = 0; j < N_PROCESSES; j++)
		pids[j] = test_fork(insert_all, &f);
	for (int j = 0; j < N_PROCESSES; j++)
		test_wait_ok(pids[j]);
	i = info(f.segment_path);
	assert_int_equal(i.n_series, N_SERIES);
	assert_int_equal(i.overflow_lookups, 0);
	text = exposition(f.segment_path, CMXR_TEXT);
	for (const char *p = text; (p = strstr(p, "y=\"-\"} 8\n")) != NULL; p++)
		n++;
	assert_int_equal(n, N_SERIES);
	/* What a process loses to another it keeps for its next insert. */
	assert_true(i.leaked_bytes < 4096);
	free(text);
	fixture_close(&f);
}

TEST(errno_and_heap_are_left_alone_by_look_ups)
{
	struct fixture f = fixture_open("", METRICS);

	errno = 77;
	counter(f.reg, "a_total", 2, VALUES("n\xff", "ew"));
	assert_int_equal(errno, 77);
	fixture_close(&f);
}

/* A tmpfs of this size in a mount namespace of our own. */
static void
mount_small(const char *dir, const char *size)
{
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL),
	    0);
	assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, size), 0);
}

TEST(a_file_system_that_was_full_for_a_while_costs_no_room)
{
	char *dir = test_make_dir(), path[600] = "", filler[600], value[16];
	struct cmx_registry *reg;
	struct cmx_family events;
	struct cmx_counter c;
	int fd, n_overflow = 0;

	if (geteuid() != 0)
		skip();
	mount_small(dir, "size=4m");
	snprintf(path, sizeof(path), "%s/a.seg", dir);
	snprintf(filler, sizeof(filler), "%s/filler", dir);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	events = family(reg, "codeai_events_emitted_total");
	fd = open(filler, O_RDWR | O_CREAT, 0600);
	while (write(fd, path, sizeof(path)) > 0)
		;
	/* Every one of these is refused a page, and none takes room. */
	for (int i = 0; i < 20000; i++) {
		snprintf(value, sizeof(value), "full-%d", i);
		n_overflow +=
		    cmx_counter_find(&events, 1, VALUES(value), &c, NULL);
		cmx_counter_inc(&c);
	}
	assert_true(n_overflow > 15000);
	assert_true(info(path).no_space > 0);
	close(fd);
	unlink(filler);
	for (int i = 0; i < 5000; i++) {
		snprintf(value, sizeof(value), "again-%d", i);
		assert_int_equal(cmx_counter_find(&events, 1, VALUES(value), &c,
				     NULL),
		    0);
		cmx_counter_inc(&c);
	}
	cmx_close(reg);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	test_remove_dir(dir);
}

TEST(an_index_filled_to_its_limit_refuses_nobody)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":32768},", METRICS);
	struct cmx_family a = family(f.reg, "a_total");

	for (int i = 0; i < 32768; i++) {
		struct cmx_counter c;
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		assert_int_equal(cmx_counter_find(&a, 2, VALUES(value, "-"), &c,
				     NULL),
		    0);
	}
	assert_int_equal(info(f.segment_path).n_series, 32768);
	fixture_close(&f);
}

/* Labels that differ in one place only have hashes without a pattern. */
TEST(hashes_of_similar_labels_spread)
{
	enum { BUCKETS = 1024, KEYS = 64 * BUCKETS };
	static uint32_t n_low[BUCKETS], n_high[BUCKETS];
	double chi_low = 0, chi_high = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		char value[512];
		int n = snprintf(value, sizeof(value), "/p/%u", i);
		uint64_t hash = cmxi_hash_label(cmxi_hash_begin(4, 12345),
		    value, (size_t)n, 12345);

		n_low[hash % BUCKETS]++;
		n_high[(hash >> 40) % BUCKETS]++;
	}
	for (int i = 0; i < BUCKETS; i++) {
		double low = n_low[i] - 64.0, high = n_high[i] - 64.0;

		chi_low += low * low / 64;
		chi_high += high * high / 64;
	}
	/* Chi squared of 1,023 degrees: beyond these once in 10^9. */
	assert_true(chi_low > 770 && chi_low < 1310);
	assert_true(chi_high > 770 && chi_high < 1310);
}

/* Series that got no page are in the overflow, and no update is a signal. */
TEST(a_store_never_faults_where_the_file_system_is_full)
{
	char *dir = test_make_dir(), path[600] = "", filler[600], schema[600];
	struct cmx_registry *reg;
	struct cmx_family wide;
	int fd, n_overflow = 0;

	if (geteuid() != 0)
		skip();
	mount_small(dir, "size=2m");
	snprintf(path, sizeof(path), "%s/a.seg", dir);
	snprintf(filler, sizeof(filler), "%s/filler", dir);
	snprintf(schema, sizeof(schema), "%s/s.json", dir);
	test_write_file(schema,
	    "{\"version\":1,\"limits\":{\"series\":400},\"metrics\":["
	    "{\"name\":\"wide\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"labels\":[\"x\"],\"buckets\":[1,2,3,4,5,6,7,8,9,10,11]}]}");
	assert_int_equal(cmx_open(path, schema, 0, &reg, NULL), 0);
	wide = family(reg, "wide");
	for (int i = 0; i < 400; i++) {
		struct cmx_histogram h;
		char value[16];

		if (i == 100) {
			/* The index and the arena have all their pages now. */
			fd = open(filler, O_RDWR | O_CREAT, 0600);
			while (write(fd, path, sizeof(path)) > 0)
				;
			close(fd);
		}
		snprintf(value, sizeof(value), "%d", i);
		n_overflow +=
		    cmx_histogram_find(&wide, 1, VALUES(value), &h, NULL);
		for (int j = 0; j < 12; j++)
			cmx_histogram_observe(&h, j + 0.5);
	}
	assert_true(n_overflow > 200);
	cmx_close(reg);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	test_remove_dir(dir);
}

/* The bookkeeping of helpers takes none of the room for series. */
TEST(groups_of_helpers_take_no_place_of_series)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "a.seg");
	const char *schema = test_path(dir, "schema.json");
	struct cmx_registry *reg;
	char value[32];
	int n = 0;

	test_write_file(schema,
	    "{\"version\":1,\"limits\":{\"series\":1000},\"metrics\":["
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","
	    "\"labels\":[\"x\"]}]}");
	assert_int_equal(cmx_open(path, NULL, CMX_EMPTY, &reg, NULL), 0);
	cmx_close(reg);
	assert_int_equal(cmx_remove(path, NULL), 0);
	/* The CodeAI families, with few series. */
	char *builtin = test_read_file("lib/schema/codeai.schema.json");
	char *limit = strstr(builtin, "\"series\": 65536");

	assert_non_null(limit);
	memcpy(limit, "\"series\":  1000", strlen("\"series\": 65536"));
	test_write_file(schema, builtin);
	free(builtin);
	assert_int_equal(cmx_open(path, schema, 0, &reg, NULL), 0);
	while (info(path).overflow_lookups == 0) {
		snprintf(value, sizeof(value), "/page-%d", n++);
		cmx_record_http_request(reg, "GET", value, 200, 0.1, 1, 1);
	}
	assert_true(info(path).n_series >= 1000);
	cmx_close(reg);
	test_remove_dir(dir);
}

TEST(exemplars_take_no_room_of_labels)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"seconds\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"labels\":[\"x\"],\"exemplars\":true,"
	    "\"buckets\":[1,2,3,4,5,6,7,8,9,10,11]}");
	struct cmx_family of = family(f.reg, "seconds");
	int n = test_rounds(20000);

	for (int i = 0; i < n; i++) {
		struct cmx_histogram h;
		char value[16];
		const char *values = value;

		snprintf(value, sizeof(value), "%d", i);
		assert_int_equal(cmx_histogram_find(&of, 1, &values, &h, NULL),
		    0);
	}
	assert_int_equal(info(f.segment_path).n_series, n);
	fixture_close(&f);
}

TEST(a_look_up_without_a_handle_is_an_error)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}");
	struct cmx_family a = family(f.reg, "a_total");
	struct cmx_error err;

	assert_int_equal(cmx_counter_find(&a, 0, NULL, NULL, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_gauge_find(&a, 0, NULL, NULL, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_histogram_find(&a, 0, NULL, NULL, &err),
	    CMX_ERR_ARGUMENT);
	fixture_close(&f);
}

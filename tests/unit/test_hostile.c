/*
 * Segments that an enemy wrote, with hashes made right again: nothing breaks,
 * nothing grows beyond the file, and what comes out is legal.
 */
#include "metrics.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "read/snapshot.h"
#include "segment/format.h"
#include "segment/layout.h"

#define METRICS                                                      \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"]},"                                       \
	"{\"name\":\"d_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"value\":\"double\"},"                                     \
	"{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","     \
	"\"labels\":[\"x\"],\"buckets\":[1,2]},"                     \
	"{\"name\":\"n\",\"type\":\"histogram\",\"help\":\"h\","     \
	"\"native\":{\"schema\":0,\"min\":1,\"max\":8}},"            \
	"{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"}"

/* The whole file of a segment, mapped for writing. */
struct victim {
	struct cmxi_shm_header *header;
	unsigned char *base;
	size_t size;
};

static struct victim
open_victim(const char *path)
{
	struct victim v;
	struct stat st;
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	v.size = (size_t)st.st_size;
	v.base = mmap(NULL, v.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(v.base, MAP_FAILED);
	v.header = (struct cmxi_shm_header *)(void *)v.base;
	close(fd);
	return v;
}

static void
close_victim(struct victim *v)
{
	v->header->layout_hash = cmxi_layout_hash(v->header);
	munmap(v->base, v->size);
}

/* The entries of an index, each called with its record. */
static void
each_entry(const struct victim *v,
    void (*f)(const struct victim *, struct cmxi_shm_series *))
{
	const uint64_t *words =
	    (const void *)(v->base + v->header->index_offset);

	for (uint64_t i = 0; i < v->header->n_index_words; i++)
		if (words[i] != 0)
			f(v,
			    (void *)(v->base + v->header->arena_offset +
				(uint32_t)words[i] * CMXI_ENTRY_UNIT));
}

/* The first cell of a family without labels, in the first fallback stripe. */
static void *
cell_of(const struct victim *v, const char *name)
{
	const struct cmxi_shm_header *h = v->header;
	const uint64_t *words = (const void *)(v->base + h->family_offset);

	for (uint64_t i = 0; i < h->n_family_words && words[i] != 0; i++) {
		const struct cmxi_shm_family *f = (const void *)(v->base +
		    h->arena_offset + (uint32_t)words[i] * CMXI_ENTRY_UNIT);
		const struct cmxi_shm_series *s = (const void *)(v->base +
		    h->arena_offset + f->overflow * CMXI_ENTRY_UNIT);

		if (strcmp((const char *)f + f->text_offset, name) == 0)
			return v->base + h->stripe_offset +
			    h->n_cpu_stripes * h->stripe_size + s->cell_offset;
	}
	fail_msg("no family %s", name);
	return NULL;
}

TEST(a_seed_that_no_program_draws_is_refused)
{
	struct fixture f = fixture_open("", METRICS);
	struct victim v = open_victim(f.segment_path);
	struct cmxr_reader *reader;
	struct cmx_error err;

	v.header->seed = 0;
	close_victim(&v);
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err),
	    CMX_ERR_FORMAT);
	assert_non_null(strstr(err.text, "seed"));
	v = open_victim(f.segment_path);
	v.header->seed = v.header->predecessor_seed = 7;
	close_victim(&v);
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err),
	    CMX_ERR_FORMAT);
	fixture_close(&f);
}

/* A segment with these slots, all of which are said to have been claimed. */
static void
make_with_slots(const char *dir, const char *name, const char *processes,
    uint64_t seed, uint64_t predecessor)
{
	const char *schema = test_path(dir, "slots.json");
	char path[600], text[600];
	struct victim v;

	snprintf(text, sizeof(text),
	    "{\"version\":1,\"limits\":{\"processes\":%s},\"metrics\":[" METRICS
	    "]}",
	    processes);
	test_write_file(schema, text);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(cmx_create(path, schema, NULL, NULL), 0);
	v = open_victim(path);
	v.header->seed = v.header->origin_seed = seed;
	v.header->predecessor_seed = predecessor;
	v.header->slots_used = v.header->n_slots;
	for (uint64_t i = 0; i < v.header->n_slots; i++) {
		struct cmxi_shm_slot *slot =
		    (struct cmxi_shm_slot *)(void *)(v.base +
			v.header->slot_offset) +
		    i;

		slot->generation = 2;
	}
	close_victim(&v);
}

/* Two segments of a chain have one seed, and not the same number of slots. */
TEST(segments_that_say_one_seed_are_told_apart)
{
	char *dir = test_make_dir();
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_error err;

	make_with_slots(dir, "a.seg", "1", 1, 2);
	make_with_slots(dir, "a.seg.0000000000000002", "64", 2, 1);
	make_with_slots(dir, "a.seg.0000000000000001", "4000", 1, 3);
	assert_int_equal(cmxr_open(test_path(dir, "a.seg"), &reader, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(cmxr_snapshot_take(reader, &s, &err), 0);
	cmxr_close(reader);
	test_remove_dir(dir);
}

static void
take_first_cell(const struct victim *v, struct cmxi_shm_series *entry)
{
	(void)v;
	entry->cell_offset = CMXI_STRIPE_HEADER;
}

/* Each series takes memory of the reader; the file pays for none of it. */
TEST(series_that_share_a_cell_are_left_out)
{
	struct fixture f = fixture_open("", METRICS);
	struct victim v;
	uint64_t room;

	for (int i = 0; i < 1000; i++) {
		char value[8];

		snprintf(value, sizeof(value), "%d", i);
		histogram(f.reg, "h", 1, VALUES(value));
	}
	assert_int_equal(info(f.segment_path).invalid_entries, 0);
	v = open_victim(f.segment_path);
	each_entry(&v, take_first_cell);
	/* As if there were cells for a page of them only. */
	v.header->cell_ready = room = 4096;
	close_victim(&v);
	assert_true(
	    info(f.segment_path).invalid_entries >= 1000 - room / (3 * 16));
	fixture_close(&f);
}

static void
assert_all_formats(const char *path)
{
	for (int format = CMXR_TEXT; format <= CMXR_PROTOBUF; format++)
		free(exposition(path, (enum cmxr_format)format));
}

static uint64_t next_page, page_step;

static void
take_next_page(const struct victim *v, struct cmxi_shm_series *entry)
{
	(void)v;
	entry->cell_offset = next_page;
	next_page += page_step;
}

static uint64_t
blocks_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_blocks;
}

/* A load of a hole would allocate a page, and fill the file system. */
TEST(a_reader_does_not_allocate_what_the_file_has_not)
{
	struct fixture f = fixture_open("", METRICS);
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_error err;
	struct victim v;
	uint64_t before;

	for (int i = 0; i < 2000; i++) {
		char value[8];

		snprintf(value, sizeof(value), "%d", i);
		counter(f.reg, "a_total", 1, VALUES(value));
	}
	v = open_victim(f.segment_path);
	next_page = CMXI_STRIPE_HEADER;
	page_step = 4096;
	each_entry(&v, take_next_page);
	v.header->cell_ready = v.header->stripe_size;
	close_victim(&v);
	before = blocks_of(f.segment_path);
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), 0);
	cmxr_close(reader);
	assert_int_equal(blocks_of(f.segment_path), before);
	fixture_close(&f);
}

/*
 * Cells that were checked by one header stay where they are; the next header
 * says that the stripes are shorter.
 */
TEST(a_header_that_shrinks_takes_no_cell_away)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":1048576},", METRICS);
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_error err;
	struct victim v;

	for (int i = 0; i < 400; i++) {
		char value[8];

		snprintf(value, sizeof(value), "%d", i);
		counter(f.reg, "a_total", 1, VALUES(value));
	}
	v = open_victim(f.segment_path);
	next_page = CMXI_STRIPE_HEADER;
	page_step = 32768;
	each_entry(&v, take_next_page);
	assert_true(v.header->stripe_size > 400 * page_step);
	v.header->cell_ready = v.header->stripe_size;
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), 0);
	v.header->cell_ready = 4096;
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), 0);
	cmxr_close(reader);
	close_victim(&v);
	fixture_close(&f);
}

/* A copy has a hole where a stripe was never used, and is read all the same. */
TEST(a_sparse_copy_shows_all_that_was_counted)
{
	struct fixture f = fixture_open("",
	    METRICS ",{\"name\":\"l\",\"type\":\"gauge\",\"help\":\"h\","
		    "\"aggregate\":\"last\"}");
	const char *copy = test_path(f.dir, "copy");
	struct cmx_gauge g = gauge(f.reg, "l", 0, NULL);
	char command[1300];

	for (int i = 0; i < 3000; i++) {
		char value[8];
		struct cmx_counter c;
		struct cmx_histogram h;

		snprintf(value, sizeof(value), "%d", i);
		c = counter(f.reg, "a_total", 1, VALUES(value));
		h = histogram(f.reg, "h", 1, VALUES(value));
		cmx_counter_add(&c, (uint64_t)i + 1);
		cmx_histogram_observe(&h, 1.5);
	}
	cmx_gauge_set(&g, 42);
	snprintf(command, sizeof(command), "cp --sparse=always %s %s",
	    f.segment_path, copy);
	assert_int_equal(system(command), 0);
	assert_true(blocks_of(copy) < blocks_of(f.segment_path));
	assert_shows(copy, "a_total{x=\"2999\"} 3000");
	assert_shows(copy, "h_sum{x=\"2999\"} 1.5");
	assert_shows(copy, "l 42");
	fixture_close(&f);
}

/* What a snapshot says when its reader has this limit. */
static int
take_with_limit(struct cmxr_reader *reader, uint64_t bytes,
    struct cmx_error *err)
{
	const struct cmxr_snapshot *s;

	cmxr_set_limit(reader, bytes);
	return cmxr_snapshot_take(reader, &s, err);
}

TEST(a_segment_beyond_the_limit_of_its_reader_is_refused_before_it_is_read)
{
	struct fixture f = fixture_open("", METRICS);
	uint64_t size = blocks_of(f.segment_path) * 512;
	struct cmxr_reader *reader;
	struct cmx_error err;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(take_with_limit(reader, size - 1, &err),
	    CMX_ERR_TOO_LARGE);
	assert_non_null(strstr(err.text, "takes"));
	assert_non_null(strstr(err.text, f.segment_path));
	assert_int_equal(take_with_limit(reader, size, &err), 0);
	assert_int_equal(take_with_limit(reader, 0, &err), 0);
	cmxr_close(reader);
	fixture_close(&f);
}

/* A long label stands in each line of a histogram. */
TEST(a_text_far_larger_than_its_segment_is_refused)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"labels\":[\"x\"],\"buckets\":[1,2,3,4,5,6,7,8,9,10,11,12,13,"
	    "14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]}");
	struct cmxr_reader *reader;
	struct cmx_error err;
	char value[CMX_LABEL_VALUE_MAX + 1];

	for (int i = 0; i < 500; i++) {
		struct cmx_histogram h;

		snprintf(value, sizeof(value), "%0*d", CMX_LABEL_VALUE_MAX, i);
		h = histogram(f.reg, "h", 1, VALUES(value));
		cmx_histogram_observe(&h, 1);
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(take_with_limit(reader,
			     blocks_of(f.segment_path) * 512, &err),
	    CMX_ERR_TOO_LARGE);
	assert_non_null(strstr(err.text, "could be a text of"));
	cmxr_close(reader);
	fixture_close(&f);
}

/* Each series repeats the names of its labels, which its entry has not. */
TEST(labels_far_larger_than_their_segment_are_refused)
{
	char *metrics, name[CMX_NAME_MAX + 1], labels[16 * (sizeof(name) + 3)];
	const char *values[16];
	struct cmxr_reader *reader;
	struct cmx_error err;
	struct fixture f;
	char *to = labels, number[16];

	for (int i = 0; i < 16; i++) {
		memset(name, 'a' + i, CMX_NAME_MAX);
		name[CMX_NAME_MAX] = '\0';
		to += sprintf(to, "%s\"%s\"", i > 0 ? "," : "", name);
		values[i] = "";
	}
	values[0] = number;
	assert_true(asprintf(&metrics,
			"{\"name\":\"a_total\",\"type\":\"counter\","
			"\"help\":\"h\",\"labels\":[%s]}",
			labels) > 0);
	f = fixture_open("", metrics);
	for (int i = 0; i < 3000; i++) {
		struct cmx_counter c;

		snprintf(number, sizeof(number), "%d", i);
		c = counter(f.reg, "a_total", 16, values);
		cmx_counter_inc(&c);
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(take_with_limit(reader,
			     blocks_of(f.segment_path) * 512, &err),
	    CMX_ERR_TOO_LARGE);
	assert_non_null(strstr(err.text, "has series with labels of more"));
	assert_int_equal(take_with_limit(reader, 0, &err), 0);
	cmxr_close(reader);
	free(metrics);
	fixture_close(&f);
}

TEST(no_text_is_larger_than_what_the_limit_takes_it_for)
{
	struct fixture f = fixture_open("",
	    METRICS
	    ",{\"name\":\"e\",\"type\":\"gauge\",\"help\":\"\\n\\n\\n\","
	    "\"labels\":[\"x\"],\"aggregate\":\"each\"}");
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	char *text;

	for (int i = 0; i < 300; i++) {
		const char *const value[] = { i % 2 ? "\\\n\"\n" : "z", "2" };
		struct cmx_histogram h = histogram(f.reg, "h", 1, value);
		struct cmx_counter c = counter(f.reg, "a_total", 1, value);
		struct cmx_gauge g = gauge(f.reg, "e", 1, value);

		cmx_histogram_observe(&h, 1e-300);
		cmx_counter_add(&c, UINT64_MAX / 1000);
		cmx_gauge_set(&g, -1.2345678901234567e-300);
	}
	text = exposition(f.segment_path, CMXR_TEXT);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	cmxr_show_processes(reader, false);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_true(cmxi_snapshot_text_bytes(s) >= strlen(text));
	free(text);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(counts_that_no_program_stores_are_made_legal)
{
	static const double counts[] = { NAN, -5, 1.5, INFINITY, 1e308,
		-INFINITY, 0x1p63, 0x1p64 };
	struct fixture f = fixture_open("", METRICS);
	struct victim v = open_victim(f.segment_path);
	double *native = cell_of(&v, "n"), *total = cell_of(&v, "d_total");
	char *text;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (int j = 0; j < 4; j++) {
			native[2 * j] = counts[i];
			native[2 * j + 1] = 3;
		}
		*total = counts[i];
		assert_all_formats(f.segment_path);
		text = exposition(f.segment_path, CMXR_OPENMETRICS);
		assert_null(strstr(text, "n_count nan"));
		assert_null(strstr(text, "n_count -"));
		assert_null(strstr(text, "n_count 1.5"));
		assert_null(strstr(text, "n_count 6"));
		assert_null(strstr(text, "d_total nan"));
		assert_null(strstr(text, "d_total -"));
		assert_null(strstr(text, "d_total inf"));
		free(text);
	}
	assert_true(info(f.segment_path).damaged_values == 0);
	close_victim(&v);
	fixture_close(&f);
}

TEST(values_that_were_made_legal_are_counted)
{
	struct fixture f = fixture_open("", METRICS);
	struct victim v = open_victim(f.segment_path);
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxr_info i;

	*(double *)cell_of(&v, "d_total") = -1;
	((double *)cell_of(&v, "n"))[1] = 5; /* a sum of no observation */
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_int_equal(cmxr_info_get(reader, &i, NULL), 0);
	assert_int_equal(i.damaged_values, 2);
	cmxr_close(reader);
	close_victim(&v);
	fixture_close(&f);
}

/* Two inputs beside each other. */
static char *
encode_two(const char *a, const char *b, int *n_left_out)
{
	struct cmxr_reader *readers[2];
	struct cmxr_input inputs[2];
	struct cmxr_buffer body = { .data = NULL };
	const char *paths[2] = { a, b };
	char *text;

	memset(inputs, 0, sizeof(inputs));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cmxr_open(paths[i], &readers[i], NULL), 0);
		assert_int_equal(cmxr_snapshot_take(readers[i],
				     &inputs[i].snapshot, NULL),
		    0);
	}
	*n_left_out =
	    cmxr_encode(inputs, 2, CMXR_OPENMETRICS, NULL, &body, NULL);
	text = strndup(body.data, body.size);
	cmxr_buffer_free(&body);
	for (int i = 0; i < 2; i++)
		cmxr_close(readers[i]);
	return text;
}

static unsigned int
times(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

TEST(families_of_two_segments_that_clash_are_shown_once)
{
	struct fixture a = fixture_open("",
	    "{\"name\":\"shop_requests_total\",\"type\":\"counter\","
	    "\"help\":\"h\"}");
	struct fixture b = fixture_open("",
	    "{\"name\":\"shop_requests\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"buckets\":[1]},{\"name\":\"x\",\"type\":\"gauge\","
	    "\"help\":\"h\"}");
	int n;
	char *text = encode_two(a.segment_path, b.segment_path, &n);

	assert_int_equal(n, 1);
	assert_int_equal(times(text, "# TYPE shop_requests "), 1);
	assert_non_null(strstr(text, "# TYPE x gauge"));
	free(text);
	fixture_close(&a);
	fixture_close(&b);
}

TEST(a_family_that_clashes_with_a_built_in_one_is_shown_alone)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"codeai_process\",\"type\":\"histogram\","
	    "\"help\":\"h\",\"buckets\":[1]}");
	struct cmxr_input input = { .snapshot = NULL };
	struct cmxr_buffer body = { .data = NULL };
	struct cmxr_reader *reader;
	char *text;

	histogram(f.reg, "codeai_process", 0, NULL);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &input.snapshot, NULL), 0);
	assert_int_equal(cmxr_encode(&input, 1, CMXR_TEXT, NULL, &body, NULL),
	    1);
	text = strndup(body.data, body.size);
	assert_int_equal(times(text, "# TYPE codeai_process histogram"), 1);
	assert_int_equal(times(text, "\ncodeai_process_count "), 1);
	assert_null(strstr(text, "codeai_process_count{"));
	assert_non_null(strstr(text, "codeai_process_threads{"));
	free(text);
	cmxr_buffer_free(&body);
	cmxr_close(reader);
	fixture_close(&f);
}

/* Work that grows with the square of families or series takes minutes here. */
TEST(eight_thousand_families_are_read_in_their_number)
{
	char *dir = test_make_dir();
	const char *schema = test_path(dir, "many.json");
	const char *path = test_path(dir, "many.seg");
	FILE *out = fopen(schema, "w");
	struct cmx_error err;
	struct cmxr_info i;

	assert_non_null(out);
	fprintf(out,
	    "{\"version\":1,\"limits\":{\"families\":8192},\"metrics\":[");
	for (int j = 0; j < 8000; j++)
		fprintf(out,
		    "%s{\"name\":\"b_%d_total\","
		    "\"type\":\"counter\",\"help\":\"h\"}",
		    j > 0 ? "," : "", j);
	fprintf(out, "]}");
	fclose(out);
	if (cmx_create(path, schema, NULL, &err) != 0)
		fail_msg("%s", err.text);
	i = info(path);
	assert_int_equal(i.n_families, 8000);
	assert_int_equal(i.invalid_entries, 0);
	test_remove_dir(dir);
}

/* One process that locks as if it were thousands. */
TEST(beacons_without_number_end_a_scrape_with_a_reason)
{
	struct fixture f;
	int fd;
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1 };
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_error err;

	/* Thirty thousand locks take minutes there. */
	if (getenv("VALGRIND") != NULL)
		return;
	f = fixture_open("\"limits\":{\"processes\":65536},", METRICS);
	fd = open(f.segment_path, O_RDWR);
	for (int64_t i = 0; i < 30000; i++) {
		lock.l_start = CMXI_BEACON_BYTE(2 * i);
		assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), CMX_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "to list the locks"));
	cmxr_close(reader);
	close(fd);
	fixture_close(&f);
}

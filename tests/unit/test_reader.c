/*
 * A reader that no file content can break: damaged, shrunk, scribbled on
 * while it is read.
 */
#include "metrics.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "segment/format.h"
#include "segment/layout.h"

#define METRICS                                                      \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"x\"]},"                                       \
	"{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","     \
	"\"labels\":[\"x\"],\"buckets\":[1,2]},"                     \
	"{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"},"        \
	"{\"name\":\"n\",\"type\":\"histogram\",\"help\":\"h\","     \
	"\"native\":{\"schema\":0,\"min\":1,\"max\":8},"             \
	"\"exemplars\":true}"

static void
fill(const struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		char value[8];
		struct cmx_counter c;
		struct cmx_histogram h, n;

		snprintf(value, sizeof(value), "%d", i);
		c = counter(f->reg, "a_total", 1, VALUES(value));
		h = histogram(f->reg, "h", 1, VALUES(value));
		cmx_counter_inc(&c);
		cmx_histogram_observe(&h, 1.5);
		n = histogram(f->reg, "n", 0, NULL);
		cmx_histogram_observe_exemplar(&n, i, 1,
		    &(struct cmx_label){ "trace_id", value });
	}
}

/* Every line is a comment or "name{...} value"; nothing else gets out. */
static void
assert_legal(const struct cmxr_buffer *body)
{
	const char *p = body->data, *end = body->data + body->size;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		assert_non_null(nl);
		if (*p != '#') {
			const char *space = nl;

			while (space > p && *space != ' ')
				space--;
			assert_true(space > p && nl - space > 1);
			assert_true((*p >= 'a' && *p <= 'z') ||
			    (*p >= 'A' && *p <= 'Z'));
		}
		p = nl + 1;
	}
}

/* Read all there is; whatever is there must come out legal, or refused. */
static bool
read_all(const char *path)
{
	struct cmxr_buffer body = { NULL, 0, 0 };
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxr_info i;
	bool ok;

	if (cmxr_open(path, &reader, NULL) != 0)
		return false;
	ok = cmxr_snapshot_take(reader, &s, NULL) == 0 &&
	    cmxr_encode(&(struct cmxr_input){ .snapshot = s }, 1, CMXR_TEXT,
		NULL, &body, NULL) == 0;
	if (ok) {
		assert_legal(&body);
		for (int format = CMXR_JSON; format <= CMXR_PROTOBUF; format++)
			cmxr_encode(&(struct cmxr_input){ .snapshot = s }, 1,
			    (enum cmxr_format)format, NULL, &body, NULL);
		cmxr_info_get(reader, &i, NULL);
		cmxr_schema_text(reader);
	}
	cmxr_buffer_free(&body);
	cmxr_close(reader);
	return ok;
}

/* The file's parts that hold something: header, tables, arena, stripes. */
struct parts {
	uint64_t from[8], size[8];
	size_t n;
};

static struct parts
parts_of(const struct cmxi_shm_header *h)
{
	return (struct parts){
		.from = { 0, h->family_offset, h->bitmap_offset,
		    h->arena_offset, h->slot_offset, h->stripe_offset },
		.size = { CMXI_HEADER_SIZE, 64, 64, 6000, 256, 4096 },
		.n = 6,
	};
}

TEST(a_scribbled_segment_is_shown_legally_or_refused)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":100},", METRICS);
	struct cmxi_shm_header h;
	uint64_t random = 5;
	struct parts parts;
	unsigned char *base;
	int fd, n_read = 0;

	fill(&f);
	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	parts = parts_of(&h);
	base =
	    mmap(NULL, h.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(base, MAP_FAILED);
	for (int i = 0; i < test_rounds(20000); i++) {
		uint64_t undo_at[4];
		unsigned char undo[4];
		int n = 1 + i % 4;

		for (int j = 0; j < n; j++) {
			size_t part = test_random(&random) % parts.n;

			undo_at[j] = parts.from[part] +
			    test_random(&random) % parts.size[part];
			undo[j] = base[undo_at[j]];
			base[undo_at[j]] = (unsigned char)test_random(&random);
		}
		n_read += read_all(f.segment_path);
		for (int j = n; j > 0; j--)
			base[undo_at[j - 1]] = undo[j - 1];
	}
	assert_true(n_read > test_rounds(10000));
	munmap(base, h.file_size);
	close(fd);
	fixture_close(&f);
}

TEST(every_bit_of_an_entry_may_flip)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":100},", METRICS);
	struct cmxi_shm_header h;
	int fd;

	fill(&f);
	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	for (uint64_t bit = 0; bit < (uint64_t)test_rounds(4500 * 8); bit++) {
		off_t at = (off_t)(h.arena_offset + bit / 8);
		unsigned char byte, flipped;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte ^ (unsigned char)(1 << bit % 8);
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		assert_true(read_all(f.segment_path));
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	fixture_close(&f);
}

TEST(a_damaged_series_is_left_out_and_counted)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmxr_info before, after;
	struct cmxi_shm_header h;
	char *text, *arena, *found;
	int fd;

	fill(&f);
	before = info(f.segment_path);
	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	arena = malloc(h.arena_used);
	assert_int_equal(pread(fd, arena, h.arena_used, (off_t)h.arena_offset),
	    h.arena_used);
	/* The key of a_total{x="19"}: a length and the bytes. */
	found = memmem(arena, h.arena_used,
	    "\x02\x00"
	    "19",
	    4);
	assert_non_null(found);
	assert_int_equal(pwrite(fd, "\"\n", 2,
			     (off_t)(h.arena_offset +
				 (uint64_t)(found + 2 - arena))),
	    2);
	after = info(f.segment_path);
	assert_int_equal(before.invalid_entries, 0);
	assert_int_equal(after.invalid_entries, 1);
	text = exposition(f.segment_path, CMXR_TEXT);
	assert_null(strstr(text, "a_total{x=\"19\"}"));
	assert_non_null(strstr(text, "a_total{x=\"18\"} 1"));
	free(text);
	free(arena);
	close(fd);
	fixture_close(&f);
}

TEST(truncation_under_the_reader_is_an_error_and_no_signal)
{
	struct fixture f = fixture_open("", METRICS);
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxi_shm_header h;
	struct cmx_error err;
	int fd;

	assert_int_equal(cmxr_guard_install(), 0);
	fill(&f);
	cmx_close(f.reg);
	f.reg = NULL;
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	/* The structure is still there, the values are not. */
	assert_int_equal(ftruncate(fd, (off_t)h.stripe_offset), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), CMX_ERR_FORMAT);
	assert_non_null(strstr(err.text, "truncated"));
	assert_int_equal(cmxr_snapshot_n_families(s), 0);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, &err), CMX_ERR_FORMAT);
	close(fd);
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_reader_allocates_no_page_of_the_segment)
{
	struct fixture f = fixture_open("", METRICS);
	struct stat before, after;

	fill(&f);
	assert_int_equal(stat(f.segment_path, &before), 0);
	assert_true(read_all(f.segment_path));
	assert_int_equal(stat(f.segment_path, &after), 0);
	assert_int_equal(before.st_blocks, after.st_blocks);
	fixture_close(&f);
}

/* Where a load of 16 bytes is two accesses, a pair is read until it is still.
 */
TEST(pairs_are_read_whole_where_loads_are_not_atomic)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 1, VALUES("1"));
	int fd = open(f.segment_path, O_RDWR);
	struct cmxi_shm_header header;

	cmx_histogram_observe(&h, 1.5);
	cmx_histogram_observe(&h, 2.5);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	header.flags &= ~CMXI_FLAG_PAIR_ATOMIC;
	header.layout_hash = cmxi_layout_hash(&header);
	assert_int_equal(pwrite(fd, &header, CMXI_FIXED_SIZE, 0),
	    CMXI_FIXED_SIZE);
	close(fd);
	assert_shows(f.segment_path, "h_count{x=\"1\"} 2");
	assert_shows(f.segment_path, "h_sum{x=\"1\"} 4");
	fixture_close(&f);
}

TEST(a_walk_over_each_process_gives_its_pid)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"e\",\"type\":\"gauge\",\"help\":\"h\","
	    "\"labels\":[\"x\"],\"aggregate\":\"each\"}");
	struct cmx_gauge g = gauge(f.reg, "e", 1, VALUES("1"));
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	size_t cursor = 0;

	cmx_gauge_set(&g, 7);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_true(cmxr_series_next(s, 0, &cursor, &series));
	assert_int_equal(series.pid, getpid());
	assert_true(series.value == 7);
	assert_string_equal(series.values[0], "1");
	assert_false(cmxr_series_next(s, 0, &cursor, &series));
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_probe_tells_a_segment_from_all_else)
{
	struct fixture f = fixture_open("", METRICS);
	char path[600];
	int fd;

	assert_int_equal(cmxr_probe(f.segment_path), 0);
	assert_int_equal(cmxr_probe(f.dir), CMX_ERR_FORMAT);
	assert_int_equal(cmxr_probe("/dev/zero"), CMX_ERR_FORMAT);
	snprintf(path, sizeof(path), "%s/other", f.dir);
	assert_int_equal(cmxr_probe(path), CMX_ERR_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(cmxr_probe(path), CMX_ERR_FORMAT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(f.segment_path, path), 0);
	assert_int_equal(cmxr_probe(path), CMX_ERR_FORMAT);
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "CMXSEG\r", 7), 7);
	assert_int_equal(cmxr_probe(path), CMX_ERR_FORMAT);
	close(fd);
	fixture_close(&f);
}

static uint64_t
changed_ns(struct cmxr_reader *reader)
{
	const struct cmxr_snapshot *s;
	struct cmxr_info info;

	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_int_equal(cmxr_info_get(reader, &info, NULL), 0);
	return info.changed_ns;
}

TEST(the_time_of_the_last_change_moves_with_each_kind_of_value_only)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"c\",\"type\":\"counter\",\"help\":\"h\"},"
	    "{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"},"
	    "{\"name\":\"e\",\"type\":\"gauge\",\"help\":\"h\","
	    "\"aggregate\":\"each\"},"
	    "{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","
	    "\"buckets\":[1]}");
	struct cmx_counter c = counter(f.reg, "c", 0, NULL);
	struct cmx_gauge g = gauge(f.reg, "g", 0, NULL);
	struct cmx_gauge e = gauge(f.reg, "e", 0, NULL);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmxr_reader *reader;
	uint64_t at[6];

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	at[0] = changed_ns(reader);
	assert_true(at[0] > 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(changed_ns(reader), at[i]);
		if (i == 0)
			cmx_counter_inc(&c);
		else if (i == 1)
			cmx_gauge_set(&g, 0);
		else if (i == 2)
			cmx_gauge_set(&e, 1);
		else if (i == 3)
			cmx_gauge_set(&e, 2);
		else
			cmx_histogram_observe(&h, 0);
		at[i + 1] = changed_ns(reader);
		assert_true(at[i + 1] > at[i]);
	}
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(nothing_is_opened_where_there_is_no_place_for_it)
{
	struct cmxr_reader *reader;
	struct cmx_error err;

	assert_int_equal(cmxr_open("x", NULL, &err), CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_open_fd(0, "x", NULL, &err), CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_open_fd(0, NULL, &reader, &err),
	    CMX_ERR_ARGUMENT);
	assert_null(reader);
	assert_int_equal(cmxr_open("", &reader, &err), CMX_ERR_ARGUMENT);
}

/* The handler that was there before gets every other SIGBUS. */
static void
end_well(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	_exit(number == SIGBUS ? 0 : 1);
}

static void
end_well_too(int number)
{
	_exit(number == SIGBUS ? 0 : 1);
}

TEST(a_handler_that_was_there_before_gets_other_signals)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = test_spawn();
		struct sigaction action = { .sa_flags = 0 };

		if (pid == 0) {
			if (i == 0) {
				action.sa_sigaction = end_well;
				action.sa_flags = SA_SIGINFO;
			} else
				action.sa_handler = end_well_too;
			sigaction(SIGBUS, &action, NULL);
			cmxr_guard_install();
			raise(SIGBUS);
			_exit(2);
		}
		test_wait_ok(pid);
	}
}

TEST(a_copied_file_is_read_after_all_its_writers_died)
{
	struct fixture f = fixture_open("\"limits\":{\"series\":50},", METRICS);
	const char *copy = test_path(f.dir, "copy");
	char command[1300];

	fill(&f);
	snprintf(command, sizeof(command), "cp --sparse=always %s %s",
	    f.segment_path, copy);
	assert_int_equal(system(command), 0);
	assert_shows(copy, "a_total{x=\"3\"} 1");
	fixture_close(&f);
}

TEST(a_removed_or_replaced_segment_is_noticed)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmxr_reader *reader;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_true(cmxr_is_current(reader));
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_false(cmxr_is_current(reader));
	assert_int_equal(cmx_create(f.segment_path, NULL, NULL, NULL), 0);
	assert_false(cmxr_is_current(reader));
	cmxr_close(reader);
	fixture_close(&f);
}

TEST(a_family_registered_later_is_shown_by_a_reader_that_is_open)
{
	struct fixture f = fixture_open("", METRICS);
	const struct cmx_family_def def = { .name = "later_total",
		.help = "h",
		.type = CMX_COUNTER };
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_family later;

	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_int_equal(cmxr_snapshot_n_families(s), 4);
	assert_int_equal(cmx_register(f.reg, &def, &later, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
	assert_int_equal(cmxr_snapshot_n_families(s), 5);
	cmxr_close(reader);
	fixture_close(&f);
}

/* Two index words that name one entry: it is shown once. */
TEST(an_entry_that_is_named_twice_is_shown_once)
{
	struct fixture f =
	    fixture_open("\"limits\":{\"series\":100},", METRICS);
	struct cmxi_shm_header h;
	uint64_t *words, word = 0;
	size_t n;
	char *text, *first;
	int fd;

	counter(f.reg, "a_total", 1, VALUES("only"));
	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	n = h.n_index_words;
	words = calloc(n, 8);
	assert_true(pread(fd, words, n * 8, (off_t)h.index_offset) > 0);
	for (size_t i = 0; i < n; i++)
		word = words[i] != 0 ? words[i] : word;
	for (size_t i = 0; i < n; i++)
		words[i] = word;
	assert_true(pwrite(fd, words, n * 8, (off_t)h.index_offset) > 0);
	text = exposition(f.segment_path, CMXR_TEXT);
	first = strstr(text, "\na_total{");
	assert_non_null(first);
	assert_null(strstr(first + 1, "\na_total{"));
	assert_int_equal(info(f.segment_path).invalid_entries, n - 1);
	free(text);
	free(words);
	close(fd);
	fixture_close(&f);
}

/*
 * A writer that was killed within an insert leaves the counts unequal; then a
 * series that comes later must be seen all the same, at once.
 */
TEST(series_after_an_insert_that_never_ended_are_seen_at_once)
{
	struct fixture f = fixture_open("", METRICS);
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxi_shm_header h;
	struct cmxr_family fam;
	int fd;

	fd = open(f.segment_path, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	h.inserts_begun++;
	assert_int_equal(pwrite(fd, &h.inserts_begun, 8,
			     offsetof(struct cmxi_shm_header, inserts_begun)),
	    8);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	for (int i = 0; i < 200; i++) {
		char value[8];

		for (int j = 0; j < i % 7; j++)
			assert_int_equal(cmxr_snapshot_take(reader, &s, NULL),
			    0);
		snprintf(value, sizeof(value), "%d", i);
		counter(f.reg, "a_total", 1, VALUES(value));
		assert_int_equal(cmxr_snapshot_take(reader, &s, NULL), 0);
		cmxr_snapshot_family(s, 0, &fam);
		assert_int_equal(fam.n_series, i + 1);
	}
	cmxr_close(reader);
	close(fd);
	fixture_close(&f);
}

static int
install_twice(void *arg)
{
	(void)arg;
	alarm(20);
	signal(SIGBUS, SIG_DFL);
	if (cmxr_guard_install() != 0 || cmxr_guard_install() != 0)
		return 1;
	kill(getpid(), SIGBUS);
	return 2;
}

/* A handler that passed on to itself would never end. */
TEST(a_guard_that_is_installed_twice_passes_a_signal_on)
{
	int status;
	pid_t pid = test_fork(install_twice, NULL);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

static int
ignore_and_be_truncated(void *arg)
{
	const char *path = arg;
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxi_shm_header h;
	int fd;

	alarm(20);
	signal(SIGBUS, SIG_IGN);
	if (cmxr_guard_install() != 0 || cmxr_open(path, &reader, NULL) != 0 ||
	    cmxr_snapshot_take(reader, &s, NULL) != 0)
		return 1;
	/* One that is sent is ignored, and leaves the guard where it is. */
	kill(getpid(), SIGBUS);
	fd = open(path, O_RDWR);
	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    ftruncate(fd, (off_t)h.stripe_offset) != 0)
		return 2;
	return cmxr_snapshot_take(reader, &s, NULL) == CMX_ERR_FORMAT ? 0 : 3;
}

TEST(a_signal_that_is_sent_does_not_end_the_guard)
{
	struct fixture f;

	/* There the child does not get beyond the fault. */
	if (getenv("VALGRIND") != NULL)
		return;
	f = fixture_open("", METRICS);
	test_wait_ok(test_fork(ignore_and_be_truncated, f.segment_path));
	fixture_close(&f);
}

/*
 * Creating, attaching, and every refusal, with what it must say.
 */
#include "metrics.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "segment/format.h"
#include "segment/layout.h"
#include "segment/segment_path.h"

#define METRIC "{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}"

static void
assert_refused(const char *path, int code, const char *said)
{
	struct cmx_registry *reg = (void *)1;
	struct cmx_error err;

	assert_int_equal(cmx_open(path, NULL, 0, &reg, &err), code);
	assert_null(reg);
	assert_int_equal(err.code, code);
	if (strstr(err.text, said) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, said);
}

TEST(the_second_process_attaches_to_the_first_ones_segment)
{
	struct fixture f = fixture_open("", METRIC);
	struct cmx_registry *second;
	struct cmx_counter a, b;

	assert_int_equal(cmx_open(f.segment_path, NULL, 0, &second, NULL), 0);
	a = counter(f.reg, "a_total", 0, NULL);
	b = counter(second, "a_total", 0, NULL);
	cmx_counter_inc(&a);
	cmx_counter_inc(&b);
	assert_shows(f.segment_path, "a_total 2");
	cmx_close(second);
	fixture_close(&f);
}

static int
open_and_count(void *arg)
{
	struct cmx_registry *reg;
	struct cmx_family events;
	struct cmx_counter c;

	if (cmx_open(arg, NULL, 0, &reg, NULL) != 0)
		return 1;
	if (cmx_family_find(reg, "codeai_events_emitted_total", &events,
		NULL) != 0)
		return 2;
	cmx_counter_find(&events, 1, VALUES("x"), &c, NULL);
	cmx_counter_inc(&c);
	return 0;
}

TEST(of_many_creators_at_once_one_wins_and_all_count)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "race.seg");
	pid_t pids[16];

	for (int i = 0; i < 16; i++)
		pids[i] = test_fork(open_and_count, (void *)(uintptr_t)path);
	for (int i = 0; i < 16; i++)
		test_wait_ok(pids[i]);
	assert_shows(path, "codeai_events_emitted_total{event=\"x\"} 16");
	test_remove_dir(dir);
}

TEST(a_wrong_schema_creates_nothing_and_names_each_mistake)
{
	char *dir = test_make_dir();
	const char *schema = test_path(dir, "s.json");
	const char *path = test_path(dir, "a.seg");
	struct cmx_registry *reg;
	struct cmx_error err;

	test_write_file(schema,
	    "{\"version\":1,\"metrics\":[\n"
	    "{\"name\":\"a b\",\"type\":\"gauge\"},\n"
	    "{\"name\":\"c\",\"type\":\"gouge\"}]}");
	assert_int_equal(cmx_open(path, schema, 0, &reg, &err), CMX_ERR_SCHEMA);
	assert_non_null(strstr(err.text, "s.json:2:9: metrics[0].name"));
	assert_non_null(strstr(err.text, "s.json:3:20: metrics[1].type"));
	assert_int_equal(access(path, F_OK), -1);
	test_remove_dir(dir);
}

TEST(attach_only_does_not_create)
{
	char *dir = test_make_dir();
	struct cmx_registry *reg;

	assert_int_equal(cmx_open(test_path(dir, "a.seg"), NULL,
			     CMX_ATTACH_ONLY, &reg, NULL),
	    CMX_ERR_NOT_FOUND);
	test_remove_dir(dir);
}

TEST(other_kinds_of_files_are_refused)
{
	char *dir = test_make_dir();

	assert_refused(dir, CMX_ERR_PERMISSION, "is a directory");
	assert_int_equal(mkfifo(test_path(dir, "fifo"), 0600), 0);
	assert_refused(test_path(dir, "fifo"), CMX_ERR_PERMISSION, "is a FIFO");
	assert_int_equal(symlink("/dev/null", test_path(dir, "link")), 0);
	assert_refused(test_path(dir, "link"), CMX_ERR_PERMISSION,
	    "is a symbolic link");
	test_write_file(test_path(dir, "short"), "hello");
	assert_refused(test_path(dir, "short"), CMX_ERR_FORMAT,
	    "has 5 bytes; a segment has at least 4096");
	test_remove_dir(dir);
}

TEST(a_file_that_is_no_segment_is_refused)
{
	char *dir = test_make_dir(), page[8192];
	const char *path = test_path(dir, "text");

	memset(page, 'x', sizeof(page) - 1);
	page[sizeof(page) - 1] = '\0';
	test_write_file(path, page);
	assert_refused(path, CMX_ERR_FORMAT, "not a segment");
	test_remove_dir(dir);
}

/* Change the fixed bytes of a segment's file, with or without a new hash. */
static void
patch(const char *path, size_t offset, const void *bytes, size_t n,
    bool with_hash)
{
	struct cmxi_shm_header h;
	int fd = open(path, O_RDWR);

	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	memcpy((unsigned char *)&h + offset, bytes, n);
	if (with_hash)
		h.layout_hash = cmxi_layout_hash(&h);
	assert_int_equal(pwrite(fd, &h, CMXI_FIXED_SIZE, 0), CMXI_FIXED_SIZE);
	close(fd);
}

TEST(another_layout_is_refused_with_both_values)
{
	struct fixture f = fixture_open("", METRIC);
	uint32_t version = 9, word_size = 4, order = 0x04030201;
	uint64_t series = 5;

	/* What this process has open it need not open again. */
	cmx_close(f.reg);
	f.reg = NULL;
	patch(f.segment_path, offsetof(struct cmxi_shm_header, series_limit),
	    &series, sizeof(series), false);
	assert_refused(f.segment_path, CMX_ERR_MISMATCH, "layout hash is ");
	patch(f.segment_path, offsetof(struct cmxi_shm_header, version),
	    &version, sizeof(version), true);
	assert_refused(f.segment_path, CMX_ERR_MISMATCH,
	    "version is 9, this program has 3");
	patch(f.segment_path, offsetof(struct cmxi_shm_header, byte_order),
	    &order, sizeof(order), true);
	assert_refused(f.segment_path, CMX_ERR_MISMATCH,
	    "byte order is 67305985, this program has 16909060");
	order = CMXI_BYTE_ORDER;
	version = CMXI_VERSION;
	patch(f.segment_path, offsetof(struct cmxi_shm_header, byte_order),
	    &order, sizeof(order), true);
	patch(f.segment_path, offsetof(struct cmxi_shm_header, version),
	    &version, sizeof(version), true);
	patch(f.segment_path, offsetof(struct cmxi_shm_header, word_size),
	    &word_size, sizeof(word_size), true);
	assert_refused(f.segment_path, CMX_ERR_MISMATCH,
	    "word size is 4, this program has 8");
	fixture_close(&f);
}

TEST(another_boot_is_refused_with_both_ids_but_can_be_read)
{
	struct fixture f = fixture_open("", METRIC);
	uint8_t id[16] = { 0xab, 0xcd };

	/* What this process has open it need not open again. */
	cmx_close(f.reg);
	f.reg = NULL;
	patch(f.segment_path, offsetof(struct cmxi_shm_header, boot_id), id,
	    sizeof(id), true);
	assert_refused(f.segment_path, CMX_ERR_MISMATCH,
	    "made in boot abcd0000000000000000000000000000, this is boot ");
	assert_shows(f.segment_path, "a_total 0");
	fixture_close(&f);
}

TEST(a_truncated_file_is_refused_by_writer_and_reader)
{
	struct fixture f = fixture_open("", METRIC);
	struct cmxr_reader *reader;
	struct cmx_error err;

	cmx_close(f.reg);
	f.reg = NULL;
	assert_int_equal(truncate(f.segment_path, 100000), 0);
	assert_refused(f.segment_path, CMX_ERR_FORMAT, "has 100000 bytes");
	assert_int_equal(cmxr_open(f.segment_path, &reader, &err),
	    CMX_ERR_FORMAT);
	fixture_close(&f);
}

TEST(a_file_that_others_can_write_is_refused_with_its_mode)
{
	struct fixture f = fixture_open("", METRIC);

	/* What this process has open it need not open again. */
	cmx_close(f.reg);
	f.reg = NULL;
	assert_int_equal(chmod(f.segment_path, 0666), 0);
	assert_refused(f.segment_path, CMX_ERR_PERMISSION, "mode is 0666");
	fixture_close(&f);
}

TEST(a_strangers_file_in_an_open_directory_is_refused_with_both_owners)
{
	struct fixture f = fixture_open("", METRIC);

	/* What this process has open it need not open again. */
	cmx_close(f.reg);
	f.reg = NULL;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(f.segment_path, 12345, 12345), 0);
	/* The directory is root's and closed: only the trusted write there. */
	assert_int_equal(chmod(f.dir, 01777), 0);
	assert_refused(f.segment_path, CMX_ERR_PERMISSION,
	    "belongs to uid 12345; it must belong to uid 0 or 0");
	assert_int_equal(chmod(f.dir, 0770), 0);
	struct cmx_registry *reg;
	assert_int_equal(cmx_open(f.segment_path, NULL, 0, &reg, NULL), 0);
	cmx_close(reg);
	fixture_close(&f);
}

TEST(a_disk_is_refused_unless_it_is_asked_for)
{
	char path[] = "/var/tmp/codeai-test-XXXXXX";
	struct cmx_registry *reg;
	char segment[64];
	int fd;

	assert_non_null(mkdtemp(path));
	snprintf(segment, sizeof(segment), "%s/a.seg", path);
	fd = open(path, O_RDONLY);
	if (!cmxi_fd_is_memory(fd)) {
		assert_refused(segment, CMX_ERR_FILESYSTEM, "file system");
		assert_int_equal(access(segment, F_OK), -1);
		assert_int_equal(cmx_open(segment, NULL, CMX_ANY_FILESYSTEM,
				     &reg, NULL),
		    0);
		cmx_close(reg);
		unlink(segment);
	}
	close(fd);
	rmdir(path);
}

TEST(the_mode_is_as_asked_whatever_the_umask)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "a.seg");
	struct cmx_create_options options = { .mode = 0640 };
	mode_t mask = umask(0777);
	struct stat st;

	assert_int_equal(cmx_create(path, NULL, &options, NULL), 0);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(cmx_create(path, NULL, &options, NULL),
	    CMX_ERR_EXISTS);
	test_remove_dir(dir);
}

TEST(remove_takes_only_segments_and_lets_their_users_go_on)
{
	struct fixture f = fixture_open("", METRIC);
	const char *other = test_path(f.dir, "precious");
	struct cmx_counter c = counter(f.reg, "a_total", 0, NULL);

	test_write_file(other, "precious");
	assert_true(cmx_remove(other, NULL) < 0);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_int_equal(access(f.segment_path, F_OK), -1);
	cmx_counter_inc(&c);
	fixture_close(&f);
}

TEST(the_default_path_is_the_environments_or_in_memory)
{
	char path[CMXI_PATH_MAX], small[4];

	setenv("CODEAI_METRICS_SEGMENT", "/x/y.seg", 1);
	assert_int_equal(cmx_segment_path(path, sizeof(path), NULL), 0);
	assert_string_equal(path, "/x/y.seg");
	assert_int_equal(cmx_segment_path(small, sizeof(small), NULL),
	    CMX_ERR_ARGUMENT);
	unsetenv("CODEAI_METRICS_SEGMENT");
	assert_int_equal(cmx_segment_path(path, sizeof(path), NULL), 0);
	assert_non_null(strstr(path, "/metrics.seg"));
}

TEST(a_private_segment_has_no_file_and_can_be_read)
{
	struct cmx_registry *reg;
	struct cmxr_reader *reader;
	const struct cmxr_snapshot *snapshot;
	struct cmx_error err;

	assert_int_equal(cmx_open(NULL, NULL, CMX_PRIVATE, &reg, &err), 0);
	cmx_record_event(reg, "e");
	assert_int_equal(cmxr_open_fd(cmx_segment_fd(reg), "private", &reader,
			     &err),
	    0);
	cmxr_show_processes(reader, false);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, &err), 0);
	assert_int_equal(cmxr_snapshot_n_families(snapshot), 23);
	cmxr_close(reader);
	cmx_close(reg);
}

TEST(updates_and_new_series_work_with_all_descriptors_closed)
{
	struct fixture f = fixture_open("",
	    "{\"name\":\"a_total\",\"type\":"
	    "\"counter\",\"help\":\"h\",\"labels\":[\"x\"]}");
	int spared = dup(2);

	for (int fd = 3; fd < 64; fd++)
		if (fd != spared)
			close(fd);
	for (int i = 0; i < 2000; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%d", i);
		struct cmx_counter c =
		    counter(f.reg, "a_total", 1, VALUES(value));
		cmx_counter_inc(&c);
	}
	close(spared);
	assert_shows(f.segment_path, "a_total{x=\"1999\"} 1");
	fixture_close(&f);
}

TEST(options_of_create_that_make_an_unusable_segment_are_refused)
{
	static const struct cmx_create_options bad[] = {
		{ .flags = CMX_ATTACH_ONLY },
		{ .flags = CMX_PRIVATE },
		{ .flags = 1u << 31 },
		{ .mode = 0666 },
		{ .mode = 0060 },
		{ .mode = 04600 },
		{ .has_group = true, .group = (unsigned int)-1 },
		{ .reserved = { 0, 1 } },
	};
	char *dir = test_make_dir();
	char path[600];
	struct cmx_error err;

	snprintf(path, sizeof(path), "%s/a.seg", dir);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(cmx_create(path, NULL, &bad[i], &err),
		    CMX_ERR_ARGUMENT);
		assert_non_null(strstr(err.text, "options: the "));
		assert_int_not_equal(access(path, F_OK), 0);
	}
	assert_int_equal(cmx_create(path, NULL,
			     &(struct cmx_create_options){ .mode = 0640 },
			     NULL),
	    0);
	test_remove_dir(dir);
}

static void
ignore(void *arg, const struct cmx_diagnostic *diagnostic)
{
	(void)arg;
	(void)diagnostic;
}

TEST(readers_and_schema_checks_keep_errno)
{
	struct fixture f = fixture_open("", METRIC);
	struct cmxr_reader *reader, *none;
	const struct cmxr_snapshot *snapshot;
	struct cmxr_info info;

	errno = EBADMSG;
	assert_int_equal(cmx_schema_check(NULL, ignore, NULL, NULL), 0);
	assert_int_equal(cmx_schema_check("/nope", ignore, NULL, NULL),
	    CMX_ERR_NOT_FOUND);
	assert_int_equal(cmxr_open("/nope", &none, NULL), CMX_ERR_NOT_FOUND);
	assert_int_equal(cmxr_open("", &none, NULL), CMX_ERR_ARGUMENT);
	assert_int_equal(cmxr_open_fd(-1, "fd", &none, NULL), CMX_ERR_SYSTEM);
	none = (struct cmxr_reader *)&info;
	assert_int_equal(cmxr_open_fd(0, NULL, &none, NULL), CMX_ERR_ARGUMENT);
	assert_null(none);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	assert_false(cmxr_is_current(reader));
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	assert_int_equal(cmxr_info_get(reader, &info, NULL), 0);
	assert_int_equal(errno, EBADMSG);
	cmxr_close(reader);
	fixture_close(&f);
}

/* Whose a segment is */

static void
assert_owner(const char *path, gid_t group, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_gid, group);
	assert_int_equal(st.st_mode & 07777, mode);
}

TEST(the_environment_and_options_choose_mode_and_group)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "a.seg");
	struct cmx_create_options options = { .mode = 0640,
		.has_group = true,
		.group = 33 };
	struct cmx_registry *reg;
	struct cmx_error err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(setenv("CODEAI_METRICS_GROUP", "12345", 1), 0);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	assert_owner(path, 12345, 0660);
	cmx_close(reg);
	/* One that is there is adopted. */
	assert_int_equal(cmx_open_with(path, NULL, &options, &reg, NULL), 0);
	assert_owner(path, 33, 0640);
	cmx_close(reg);
	assert_int_equal(setenv("CODEAI_METRICS_GROUP", "root", 1), 0);
	assert_int_equal(setenv("CODEAI_METRICS_MODE", "600", 1), 0);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	assert_owner(path, 0, 0600);
	cmx_close(reg);
	assert_int_equal(setenv("CODEAI_METRICS_MODE", "0666", 1), 0);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, &err), CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "CODEAI_METRICS_MODE is \"0666\""));
	assert_int_equal(setenv("CODEAI_METRICS_MODE", "", 1), 0);
	assert_int_equal(setenv("CODEAI_METRICS_GROUP", "no such", 1), 0);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, &err), CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "CODEAI_METRICS_GROUP is"));
	unsetenv("CODEAI_METRICS_GROUP");
	unsetenv("CODEAI_METRICS_MODE");
	/* Without them nothing is changed. */
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	assert_owner(path, 0, 0640);
	cmx_close(reg);
	test_remove_dir(dir);
}

static int
open_as_nobody(void *arg)
{
	struct cmxr_reader *reader;
	struct cmx_error err;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	if (cmxr_open(arg, &reader, &err) != CMX_ERR_PERMISSION)
		return 2;
	return strstr(err.text, "belongs to uid 0, gid 0 and has mode 0660") ==
	    NULL ||
	    strstr(err.text, "this process is uid 65534, gid 65534") == NULL ||
	    strstr(err.text, "CODEAI_METRICS_GROUP") == NULL;
}

TEST(a_refused_file_is_named_with_owner_mode_and_remedy)
{
	struct fixture f = fixture_open("", METRIC);

	if (geteuid() == 0) {
		assert_int_equal(chmod(f.dir, 0755), 0);
		test_wait_ok(test_fork(open_as_nobody, f.segment_path));
	}
	fixture_close(&f);
}

/* Root has one place under /run; others have that of their login. */
static int
look_for_default(void *arg)
{
	const char *dir = arg;
	char inside[600], path[700], found[700];

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 1;
	unsetenv("CODEAI_METRICS_SEGMENT");
	snprintf(inside, sizeof(inside), "%s/codeai-metrics", dir);
	snprintf(path, sizeof(path), "%s/metrics.seg", inside);
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	if (cmx_segment_path(found, sizeof(found), NULL) != 0 ||
	    strncmp(found, "/dev/shm/codeai-metrics-", 24) != 0)
		return 2;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	if (mkdir(inside, 0700) != 0 ||
	    cmx_segment_path(found, sizeof(found), NULL) != 0 ||
	    strcmp(found, path) != 0)
		return 3;
	/* Without the variable it is looked for in /dev/shm, and not here. */
	test_write_file(path, "");
	if (cmx_segment_path(found, sizeof(found), NULL) != 0 ||
	    strcmp(found, path) != 0)
		return 4;
	return unlink(path) != 0 || rmdir(inside) != 0;
}

TEST(the_default_segment_is_where_a_login_has_it)
{
	char *dir = test_make_dir();

	assert_int_equal(chmod(dir, 0777), 0);
	test_wait_ok(test_fork(look_for_default, dir));
	test_remove_dir(dir);
}

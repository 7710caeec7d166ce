/*
 * One registry for each process and file: opened ten thousand times, by
 * threads, under other names, in children, and beside readers in the same
 * process.
 */
#include "metrics.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define METRICS                                                   \
	"{\"name\":\"level\",\"type\":\"gauge\",\"help\":\"h\"}," \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}"

/* What a process keeps for a segment. */
struct kept {
	int mappings, descriptors;
	uint64_t slots;
};

static struct kept
kept_for(const char *path)
{
	struct kept kept = { 0, 0, info(path).n_live_slots };
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096], inode[32], name[64];
	struct stat st, open;

	/* The creator's file had no name when it was opened: by its inode. */
	assert_int_equal(stat(path, &st), 0);
	snprintf(inode, sizeof(inode), " %llu ", (unsigned long long)st.st_ino);
	while (fgets(line, sizeof(line), maps) != NULL)
		kept.mappings += strstr(line, inode) != NULL;
	fclose(maps);
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		kept.descriptors += stat(name, &open) == 0 &&
		    open.st_ino == st.st_ino && open.st_dev == st.st_dev;
	}
	return kept;
}

static void
assert_kept(const char *path, struct kept wanted)
{
	struct kept now = kept_for(path);

	assert_int_equal(now.mappings, wanted.mappings);
	assert_int_equal(now.descriptors, wanted.descriptors);
	assert_int_equal(now.slots, wanted.slots);
}

static struct cmx_registry *
open_once_more(const char *path)
{
	struct cmx_registry *reg;
	struct cmx_error err;

	if (cmx_open(path, NULL, 0, &reg, &err) != 0)
		fail_msg("%s", err.text);
	return reg;
}

TEST(ten_thousand_opens_keep_one_mapping_descriptor_and_slot)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter c = counter(f.reg, "a_total", 0, NULL);
	int n = test_rounds(10000);
	struct kept first = kept_for(f.segment_path);

	assert_int_equal(first.slots, 1);
	for (int i = 0; i < n; i++)
		assert_ptr_equal(open_once_more(f.segment_path), f.reg);
	assert_kept(f.segment_path, first);
	for (int i = 0; i < n; i++)
		cmx_close(f.reg);
	/* The first open is still there. */
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "a_total 1");
	assert_kept(f.segment_path, first);
	fixture_close(&f);
}

TEST(the_last_close_closes)
{
	struct fixture f = fixture_open("", METRICS);
	struct kept nothing = { 0, 0, 0 };

	counter(f.reg, "a_total", 0, NULL);
	open_once_more(f.segment_path);
	cmx_close(f.reg);
	cmx_close(f.reg);
	assert_kept(f.segment_path, nothing);
	f.reg = open_once_more(f.segment_path);
	fixture_close(&f);
}

TEST(other_names_of_a_file_are_the_same_registry)
{
	struct fixture f = fixture_open("", METRICS);
	char other[700], link[700];

	snprintf(other, sizeof(other), "%s/../%s/b.seg", f.dir,
	    strrchr(f.dir, '/') + 1);
	snprintf(link, sizeof(link), "%s/b.seg", f.dir);
	assert_int_equal(linkat(AT_FDCWD, f.segment_path, AT_FDCWD, link, 0),
	    0);
	assert_ptr_equal(open_once_more(other), f.reg);
	cmx_close(f.reg);
	fixture_close(&f);
}

TEST(a_segment_that_was_removed_and_made_anew_is_another_registry)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_registry *next;

	assert_int_equal(cmx_remove(f.segment_path, NULL), 0);
	next = open_once_more(f.segment_path);
	assert_ptr_not_equal(next, f.reg);
	cmx_close(next);
	fixture_close(&f);
}

TEST(a_further_open_adds_the_families_of_its_schema)
{
	struct fixture f = fixture_open("", METRICS);
	const char *schema = test_path(f.dir, "more.json");
	struct cmx_registry *again;

	test_write_file(schema,
	    "{\"version\":1,\"metrics\":[{\"name\":\"b_total\","
	    "\"type\":\"counter\",\"help\":\"h\"}]}");
	assert_int_equal(cmx_open(f.segment_path, schema, 0, &again, NULL), 0);
	assert_ptr_equal(again, f.reg);
	counter(f.reg, "b_total", 0, NULL);
	cmx_close(again);
	/* A wrong one takes nothing away. */
	test_write_file(schema, "{");
	assert_int_equal(cmx_open(f.segment_path, schema, 0, &again, NULL),
	    CMX_ERR_SCHEMA);
	assert_null(again);
	counter(f.reg, "b_total", 0, NULL);
	fixture_close(&f);
}

static void *
open_and_count(void *path)
{
	struct cmx_registry *reg = NULL;

	for (int i = 0; i < test_rounds(1000); i++) {
		struct cmx_counter c;

		if (cmx_open(path, NULL, 0, &reg, NULL) != 0)
			return NULL;
		c = counter(reg, "a_total", 0, NULL);
		cmx_counter_inc(&c);
		cmx_close(reg);
	}
	return reg;
}

TEST(threads_that_open_and_close_at_once_lose_no_count)
{
	struct fixture f = fixture_open("", METRICS);
	pthread_t threads[4];
	char line[64];

	cmx_close(f.reg);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, open_and_count,
		    f.segment_path);
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_non_null(result);
	}
	snprintf(line, sizeof(line), "a_total %d", 4 * test_rounds(1000));
	assert_shows(f.segment_path, line);
	assert_kept(f.segment_path, (struct kept){ 0, 0, 0 });
	f.reg = open_once_more(f.segment_path);
	fixture_close(&f);
}

static int
open_in_child(void *arg)
{
	struct fixture *f = arg;
	struct cmx_registry *reg = open_once_more(f->segment_path);
	struct cmx_gauge g = gauge(reg, "level", 0, NULL);

	cmx_gauge_set(&g, 5);
	return reg != f->reg || !shows(f->segment_path, "level 8");
}

TEST(a_child_that_opens_again_has_its_parents_registry_and_a_slot_of_its_own)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_gauge g = gauge(f.reg, "level", 0, NULL);

	cmx_gauge_set(&g, 3);
	test_wait_ok(test_fork(open_in_child, &f));
	assert_shows(f.segment_path, "level 3");
	fixture_close(&f);
}

/* A thread that opens all the time, and a process that forks meanwhile. */
static volatile bool stops;

static void *
open_all_the_time(void *path)
{
	while (!stops)
		cmx_close(open_once_more(path));
	return NULL;
}

TEST(a_child_forked_while_a_thread_opens_can_open)
{
	struct fixture f = fixture_open("", METRICS);
	pthread_t thread;

	stops = false;
	pthread_create(&thread, NULL, open_all_the_time, f.segment_path);
	for (int i = 0; i < test_rounds(300); i++) {
		pid_t pid = test_spawn();

		if (pid == 0) {
			alarm(20);
			cmx_close(open_once_more(f.segment_path));
			_exit(0);
		}
		test_wait_ok(pid);
	}
	stops = true;
	pthread_join(thread, NULL);
	fixture_close(&f);
}

/* Threads that are cancelled while they open and close. */
static void *
open_until_cancelled(void *path)
{
	for (;;) {
		cmx_close(open_once_more(path));
		pthread_testcancel();
	}
	return NULL;
}

TEST(threads_that_are_cancelled_leave_nothing_locked_or_open)
{
	struct fixture f = fixture_open("", METRICS);

	/* Nobody holds it open: each open maps the file, each close unmaps it.
	 */
	cmx_close(f.reg);
	alarm(60);
	for (int i = 0; i < test_rounds(200); i++) {
		pthread_t threads[3];
		struct timespec some = { .tv_nsec = 10000 * (i % 50) };

		for (int j = 0; j < 3; j++)
			pthread_create(&threads[j], NULL, open_until_cancelled,
			    f.segment_path);
		/* Any instant will do. */
		nanosleep(&some, NULL);
		for (int j = 0; j < 3; j++)
			pthread_cancel(threads[j]);
		for (int j = 0; j < 3; j++)
			pthread_join(threads[j], NULL);
		cmx_close(open_once_more(f.segment_path));
	}
	alarm(0);
	assert_kept(f.segment_path, (struct kept){ 0, 0, 0 });
	f.reg = open_once_more(f.segment_path);
	fixture_close(&f);
}

/*
 * A process that shows its own metrics reads the file by the descriptor that it
 * has.  Where it may not open the file, closing another would drop its locks.
 */
static int
read_without_privileges(void *arg)
{
	struct fixture *f = arg;
	struct cmx_gauge g;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	g = gauge(f->reg, "level", 0, NULL);
	cmx_gauge_set(&g, 7);
	for (int i = 0; i < 5; i++) {
		struct cmxr_reader *reader;
		const struct cmxr_snapshot *snapshot;

		if (cmxr_open_fd(cmx_segment_fd(f->reg), "own", &reader,
			NULL) != 0 ||
		    cmxr_snapshot_take(reader, &snapshot, NULL) != 0)
			return 2;
		cmxr_close(reader);
		if (cmxr_open(f->segment_path, &reader, NULL) != 0)
			return 3;
		cmxr_close(reader);
		cmx_close(open_once_more(f->segment_path));
	}
	kill(getpid(), SIGSTOP);
	return 0;
}

TEST(a_reader_in_the_same_process_takes_no_slot_away)
{
	struct fixture f = fixture_open("", METRICS);
	int status;
	pid_t pid;

	if (geteuid() == 0) {
		assert_int_equal(chmod(f.dir, 0755), 0);
		pid = test_fork(read_without_privileges, &f);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		assert_shows(f.segment_path, "level 7");
		assert_int_equal(info(f.segment_path).n_live_slots, 1);
		kill(pid, SIGCONT);
		test_wait_ok(pid);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

TEST(a_reader_outlives_the_registry_of_its_process)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_counter c = counter(f.reg, "a_total", 0, NULL);
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;

	cmx_counter_inc(&c);
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	cmx_close(f.reg);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	f.reg = open_once_more(f.segment_path);
	c = counter(f.reg, "a_total", 0, NULL);
	cmx_counter_inc(&c);
	cmxr_close(reader);
	assert_shows(f.segment_path, "a_total 2");
	assert_int_equal(kept_for(f.segment_path).descriptors, 1);
	fixture_close(&f);
}

TEST(the_default_registry_is_one_and_kept)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_error err;
	struct cmx_counter c;

	assert_int_equal(setenv("CODEAI_METRICS_SEGMENT", "/nowhere/a.seg", 1),
	    0);
	assert_null(cmx_default(&err));
	assert_int_equal(err.code, CMX_ERR_SYSTEM);
	assert_int_equal(setenv("CODEAI_METRICS_SEGMENT", f.segment_path, 1),
	    0);
	assert_ptr_equal(cmx_default(&err), f.reg);
	assert_int_equal(err.code, CMX_OK);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(cmx_default(NULL), f.reg);
	/* What others close is theirs. */
	cmx_close(f.reg);
	c = counter(cmx_default(NULL), "a_total", 0, NULL);
	cmx_counter_inc(&c);
	assert_shows(f.segment_path, "a_total 1");
	test_remove_dir(f.dir);
}

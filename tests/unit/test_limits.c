/*
 * What a process may run out of: stack, file size, descriptors, address space,
 * processes, locked memory.  No call ends the application, whatever is short.
 */
#include "metrics.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "refuse.h"

#define METRICS                                                        \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","   \
	"\"labels\":[\"x\",\"y\"]},"                                   \
	"{\"name\":\"level\",\"type\":\"gauge\",\"help\":\"h\"},"      \
	"{\"name\":\"seconds\",\"type\":\"histogram\",\"help\":\"h\"," \
	"\"buckets\":[1,2],\"exemplars\":true},"                       \
	"{\"name\":\"sizes\",\"type\":\"histogram\",\"help\":\"h\","   \
	"\"native\":{\"schema\":3,\"min\":1e-6,\"max\":1e3}}"
#define OTHER_METRICS                                                \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"," \
	"\"labels\":[\"z\"]}"

/* Its size is the caller's, and no part of what a call takes. */
static struct cmx_error err;

/* Where each call is made: what it takes, and what it left. */
struct work {
	const char *dir;
	char segment[600], schema[600], other[600];
	struct cmx_registry *reg;
	struct cmx_family families[4];
};

static void
write_schema(char *path, size_t size, const char *dir, const char *name,
    const char *metrics)
{
	char *text;

	snprintf(path, size, "%s/%s", dir, name);
	assert_true(
	    asprintf(&text, "{\"version\":1,\"metrics\":[%s]}", metrics) > 0);
	test_write_file(path, text);
	free(text);
}

static struct work
work_new(const char *dir)
{
	struct work w = { .dir = dir };

	snprintf(w.segment, sizeof(w.segment), "%s/a.seg", dir);
	write_schema(w.schema, sizeof(w.schema), dir, "schema.json", METRICS);
	write_schema(w.other, sizeof(w.other), dir, "other.json",
	    OTHER_METRICS);
	return w;
}

/* Every call, one after the other; none of them may end the process. */
static void
look_up_all(struct work *w)
{
	static char broken[1025], two[CMX_LABEL_VALUE_MAX];
	struct cmx_counter c;
	struct cmx_gauge g;
	struct cmx_histogram h;

	/* Each byte becomes three: as much as a value may be, and more. */
	memset(broken, 0xff, sizeof(broken) - 1);
	memset(two, 0xff, CMX_LABEL_VALUE_MAX / 3);
	for (int i = 0; i < 2; i++) {
		cmx_counter_find(&w->families[0], 2, VALUES("a", "b"), &c,
		    &err);
		cmx_counter_inc(&c);
		cmx_counter_find(&w->families[0], 2, VALUES("/x\xff", "y"), &c,
		    &err);
		cmx_counter_inc(&c);
		cmx_counter_find(&w->families[0], 2, VALUES(two, two), &c,
		    &err);
		cmx_counter_inc(&c);
		cmx_counter_find(&w->families[0], 2, VALUES(broken, broken), &c,
		    &err);
		cmx_counter_inc(&c);
		cmx_gauge_find(&w->families[1], 0, NULL, &g, &err);
		cmx_gauge_set(&g, 1);
		cmx_histogram_find(&w->families[2], 0, NULL, &h, &err);
		cmx_histogram_observe_exemplar(&h, 1, 1,
		    &(struct cmx_label){ "trace_id", "abc" });
		cmx_histogram_find(&w->families[3], 0, NULL, &h, &err);
		cmx_histogram_observe(&h, 1);
		/* Wrong ones, for the errors' texts. */
		cmx_gauge_find(&w->families[0], 0, NULL, &g, &err);
		cmx_counter_find(&w->families[0], 1, VALUES("a"), &c, &err);
		cmx_counter_find(&w->families[1], 1, VALUES("a"), &c, &err);
	}
}

static void
open_and_look_up(struct work *w)
{
	static const char *const names[] = { "a_total", "level", "seconds",
		"sizes" };

	cmx_open(w->segment, w->schema, 0, &w->reg, &err);
	for (size_t i = 0; i < 4; i++)
		cmx_family_find(w->reg, names[i], &w->families[i], &err);
	look_up_all(w);
}

static void
register_one(struct work *w)
{
	const struct cmx_family_def def = { .name = "later_total",
		.help = "h",
		.unit = "",
		.type = CMX_COUNTER };

	cmx_register(w->reg, &def, NULL, &err);
}

static void
read_all(struct work *w)
{
	struct cmxr_buffer body = { NULL, 0, 0 };
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_info info;

	if (cmxr_open(w->segment, &reader, &err) != 0)
		return;
	if (cmxr_snapshot_take(reader, &snapshot, &err) == 0)
		for (int format = CMXR_TEXT; format <= CMXR_JSON; format++)
			cmxr_encode(&(struct cmxr_input){ .snapshot =
							      snapshot },
			    1, (enum cmxr_format)format, NULL, &body, &err);
	cmxr_info_get(reader, &info, &err);
	cmxr_buffer_free(&body);
	cmxr_close(reader);
}

static void
open_private(struct work *w)
{
	struct cmx_registry *reg;

	(void)w;
	cmx_open(NULL, NULL, CMX_PRIVATE, &reg, &err);
	cmx_close(reg);
}

static void
apply_other(struct work *w)
{
	cmx_apply(w->segment, w->other, NULL, &err);
}

static void
apply_first(struct work *w)
{
	cmx_apply(w->segment, w->schema, NULL, &err);
}

static void
remove_it(struct work *w)
{
	cmx_remove(w->segment, &err);
}

static void
close_it(struct work *w)
{
	cmx_close(w->reg);
	w->reg = NULL;
}

/* Each call with a segment that is there, and with one that it has to make. */
static void (*const calls[])(struct work *) = { open_and_look_up, register_one,
	read_all, apply_other, open_private, close_it, apply_first, read_all,
	open_and_look_up, remove_it, close_it, apply_first, open_and_look_up,
	close_it };

struct limit {
	int resource;
	rlim_t value;
};

struct trial {
	struct work *work;
	struct limit limit;
	size_t from; /* the calls before run without the limit */
};

static int
run_under_limit(void *arg)
{
	const struct trial *trial = arg;
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (i == trial->from) {
			getrlimit(trial->limit.resource, &limit);
			limit.rlim_cur = trial->limit.value;
			setrlimit(trial->limit.resource, &limit);
		}
		calls[i](trial->work);
	}
	return 0;
}

TEST(no_limit_of_a_process_ends_it_in_any_call)
{
	static const struct limit limits[] = {
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_FSIZE, 4096 },
		{ RLIMIT_FSIZE, 1 << 20 },
		{ RLIMIT_NOFILE, 0 },
		{ RLIMIT_NOFILE, 3 },
		{ RLIMIT_NOFILE, 5 },
		{ RLIMIT_AS, 64 << 20 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_MEMLOCK, 0 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		for (size_t from = 0; from < sizeof(calls) / sizeof(calls[0]);
		     from += test_step(14)) {
			char *dir = test_make_dir();
			struct work w = work_new(dir);
			struct trial trial = { &w, limits[i], from };
			pid_t pid;
			int status;

#if defined(__SANITIZE_ADDRESS__)
			if (limits[i].resource == RLIMIT_AS) {
				test_remove_dir(dir);
				continue;
			}
#endif
			pid = test_fork(run_under_limit, &trial);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (!WIFEXITED(status))
				fail_msg("limit %zu before call %zu: signal %d",
				    i, from, WTERMSIG(status));
			test_remove_dir(dir);
		}
}

TEST(a_segment_beyond_the_limit_of_file_sizes_is_refused_with_both_numbers)
{
	char *dir = test_make_dir();
	struct work w = work_new(dir);
	struct rlimit old, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(cmx_open(w.segment, w.schema, 0, &w.reg, &err),
	    CMX_ERR_NO_SPACE);
	assert_non_null(strstr(err.text, "more than 1048576"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(cmx_open(w.segment, w.schema, 0, &w.reg, &err), 0);
	/* One that is there can be opened, grown and counted in. */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	cmx_close(w.reg);
	open_and_look_up(&w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_shows(w.segment, "a_total{x=\"a\",y=\"b\"} 2");
	cmx_close(w.reg);
	test_remove_dir(dir);
}

/* Filters: each call of the kernel is refused, before and after the open. */

struct refusal {
	struct work *work;
	long number;
	int error;
	bool after_open;
};

static int
work_under_filter(void *arg)
{
	const struct refusal *r = arg;

	if (r->after_open)
		open_and_look_up(r->work);
	if (!refuse(r->number, r->error))
		return 77;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		calls[i](r->work);
	return 0;
}

TEST(no_filter_ends_a_process_in_any_call)
{
	/* A sanitizer cannot live without memory. */
	static const long numbers[] = {
		SYS_madvise,
#if !defined(__SANITIZE_ADDRESS__)
		SYS_mmap,
#endif
		SYS_openat,
		SYS_fcntl,
		SYS_newfstatat,
		SYS_fstatfs,
		SYS_statfs,
		SYS_futex,
		SYS_fallocate,
		SYS_ftruncate,
		SYS_linkat,
		SYS_rename,
		SYS_unlink,
		SYS_pread64,
		SYS_readlink,
		SYS_clone,
		SYS_wait4,
		SYS_sched_setaffinity,
		SYS_sched_setscheduler,
		SYS_rt_sigprocmask,
		SYS_getrandom,
		SYS_memfd_create,
		SYS_nanosleep,
		SYS_kill
	};
	static const int errors[] = { EPERM, ENOSYS, EINVAL };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]);
	     i += test_step(24))
		for (int j = 0; j < 6; j++) {
			char *dir = test_make_dir();
			struct work w = work_new(dir);
			struct refusal refusal = { &w, numbers[i],
				errors[j / 2], j % 2 == 1 };
			int status;

			assert_true(
			    waitpid(test_fork(work_under_filter, &refusal),
				&status, 0) > 0);
			if (!WIFEXITED(status))
				fail_msg("call %ld answers %d: signal %d",
				    numbers[i], refusal.error,
				    WTERMSIG(status));
			test_remove_dir(dir);
		}
}

/*
 * Pages can be had where the advice that asks for them is not known (before
 * Linux 5.14) or refused, and every descriptor is closed.
 */
static int
count_without(void *arg)
{
	const struct refusal *r = arg;
	struct work *w = r->work;
	char value[16];
	const char *values[2] = { value, "y" };
	struct cmx_counter c;

	open_and_look_up(w);
	if (r->after_open)
		close(cmx_segment_fd(w->reg));
	if (!refuse(r->number, r->error))
		return 77;
	for (int i = 0; i < 3000; i++) {
		snprintf(value, sizeof(value), "%d", i);
		if (cmx_counter_find(&w->families[0], 2, values, &c, &err) != 0)
			return 1;
		cmx_counter_inc(&c);
	}
	return 0;
}

TEST(new_series_have_pages_where_the_advice_is_refused)
{
	static const int errors[] = { EINVAL, EPERM, ENOSYS };

	for (int i = 0; i < 6; i++) {
		char *dir = test_make_dir();
		struct work w = work_new(dir);
		struct refusal refusal = { &w, SYS_madvise, errors[i / 2],
			i % 2 == 1 };
		int status;

		assert_true(waitpid(test_fork(count_without, &refusal), &status,
				0) > 0);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != 77) {
			assert_int_equal(WEXITSTATUS(status), 0);
			assert_shows(w.segment,
			    "a_total{x=\"2999\",y=\"y\"} 1");
			assert_int_equal(info(w.segment).no_space, 0);
		}
		test_remove_dir(dir);
	}
}

struct place {
	const char *dir;
	bool is_old; /* no files without a name */
};

static int
create_on_disk(void *arg)
{
	const struct place *place = arg;
	const char *path = test_path(place->dir, "a.seg");
	struct cmx_create_options any = { .flags = CMX_ANY_FILESYSTEM };
	struct cmx_registry *reg;

	if (place->is_old && !refuse_unnamed_files())
		return 77;
	if (cmx_create(path, NULL, NULL, &err) != CMX_ERR_FILESYSTEM ||
	    strstr(err.text, "is on a file system of type") == NULL)
		return 1;
	if (cmx_create(path, NULL, &any, &err) != 0)
		return 2;
	return cmx_open(path, NULL, CMX_ANY_FILESYSTEM, &reg, &err) != 0;
}

TEST(a_disk_is_named_as_what_it_is_and_can_be_asked_for)
{
	for (int i = 0; i < 2; i++) {
		char dir[] = "/var/tmp/codeai-test-XXXXXX";
		struct place place = { dir, i == 1 };
		int status;

		assert_non_null(mkdtemp(dir));
		assert_true(
		    waitpid(test_fork(create_on_disk, &place), &status, 0) > 0);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != 77) {
			assert_int_equal(WEXITSTATUS(status), 0);
			assert_int_equal(unlink(test_path(dir, "a.seg")), 0);
		}
		/* No temporary name is left. */
		assert_int_equal(rmdir(dir), 0);
	}
}

/* Cancellation */

/* The sanitizer's end of a cancelled thread reads beyond its stack. */
#if !defined(__SANITIZE_ADDRESS__)

static void *
look_up_while_cancelled(void *arg)
{
	struct work *w = arg;
	struct cmx_counter c;

	pthread_cancel(pthread_self());
	cmx_counter_find(&w->families[0], 2, VALUES("new", "y"), &c, &err);
	cmx_counter_inc(&c);
	look_up_all(w);
	/* The first cancellation point is this one. */
	w->dir = NULL;
	pthread_testcancel();
	return w;
}

TEST(a_look_up_is_no_cancellation_point)
{
	char *dir = test_make_dir();
	struct work w = work_new(dir);
	pthread_t thread;
	void *result;

	assert_int_equal(cmx_open(w.segment, w.schema, 0, &w.reg, &err), 0);
	cmx_family_find(w.reg, "a_total", &w.families[0], &err);
	assert_int_equal(pthread_create(&thread, NULL, look_up_while_cancelled,
			     &w),
	    0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_null(w.dir);
	assert_shows(w.segment, "a_total{x=\"new\",y=\"y\"} 1");
	assert_int_equal(info(w.segment).n_live_slots, 1);
	cmx_close(w.reg);
	test_remove_dir(dir);
}

#endif

/* Stacks.  A sanitizer or valgrind makes frames that nobody else has. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/*
 * Run calls on a stack of so many bytes between two pages that nobody may
 * touch, and return how many of them were used.
 */
static struct {
	ucontext_t back, there;
	void (*body)(struct work *);
	struct work *work;
} small;

static void
run_small(void)
{
	small.body(small.work);
}

static size_t
stack_used(void (*body)(struct work *), struct work *work, size_t size)
{
	const size_t guard = 4 * 4096;
	unsigned char *map = mmap(NULL, size + 2 * guard, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *stack = map + guard;
	size_t unused = 0;

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(stack, size, PROT_READ | PROT_WRITE), 0);
	memset(stack, 0x5a, size);
	small.body = body;
	small.work = work;
	getcontext(&small.there);
	small.there.uc_stack.ss_sp = stack;
	small.there.uc_stack.ss_size = size;
	small.there.uc_link = &small.back;
	makecontext(&small.there, run_small, 0);
	swapcontext(&small.back, &small.there);
	while (unused < size && stack[unused] == 0x5a)
		unused++;
	munmap(map, size + 2 * guard);
	return size - unused;
}

TEST(a_look_up_needs_less_than_four_kibibytes_of_stack)
{
	char *dir = test_make_dir();
	struct work w = work_new(dir);
	size_t used;

	if (getenv("VALGRIND") != NULL)
		skip();

	open_and_look_up(&w);
	/* The path of those who claimed nothing and look up for the first time.
	 */
	used = stack_used(look_up_all, &w, 16384);
	if (used >= 4096)
		fail_msg("%zu bytes", used);
	cmx_close(w.reg);
	assert_int_equal(cmx_remove(w.segment, NULL), 0);
	assert_int_equal(cmx_open(w.segment, w.schema, 0, &w.reg, NULL), 0);
	used = stack_used(look_up_all, &w, 16384);
	if (used >= 4096)
		fail_msg("%zu bytes", used);
	cmx_close(w.reg);
	test_remove_dir(dir);
}

TEST(every_call_runs_on_eight_kibibytes_of_stack)
{
	char *dir = test_make_dir();
	struct work w = work_new(dir);

	if (getenv("VALGRIND") != NULL)
		skip();

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t used = stack_used(calls[i], &w, 65536);

		if (used >= 8192)
			fail_msg("call %zu: %zu bytes", i, used);
	}
	cmx_close(w.reg);
	test_remove_dir(dir);
}

static struct work *handled;

static void
look_up_in_handler(int signo)
{
	(void)signo;
	look_up_all(handled);
}

static int
handle_on_small_stack(void *arg)
{
	const size_t size = (size_t)sysconf(_SC_SIGSTKSZ), guard = 65536;
	unsigned char *map = mmap(NULL, size + guard, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = map + guard, .ss_size = size };
	struct sigaction action = { .sa_handler = look_up_in_handler,
		.sa_flags = SA_ONSTACK };

	handled = arg;
	if (map == MAP_FAILED ||
	    mprotect(map + guard, size, PROT_READ | PROT_WRITE) != 0 ||
	    sigaltstack(&stack, NULL) != 0 ||
	    sigaction(SIGUSR1, &action, NULL) != 0)
		return 2;
	raise(SIGUSR1);
	return 0;
}

TEST(a_signal_handler_looks_up_on_the_smallest_alternate_stack)
{
	char *dir = test_make_dir();
	struct work w = work_new(dir);

	if (getenv("VALGRIND") != NULL)
		skip();

	open_and_look_up(&w);
	test_wait_ok(test_fork(handle_on_small_stack, &w));
	cmx_close(w.reg);
	test_remove_dir(dir);
}

#endif

/*
 * Who may use the CPU stripes, and does the kernel keep its promise.
 */
#include "metrics.h"

#include <sched.h>

#include "refuse.h"

#include "segment/topology.h"
#include "write/registry.h"
#include "write/rseq.h"

TEST(the_kernel_aborts_a_preempted_section)
{
	if (!cmxi_rseq_is_registered())
		skip();
	for (int i = 0; i < 10; i++)
		assert_int_equal(cmxi_rseq_self_test(), CMXI_RSEQ_WORKS);
}

TEST(a_new_segment_has_a_stripe_for_each_cpu_that_is_present)
{
	const char *wanted = getenv("CODEAI_METRICS_RSEQ");
	bool tries = wanted == NULL || strcmp(wanted, "0") != 0;
	struct fixture f = fixture_open("", "");
	struct cmxr_info i = info(f.segment_path);

	assert_int_equal(i.n_cpu_stripes, sysconf(_SC_NPROCESSORS_CONF));
	assert_true(i.n_fallback_stripes >= 2);
	assert_string_equal(i.rseq,
	    tries && cmxi_rseq_is_registered() ? "works" : "untried");
	fixture_close(&f);
}

/* An opened segment, as the functions of rseq.c look at it. */
struct opened {
	struct cmxi_shm_header header;
	struct cmxi_segment segment;
};

static void
open_as(struct opened *o, uint64_t verdict)
{
	memset(o, 0, sizeof(*o));
	o->header.rseq = verdict;
	o->segment.base = (unsigned char *)&o->header;
	o->segment.fixed.n_cpu_stripes = 5;
	o->segment.fixed.flags = CMXI_FLAG_IN_MEMORY;
}

TEST(cpu_stripes_are_for_processes_that_may_use_them)
{
	struct opened o;

	if (!cmxi_rseq_is_registered())
		skip();
	unsetenv("CODEAI_METRICS_RSEQ");
	open_as(&o, CMXI_RSEQ_WORKS);
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 5);
	setenv("CODEAI_METRICS_RSEQ", "0", 1);
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 0);
	setenv("CODEAI_METRICS_RSEQ", "1", 1);
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 5);
	open_as(&o, CMXI_RSEQ_BROKEN);
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 0);
	/* On a disk the CPUs may be those of another boot. */
	open_as(&o, CMXI_RSEQ_WORKS);
	o.segment.fixed.flags = 0;
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 0);
	o.segment.fixed.boot_id[0] = 1;
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 5);
	unsetenv("CODEAI_METRICS_RSEQ");
}

TEST(who_opens_tries_what_was_not_tried)
{
	struct opened o;

	if (!cmxi_rseq_is_registered())
		skip();
	unsetenv("CODEAI_METRICS_RSEQ");
	open_as(&o, CMXI_RSEQ_UNTRIED);
	assert_int_equal(cmxi_rseq_usable_cpus(&o.segment), 5);
	assert_int_equal(o.header.rseq, CMXI_RSEQ_WORKS);
}

static int
try_as_real_time(void *arg)
{
	const struct sched_param some = { .sched_priority = 10 };

	(void)arg;
	return sched_setscheduler(0, SCHED_FIFO, &some) != 0 ?
	    77 :
	    (int)cmxi_rseq_self_test();
}

TEST(a_process_of_a_real_time_class_tries_as_well)
{
	int status;

	if (!cmxi_rseq_is_registered())
		skip();
	assert_true(waitpid(test_fork(try_as_real_time, NULL), &status, 0) > 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), CMXI_RSEQ_WORKS);
}

/* Where the trial cannot be made, others make it. */
static int
create_untried(void *arg)
{
	const char *dir = arg;

	if (!refuse(SYS_sched_setaffinity, EPERM))
		return 77;
	return cmx_create(test_path(dir, "a.seg"), NULL, NULL, NULL) != 0;
}

TEST(a_segment_made_where_nothing_can_be_tried_is_tried_by_the_next)
{
	char *dir = test_make_dir();
	const char *path = test_path(dir, "a.seg");
	struct cmx_registry *reg;
	int status;

	if (!cmxi_rseq_is_registered())
		skip();
	unsetenv("CODEAI_METRICS_RSEQ");
	assert_true(waitpid(test_fork(create_untried, dir), &status, 0) > 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(info(path).rseq, "untried");
	assert_int_equal(cmx_open(path, NULL, 0, &reg, NULL), 0);
	assert_string_equal(info(path).rseq, "works");
	assert_true(reg->n_cpus > 0);
	cmx_close(reg);
	test_remove_dir(dir);
}

/* Whose children cannot exit must not go on as a second application. */
static int
open_without_exit(void *arg)
{
	struct cmx_registry *reg;
	pid_t self = getpid();

	if (!refuse(SYS_exit_group, EPERM))
		return 77;
	cmx_open(test_path(arg, "a.seg"), NULL, 0, &reg, NULL);
	if (getpid() != self)
		test_write_file(test_path(arg, "twice"), "");
	kill(getpid(), SIGTERM);
	return 0;
}

TEST(a_child_of_the_trial_never_becomes_the_application)
{
	char *dir = test_make_dir();
	int status;

	assert_true(waitpid(test_fork(open_without_exit, dir), &status, 0) > 0);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGTERM);
	else
		assert_int_equal(WEXITSTATUS(status), 77);
	assert_int_not_equal(access(test_path(dir, "twice"), F_OK), 0);
	test_remove_dir(dir);
}

TEST(lists_of_cpus_are_read_to_their_highest_number)
{
	assert_int_equal(cmxi_topology_parse_list("0\n"), 1);
	assert_int_equal(cmxi_topology_parse_list("0-1\n"), 2);
	assert_int_equal(cmxi_topology_parse_list("0-3,8-11"), 12);
	assert_int_equal(cmxi_topology_parse_list("0,2,4\n"), 5);
	assert_int_equal(cmxi_topology_parse_list(""), 0);
	assert_int_equal(cmxi_topology_parse_list("a-b"), 0);
	assert_int_equal(cmxi_topology_parse_list("0-"), 0);
	assert_int_equal(cmxi_topology_parse_list("99999999"), 0);
}

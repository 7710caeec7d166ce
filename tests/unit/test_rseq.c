/*
 * Who may use the CPU stripes, and does the kernel keep its promise.
 */
#include "metrics.h"

#include "segment/topology.h"
#include "write/registry.h"
#include "write/rseq.h"

static struct cmxi_shm_header
good_header(void)
{
	struct cmxi_shm_header h;

	memset(&h, 0, sizeof(h));
	h.flags = CMXI_FLAG_RSEQ_WORKS;
	h.n_cpu_stripes = 5;
	h.boot_id[0] = 1;
	return h;
}

TEST(the_kernel_aborts_a_preempted_section)
{
	if (!cmxi_rseq_is_registered())
		skip();
	for (int i = 0; i < 10; i++)
		assert_true(cmxi_rseq_self_test());
}

TEST(a_new_segment_has_a_stripe_for_each_cpu_where_rseq_works)
{
	struct fixture f = fixture_open("", "");
	struct cmxr_info i = info(f.segment_path);

	assert_int_equal(i.n_cpu_stripes,
	    cmxi_topology_read(cmxi_rseq_is_registered()).n_cpu_stripes);
	assert_true(i.n_fallback_stripes >= 2);
	fixture_close(&f);
}

TEST(cpu_stripes_are_for_processes_that_may_use_them)
{
	struct cmxi_shm_header h = good_header();

	if (!cmxi_rseq_is_registered())
		skip();
	unsetenv("CODEAI_METRICS_RSEQ");
	assert_int_equal(cmxi_rseq_usable_cpus(&h), 5);
	setenv("CODEAI_METRICS_RSEQ", "0", 1);
	assert_int_equal(cmxi_rseq_usable_cpus(&h), 0);
	setenv("CODEAI_METRICS_RSEQ", "1", 1);
	assert_int_equal(cmxi_rseq_usable_cpus(&h), 5);
	h.flags = 0;
	assert_int_equal(cmxi_rseq_usable_cpus(&h), 0);
	h = good_header();
	h.boot_id[0] = 0;
	assert_int_equal(cmxi_rseq_usable_cpus(&h), 0);
	unsetenv("CODEAI_METRICS_RSEQ");
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

/*
 * Business metrics: made by any process as it runs, labels by their names.
 */
#include "metrics.h"

#include <math.h>

#include "codeai/metrics_business.h"

#define PAIRS(...)                 \
	(const struct cmx_label[]) \
	{                          \
		__VA_ARGS__        \
	}

static struct fixture
make(void)
{
	struct fixture f = fixture_open("", "");
	static const char *const labels[] = { "plan", "country" };
	static const double bounds[] = { 1, 10 };
	struct cmx_error err;

	if (cmx_business_register_counter(f.reg, "orders_total", "Orders", 2,
		labels, &err) != 0 ||
	    cmx_business_register_gauge(f.reg, "carts", "Open carts", 0, NULL,
		&err) != 0 ||
	    cmx_business_register_histogram(f.reg, "basket_euros", "Baskets", 1,
		labels, 2, bounds, &err) != 0)
		fail_msg("%s", err.text);
	return f;
}

TEST(labels_are_named_in_any_order)
{
	struct fixture f = make();
	struct cmx_registry *reg = f.reg;

	assert_int_equal(cmx_business_inc(reg, "orders_total", 2,
			     PAIRS({ "country", "de" }, { "plan", "pro" }),
			     NULL),
	    0);
	assert_int_equal(cmx_business_add(reg, "orders_total", 2,
			     PAIRS({ "plan", "pro" }, { "country", "de" }), 1.5,
			     NULL),
	    0);
	assert_int_equal(cmx_business_set(reg, "carts", 0, NULL, 7, NULL), 0);
	assert_int_equal(cmx_business_add(reg, "carts", 0, NULL, -3, NULL), 0);
	assert_int_equal(cmx_business_inc(reg, "carts", 0, NULL, NULL), 0);
	assert_int_equal(cmx_business_observe(reg, "basket_euros", 1,
			     PAIRS({ "plan", NULL }), 5, NULL),
	    0);
	assert_shows(f.segment_path,
	    "codeai_business_orders_total{plan=\"pro\",country=\"de\"} 2.5");
	assert_shows(f.segment_path, "codeai_business_carts 5");
	assert_shows(f.segment_path,
	    "codeai_business_basket_euros_bucket{plan=\"\",le=\"10\"} 1");
	fixture_close(&f);
}

TEST(what_is_wrong_is_said_and_counted)
{
	struct fixture f = make();
	struct cmx_registry *reg = f.reg;
	struct cmx_error err;

	assert_int_equal(cmx_business_register_gauge(reg, "", "h", 0, NULL,
			     &err),
	    CMX_ERR_ARGUMENT);
	assert_non_null(strstr(err.text, "null, empty, or longer"));
	assert_int_equal(cmx_business_inc(reg, "none", 0, NULL, &err),
	    CMX_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "codeai_business_none"));
	assert_int_equal(cmx_business_inc(reg, "orders_total", 1,
			     PAIRS({ "plan", "x" }), &err),
	    CMX_ERR_LABELS);
	assert_non_null(strstr(err.text, "the label country is missing"));
	assert_int_equal(
	    cmx_business_inc(reg, "orders_total", 3,
		PAIRS({ "plan", "x" }, { "country", "y" }, { "z", "z" }), &err),
	    CMX_ERR_LABELS);
	assert_non_null(strstr(err.text, "3 labels were given, it has 2"));
	assert_int_equal(cmx_business_inc(reg, "orders_total", 3,
			     PAIRS({ "plan", "x" }, { "country", "y" },
				 { "plan", "z" }),
			     &err),
	    CMX_ERR_LABELS);
	assert_non_null(strstr(err.text, "the label plan stands twice"));
	assert_int_equal(cmx_business_set(reg, "orders_total", 2,
			     PAIRS({ "plan", "x" }, { "country", "y" }), 1,
			     &err),
	    CMX_ERR_TYPE);
	assert_int_equal(cmx_business_add(reg, "orders_total", 2,
			     PAIRS({ "plan", "x" }, { "country", "y" }), -1,
			     &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_business_observe(reg, "basket_euros", 1,
			     PAIRS({ "plan", "x" }), NAN, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_business_inc(NULL, "a", 0, NULL, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_business_inc(reg, NULL, 0, NULL, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(cmx_business_inc(reg, "a", 1, NULL, &err),
	    CMX_ERR_ARGUMENT);
	assert_int_equal(info(f.segment_path).failed_lookups, 6);
	assert_int_equal(info(f.segment_path).invalid_updates, 2);
	/* Defined differently: both definitions, as everywhere. */
	assert_int_equal(cmx_business_register_gauge(reg, "orders_total", "h",
			     0, NULL, &err),
	    CMX_ERR_CONFLICT);
	assert_int_equal(cmx_business_register_counter(reg, "no such", "h", 0,
			     NULL, &err),
	    CMX_ERR_ARGUMENT);
	fixture_close(&f);
}

TEST(many_processes_register_one_family)
{
	struct fixture f = fixture_open("", "");
	int status;

	for (int i = 0; i < 64; i++)
		if (test_spawn() == 0) {
			const char *label = "x";
			int r = cmx_business_register_counter(f.reg, "a_total",
			    "h", 1, &label, NULL);

			if (r == 0)
				r = cmx_business_inc(f.reg, "a_total", 1,
				    PAIRS({ "x", "1" }), NULL);
			_exit(r == 0 ? 0 : 1);
		}
	for (int i = 0; i < 64; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(info(f.segment_path).n_families, 1);
	assert_shows(f.segment_path, "codeai_business_a_total{x=\"1\"} 64");
	fixture_close(&f);
}

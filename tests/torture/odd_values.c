/*
 * odd_values.c: a live segment with every type and every odd value, for
 * programs that read expositions.
 *
 *	odd_values SEGMENT SCHEMA
 *		fills the segment, prints exact quantiles of what its native
 *		histogram observed, and waits for the end of its input
 */
#include <err.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codeai/metrics.h"

#define N_OBSERVED 20000

static const char schema[] =
    "{\"version\":1,\"metrics\":["
    "{\"name\":\"r_requests_total\",\"type\":\"counter\","
    "\"help\":\"Quote \\\" backslash \\\\ line\\nfeed\","
    "\"labels\":[\"method\",\"path\"],\"exemplars\":true},"
    "{\"name\":\"r_plain_total\",\"type\":\"counter\",\"help\":\"Plain\"},"
    "{\"name\":\"r_cpu_seconds_total\",\"type\":\"counter\","
    "\"help\":\"Fractions\",\"value\":\"double\",\"unit\":\"seconds\"},"
    "{\"name\":\"r_empty_total\",\"type\":\"counter\",\"help\":\"No series\","
    "\"labels\":[\"x\"]},"
    "{\"name\":\"r_temperature_celsius\",\"type\":\"gauge\","
    "\"help\":\"Odd values\",\"labels\":[\"v\"],\"aggregate\":\"last\"},"
    "{\"name\":\"r_workers\",\"type\":\"gauge\",\"help\":\"Each\","
    "\"aggregate\":\"each\"},"
    "{\"name\":\"r_latency_seconds\",\"type\":\"histogram\","
    "\"help\":\"Classic\",\"unit\":\"seconds\",\"labels\":[\"path\"],"
    "\"buckets\":[0.005,0.25,1,2.5,10],\"exemplars\":true},"
    "{\"name\":\"r_native_seconds\",\"type\":\"histogram\","
    "\"help\":\"Native\",\"unit\":\"seconds\","
    "\"native\":{\"schema\":3,\"min\":1e-6,\"max\":1e3}},"
    "{\"name\":\"r_both_seconds\",\"type\":\"histogram\","
    "\"help\":\"Both\",\"labels\":[\"path\"],\"exemplars\":true,"
    "\"native\":{\"schema\":6,\"min\":1e-3,\"max\":10},"
    "\"buckets\":[0.01,0.1,1]},"
    "{\"name\":\"r_wide\",\"type\":\"gauge\",\"help\":\"60 labels\","
    "\"aggregate\":\"last\",\"labels\":[";

static struct cmx_registry *reg;

static struct cmx_family
family(const char *name)
{
	struct cmx_family f;
	struct cmx_error error;

	if (cmx_family_find(reg, name, &f, &error) != 0)
		errx(1, "%s", error.text);
	return f;
}

static void
write_schema(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		err(1, "%s", path);
	fputs(schema, f);
	for (int i = 0; i < 60; i++)
		fprintf(f, "%s\"l%d\"", i > 0 ? "," : "", i);
	fputs("]}]}", f);
	fclose(f);
}

static void
fill_counters(void)
{
	static const char *const odd[] = { "/", "/a\"b\\c\nd", "",
		"bad\xff\xc3", "\xe6\x97\xa5\xe6\x9c\xac", "tab\t\x01\x7f",
		"}{,=#" };
	struct cmx_family requests = family("r_requests_total");
	struct cmx_family cpu = family("r_cpu_seconds_total");
	static char long_value[CMX_LABEL_VALUE_MAX + 1];
	struct cmx_counter c;

	for (size_t i = 0; i < sizeof(long_value) - 1; i++)
		long_value[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]) + 1; i++) {
		const char *values[] = { "GET",
			i < sizeof(odd) / sizeof(odd[0]) ? odd[i] :
							   long_value };

		cmx_counter_find(&requests, 2, values, &c, NULL);
		cmx_counter_add_exemplar(&c, i + 1, 1,
		    &(struct cmx_label){ "trace_id", "0af7651916cd43dd" });
	}
	cmx_counter_find(&requests, 2, (const char *[]){ "GET", "/2^53" }, &c,
	    NULL);
	cmx_counter_add(&c, (UINT64_C(1) << 53) + 1);
	cmx_counter_find(&cpu, 0, NULL, &c, NULL);
	cmx_counter_add_double(&c, 0.1);
	cmx_counter_add_double(&c, 0.2);
}

static void
fill_gauges(void)
{
	static const struct {
		const char *name;
		double value;
	} odd[] = { { "nan", NAN }, { "inf", INFINITY }, { "-inf", -INFINITY },
		{ "-0", -0.0 }, { "denormal", 5e-324 }, { "max", DBL_MAX },
		{ "2^53", 0x1p53 }, { "third", 1.0 / 3 }, { "-1.5", -1.5 } };
	struct cmx_family temperature = family("r_temperature_celsius");
	struct cmx_family workers = family("r_workers"),
			  wide = family("r_wide");
	const char *values[60];
	struct cmx_gauge g;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		cmx_gauge_find(&temperature, 1, &odd[i].name, &g, NULL);
		cmx_gauge_set(&g, odd[i].value);
	}
	cmx_gauge_find(&workers, 0, NULL, &g, NULL);
	cmx_gauge_set(&g, 4);
	for (int i = 0; i < 60; i++)
		values[i] = "v";
	cmx_gauge_find(&wide, 60, values, &g, NULL);
	cmx_gauge_set(&g, 60);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Latencies as they are: most are short, and a few are not. */
static void
fill_histograms(void)
{
	static double observed[N_OBSERVED];
	struct cmx_family latency = family("r_latency_seconds");
	struct cmx_family native = family("r_native_seconds");
	struct cmx_family both = family("r_both_seconds");
	struct cmx_histogram h, n, b;

	cmx_histogram_find(&latency, 1, (const char *[]){ "/" }, &h, NULL);
	cmx_histogram_find(&native, 0, NULL, &n, NULL);
	cmx_histogram_find(&both, 1, (const char *[]){ "/" }, &b, NULL);
	srand48(20240229);
	for (int i = 0; i < N_OBSERVED; i++) {
		/* Box and Muller: a normal exponent. */
		double u = drand48(), w = drand48();
		double z = sqrt(-2 * log(1 - u)) * cos(2 * M_PI * w);

		observed[i] = exp(-4 + 1.5 * z);
		cmx_histogram_observe(&n, observed[i]);
		cmx_histogram_observe_exemplar(&h, observed[i], 1,
		    &(struct cmx_label){ "trace_id", "4bf92f3577b34da6" });
		cmx_histogram_observe_exemplar(&b, observed[i], 1,
		    &(struct cmx_label){ "trace_id", "4bf92f3577b34da6" });
	}
	/* Below and above the windows. */
	cmx_histogram_observe(&b, 0);
	cmx_histogram_observe(&b, 1e-9);
	cmx_histogram_observe(&b, 1e6);
	qsort(observed, N_OBSERVED, sizeof(observed[0]), compare);
	for (int q = 10; q <= 99; q += q < 90 ? 20 : 9)
		printf("quantile %.2f %.17g\n", q / 100.0,
		    observed[N_OBSERVED * q / 100]);
}

int
main(int argc, char *argv[])
{
	struct cmx_error error;

	if (argc != 3)
		errx(2, "usage: odd_values SEGMENT SCHEMA");
	write_schema(argv[2]);
	if (cmx_open(argv[1], argv[2], 0, &reg, &error) != 0)
		errx(1, "%s", error.text);
	fill_counters();
	fill_gauges();
	fill_histograms();
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	cmx_close(reg);
	return 0;
}

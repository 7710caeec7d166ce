/*
 * options.c: the command line.
 */
#include <bsd/stdlib.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define REQUESTS_MAX    40
#define TIMEOUT_SECONDS 5
#define SEGMENT_BYTES   (UINT64_C(1) << 30)

/* A sanitizer's search for leaks needs what the sandbox takes. */
#ifdef __SANITIZE_ADDRESS__
#define HAS_SANDBOX false
#else
#define HAS_SANDBOX true
#endif

static const char usage_line[] =
    "usage: codeai-metricsd [-hnV] [-s SEGMENT[,LABEL=VALUE ...]] ...\n"
    "    [--web.listen-address=ADDRESS] ... [--web.max-requests=N]\n"
    "    [--web.telemetry-path=PATH] [--segment.timeout=SECONDS]\n"
    "    [--segment.max-bytes=N] [--no-sandbox] [--config.check]\n";

static void
print_help(void)
{
	printf(
	    "%s\n"
	    "  -s SEGMENT               a segment to show, with labels for its series (default:\n"
	    "                           the path that codeai-metrics uses too)\n"
	    "  --no-sandbox             keep all rights that the daemon was started with\n"
	    "  --web.listen-address     HOST:PORT, repeatable (" DEFAULT_ADDRESS
	    ")\n"
	    "  --web.telemetry-path     where the metrics are (/metrics)\n"
	    "  --web.max-requests       scrapes at once; 0: no limit (%d)\n"
	    "  --segment.timeout        how long a scrape waits for segments, in seconds (%d)\n"
	    "  --segment.max-bytes      the largest segment, and the largest text of one;\n"
	    "                           a number, or one with KB, MB, GB (1GB)\n"
	    "  -n, --test, --config.check\n"
	    "                           check the options, try the sandbox, and stop\n"
	    "  -V, --version  -h, --help\n\n"
	    "See codeai-metricsd(8).\n",
	    usage_line, REQUESTS_MAX, TIMEOUT_SECONDS);
}

static bool
add_source(struct options *o, const char *argument)
{
	if (o->n_sources == SOURCES_MAX) {
		log_error("-s %s: at most %d segments", argument, SOURCES_MAX);
		return false;
	}
	return source_parse(argument, &o->sources[o->n_sources++]);
}

static bool
add_address(struct options *o, const char *address)
{
	if (o->n_addresses == SERVERS_MAX) {
		log_error("--web.listen-address=%s: at most %d addresses",
		    address, SERVERS_MAX);
		return false;
	}
	o->addresses[o->n_addresses++] = address;
	return server_address_is_valid(address);
}

static bool
set_telemetry_path(struct options *o, const char *path)
{
	if (path[0] != '/' || strpbrk(path, "?#") != NULL ||
	    strncmp(path, "/-/", 3) == 0) {
		log_error(
		    "--web.telemetry-path=%s: must begin with /, not with /-/, and have no ? and no #",
		    path);
		return false;
	}
	o->telemetry_path = path;
	return true;
}

static bool
set_max_requests(struct options *o, const char *text)
{
	const char *reason;

	o->budget.max_requests = (size_t)strtonum(text, 0, 100000, &reason);
	if (reason == NULL)
		return true;
	log_error("--web.max-requests=%s: is %s; allowed are 0 to 100000", text,
	    reason);
	return false;
}

static bool
set_timeout(struct options *o, const char *text)
{
	const char *reason;

	o->budget.timeout_ns =
	    (uint64_t)strtonum(text, 1, 3600, &reason) * NS_PER_SECOND;
	if (reason == NULL)
		return true;
	log_error("--segment.timeout=%s: is %s; allowed are 1 to 3600 seconds",
	    text, reason);
	return false;
}

/* A number, perhaps with KB, MB or GB behind it, which count by 1024. */
static bool
set_max_bytes(struct options *o, const char *text)
{
	static const char *const units[] = { "", "KB", "MB", "GB" };
	size_t digits = strspn(text, "0123456789"), i;
	char number[16];
	uint64_t n;

	for (i = 0; i < 4 && strcmp(text + digits, units[i]) != 0; i++)
		;
	if (digits > 0 && digits < sizeof(number) && i < 4) {
		memcpy(number, text, digits);
		number[digits] = '\0';
		n = strtoull(number, NULL, 10);
		if (n > 0 && n <= UINT64_C(1) << (44 - 10 * i)) {
			o->budget.max_bytes = n << (10 * i);
			return true;
		}
	}
	log_error(
	    "--segment.max-bytes=%s: allowed is a number from 1 to 16384GB, with KB, MB, GB or nothing behind it",
	    text);
	return false;
}

enum {
	OPT_ADDRESS = 256,
	OPT_PATH,
	OPT_REQUESTS,
	OPT_TIMEOUT,
	OPT_BYTES,
	OPT_NO_SANDBOX
};

static const struct option long_options[] = {
	{ "config.check", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "segment", required_argument, NULL, 's' },
	{ "segment.max-bytes", required_argument, NULL, OPT_BYTES },
	{ "segment.timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "test", no_argument, NULL, 'n' },
	{ "version", no_argument, NULL, 'V' },
	{ "web.listen-address", required_argument, NULL, OPT_ADDRESS },
	{ "web.max-requests", required_argument, NULL, OPT_REQUESTS },
	{ "web.telemetry-path", required_argument, NULL, OPT_PATH },
	{ NULL, 0, NULL, 0 },
};

void
options_parse(struct options *o, int argc, char *argv[])
{
	bool ok = true;
	int ch;

	*o = (struct options){ .telemetry_path = "/metrics",
		.budget = { .max_requests = REQUESTS_MAX,
		    .timeout_ns = TIMEOUT_SECONDS * NS_PER_SECOND,
		    .max_bytes = SEGMENT_BYTES },
		.has_sandbox = HAS_SANDBOX };
	while (
	    (ch = getopt_long(argc, argv, "hns:V", long_options, NULL)) != -1) {
		switch (ch) {
		case 'h':
			print_help();
			exit(0);
		case 'V':
			printf("codeai-metricsd %s\n", CMX_VERSION);
			exit(0);
		case 'n':
			o->is_test = true;
			break;
		case 's':
			ok &= add_source(o, optarg);
			break;
		case OPT_ADDRESS:
			ok &= add_address(o, optarg);
			break;
		case OPT_PATH:
			ok &= set_telemetry_path(o, optarg);
			break;
		case OPT_REQUESTS:
			ok &= set_max_requests(o, optarg);
			break;
		case OPT_NO_SANDBOX:
			o->has_sandbox = false;
			break;
		case OPT_TIMEOUT:
			ok &= set_timeout(o, optarg);
			break;
		case OPT_BYTES:
			ok &= set_max_bytes(o, optarg);
			break;
		default:
			fputs(usage_line, stderr);
			exit(2);
		}
	}
	if (optind != argc) {
		log_error("%s: is not an option; segments are named with -s",
		    argv[optind]);
		ok = false;
	}
	if (o->n_sources == 0)
		ok &= add_source(o, NULL);
	if (!ok || !sources_make_distinct(o->sources, o->n_sources))
		exit(2);
}

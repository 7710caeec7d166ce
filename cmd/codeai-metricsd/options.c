/*
 * options.c: the command line, and the same options from the environment.
 */
#include <bsd/stdlib.h>
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "daemon.h"
#include "web/web.h"

#define VARIABLE_PREFIX "CODEAI_METRICSD_"
#define VARIABLE_SIZE   64

#define REQUESTS_MAX    40
#define TIMEOUT_SECONDS 5
#define SEGMENT_BYTES   (UINT64_C(1) << 30)

/* A sanitizer's search for leaks needs what the sandbox takes. */
#ifdef __SANITIZE_ADDRESS__
#define HAS_SANDBOX false
#else
#define HAS_SANDBOX true
#endif

static bool
set_segment(struct options *o, const char *argument)
{
	o->n_segments++;
	return fleet_add(o->fleet, argument);
}

static bool
add_address(struct options *o, const char *option, const char *address,
    bool is_health)
{
	if (o->n_addresses == SERVERS_MAX) {
		log_error("%s=%s: at most %d addresses", option, address,
		    SERVERS_MAX);
		return false;
	}
	o->addresses[o->n_addresses++] = (struct address){ address, is_health };
	o->n_web_addresses += !is_health;
	return listen_is_valid(option, address);
}

static bool
set_listen_address(struct options *o, const char *address)
{
	return add_address(o, OPTION_LISTEN, address, false);
}

static bool
set_health_address(struct options *o, const char *address)
{
	return add_address(o, OPTION_HEALTH, address, true);
}

static bool
set_telemetry_path(struct options *o, const char *path)
{
	if (path[0] != '/' || strpbrk(path, "?#%") != NULL ||
	    strncmp(path, "/-/", 3) == 0 || strncmp(path, "/page/", 6) == 0 ||
	    strncmp(path, "/api/", 5) == 0) {
		log_error(
		    "--web.telemetry-path=%s: must begin with /, not with /-/, /page/ or /api/, and have no ?, # or %%",
		    path);
		return false;
	}
	o->telemetry_path = path;
	return true;
}

static bool
set_config_file(struct options *o, const char *path)
{
	o->web_config = path[0] != '\0' ? path : NULL;
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

static bool
set_log_level(struct options *o, const char *name)
{
	(void)o;
	if (log_set_level(name))
		return true;
	log_error("--log.level=%s: allowed are debug, info, warn, error", name);
	return false;
}

static bool
set_log_format(struct options *o, const char *name)
{
	(void)o;
	if (log_set_format(name))
		return true;
	log_error("--log.format=%s: allowed are text, logfmt, json", name);
	return false;
}

static bool
set_systemd_socket(struct options *o, const char *unused)
{
	(void)unused;
	o->needs_systemd_socket = true;
	return true;
}

static bool
set_disable_exporter_metrics(struct options *o, const char *unused)
{
	(void)unused;
	o->has_self = false;
	return true;
}

static bool
set_disable_page(struct options *o, const char *unused)
{
	(void)unused;
	o->has_page = false;
	return true;
}

static bool
set_no_sandbox(struct options *o, const char *unused)
{
	(void)unused;
	o->has_sandbox = false;
	return true;
}

static bool
set_test(struct options *o, const char *unused)
{
	(void)unused;
	o->is_test = true;
	return true;
}

static bool
print_version(struct options *o, const char *unused)
{
	struct utsname machine;

	(void)o;
	(void)unused;
	uname(&machine);
	printf("codeai-metricsd %s\n"
	       "  compiler:      %s\n"
	       "  platform:      %s/%s\n"
	       "  libmicrohttpd: %s\n"
	       "  GnuTLS:        %s\n",
	    CMX_VERSION, __VERSION__, machine.sysname, machine.machine,
	    server_library_version(), tls_library_version());
	exit(0);
}

static bool print_help(struct options *, const char *);

/*
 * The options.  One with an argument shows it in the help; one that may stand
 * several times has as many values in its variable, with blanks between them.
 */
static const struct flag {
	char letter;
	const char *name, *argument;
	bool (*set)(struct options *, const char *);
	bool is_repeatable;
	bool has_variable;
	const char *help;
} flags[] = {
	{ 's', "segment", "PATH[,LABEL=VALUE...]", set_segment, true, true,
	    "a segment, a directory or a pattern of segments, with labels for their series" },
	{ 0, "segment.timeout", "SECONDS", set_timeout, false, true,
	    "how long a scrape waits for segments (5)" },
	{ 0, "segment.max-bytes", "N", set_max_bytes, false, true,
	    "the largest segment, and the largest text of one; KB, MB, GB (1GB)" },
	{ 0, "web.listen-address", "ADDRESS", set_listen_address, true, true,
	    "HOST:PORT, or unix:PATH[,mode=MODE][,group=GROUP] (" DEFAULT_ADDRESS
	    ")" },
	{ 0, "web.health-address", "ADDRESS", set_health_address, true, true,
	    "where only /-/healthy and /-/ready are, to anybody" },
	{ 0, "web.systemd-socket", NULL, set_systemd_socket, false, true,
	    "only the sockets that systemd passes" },
	{ 0, "web.config.file", "FILE", set_config_file, false, true,
	    "TLS, users, headers, rate limit: codeai-metricsd.yml(5)" },
	{ 0, "web.telemetry-path", "PATH", set_telemetry_path, false, true,
	    "where the metrics are (/metrics)" },
	{ 0, "web.max-requests", "N", set_max_requests, false, true,
	    "scrapes at once; 0: no limit (40)" },
	{ 0, "web.disable-exporter-metrics", NULL, set_disable_exporter_metrics,
	    false, true, "no metrics of the exporter itself" },
	{ 0, "web.disable-page", NULL, set_disable_page, false, true,
	    "no live page at /, and no /api/v1" },
	{ 0, "log.level", "LEVEL", set_log_level, false, true,
	    "debug, info, warn, error (info)" },
	{ 0, "log.format", "FORMAT", set_log_format, false, true,
	    "text, logfmt, json (text)" },
	{ 0, "no-sandbox", NULL, set_no_sandbox, false, true,
	    "keep all rights that the daemon was started with" },
	{ 'n', "test", NULL, set_test, false, false, NULL },
	{ 0, "config.check", NULL, set_test, false, false,
	    "check options and files, try the sandbox, and stop; also -n, --test" },
	{ 'V', "version", NULL, print_version, false, false, NULL },
	{ 'h', "help", NULL, print_help, false, false, NULL },
};

#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

static const char usage_line[] =
    "usage: codeai-metricsd [-hnV] [-s PATH[,LABEL=VALUE...]] ... [--OPTION[=VALUE]] ...\n";

static bool
print_help(struct options *o, const char *unused)
{
	(void)o;
	(void)unused;
	printf("%s\n", usage_line);
	for (size_t i = 0; i < N_FLAGS; i++) {
		const struct flag *f = &flags[i];
		char name[80];

		if (f->help == NULL)
			continue;
		snprintf(name, sizeof(name), "--%s%s%s", f->name,
		    f->argument != NULL ? "=" : "",
		    f->argument != NULL ? f->argument : "");
		if (f->letter != 0)
			printf("  -%c %s, %s\n", f->letter, f->argument, name);
		else
			printf("  %s\n", name);
		printf("        %s\n", f->help);
	}
	printf("  -V, --version  -h, --help\n\n"
	       "Each has a variable, such as " VARIABLE_PREFIX
	       "WEB_MAX_REQUESTS.\n"
	       "See codeai-metricsd(8).\n");
	exit(0);
}

/* The environment */

static void
variable_name(const struct flag *f, char name[VARIABLE_SIZE])
{
	char *c;

	snprintf(name, VARIABLE_SIZE, VARIABLE_PREFIX "%s", f->name);
	for (c = name; *c != '\0'; c++)
		*c = *c == '.' || *c == '-' ? '_' : (char)toupper(*c);
}

/* The words of a variable.  What is set points into a copy that stays. */
static bool
set_words(struct options *o, const struct flag *f, const char *value)
{
	static char *copies[N_FLAGS];
	char *rest = strdup(value), *word;
	bool ok = rest != NULL;

	free(copies[f - flags]);
	copies[f - flags] = rest;

	while ((word = strsep(&rest, " \t\n")) != NULL)
		if (word[0] != '\0')
			ok &= f->set(o, word);
	return ok;
}

static bool
set_switch(struct options *o, const struct flag *f, const char *name,
    const char *value)
{
	if (strcmp(value, "1") == 0 || strcmp(value, "true") == 0)
		return f->set(o, NULL);
	if (strcmp(value, "0") == 0 || strcmp(value, "false") == 0)
		return true;
	log_error("%s=%s: allowed are 1, true, 0, false", name, value);
	return false;
}

/* Where an option stands on the command line too, that counts. */
static bool
set_from_environment(struct options *o, const struct flag *f, bool is_given)
{
	char name[VARIABLE_SIZE];
	const char *value;

	variable_name(f, name);
	value = f->has_variable ? getenv(name) : NULL;
	if (value == NULL || value[0] == '\0')
		return true;
	if (is_given) {
		log_warn("%s is set, but --%s counts", name, f->name);
		return true;
	}
	if (f->argument == NULL)
		return set_switch(o, f, name, value);
	if (f->is_repeatable ? set_words(o, f, value) : f->set(o, value))
		return true;
	log_error("that was %s of the environment", name);
	return false;
}

/* The command line */

static void
list_options(struct option list[N_FLAGS + 1], char letters[3 * N_FLAGS])
{
	size_t n = 0;

	memset(list, 0, (N_FLAGS + 1) * sizeof(list[0]));
	for (size_t i = 0; i < N_FLAGS; i++) {
		list[i].name = flags[i].name;
		list[i].has_arg =
		    flags[i].argument != NULL ? required_argument : no_argument;
		list[i].val = 256 + (int)i;
		if (flags[i].letter == 0)
			continue;
		letters[n++] = flags[i].letter;
		if (flags[i].argument != NULL)
			letters[n++] = ':';
	}
	letters[n] = '\0';
}

static const struct flag *
find_flag(int found)
{
	for (size_t i = 0; i < N_FLAGS; i++)
		if (found == 256 + (int)i || found == flags[i].letter)
			return &flags[i];
	fputs(usage_line, stderr);
	fputs("codeai-metricsd --help lists the options.\n", stderr);
	exit(2);
}

static bool
parse_line(struct options *o, int argc, char *argv[], bool given[N_FLAGS])
{
	struct option list[N_FLAGS + 1];
	char letters[3 * N_FLAGS];
	bool ok = true;
	int found;

	list_options(list, letters);
	while ((found = getopt_long(argc, argv, letters, list, NULL)) != -1) {
		const struct flag *f = find_flag(found);

		given[f - flags] = true;
		ok &= f->set(o, optarg);
	}
	if (optind == argc)
		return ok;
	log_error("%s: is not an option; segments are named with -s",
	    argv[optind]);
	return false;
}

void
options_parse(struct options *o, int argc, char *argv[])
{
	bool given[N_FLAGS] = { false };
	bool ok;

	*o = (struct options){ .telemetry_path = "/metrics",
		.fleet = fleet_new(),
		.budget = { .max_requests = REQUESTS_MAX,
		    .timeout_ns = TIMEOUT_SECONDS * NS_PER_SECOND,
		    .max_bytes = SEGMENT_BYTES },
		.has_self = true,
		.has_page = true,
		.has_sandbox = HAS_SANDBOX };
	if (o->fleet == NULL) {
		log_error("no memory");
		exit(1);
	}
	ok = parse_line(o, argc, argv, given);
	for (size_t i = 0; i < N_FLAGS; i++)
		ok &= set_from_environment(o, &flags[i], given[i]);
	if (o->n_segments == 0)
		ok &= fleet_add(o->fleet, NULL);
	if (!ok || !fleet_make_distinct(o->fleet))
		exit(2);
}

/*
 * codeai-metricsd: show segments to Prometheus: options, signals, start and
 * end.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define DEFAULT_ADDRESS "127.0.0.1:29100"
#define SOURCES_MAX     64
#define SERVERS_MAX     16
#define REQUESTS_MAX    40

/* The first descriptor that systemd passes; sd_listen_fds(3). */
#define LISTEN_FDS_START 3

static const char usage_line[] =
    "usage: codeai-metricsd [-hnV] [-s SEGMENT[,LABEL=VALUE ...]] ...\n"
    "    [--web.listen-address=ADDRESS] ... [--web.max-requests=N]\n"
    "    [--web.telemetry-path=PATH]\n";

struct options {
	struct source sources[SOURCES_MAX];
	size_t n_sources;
	const char *addresses[SERVERS_MAX];
	size_t n_addresses;
	const char *telemetry_path;
	size_t max_requests;
	bool is_test;
};

static void
print_help(void)
{
	printf(
	    "%s\n"
	    "  -s SEGMENT               a segment to show, with labels for its series (default:\n"
	    "                           the path that codeai-metrics uses too)\n"
	    "  --web.listen-address     HOST:PORT, repeatable (" DEFAULT_ADDRESS
	    ")\n"
	    "  --web.telemetry-path     where the metrics are (/metrics)\n"
	    "  --web.max-requests       scrapes at once; 0: no limit (%d)\n"
	    "  -n, --test               check the options and stop\n"
	    "  -V, --version  -h, --help\n\n"
	    "See codeai-metricsd(8).\n",
	    usage_line, REQUESTS_MAX);
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

	o->max_requests = (size_t)strtonum(text, 0, 100000, &reason);
	if (reason == NULL)
		return true;
	log_error("--web.max-requests=%s: is %s; allowed are 0 to 100000", text,
	    reason);
	return false;
}

enum { OPT_ADDRESS = 256, OPT_PATH, OPT_REQUESTS };

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "segment", required_argument, NULL, 's' },
	{ "test", no_argument, NULL, 'n' },
	{ "version", no_argument, NULL, 'V' },
	{ "web.listen-address", required_argument, NULL, OPT_ADDRESS },
	{ "web.max-requests", required_argument, NULL, OPT_REQUESTS },
	{ "web.telemetry-path", required_argument, NULL, OPT_PATH },
	{ NULL, 0, NULL, 0 },
};

/* Read the options into o.  Exits where they ask for that, or are wrong. */
static void
parse_options(struct options *o, int argc, char *argv[])
{
	bool ok = true;
	int ch;

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

/* Tell systemd, as sd_notify(3) does: by a datagram. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	int s;

	if (n == 0 || n >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, n);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return;
	if (sendto(s, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_warn("cannot notify %s: %s", path, strerror(errno));
	close(s);
}

/* The number of sockets that systemd passed to this process. */
static int
n_passed_sockets(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *reason;
	int n;

	if (pid == NULL || fds == NULL ||
	    strtonum(pid, 1, INT_MAX, &reason) != getpid())
		return 0;
	n = (int)strtonum(fds, 0, INT_MAX, &reason);
	return n > SERVERS_MAX ? SERVERS_MAX : n;
}

static bool
add_server(struct server *servers[], size_t *n, const char *address, int socket,
    size_t connections, const struct endpoints *endpoints)
{
	struct server *server =
	    server_start(address, socket, connections, endpoints);

	if (server == NULL)
		return false;
	servers[(*n)++] = server;
	log_info("%s: listening on port %d, metrics at %s",
	    address != NULL ? address : "passed socket", server_port(server),
	    endpoints->telemetry_path);
	return true;
}

static bool
start_servers(struct server *servers[], size_t *n, const struct options *o,
    const struct endpoints *endpoints)
{
	int n_passed = n_passed_sockets();
	size_t n_servers = n_passed > 0 ? (size_t)n_passed :
	    o->n_addresses > 0          ? o->n_addresses :
					  1;
	size_t connections = server_connections(n_servers, o->n_sources);

	for (int i = 0; i < n_passed; i++)
		if (!add_server(servers, n, NULL, LISTEN_FDS_START + i,
			connections, endpoints))
			return false;
	if (n_passed > 0)
		return true;
	for (size_t i = 0; i < o->n_addresses; i++)
		if (!add_server(servers, n, o->addresses[i], -1, connections,
			endpoints))
			return false;
	return o->n_addresses > 0 ||
	    add_server(servers, n, DEFAULT_ADDRESS, -1, connections, endpoints);
}

/* Wait for SIGTERM or SIGINT.  SIGHUP has nothing to reload, and is ignored. */
static void
wait_for_end(const sigset_t *signals)
{
	int number;

	while (sigwait(signals, &number) == 0)
		if (number != SIGHUP) {
			log_info("ending on %s", strsignal(number));
			return;
		}
}

/*
 * A daemon that is started without 0, 1 or 2 must not get a client's socket as
 * stderr.
 */
static void
open_missing_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char *argv[])
{
	static struct options o = { .telemetry_path = "/metrics",
		.max_requests = REQUESTS_MAX };
	struct server *servers[SERVERS_MAX];
	struct endpoints endpoints;
	struct collector *collector;
	struct cmx_error error = { .text = "no memory" };
	size_t n_servers = 0;
	sigset_t signals;
	bool ok;

	open_missing_descriptors();
	parse_options(&o, argc, argv);
	if (o.is_test)
		return 0;
	cmxr_guard_install();
	signal(SIGPIPE, SIG_IGN);
	/*
	 * Blocked before threads start, so that only wait_for_end() takes them.
	 */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	collector =
	    collector_new(o.sources, o.n_sources, o.max_requests, &error);
	if (collector == NULL ||
	    !endpoints_init(&endpoints, o.telemetry_path, collector, o.sources,
		o.n_sources)) {
		log_error("%s", error.text);
		return 1;
	}
	ok = start_servers(servers, &n_servers, &o, &endpoints);
	if (ok) {
		notify("READY=1");
		wait_for_end(&signals);
		notify("STOPPING=1");
	}
	for (size_t i = 0; i < n_servers; i++)
		server_stop(servers[i]);
	collector_free(collector);
	endpoints_fini(&endpoints);
	for (size_t i = 0; i < o.n_sources; i++)
		source_free(&o.sources[i]);
	return ok ? 0 : 1;
}

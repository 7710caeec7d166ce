/*
 * codeai-metricsd: show segments to Prometheus: signals, start and end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "web/web.h"

/* Memory that has pages of its own: bodies, windows of a reader. */
#define LARGE_BYTES (128 * 1024)

/* From SIGTERM on, whatever a client or a segment does. */
#define END_MS 500

/* For the segments to be read once before the daemon is ready. */
#define LOOK_NS (2 * NS_PER_SECOND)

/* How often systemd is told of the segments, where they change. */
#define STATUS_NS (10 * NS_PER_SECOND)

/* What runs. */
struct daemon {
	struct options *options;
	struct server *servers[SERVERS_MAX];
	bool is_health[SERVERS_MAX];
	size_t n_servers;
	struct web *web; /* or null */
	struct collector *collector;
	struct endpoints endpoints;
	int systemd; /* a socket, or -1 */
	size_t n_up, n_segments;
};

/* The sandbox */

/*
 * The paths below whose directories the daemon reads.  A default segment is
 * looked for in several places; a file of the web configuration may be a link.
 */
struct paths {
	const char **at;
	size_t n;
};

static void
add_path(struct paths *p, const char *path)
{
	const char **grown = reallocarray(p->at, p->n + 1, sizeof(*grown));

	if (grown == NULL || path == NULL)
		return;
	p->at = grown;
	p->at[p->n++] = path;
}

static void
add_segments(struct paths *p, const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet_n_origins(fleet); i++) {
		bool is_pattern;
		const char *path = fleet_origin(fleet, i, &is_pattern);
		char *found;

		if (!is_pattern) {
			add_path(p, path);
			continue;
		}
		/* Something in the directory that is no pattern. */
		if (asprintf(&found, "%.*sx", (int)find_fixed_part(path),
			path) >= 0)
			add_path(p, found);
	}
}

/* The list is needed until the end. */
static struct paths
list_paths(const struct daemon *d)
{
	struct paths p = { 0 };
	const char *files[STAMPS_MAX];
	size_t n_files = d->web == NULL ? 0 : web_files(d->web, files);
	char *other;

	add_segments(&p, d->options->fleet);
	if (d->options->n_segments == 0 &&
	    asprintf(&other, "/dev/shm/codeai-metrics-%lu/x",
		(unsigned long)geteuid()) >= 0)
		add_path(&p, other);
	for (size_t i = 0; i < n_files; i++) {
		add_path(&p, files[i]);
		add_path(&p, realpath(files[i], NULL));
	}
	return p;
}

static void
enter_sandbox(const struct daemon *d)
{
	static struct paths paths;
	char text[SANDBOX_TEXT_MAX];
	struct sandbox sandbox;

	paths = list_paths(d);
	sandbox_enter(paths.at, paths.n, &sandbox);
	sandbox_describe(&sandbox, text);
	log_info("sandbox: %s", text);
}

/* Signals */

/* The signals that threads do not get: only serve() takes them. */
static sigset_t
awaited_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	return signals;
}

static void
end_now(int signal_number)
{
	(void)signal_number;
	_exit(0);
}

/*
 * A segment on a file system that does not answer, or a large answer that is
 * being made, must not keep the daemon: it reads only, and nothing is lost.
 */
static void
end_soon(void)
{
	const struct itimerval when = { .it_value = {
					    .tv_usec = END_MS * 1000 } };

	signal(SIGALRM, end_now);
	setitimer(ITIMER_REAL, &when, NULL);
}

/* Read the web configuration again.  Returns what the log says of it. */
static const char *
reload_web(struct web *web)
{
	struct web_config *config = web == NULL ? NULL : web_get(web);

	if (web == NULL)
		return "";
	if (config == NULL)
		return "the web configuration is wrong, ";
	web_put(web, config);
	return "has the web configuration of now, ";
}

/* SIGHUP: look at everything again. */
static void
reload(struct daemon *d)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    now_ns() / 1000);
	systemd_notify(d->systemd, text);
	fleet_look_anew(d->options->fleet);
	log_info("SIGHUP: %slooks for segments again", reload_web(d->web));
	systemd_notify(d->systemd, "READY=1");
}

static void
tell_status(struct daemon *d)
{
	size_t n_up, n;
	char text[80];

	collector_state(d->collector, &n_up, &n);
	if (n == 0 || (n_up == d->n_up && n == d->n_segments))
		return;
	d->n_up = n_up;
	d->n_segments = n;
	snprintf(text, sizeof(text), "STATUS=%zu of %zu segments can be read",
	    n_up, n);
	systemd_notify(d->systemd, text);
}

/* Tell systemd what it wants to know, as often as it does. */
static void
tell_systemd(struct daemon *d, uint64_t watchdog_ns)
{
	if (watchdog_ns > 0 && collector_is_alive(d->collector))
		systemd_notify(d->systemd, "WATCHDOG=1");
	tell_status(d);
}

/* Wait for the end: SIGTERM or SIGINT. */
static void
serve(struct daemon *d)
{
	uint64_t watchdog = systemd_watchdog_ns();
	uint64_t interval =
	    watchdog > 0 && watchdog / 2 < STATUS_NS ? watchdog / 2 : STATUS_NS;
	const struct timespec patience = { .tv_sec = (time_t)(interval /
					       NS_PER_SECOND),
		.tv_nsec = (long)(interval % NS_PER_SECOND) };
	sigset_t signals = awaited_signals();

	for (;;) {
		/* Without systemd there is nothing to be told. */
		int number = d->systemd >= 0 ?
		    sigtimedwait(&signals, NULL, &patience) :
		    sigwaitinfo(&signals, NULL);

		if (number == SIGHUP)
			reload(d);
		else if (number > 0) {
			log_info("ending on %s", strsignal(number));
			return;
		} else if (errno == EAGAIN)
			tell_systemd(d, watchdog);
	}
}

/* Start and end */

static bool
add_server(struct daemon *d, const char *name, int socket, bool is_health)
{
	int port = socket < 0 ? 0 : listen_port(socket);
	bool has_tls = !is_health && d->web != NULL && web_has_tls(d->web);
	struct server *server;
	char text[32] = "";

	if (d->n_servers == SERVERS_MAX) {
		log_error("%s: at most %d addresses and passed sockets", name,
		    SERVERS_MAX);
		return false;
	}
	server = socket < 0 ? NULL : server_new(socket);
	if (server == NULL)
		return false;
	d->is_health[d->n_servers] = is_health;
	d->servers[d->n_servers++] = server;
	if (port != 0)
		snprintf(text, sizeof(text), " on port %d", port);
	log_info("%s: listening%s%s, %s%s", name, text,
	    has_tls ? " with TLS" : "",
	    is_health ? "health only" : "metrics at ",
	    is_health ? "" : d->options->telemetry_path);
	return true;
}

/* Returns false where one is none, or where there must be one and is none. */
static bool
add_passed_sockets(struct daemon *d, bool *has_web)
{
	int n = systemd_n_sockets();

	for (int i = 0; i < n; i++) {
		int socket = LISTEN_FDS_START + i;
		bool is_health = systemd_socket_is_health(i);

		if (!listen_is_usable(socket) ||
		    !add_server(d, "passed socket", socket, is_health))
			return false;
		*has_web |= !is_health;
	}
	if (*has_web || !d->options->needs_systemd_socket)
		return true;
	log_error(
	    "--web.systemd-socket: no socket activation file descriptors found for the metrics (LISTEN_FDS); start it by its socket unit");
	return false;
}

static bool
open_servers(struct daemon *d)
{
	const struct options *o = d->options;
	bool has_web = false, has_passed;

	if (!add_passed_sockets(d, &has_web))
		return false;
	has_passed = has_web;
	for (size_t i = 0; i < o->n_addresses; i++) {
		const struct address *a = &o->addresses[i];

		/* The sockets of systemd stand for addresses. */
		if (has_passed && !a->is_health) {
			log_warn(OPTION_LISTEN
			    "=%s: is not used: systemd has passed a socket",
			    a->text);
			continue;
		}
		if (!add_server(d, a->text,
			listen_open(a->is_health ? OPTION_HEALTH :
						   OPTION_LISTEN,
			    a->text),
			a->is_health))
			return false;
		has_web |= !a->is_health;
	}
	return has_web ||
	    add_server(d, DEFAULT_ADDRESS,
		listen_open(OPTION_LISTEN, DEFAULT_ADDRESS), false);
}

static bool
start_servers(struct daemon *d, size_t connections)
{
	for (size_t i = 0; i < d->n_servers; i++) {
		const struct service service = {
			.endpoints = d->is_health[i] ? NULL : &d->endpoints,
			.web = d->is_health[i] ? NULL : d->web,
			.connections = connections,
		};

		if (!server_start(d->servers[i], &service))
			return false;
	}
	return true;
}

/*
 * Threads come after the sandbox, which they inherit, and that after the
 * sockets.
 */
static bool
start(struct daemon *d)
{
	struct options *o = d->options;
	struct cmx_error error = { .text = "no memory" };
	sigset_t signals = awaited_signals();
	struct capacity capacity;
	struct fleet_budget budget;

	if (!server_capacity(d->n_servers, o->fleet, &capacity))
		return false;
	d->collector = collector_new(o->fleet, &o->budget, o->has_self, &error);
	if (d->collector == NULL ||
	    !endpoints_init(&d->endpoints, o->telemetry_path, d->collector,
		o->fleet, o->has_page)) {
		log_error("%s", error.text);
		return false;
	}
	if (o->has_sandbox)
		enter_sandbox(d);
	/* Threads inherit what is blocked. */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	budget = (struct fleet_budget){ .max_bytes = o->budget.max_bytes,
		.max_sources = capacity.sources };
	if (!fleet_start(o->fleet, &budget)) {
		log_error("no memory or no thread to read the segments");
		return false;
	}
	collector_read(d->collector, LOOK_NS);
	collector_let_go(d->collector);
	return start_servers(d, capacity.connections);
}

static void
stop(struct daemon *d)
{
	for (size_t i = 0; i < d->n_servers; i++)
		server_stop(d->servers[i]);
	fleet_free(d->options->fleet);
	collector_free(d->collector);
	endpoints_fini(&d->endpoints);
	web_free(d->web);
}

static bool
read_web_config(struct daemon *d)
{
	if (d->options->web_config == NULL)
		return true;
	d->web = web_new(d->options->web_config);
	return d->web != NULL;
}

/* --config.check: all is good; say what this machine can keep. */
static bool
check(struct daemon *d)
{
	const struct fleet *fleet = d->options->fleet;
	bool is_pattern;

	if (!read_web_config(d))
		return false;
	for (size_t i = 0; i < fleet_n_origins(fleet); i++)
		log_info("segment %s", fleet_origin(fleet, i, &is_pattern));
	if (d->web != NULL)
		log_info("%s: is right, %s TLS", web_path(d->web),
		    web_has_tls(d->web) ? "with" : "without");
	if (d->options->has_sandbox)
		enter_sandbox(d);
	return true;
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
	static struct options o;
	struct daemon d = { .options = &o };
	bool ok;

	open_missing_descriptors();
	/* What the reading of a segment took is given back. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	/* Until it waits for signals, in which a name server may not answer. */
	signal(SIGTERM, end_now);
	signal(SIGINT, end_now);
	options_parse(&o, argc, argv);
	if (o.is_test) {
		ok = check(&d);
		stop(&d);
		return ok ? 0 : 1;
	}
	cmxr_guard_install();
	signal(SIGPIPE, SIG_IGN);
	/* A log that is full is no end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	d.systemd = systemd_open();
	ok = read_web_config(&d) && open_servers(&d) && start(&d);
	if (ok) {
		systemd_notify(d.systemd, "READY=1");
		tell_status(&d);
		serve(&d);
		end_soon();
		systemd_notify(d.systemd, "STOPPING=1");
		collector_stop(d.collector);
	}
	stop(&d);
	return ok ? 0 : 1;
}

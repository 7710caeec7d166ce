/*
 * codeai-metricsd: show segments to Prometheus: signals, start and end.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon.h"

/* From SIGTERM on, whatever a client or a segment does. */
#define END_MS 500

/* What runs. */
struct daemon {
	struct options *options;
	struct server *servers[SERVERS_MAX];
	size_t n_servers;
	struct collector *collector;
	struct endpoints endpoints;
};

/*
 * The paths that segments have or may get: a default segment is looked for in
 * several places.
 */
static size_t
list_paths(const struct options *o, const char **paths, char *other,
    size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_sources; i++) {
		paths[n++] = o->sources[i].path;
		if (!o->sources[i].is_default)
			continue;
		snprintf(other, size, "/dev/shm/codeai-metrics-%lu/x",
		    (unsigned long)geteuid());
		paths[n++] = other;
	}
	return n;
}

static void
enter_sandbox(const struct options *o)
{
	static const char *paths[SANDBOX_PATHS_MAX];
	static char other[64];
	char text[SANDBOX_TEXT_MAX];
	struct sandbox sandbox;
	size_t n = list_paths(o, paths, other, sizeof(other));

	sandbox_enter(paths, n, &sandbox);
	sandbox_describe(&sandbox, text);
	log_info("sandbox: %s", text);
}

/* --config.check: the options are good; say what this machine can keep. */
static int
check(const struct options *o)
{
	for (size_t i = 0; i < o->n_sources; i++)
		log_info("segment %s", o->sources[i].path);
	if (o->has_sandbox)
		enter_sandbox(o);
	return 0;
}

/* The signals that threads do not get: only wait_for_end() takes them. */
static sigset_t
ending_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return signals;
}

/*
 * Wait for SIGTERM or SIGINT.  SIGHUP has nothing to read again, and is
 * ignored.
 */
static void
wait_for_end(void)
{
	sigset_t signals = ending_signals();
	int number;

	if (sigwait(&signals, &number) == 0)
		log_info("ending on %s", strsignal(number));
}

static bool
add_server(struct daemon *d, const char *address, int socket)
{
	struct server *server = server_open(address, socket);

	if (server == NULL)
		return false;
	d->servers[d->n_servers++] = server;
	log_info("%s: listening on port %d, metrics at %s",
	    address != NULL ? address : "passed socket", server_port(server),
	    d->options->telemetry_path);
	return true;
}

static bool
open_servers(struct daemon *d)
{
	const struct options *o = d->options;
	int n_passed = systemd_n_sockets();

	for (int i = 0; i < n_passed; i++)
		if (!add_server(d, NULL, LISTEN_FDS_START + i))
			return false;
	if (n_passed > 0)
		return true;
	for (size_t i = 0; i < o->n_addresses; i++)
		if (!add_server(d, o->addresses[i], -1))
			return false;
	return o->n_addresses > 0 || add_server(d, DEFAULT_ADDRESS, -1);
}

/*
 * Threads come after the sandbox, which they inherit, and that after the
 * sockets and the daemon's own segment.
 */
static bool
start(struct daemon *d)
{
	struct options *o = d->options;
	size_t connections = server_connections(d->n_servers, o->n_sources);
	struct cmx_error error = { .text = "no memory" };
	sigset_t signals = ending_signals();
	bool ok;

	if (connections == 0)
		return false;
	d->collector =
	    collector_new(o->sources, o->n_sources, &o->budget, &error);
	if (d->collector == NULL ||
	    !endpoints_init(&d->endpoints, o->telemetry_path, d->collector,
		o->sources, o->n_sources)) {
		log_error("%s", error.text);
		return false;
	}
	if (o->has_sandbox)
		enter_sandbox(o);
	/* Threads inherit what is blocked. */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	ok = collector_start(d->collector);
	for (size_t i = 0; ok && i < d->n_servers; i++)
		ok = server_start(d->servers[i], connections, &d->endpoints);
	return ok;
}

static void
stop(struct daemon *d)
{
	for (size_t i = 0; i < d->n_servers; i++)
		server_stop(d->servers[i]);
	collector_free(d->collector);
	endpoints_fini(&d->endpoints);
	for (size_t i = 0; i < d->options->n_sources; i++)
		source_free(&d->options->sources[i]);
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
	int systemd;
	bool ok;

	open_missing_descriptors();
	/* Until it waits for signals, in which a name server may not answer. */
	signal(SIGTERM, end_now);
	signal(SIGINT, end_now);
	options_parse(&o, argc, argv);
	if (o.is_test)
		return check(&o);
	cmxr_guard_install();
	signal(SIGPIPE, SIG_IGN);
	/* A log that is full is no end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	systemd = systemd_open();
	ok = open_servers(&d) && start(&d);
	if (ok) {
		systemd_notify(systemd, "READY=1");
		wait_for_end();
		end_soon();
		systemd_notify(systemd, "STOPPING=1");
		collector_stop(d.collector);
	}
	stop(&d);
	return ok ? 0 : 1;
}

/*
 * daemon.h: the parts of codeai-metricsd(8) and what they know of each other.
 *
 *	main.c		signals, start and end
 *	options.c	the command line, and the environment
 *	systemd.c	sockets that systemd passes, and what it is told
 *
 *	task.c		work that a scrape waits for no longer than it may
 *	reading.c	a task that opens and reads a segment
 *	find.c		a task that finds the segments of a pattern
 *	source.c	a segment, and what a scrape has of it
 *	origin.c	one -s
 *	fleet.c		all segments
 *	fleet_metrics.c	what is said of each of them; up to here fleet.h
 *
 *	process.c	what the daemon itself takes
 *	self.c		the daemon's own metrics
 *	requests.c	requests in flight, and the bodies that they share
 *	collect.c	one scrape: fleet and self to a body
 *	compress.c	a body as gzip
 *	live/		the live page, and the JSON that it reads; live/live.h
 *	endpoint.c	path -> answer
 *	listen.c	sockets that listen
 *	server.c	HTTP (libmicrohttpd only here)
 *	deadline.c	clients that take too long are disconnected
 *	sandbox.c	the daemon gives up what it does not need
 *	syscall_filter.c	the system calls that it may make
 *	log.c		messages on stderr
 *	clock.c		the monotonic clock, and waiting by it
 *	web/		the web configuration: TLS, users, limits; web/web.h
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/queue.h>

#include <codeai/metrics_reader.h>

#include "fleet.h"

/*
 * log.c: messages, with the level that systemd's journal reads; errno is kept.
 */

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON };

/* By the names of the options.  Return false for a name that is none. */
bool log_set_level(const char *name);
bool log_set_format(const char *name);
bool log_has_level(enum log_level);

void log_info(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_warn(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_error(const char *fmt, ...) CMX_PRINTF(1, 2);

/* What is told beside a text: a text, or a number. */
struct log_field {
	const char *name; /* null: the end of a list */
	const char *text; /* null: it is a number */
	double number;
};

void log_fields(enum log_level, const char *text, const struct log_field *);

/* clock.c */

#define NS_PER_SECOND UINT64_C(1000000000)

/* The monotonic clock. */
uint64_t now_ns(void);

/* A condition that is waited for by that clock. */
void clock_cond_init(pthread_cond_t *);
/* Returns false where the time is over. */
bool clock_cond_wait(pthread_cond_t *, pthread_mutex_t *, uint64_t until_ns);

enum call_end {
	CALL_ENDED,
	CALL_IS_LATE, /* the work goes on: arg must live on */
	CALL_FAILED,  /* no memory, or no thread for it */
};

/*
 * Do work that a file system may never end, in a thread of its own, and wait
 * for so many seconds.
 */
enum call_end call_within(unsigned int seconds, void (*work)(void *arg),
    void *arg);

/* process.c */

struct process_metrics;

struct process_metrics *process_metrics_new(struct cmx_error *);
void process_metrics_free(struct process_metrics *);
const struct cmxr_snapshot *process_metrics_update(struct process_metrics *);

/* self.c */

#define SELF_SNAPSHOTS 5

struct self;

struct self *self_new(bool is_shown, struct cmx_error *);
void self_free(struct self *);
/* Of any thread; the calls that follow are one scrape's. */
void self_count_scrape(struct self *, int status);
void self_count_body(struct self *, enum cmxr_format, bool is_gzip,
    size_t bytes, double seconds);
void self_set_in_flight(struct self *, size_t n);
void self_set_left_out(struct self *, size_t n_families);
/* Called after the fleet was read.  Returns the number of snapshots. */
size_t self_update(struct self *, const struct fleet *, double seconds,
    const struct cmxr_snapshot *to[SELF_SNAPSHOTS]);

/* requests.c */

#define NAMES_MAX 256

#define LIVE_QUERIES_MAX 32  /* of one request */
#define LIVE_TOP_MAX     200 /* groups of each query */
#define LIVE_TOP         20

/* What a client asks of /api/v1. */
struct live_want {
	unsigned char client[16];
	const char *segment; /* its name; null: all */
	const char *match;   /* a part of a family's name or help, or null */
	size_t top;          /* groups of each query */
	size_t n_queries;
	const char *queries[LIVE_QUERIES_MAX];
	const char *mistake; /* null, or what the client is told */
};

/* The body that a client asks for. */
struct want {
	enum cmxr_format format;
	bool gzip;
	unsigned char client[16]; /* its address, IPv4 in IPv6's way */
	size_t n_names;           /* names of families, ?name[]=; 0: all */
	bool has_too_many_names, has_nul;
	const char *names[NAMES_MAX];
	struct live_want live;
};

/* A body, which several answers may share. */
struct body {
	struct cmxr_buffer buffer;
	enum cmxr_format format;
	bool is_gzip;
	bool is_whole; /* all families */
	int references;
	uint64_t counted; /* bytes, in the sum of all bodies */
};

/* A scrape that is being answered: it counts until request_end(). */
struct request {
	LIST_ENTRY(request) entry;
	struct requests *requests;
	unsigned char client[16];
	unsigned long seen; /* scrapes that had begun before it */
	struct body *body;
};

/* What a scrape may cost. */
struct budget {
	size_t max_requests; /* at once; 0: any number */
	uint64_t timeout_ns; /* for reading all segments, at once */
	uint64_t max_bytes;  /* of a segment, and of answers being sent */
};

struct requests;

struct requests *requests_new(const struct budget *);
/* Null is allowed. */
void requests_free(struct requests *);
/* No further request gets a body. */
void requests_stop(struct requests *);
size_t requests_in_flight(struct requests *);

/* Count a request; not allowed: there are too many.  Null: no memory. */
struct request *request_begin(struct requests *, const unsigned char client[16],
    bool *is_allowed);
void request_end(struct request *);
/*
 * Give it the latest body, if that has what is wanted and its scrape began
 * after this request: it is as recent as a new one.
 */
bool request_share(struct request *, const struct want *);
/*
 * Is there room for one more body?  One client alone may hold a quarter of the
 * memory, so that it does not keep the others out.
 */
bool request_has_room(struct request *);

/*
 * Begin a scrape: its number, and a body with one reference, or null; its
 * memory may be that of an earlier one.  It ends with one of the two that
 * follow.
 */
struct body *requests_take_body(struct requests *, unsigned long *number);
void requests_drop_body(struct requests *, struct body *);
/* The body is the request's, and the latest one. */
void request_publish(struct request *, struct body *, unsigned long number);

/* collect.c */

struct collector;

/* The caller owns the fleet, which must outlive the collector. */
struct collector *collector_new(struct fleet *, const struct budget *,
    bool has_self, struct cmx_error *);
/*
 * The fleet, as it was read last, until collector_let_go(): meanwhile there is
 * no scrape.  collector_read() reads all segments before, and waits for them as
 * long as a scrape does; or, but for 0, so long.
 */
const struct fleet *collector_hold(struct collector *);
const struct fleet *collector_read(struct collector *, uint64_t patience_ns);
void collector_let_go(struct collector *);
/* Answer no more: nobody waits for a segment any longer. */
void collector_stop(struct collector *);
void collector_free(struct collector *);

/*
 * Get the body of a scrape: a new one, or one that began after this call and
 * has what is wanted, so that many clients cause few scrapes.  Returns null and
 * *status 503 or 500, where too many clients wait, they or this one hold too
 * much memory, or memory ended.  The request ends when its answer was sent.
 */
struct request *collect(struct collector *, const struct want *, int *status);

/* How many segments the last scrape could read, of how many. */
void collector_state(struct collector *, size_t *n_up, size_t *n);
/* Has no scrape been under way for far longer than its budget? */
bool collector_is_alive(struct collector *);

/* compress.c */

/* Replace a body by its gzip form.  Returns false where memory ended. */
bool compress_body(struct cmxr_buffer *);

/* endpoint.c */

struct answer {
	int status;
	const char *content_type;
	const char *text;         /* static, or null */
	struct request *request;  /* owned by the answer, or null */
	struct cmxr_buffer owned; /* by the answer, where both are null */
	bool is_gzip;             /* what it owns */
};

struct live;

struct endpoints {
	const char *telemetry_path;
	struct collector *collector;
	struct live *live; /* null: no page, no API */
	char *start_page;  /* what / shows */
};

/* The headers of each answer, but for those that the configuration sets. */
struct header {
	const char *name, *value;
};
extern const struct header endpoint_headers[]; /* ended by a null name */

bool endpoints_init(struct endpoints *, const char *telemetry_path,
    struct collector *, const struct fleet *, bool has_page);
void endpoints_fini(struct endpoints *);
/* The path of the endpoint, or "other": what the log may have of a request. */
const char *endpoint_name(const struct endpoints *, const char *path);
struct answer endpoint_answer(const struct endpoints *, const char *method,
    const char *path, const struct want *);
/* Print a text as HTML, also between quotes. */
void print_html(FILE *, const char *text);
/* Of an address where only /-/healthy and /-/ready are. */
struct answer endpoint_answer_health(const char *method, const char *path);

/* live/ */

struct live *live_new(struct collector *);
/* Null is allowed. */
void live_free(struct live *);
/*
 * The JSON at a path, "/api/v1/...".  Returns the status: 200; 404; 500, no
 * memory.
 */
int live_answer(struct live *, const char *path, const struct live_want *,
    struct cmxr_buffer *);

/* A file of the page. */
struct page_file {
	const char *path, *content_type;
	const char *text;
};
/* Null: there is none at this path. */
const struct page_file *page_find(const char *path);
/* The page itself, which links to the metrics.  Null: no memory. */
char *page_make(const char *telemetry_path);

/* deadline.c */

struct deadlines;
struct client;

struct deadlines *deadlines_new(void);
/* Null is allowed.  All clients have ended. */
void deadlines_free(struct deadlines *);

/*
 * Shut the socket after so many seconds, until deadline_set() gives it others
 * or deadline_end() says that it is being closed.  Null, no memory: it is shut
 * at once; the other two accept it.
 */
struct client *deadline_begin(struct deadlines *, int socket,
    unsigned int seconds);
void deadline_set(struct client *, unsigned int seconds);
void deadline_end(struct client *);

/* options.c */

#define DEFAULT_ADDRESS "127.0.0.1:29100"
#define OPTION_LISTEN   "--web.listen-address"
#define OPTION_HEALTH   "--web.health-address"
#define SERVERS_MAX     16

struct address {
	const char *text;
	bool is_health; /* only /-/healthy and /-/ready, to anybody */
};

struct options {
	struct fleet *fleet;
	size_t n_segments; /* -s */
	struct address addresses[SERVERS_MAX];
	size_t n_addresses, n_web_addresses; /* none: the default one */
	bool needs_systemd_socket;
	const char *web_config; /* a file, or null */
	const char *telemetry_path;
	struct budget budget;
	bool is_test;
	bool has_self; /* metrics of the exporter itself */
	bool has_page; /* the live page, and /api/v1 */
	bool has_sandbox;
};

/* Fill the options.  Exits where they ask for that, or are wrong. */
void options_parse(struct options *, int argc, char *argv[]);

/* systemd.c */

/* The first descriptor that systemd passes; sd_listen_fds(3). */
#define LISTEN_FDS_START 3

/* The number of sockets that systemd passed to this process. */
int systemd_n_sockets(void);
/* Is this one of them named "health" (FileDescriptorName=)? */
bool systemd_socket_is_health(int i);

/*
 * Open the datagram socket on which systemd is told of states, as sd_notify(3)
 * does; -1 where nobody asks.
 */
int systemd_open(void);
void systemd_notify(int socket, const char *state);
/* How often WATCHDOG=1 is wanted, in nanoseconds; 0: never. */
uint64_t systemd_watchdog_ns(void);

/* listen.c; each prints what is wrong, with the option. */

bool listen_is_valid(const char *option, const char *address);
/* A socket that listens; -1. */
int listen_open(const char *option, const char *address);
/* A descriptor from systemd or another program may be anything: check it. */
bool listen_is_usable(int socket);
/* The port, which the kernel chose for port 0; 0 of a socket without one. */
int listen_port(int socket);

/* server.c */

struct server;
struct web;

/* What a server does, beside answering. */
struct service {
	const struct endpoints *endpoints; /* null: health only */
	struct web *web;                   /* null: plain HTTP, to anybody */
	size_t connections;                /* at most so many clients */
};

/* Take a socket that listens.  Null: no memory. */
struct server *server_new(int socket);
/* Answer, with threads.  Prints what is wrong, and returns false. */
bool server_start(struct server *, const struct service *);
/* Null is allowed. */
void server_stop(struct server *);

const char *server_library_version(void);

/* How many clients a server can have, and how many segments the fleet. */
struct capacity {
	size_t connections, sources;
};

/*
 * What the limit of descriptors, raised as far as it may be, is enough for:
 * 256 clients of each server, or fewer; returns false, with a message, where
 * that is none.
 */
bool server_capacity(size_t n_servers, const struct fleet *, struct capacity *);

/* sandbox.c */

/* What the daemon could give up. */
struct sandbox {
	bool privileges, groups, capabilities, core, files, calls;
};

#define SANDBOX_PATH_MAX 4096
#define SANDBOX_TEXT_MAX 256

/*
 * Give up, for this thread and those that it begins, all but reading below the
 * directories of these paths and /proc, and using sockets that are open.  The
 * list of paths must live on.
 */
void sandbox_enter(const char *const *paths, size_t n, struct sandbox *);
void sandbox_describe(const struct sandbox *, char text[SANDBOX_TEXT_MAX]);

/* syscall_filter.c */

/* Returns false where the kernel, or the machine, has no filter. */
bool syscall_filter_install(void);

#endif

/*
 * daemon.h: the parts of codeai-metricsd(8) and what they know of each other.
 *
 *	main.c		signals, start and end
 *	options.c	the command line
 *	systemd.c	sockets that systemd passes, and what it is told
 *	source.c	the segments named by -s, and what a scrape has of each
 *	reading.c	a thread for each of them, which opens and reads it
 *	self.c		the daemon's own metrics
 *	collect.c	one scrape: sources and self to a body
 *	compress.c	a body as gzip
 *	endpoint.c	path -> answer
 *	server.c	listening and HTTP (libmicrohttpd only here)
 *	deadline.c	clients that take too long are disconnected
 *	sandbox.c	the daemon gives up what it does not need
 *	syscall_filter.c	the system calls that it may make
 *	log.c		messages on stderr
 *	clock.c		the monotonic clock, and waiting by it
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <codeai/metrics_reader.h>

/*
 * log.c: messages, with the level that systemd's journal reads; errno is kept.
 */

void log_info(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_warn(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_error(const char *fmt, ...) CMX_PRINTF(1, 2);

/* clock.c */

#define NS_PER_SECOND UINT64_C(1000000000)

/* The monotonic clock. */
uint64_t now_ns(void);

/* A condition that is waited for by that clock. */
void clock_cond_init(pthread_cond_t *);
/* Returns false where the time is over. */
bool clock_cond_wait(pthread_cond_t *, pthread_mutex_t *, uint64_t until_ns);

/* reading.c */

struct reading;

/* What a segment was when it was read. */
struct reading_result {
	char *path;        /* a default segment may appear in another place */
	enum cmx_err code; /* CMX_OK, or why there is no snapshot */
	struct cmx_error error;
	const struct cmxr_snapshot *snapshot; /* or null */
	struct cmxr_info info;
	bool was_dropped; /* another segment is counted from 0; caller clears */
};

/* Begin a thread that reads a segment of at most so many bytes. */
struct reading *reading_new(const char *path, bool is_default, uint64_t limit);
/* Null is allowed.  Waits for a reading that is under way. */
void reading_free(struct reading *);

/* Ask for a reading, unless one is under way or rests. */
void reading_begin(struct reading *);

/*
 * Wait for the reading, at most until the deadline on the monotonic clock; not
 * at all where an earlier scrape waited in vain.  What is returned belongs to
 * the caller until the next reading_begin(); null: it is late.
 */
struct reading_result *reading_wait(struct reading *, uint64_t deadline_ns);

/* Did the last scrape wait in vain?  Not where it was told to give up. */
bool reading_is_late(struct reading *);

/* Nobody waits any more: let who waits now go on. */
void reading_give_up(struct reading *);

/* source.c */

#define SOURCE_IS_LATE 1

/* A segment that is shown, whether it exists or not. */
struct source {
	char *path;
	/* The path at the start: what our metrics call it, wherever it moves.
	 */
	char *name;
	bool is_default; /* not named: it may appear in several places */
	size_t n_labels;
	/* Labels that each of its series gets. */
	struct cmx_label labels[CMX_LABELS_MAX];
	struct reading *reading;
	const struct cmxr_snapshot *snapshot; /* of this scrape, or null */
	struct cmxr_info info;                /* of this scrape */
	struct cmxr_info counted; /* the part that self.c has added */
	/* An enum cmx_err, or SOURCE_IS_LATE; a change is logged. */
	int state;
};

/*
 * Parse "PATH" or "PATH,label=value,..."; null is the default path.  Prints
 * what is wrong, and returns false.
 */
bool source_parse(const char *argument, struct source *);
void source_free(struct source *);

/*
 * Make several segments distinct: those without labels get segment="name".
 * Returns false where two are still alike.
 */
bool sources_make_distinct(struct source *, size_t n);

/* Begin its thread.  Returns false where there is no memory for it. */
bool source_start(struct source *, uint64_t limit);

/*
 * A scrape begins the reading of all sources, and then finishes them all: each
 * has its snapshot, or null.
 */
void source_begin(struct source *);
void source_finish(struct source *, uint64_t deadline_ns);

/* Let a source_finish() that waits return. */
void source_give_up(struct source *);

/* self.c */

struct self;

struct self *self_new(struct cmx_error *);
void self_free(struct self *);
void self_count_scrape(struct self *, int status);
void self_set_in_flight(struct self *, size_t n);
void self_set_left_out(struct self *, size_t n_families);
/* Called after the sources were refreshed, before self_snapshot(). */
void self_update(struct self *, struct source *, size_t n, double seconds);
const struct cmxr_snapshot *self_snapshot(struct self *);

/* collect.c */

struct collector;

#define NAMES_MAX 256

/* The body that a client asks for. */
struct want {
	enum cmxr_format format;
	bool gzip;
	unsigned char client[16]; /* its address, IPv4 in IPv6's way */
	size_t n_names;           /* names of families, ?name[]=; 0: all */
	bool has_too_many_names;
	const char *names[NAMES_MAX];
};

/* A body, which several answers may share. */
struct body {
	struct cmxr_buffer buffer;
	enum cmxr_format format;
	bool is_gzip;
	bool is_whole; /* all families */
	int references;
	uint64_t counted; /* bytes, in the collector's sum */
};

/* A scrape that is being answered: it counts until request_end(). */
struct request {
	LIST_ENTRY(request) entry;
	struct collector *collector;
	unsigned char client[16];
	struct body *body;
};

/* What a scrape may cost. */
struct budget {
	size_t max_requests; /* at once; 0: any number */
	uint64_t timeout_ns; /* for reading all segments, at once */
	uint64_t max_bytes;  /* of a segment, and of answers being sent */
};

/* The caller owns the sources, which must outlive the collector. */
struct collector *collector_new(struct source *, size_t n_sources,
    const struct budget *, struct cmx_error *);
/* Begin the threads of the sources.  Prints what is wrong. */
bool collector_start(struct collector *);
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
void request_end(struct request *);

/* compress.c */

/* Replace a body by its gzip form.  Returns false where memory ended. */
bool compress_body(struct cmxr_buffer *);

/* endpoint.c */

struct answer {
	int status;
	const char *content_type;
	const char *text;        /* static, or null */
	struct request *request; /* owned by the answer, or null */
};

struct endpoints {
	const char *telemetry_path;
	struct collector *collector;
	const struct source *sources;
	size_t n_sources;
	char *landing_page;
};

bool endpoints_init(struct endpoints *, const char *telemetry_path,
    struct collector *, const struct source *, size_t n_sources);
void endpoints_fini(struct endpoints *);
struct answer endpoint_answer(const struct endpoints *, const char *method,
    const char *path, const struct want *);

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
#define SOURCES_MAX     64
#define SERVERS_MAX     16

struct options {
	struct source sources[SOURCES_MAX];
	size_t n_sources;
	const char *addresses[SERVERS_MAX]; /* none: the default one */
	size_t n_addresses;
	const char *telemetry_path;
	struct budget budget;
	bool is_test;
	bool has_sandbox;
};

/* Fill the options.  Exits where they ask for that, or are wrong. */
void options_parse(struct options *, int argc, char *argv[]);

/* systemd.c */

/* The first descriptor that systemd passes; sd_listen_fds(3). */
#define LISTEN_FDS_START 3

/* The number of sockets that systemd passed to this process. */
int systemd_n_sockets(void);

/*
 * Open the datagram socket on which systemd is told of states, as sd_notify(3)
 * does; -1 where nobody asks.
 */
int systemd_open(void);
void systemd_notify(int socket, const char *state);

/* server.c */

struct server;

/*
 * Listen on "host:port", "[v6]:port" or ":port"; or use a socket that listens
 * already (address is null).  Prints what is wrong, and returns null.
 */
bool server_address_is_valid(const char *address);
struct server *server_open(const char *address, int socket);
/*
 * Answer, with threads; at most so many clients are connected.  Prints what is
 * wrong, and returns false.
 */
bool server_start(struct server *, size_t connections,
    const struct endpoints *);
/*
 * How many clients each of n servers can have: 256, or fewer where this process
 * may not open as many descriptors beside those of its segments; 0, with a
 * message, where that is none.
 */
size_t server_connections(size_t n_servers, size_t n_sources);
/* The port, which the kernel chose for port 0. */
int server_port(const struct server *);
/* Null is allowed. */
void server_stop(struct server *);

/* sandbox.c */

/* What the daemon could give up. */
struct sandbox {
	bool privileges, groups, capabilities, core, files, calls;
};

#define SANDBOX_PATH_MAX  4096
#define SANDBOX_PATHS_MAX (SOURCES_MAX + 1)
#define SANDBOX_TEXT_MAX  256

/*
 * Give up, for this thread and those that it begins, all but reading below the
 * directories of these paths and /proc, and using sockets that are open.  The
 * list of paths must live on.
 */
void sandbox_enter(const char *const *segments, size_t n, struct sandbox *);
void sandbox_describe(const struct sandbox *, char text[SANDBOX_TEXT_MAX]);

/* syscall_filter.c */

/* Returns false where the kernel, or the machine, has no filter. */
bool syscall_filter_install(void);

#endif

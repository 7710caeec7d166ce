/*
 * daemon.h: the parts of codeai-metricsd(8) and what they know of each other.
 *
 *	main.c		options, signals, life
 *	source.c	the segments named by -s, opened and opened again
 *	self.c		the daemon's own metrics
 *	collect.c	one scrape: sources and self to a body
 *	compress.c	a body as gzip
 *	endpoint.c	path -> answer
 *	server.c	listening and HTTP (libmicrohttpd only here)
 *	log.c		messages on stderr
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include <codeai/metrics_reader.h>

/*
 * log.c: messages, with the level that systemd's journal reads; errno is kept.
 */

void log_info(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_warn(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_error(const char *fmt, ...) CMX_PRINTF(1, 2);

/* source.c */

/* A segment that is shown, whether it exists or not. */
struct source {
	char *path;
	bool is_default; /* not named: it may appear in several places */
	size_t n_labels;
	/* Labels that each of its series gets. */
	struct cmx_label labels[CMX_LABELS_MAX];
	struct cmxr_reader *reader;           /* null: does not exist */
	const struct cmxr_snapshot *snapshot; /* of this scrape, or null */
	struct cmxr_info info;                /* of this scrape */
	struct cmxr_info counted; /* the part that self.c has added */
	/* Why it cannot be opened; a change is logged. */
	enum cmx_err state;
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

/*
 * Open segments that appeared, close those that are gone, take a snapshot of
 * each. Never fails.
 */
void source_refresh(struct source *);

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
	size_t n_names; /* names of families, ?name[]=; 0: all */
	bool has_too_many_names;
	const char *names[NAMES_MAX];
};

/* A body, which several answers may share.  Freed by body_release(). */
struct body {
	struct cmxr_buffer buffer;
	enum cmxr_format format;
	bool is_gzip;
	bool is_whole; /* all families */
	int references;
	struct collector *collector;
};

/* The caller owns the sources, which must outlive the collector. */
struct collector *collector_new(struct source *, size_t n_sources,
    size_t max_requests, struct cmx_error *);
void collector_free(struct collector *);

/*
 * Get the body of a scrape: a new one, or one that began after this call and
 * has what is wanted, so that many clients cause few scrapes.  Returns null and
 * *status 503 or 500, where too many clients wait or memory ended.  The scrape
 * counts as one at once until its body is released, when it was sent.
 */
struct body *collect(struct collector *, const struct want *, int *status);
void body_release(struct body *);

/* compress.c */

/* Replace a body by its gzip form.  Returns false where memory ended. */
bool compress_body(struct cmxr_buffer *);

/* endpoint.c */

struct answer {
	int status;
	const char *content_type;
	const char *text;  /* static, or null */
	struct body *body; /* owned by the answer, or null */
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

/* server.c */

struct server;

/*
 * Listen on "host:port", "[v6]:port" or ":port"; or use a socket that listens
 * already (address is null).  At most so many clients are connected.  Prints
 * what is wrong, and returns null.
 */
bool server_address_is_valid(const char *address);
struct server *server_start(const char *address, int socket, size_t connections,
    const struct endpoints *);
/*
 * How many clients each of n servers can have: 256, or fewer where this process
 * may not open as many descriptors beside those of its segments.
 */
size_t server_connections(size_t n_servers, size_t n_sources);
/* The port, which the kernel chose for port 0. */
int server_port(const struct server *);
void server_stop(struct server *);

#endif

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

/* log.c: lines that systemd's journal gives their level; errno is kept. */

void log_info(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_warn(const char *fmt, ...) CMX_PRINTF(1, 2);
void log_error(const char *fmt, ...) CMX_PRINTF(1, 2);

/* source.c */

/* A segment that is shown, whether it is there or not. */
struct source {
	char *path;
	size_t n_labels;
	struct cmx_label labels[CMX_LABELS_MAX]; /* for each of its series */
	struct cmxr_reader *reader;              /* null: not there */
	const struct cmxr_snapshot *snapshot;    /* of this scrape, or null */
	struct cmxr_info info;                   /* of this scrape */
	struct cmxr_info counted; /* what self.c has added up so far */
	enum cmx_err state;       /* why it is not there; logged on change */
};

/*
 * "PATH" or "PATH,label=value,..."; null is the default path.  Returns false
 * after saying what is wrong.
 */
bool source_parse(const char *argument, struct source *);
void source_free(struct source *);

/*
 * Several segments would expose the same series: the ones without labels get
 * segment="name".  False where two are still alike.
 */
bool sources_make_distinct(struct source *, size_t n);

/* Open what appeared, drop what went, take a snapshot.  Never fails. */
void source_refresh(struct source *);

/* self.c */

struct self;

struct self *self_new(struct cmx_error *);
void self_free(struct self *);
void self_count_scrape(struct self *, int status);
void self_set_in_flight(struct self *, size_t n);
void self_set_left_out(struct self *, size_t n_families);
/* After the sources were refreshed, before self_snapshot(). */
void self_update(struct self *, struct source *, size_t n, double seconds);
const struct cmxr_snapshot *self_snapshot(struct self *);

/* collect.c */

struct collector;

#define NAMES_MAX 256

/* What a client asks for. */
struct want {
	enum cmxr_format format;
	bool gzip;
	size_t n_names; /* of families, ?name[]=; 0: all */
	const char *names[NAMES_MAX];
};

/* A body that several answers may share; free with body_release(). */
struct body {
	struct cmxr_buffer buffer;
	enum cmxr_format format;
	bool is_gzip;
	bool is_whole; /* all families */
	int references;
	struct collector *collector;
};

/* The sources stay the caller's, and must outlive the collector. */
struct collector *collector_new(struct source *, size_t n_sources,
    size_t max_requests, struct cmx_error *);
void collector_free(struct collector *);

/*
 * One scrape, or a share in one that began after this call and has what is
 * wanted: many clients do not multiply the work.  Null, with *status 503 or
 * 500, where there are too many at once or memory ended.
 */
struct body *collect(struct collector *, const struct want *, int *status);
void body_release(struct body *);

/* compress.c */

/* Replace a body by its gzip form; false where memory ended. */
bool compress_body(struct cmxr_buffer *);

/* endpoint.c */

struct answer {
	int status;
	const char *content_type;
	const char *text;  /* static, or null */
	struct body *body; /* the answer's, or null */
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
 * Listen on "host:port", "[v6]:port" or ":port"; or take a socket that is
 * listening already (address null).  Null after saying what is wrong.
 */
bool server_address_is_valid(const char *address);
struct server *server_start(const char *address, int socket,
    const struct endpoints *);
/* The port, which the system chose where it was 0. */
int server_port(const struct server *);
void server_stop(struct server *);

#endif

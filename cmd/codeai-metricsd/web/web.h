/*
 * web.h: the web configuration, whose keys are those of the exporter toolkit.
 *
 *	keys.c		strict reading of YAML: types, and where a mistake is
 *	config.c	the keys, their types and what they may be
 *	tls_settings.c	keys of TLS as GnuTLS wants them
 *	tls.c		a connection's handshake
 *	random.c	what TLS needs of chance
 *	users.c		passwords
 *	limit.c		so many requests at one time
 *	web.c		the configuration in force, read again when it changes
 */
#ifndef WEB_H
#define WEB_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* A list of mistakes, as lines of text. */
struct complaints {
	char *text; /* null: none */
	size_t size;
};

void complain(struct complaints *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* keys.c */

struct texts {
	size_t n;
	char **at;
};

struct pairs {
	size_t n;
	struct pair {
		char *name, *value;
	} * at;
};

/* A text that is there and says something. */
static inline bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* What the value of a key is, and what is stored. */
enum key_kind {
	KEY_TEXT,     /* char * */
	KEY_TEXTS,    /* struct texts */
	KEY_PAIRS,    /* struct pairs: a map of texts */
	KEY_BOOL,     /* bool */
	KEY_INT,      /* int64_t */
	KEY_DURATION, /* int64_t, nanoseconds */
	KEY_MAP,      /* keys of its own, in the same struct */
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t offset;          /* of what is stored */
	size_t has_offset;      /* of a bool, "has it a value?"; 0: none */
	const struct key *keys; /* of a map, ended by a null name */
};

/*
 * Read the keys of a text into a zeroed struct, whose defaults stay where a key
 * is absent or has no value.  What is stored belongs to the caller.  Mistakes
 * have the place: "web.yml:3:5: ...".
 */
void keys_read(const char *name, const char *text, size_t size,
    const struct key *keys, void *to, struct complaints *);
void keys_free(const struct key *keys, void *from);

/* config.c */

/* The order is that of the toolkit: what a mode asks for, and what it checks.
 */
enum client_auth {
	NO_CLIENT_CERT,
	REQUEST_CLIENT_CERT,
	REQUIRE_ANY_CLIENT_CERT,
	VERIFY_CLIENT_CERT_IF_GIVEN,
	REQUIRE_AND_VERIFY_CLIENT_CERT,
};

struct tls_text {
	char *cert, *key, *client_ca;
	char *cert_file, *key_file, *client_ca_file;
	char *client_auth_type;
	struct texts client_allowed_sans;
	bool has_allowed_sans;
	char *min_version, *max_version;
	struct texts cipher_suites, curve_preferences;
	bool prefer_server_cipher_suites;
};

/* A file, and what it was when it was read. */
struct stamp {
	char *path;
	struct stat st;
	bool is_there;
};

#define STAMPS_MAX 4

struct web_config {
	int references;
	struct tls_text tls;
	bool http2;
	struct pairs headers;
	struct pairs users;
	int64_t rate_interval_ns, rate_burst;
	/* What follows from them. */
	bool has_tls;
	struct tls_settings *settings; /* null without TLS */
	struct stamp stamps[STAMPS_MAX];
	size_t n_stamps;
	bool is_settled; /* a later change of a file will be seen */
};

/*
 * Read and check a file with all that it names.  What is wrong is told; the
 * stamps are there in any case.
 */
struct web_config *web_config_read(const char *path, struct complaints *);
void web_config_free(struct web_config *);
/* Are all its files as they were? */
bool web_config_is_current(const struct web_config *);

/* A file of a configuration, from its directory; null: told why. */
char *web_config_load(struct web_config *, const char *config_path,
    const char *key, const char *file, size_t *size, struct complaints *);

/* tls_settings.c */

struct tls_settings {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	enum client_auth client_auth;
	gnutls_protocol_t least;          /* version */
	const struct texts *allowed_sans; /* null: any; the configuration's */
	const struct texts *suites;       /* of TLS 1.2 and older; or none */
};

struct tls_settings *tls_settings_new(struct web_config *,
    const char *config_path, struct complaints *);
void tls_settings_free(struct tls_settings *);
/* Is the suite that a session has one of the settings'? */
bool tls_settings_allow_suite(const struct tls_settings *, gnutls_session_t);

/* web.c */

struct web;

/* Returns null where the file is wrong, and logs why. */
struct web *web_new(const char *path);
void web_free(struct web *); /* null is allowed */
bool web_has_tls(const struct web *);
const char *web_path(const struct web *);
/* The files of the configuration at the start. */
size_t web_files(const struct web *, const char *files[STAMPS_MAX]);

/*
 * The configuration in force, read again where a file has changed; null where
 * it is wrong now.  The caller gives it back.
 */
struct web_config *web_get(struct web *);
void web_put(struct web *, struct web_config *);

/* What a request gets before it is looked at. */
enum access {
	ACCESS_ALLOWED,
	ACCESS_BROKEN,   /* 500: the configuration is wrong */
	ACCESS_TOO_MANY, /* 429 */
	ACCESS_DENIED,   /* 401 */
};

/*
 * May this request be answered?  authorization is its header, or null.  The
 * configuration, where one is returned, has the headers of the answer.
 */
enum access web_access(struct web *, const char *authorization,
    struct web_config **);

/* limit.c */

struct limit;

struct limit *limit_new(int64_t interval_ns, int64_t burst);
void limit_free(struct limit *);
bool limit_allows(struct limit *);

/* users.c */

struct password_cache;

struct password_cache *password_cache_new(void);
void password_cache_free(struct password_cache *);
/* Does the header name one of the users, with the right password? */
bool users_allow(const struct pairs *, struct password_cache *,
    const char *authorization);
/* Why a text is no hash of a password; null: it is one. */
const char *user_hash_fault(const char *);

/* tls.c */

/* A connection that begins with a handshake. */
struct tls_visit {
	struct web *web;
	struct web_config *config; /* since the first step of the handshake */
	bool has_begun;
};

/* Prepare the session of a connection. */
void tls_visit_begin(struct tls_visit *, struct web *, gnutls_session_t);
void tls_visit_end(struct tls_visit *);

/*
 * What libmicrohttpd wants to have, a function that finds a certificate: this
 * one finds none, as each connection has that of its configuration.
 */
void *tls_no_certificate(void);

const char *tls_library_version(void);

#endif

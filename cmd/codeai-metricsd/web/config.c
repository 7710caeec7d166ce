/*
 * config.c: the keys of the web configuration, and what they may be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "web.h"

/* A configuration, a certificate with its chain, a list of authorities. */
#define FILE_MAX (4 << 20)

/* A file that was changed so short ago may change again at the same time. */
#define SETTLED_SECONDS 1

#define TLS(member) offsetof(struct web_config, tls.member)

static const struct key tls_keys[] = {
	{ "cert", KEY_TEXT, TLS(cert), 0, NULL },
	{ "key", KEY_TEXT, TLS(key), 0, NULL },
	{ "client_ca", KEY_TEXT, TLS(client_ca), 0, NULL },
	{ "cert_file", KEY_TEXT, TLS(cert_file), 0, NULL },
	{ "key_file", KEY_TEXT, TLS(key_file), 0, NULL },
	{ "client_auth_type", KEY_TEXT, TLS(client_auth_type), 0, NULL },
	{ "client_ca_file", KEY_TEXT, TLS(client_ca_file), 0, NULL },
	{ "client_allowed_sans", KEY_TEXTS, TLS(client_allowed_sans),
	    TLS(has_allowed_sans), NULL },
	{ "cipher_suites", KEY_TEXTS, TLS(cipher_suites), 0, NULL },
	{ "curve_preferences", KEY_TEXTS, TLS(curve_preferences), 0, NULL },
	{ "min_version", KEY_TEXT, TLS(min_version), 0, NULL },
	{ "max_version", KEY_TEXT, TLS(max_version), 0, NULL },
	{ "prefer_server_cipher_suites", KEY_BOOL,
	    TLS(prefer_server_cipher_suites), 0, NULL },
	{ NULL, 0, 0, 0, NULL },
};

static const struct key http_keys[] = {
	{ "http2", KEY_BOOL, offsetof(struct web_config, http2), 0, NULL },
	{ "headers", KEY_PAIRS, offsetof(struct web_config, headers), 0, NULL },
	{ NULL, 0, 0, 0, NULL },
};

static const struct key rate_keys[] = {
	{ "interval", KEY_DURATION,
	    offsetof(struct web_config, rate_interval_ns), 0, NULL },
	{ "burst", KEY_INT, offsetof(struct web_config, rate_burst), 0, NULL },
	{ NULL, 0, 0, 0, NULL },
};

static const struct key keys[] = {
	{ "tls_server_config", KEY_MAP, 0, 0, tls_keys },
	{ "http_server_config", KEY_MAP, 0, 0, http_keys },
	{ "basic_auth_users", KEY_PAIRS, offsetof(struct web_config, users), 0,
	    NULL },
	{ "rate_limit", KEY_MAP, 0, 0, rate_keys },
	{ NULL, 0, 0, 0, NULL },
};

/* Files */

static void
add_stamp(struct web_config *c, const char *path, int fd)
{
	struct stamp *s = &c->stamps[c->n_stamps];

	if (c->n_stamps == STAMPS_MAX)
		return;
	s->path = strdup(path);
	if (s->path == NULL)
		return;
	c->n_stamps++;
	s->is_there =
	    fd >= 0 ? fstat(fd, &s->st) == 0 : stat(path, &s->st) == 0;
	if (!s->is_there ||
	    s->st.st_mtim.tv_sec + SETTLED_SECONDS >= time(NULL) ||
	    s->st.st_ctim.tv_sec + SETTLED_SECONDS >= time(NULL))
		c->is_settled = false;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
	    memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0;
}

bool
web_config_is_current(const struct web_config *c)
{
	struct stat st;

	for (size_t i = 0; i < c->n_stamps; i++)
		if (stat(c->stamps[i].path, &st) != 0 ||
		    !is_same_file(&st, &c->stamps[i].st))
			return false;
	return c->is_settled && c->n_stamps > 0;
}

/* Read at most so many bytes, and a NUL behind them. */
static char *
read_all(int fd, size_t *size)
{
	char *text = malloc(FILE_MAX + 1), *fitting;
	ssize_t n = 1;

	*size = 0;
	while (text != NULL && *size < FILE_MAX && n > 0) {
		n = read(fd, text + *size, FILE_MAX - *size);
		*size += n > 0 ? (size_t)n : 0;
	}
	if (text == NULL || n != 0) {
		if (text != NULL && n > 0)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[*size] = '\0';
	fitting = realloc(text, *size + 1);
	return fitting != NULL ? fitting : text;
}

/* A pipe can be read once, and would be an empty file the next time. */
static bool
is_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return true;
	errno = ESPIPE;
	return false;
}

/* What strerror(3) says, but for what is no file. */
static const char *
reason(int number)
{
	return number == ESPIPE ? "is not a regular file" : strerror(number);
}

/* Open a file, but no FIFO that nobody writes to. */
static char *
load(struct web_config *c, const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd < 0 || !is_regular(fd) ? NULL : read_all(fd, size);
	int saved = errno;

	add_stamp(c, path, fd);
	if (fd >= 0)
		close(fd);
	errno = saved;
	return text;
}

char *
web_config_load(struct web_config *c, const char *config_path, const char *key,
    const char *file, size_t *size, struct complaints *complaints)
{
	const char *slash = strrchr(config_path, '/');
	int directory = file[0] == '/' || slash == NULL ?
	    0 :
	    (int)(slash + 1 - config_path);
	char *path, *text;

	if (asprintf(&path, "%.*s%s", directory, config_path, file) < 0)
		path = NULL;
	text = path == NULL ? NULL : load(c, path, size);
	if (text == NULL)
		complain(complaints, "%s: %s: %s: %s%s", config_path, key,
		    path != NULL ? path : file, reason(errno),
		    errno == EACCES ?
			"; the daemon's user, or its sandbox, may not read it: it reads the directories of the files that were named at the start" :
			"");
	free(path);
	return text;
}

/* Checks */

static const struct {
	const char *name;
	const char *values[3]; /* null: any */
} headers[] = {
	{ "Content-Security-Policy", { NULL } },
	{ "X-Frame-Options", { "deny", "sameorigin", NULL } },
	{ "X-Content-Type-Options", { "nosniff", NULL } },
	{ "X-XSS-Protection", { NULL } },
	{ "Strict-Transport-Security", { NULL } },
};

#define N_HEADERS (sizeof(headers) / sizeof(headers[0]))

static void
check_header(struct pair *header, const char *path, struct complaints *to)
{
	size_t i = 0, j = 0;

	while (i < N_HEADERS && strcmp(headers[i].name, header->name) != 0)
		i++;
	if (i == N_HEADERS) {
		complain(to,
		    "%s: http_server_config.headers: %.100s cannot be set; allowed are Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security, spelled so",
		    path, header->name);
		return;
	}
	while (headers[i].values[j] != NULL &&
	    strcmp(headers[i].values[j], header->value) != 0)
		j++;
	if (headers[i].values[0] != NULL && headers[i].values[j] == NULL)
		complain(to,
		    "%s: http_server_config.headers.%s: \"%.100s\" is not allowed; it must be %s%s%s",
		    path, header->name, header->value, headers[i].values[0],
		    headers[i].values[1] != NULL ? " or " : "",
		    headers[i].values[1] != NULL ? headers[i].values[1] : "");
	/* A header has one line. */
	for (char *c = header->value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

static void
check(const struct web_config *c, const char *path, struct complaints *to)
{
	for (size_t i = 0; i < c->headers.n; i++)
		check_header(&c->headers.at[i], path, to);
	for (size_t i = 0; i < c->users.n; i++) {
		const char *fault = user_hash_fault(c->users.at[i].value);

		if (fault != NULL)
			complain(to, "%s: basic_auth_users.%.100s: %s", path,
			    c->users.at[i].name, fault);
	}
	if (c->rate_burst < 0)
		complain(to, "%s: rate_limit.burst: must not be negative",
		    path);
}

/* TLS is on where a key is given that has no sense without it. */
static bool
has_tls(const struct tls_text *t)
{
	return is_set(t->cert) || is_set(t->key) || is_set(t->client_ca) ||
	    is_set(t->cert_file) || is_set(t->key_file) ||
	    is_set(t->client_ca_file) || is_set(t->client_auth_type);
}

struct web_config *
web_config_read(const char *path, struct complaints *complaints)
{
	struct web_config *c = calloc(1, sizeof(*c));
	size_t size;
	char *text;

	if (c == NULL) {
		complain(complaints, "%s: no memory", path);
		return NULL;
	}
	*c = (struct web_config){ .references = 1,
		.http2 = true,
		.is_settled = true,
		.tls.prefer_server_cipher_suites = true };
	text = load(c, path, &size);
	if (text == NULL) {
		complain(complaints, "%s: %s", path, reason(errno));
		return c;
	}
	keys_read(path, text, size, keys, c, complaints);
	free(text);
	if (complaints->text == NULL)
		check(c, path, complaints);
	c->has_tls = has_tls(&c->tls);
	if (complaints->text == NULL && c->has_tls)
		c->settings = tls_settings_new(c, path, complaints);
	return c;
}

void
web_config_free(struct web_config *c)
{
	if (c == NULL)
		return;
	tls_settings_free(c->settings);
	keys_free(keys, c);
	for (size_t i = 0; i < c->n_stamps; i++)
		free(c->stamps[i].path);
	free(c);
}

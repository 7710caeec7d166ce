/*
 * web.c: the web configuration in force, read again when a file of it changes.
 *
 * Where it is wrong then, nobody is let in until it is right: what it says of
 * users may be what was changed.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../daemon.h"
#include "web.h"

struct web {
	char *path;
	bool has_tls, has_users;
	struct limit *limit;
	struct password_cache *passwords;

	pthread_mutex_t lock;
	/* Protected by the lock. */
	struct web_config *config; /* holds a reference */
	bool is_broken;
	char *complaint; /* that was logged; null: none */
};

/* Log what is wrong, a line for each; once, until it is something else. */
static void
tell(struct web *w, struct complaints *c)
{
	char *rest = c->text, *line;

	if (w->complaint != NULL && c->text != NULL &&
	    strcmp(w->complaint, c->text) == 0)
		return;
	free(w->complaint);
	w->complaint = c->text != NULL ? strdup(c->text) : NULL;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			log_error("%s", line);
}

/* What cannot change while the daemon runs. */
static void
check_constants(const struct web *w, const struct web_config *c,
    struct complaints *complaints)
{
	if (w->has_tls && !c->has_tls)
		complain(complaints,
		    "%s: tls_server_config is gone; TLS is on since the start: start again",
		    w->path);
	else if (w->has_users && c->users.n == 0)
		complain(complaints,
		    "%s: basic_auth_users is gone; there are users since the start: start again to let everybody in",
		    w->path);
	else if (!w->has_tls && c->has_tls)
		log_warn(
		    "%s: tls_server_config is new; TLS is off since the start: start again",
		    w->path);
}

static void
config_unref(struct web_config *c)
{
	if (c != NULL && --c->references == 0)
		web_config_free(c);
}

/* Read all files.  Requires: the lock.  Returns what is not in force. */
static void
read_again(struct web *w)
{
	struct complaints complaints = { 0 };
	struct web_config *c = web_config_read(w->path, &complaints);
	bool was_broken = w->is_broken, had_config = w->config != NULL;

	if (c != NULL && complaints.text == NULL && had_config)
		check_constants(w, c, &complaints);
	tell(w, &complaints);
	w->is_broken = c == NULL || complaints.text != NULL;
	if (was_broken && !w->is_broken)
		log_info("%s: is right again", w->path);
	if (w->is_broken && !was_broken && had_config)
		log_error("%s: nobody is let in until it is right again",
		    w->path);
	free(complaints.text);
	if (c == NULL)
		return;
	config_unref(w->config);
	w->config = c;
}

struct web *
web_new(const char *path)
{
	struct web *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	w->path = strdup(path);
	if (w->path != NULL)
		read_again(w);
	if (w->config != NULL && !w->is_broken) {
		w->has_tls = w->config->has_tls;
		w->has_users = w->config->users.n > 0;
		w->limit = limit_new(w->config->rate_interval_ns,
		    w->config->rate_burst);
		w->passwords = password_cache_new();
	}
	if (w->limit != NULL && w->passwords != NULL)
		return w;
	web_free(w);
	return NULL;
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	config_unref(w->config);
	limit_free(w->limit);
	password_cache_free(w->passwords);
	pthread_mutex_destroy(&w->lock);
	free(w->complaint);
	free(w->path);
	free(w);
}

bool
web_has_tls(const struct web *w)
{
	return w->has_tls;
}

const char *
web_path(const struct web *w)
{
	return w->path;
}

size_t
web_files(const struct web *w, const char *files[STAMPS_MAX])
{
	for (size_t i = 0; i < w->config->n_stamps; i++)
		files[i] = w->config->stamps[i].path;
	return w->config->n_stamps;
}

struct web_config *
web_get(struct web *w)
{
	struct web_config *c = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->is_broken || !web_config_is_current(w->config))
		read_again(w);
	if (!w->is_broken) {
		c = w->config;
		c->references++;
	}
	pthread_mutex_unlock(&w->lock);
	return c;
}

void
web_put(struct web *w, struct web_config *c)
{
	pthread_mutex_lock(&w->lock);
	config_unref(c);
	pthread_mutex_unlock(&w->lock);
}

enum access
web_access(struct web *w, const char *authorization,
    struct web_config **configp)
{
	*configp = web_get(w);
	if (*configp == NULL)
		return ACCESS_BROKEN;
	if (!limit_allows(w->limit)) {
		web_put(w, *configp);
		*configp = NULL;
		return ACCESS_TOO_MANY;
	}
	return users_allow(&(*configp)->users, w->passwords, authorization) ?
	    ACCESS_ALLOWED :
	    ACCESS_DENIED;
}

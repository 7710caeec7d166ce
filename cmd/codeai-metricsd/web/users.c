/*
 * users.c: passwords, whose hashes are bcrypt's.
 *
 * A comparison is made on purpose slow, so its result is kept, and one is made
 * at a time: clients with wrong passwords take one CPU at most.  Whose result
 * is known does not wait for them, and they do not push it out.  A user that is
 * not there costs a comparison too, so that the time says nothing.
 */
#include <bsd/stdlib.h>
#include <crypt.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "web.h"

#define HASH_SIZE   60
#define SALT_END    29 /* what follows depends on the password */
#define COST_MIN    4
#define COST_MAX    31
#define CACHE_SIZE  50
#define BYTES_MAX   72 /* that bcrypt looks at */
#define DIGEST_SIZE 32
/* Of base64; a longer header holds no password that counts. */
#define HEADER_MAX 4096

/* Results of one kind. */
struct results {
	unsigned char digests[CACHE_SIZE][DIGEST_SIZE];
	size_t n;
};

struct password_cache {
	unsigned char key[DIGEST_SIZE]; /* of digests; random */

	pthread_mutex_t hashing; /* one comparison at a time */
	struct crypt_data crypt; /* protected by it */

	pthread_mutex_t lock;
	struct results wrong, right; /* protected by it */
};

const char *
user_hash_fault(const char *hash)
{
	static const char letters[] =
	    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int cost;

	if (hash[0] == '\0')
		return "has no hash; make one with htpasswd -nBC 10 USER";
	if (strncmp(hash, "$2a$", 4) != 0 && strncmp(hash, "$2b$", 4) != 0 &&
	    strncmp(hash, "$2y$", 4) != 0)
		return "is no hash of bcrypt, which begins with $2y$, $2b$ or $2a$; make one with htpasswd -nBC 10 USER";
	if (strlen(hash) != HASH_SIZE || hash[6] != '$' ||
	    strspn(hash + 7, letters) != HASH_SIZE - 7)
		return "is no whole hash of bcrypt, which has 60 characters";
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9' ||
	    cost < COST_MIN || cost > COST_MAX)
		return "has a cost that bcrypt has not; allowed are 04 to 31";
	return NULL;
}

struct password_cache *
password_cache_new(void)
{
	struct password_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (gnutls_rnd(GNUTLS_RND_KEY, c->key, sizeof(c->key)) < 0) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->hashing, NULL);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
password_cache_free(struct password_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->hashing);
	pthread_mutex_destroy(&c->lock);
	gnutls_memset(c, 0, sizeof(*c));
	free(c);
}

/* The header */

struct login {
	gnutls_datum_t bytes; /* "user:password" */
	size_t user_size;
	const char *password;
	size_t password_size;
};

/* Returns false for what is no login.  The bytes are freed by the caller. */
static bool
parse_login(const char *header, struct login *login)
{
	gnutls_datum_t text;
	const unsigned char *colon;

	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0 ||
	    strlen(header) > HEADER_MAX)
		return false;
	header += 6;
	if (strpbrk(header, " \t\r\n") != NULL)
		return false;
	text = (gnutls_datum_t){ (unsigned char *)(uintptr_t)header,
		(unsigned int)strlen(header) };
	if (gnutls_base64_decode2(&text, &login->bytes) < 0)
		return false;
	colon = memchr(login->bytes.data, ':', login->bytes.size);
	if (colon == NULL) {
		gnutls_free(login->bytes.data);
		return false;
	}
	login->user_size = (size_t)(colon - login->bytes.data);
	login->password = (const char *)colon + 1;
	login->password_size = login->bytes.size - login->user_size - 1;
	return true;
}

/* Comparison */

/* A digest by which a result is found again, and no password is. */
static bool
make_digest(const struct password_cache *c, const struct login *login,
    const char *hash, unsigned char digest[DIGEST_SIZE])
{
	gnutls_hmac_hd_t h;

	if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, c->key, sizeof(c->key)) < 0)
		return false;
	/* The hash has one size, and the login its size in its end. */
	gnutls_hmac(h, hash, HASH_SIZE);
	gnutls_hmac(h, login->bytes.data, login->bytes.size);
	gnutls_hmac_deinit(h, digest);
	return true;
}

/* Requires: the lock of hashing.  A text with a NUL has no hash. */
static bool
is_right(struct password_cache *c, const struct login *login, const char *hash)
{
	char password[BYTES_MAX + 1], same[HASH_SIZE + 1];
	size_t n =
	    login->password_size < BYTES_MAX ? login->password_size : BYTES_MAX;
	const char *result;

	/* All of these are one method, which has the newest of its names. */
	memcpy(same, hash, HASH_SIZE + 1);
	same[2] = 'b';
	memcpy(password, login->password, n);
	password[n] = '\0';
	result = crypt_rn(password, same, &c->crypt, sizeof(c->crypt));
	gnutls_memset(password, 0, sizeof(password));
	return result != NULL && strlen(result) == HASH_SIZE &&
	    gnutls_memcmp(result + SALT_END, hash + SALT_END,
		HASH_SIZE - SALT_END) == 0 &&
	    memchr(login->password, '\0', login->password_size) == NULL;
}

static bool
has_result(const struct results *r, const unsigned char digest[DIGEST_SIZE])
{
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->digests[i], digest, DIGEST_SIZE) == 0)
			return true;
	return false;
}

/* Is the result known? */
static bool
look_up(struct password_cache *c, const unsigned char digest[DIGEST_SIZE],
    bool *is_right)
{
	bool is_known;

	pthread_mutex_lock(&c->lock);
	*is_right = has_result(&c->right, digest);
	is_known = *is_right || has_result(&c->wrong, digest);
	pthread_mutex_unlock(&c->lock);
	return is_known;
}

static void
keep(struct password_cache *c, const unsigned char digest[DIGEST_SIZE],
    bool is_right)
{
	struct results *r = is_right ? &c->right : &c->wrong;
	size_t i;

	pthread_mutex_lock(&c->lock);
	i = r->n < CACHE_SIZE ? r->n++ : arc4random_uniform(CACHE_SIZE);
	memcpy(r->digests[i], digest, DIGEST_SIZE);
	pthread_mutex_unlock(&c->lock);
}

static bool
compare(struct password_cache *c, const struct login *login, const char *hash)
{
	unsigned char digest[DIGEST_SIZE];
	bool ok;

	if (!make_digest(c, login, hash, digest))
		return false;
	if (look_up(c, digest, &ok))
		return ok;
	pthread_mutex_lock(&c->hashing);
	/* Somebody may have found it out meanwhile. */
	if (!look_up(c, digest, &ok)) {
		ok = is_right(c, login, hash);
		keep(c, digest, ok);
	}
	pthread_mutex_unlock(&c->hashing);
	return ok;
}

/* The hash of a user; of another one where there is none of that name. */
static const char *
find_hash(const struct pairs *users, const struct login *login, bool *is_known)
{
	const char *hash = users->at[0].value;

	*is_known = false;
	for (size_t i = 0; i < users->n; i++)
		if (strlen(users->at[i].name) == login->user_size &&
		    memcmp(users->at[i].name, login->bytes.data,
			login->user_size) == 0) {
			hash = users->at[i].value;
			*is_known = true;
		}
	return hash;
}

bool
users_allow(const struct pairs *users, struct password_cache *c,
    const char *authorization)
{
	struct login login;
	const char *hash;
	bool is_known, ok;

	if (users->n == 0)
		return true;
	if (!parse_login(authorization, &login))
		return false;
	hash = find_hash(users, &login, &is_known);
	ok = compare(c, &login, hash) && is_known;
	gnutls_memset(login.bytes.data, 0, login.bytes.size);
	gnutls_free(login.bytes.data);
	return ok;
}

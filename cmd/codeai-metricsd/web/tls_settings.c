/*
 * tls_settings.c: the keys of TLS as GnuTLS wants them.
 */
#include <bsd/string.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../daemon.h"
#include "web.h"

#define PRIORITY_SIZE 1024

/* Names */

/* In the order of the versions. */
static const struct {
	const char *name, *priority;
	gnutls_protocol_t version;
} versions[] = {
	{ "TLS10", "VERS-TLS1.0", GNUTLS_TLS1_0 },
	{ "TLS11", "VERS-TLS1.1", GNUTLS_TLS1_1 },
	{ "TLS12", "VERS-TLS1.2", GNUTLS_TLS1_2 },
	{ "TLS13", "VERS-TLS1.3", GNUTLS_TLS1_3 },
};

#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))

static const struct {
	const char *name, *priority;
} curves[] = {
	{ "X25519", "GROUP-X25519" },
	{ "CurveP256", "GROUP-SECP256R1" },
	{ "CurveP384", "GROUP-SECP384R1" },
	{ "CurveP521", "GROUP-SECP521R1" },
};

#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

/* Those of TLS 1.3 have no effect: all of them are there. */
static const struct suite {
	const char *name;
	gnutls_kx_algorithm_t kx;
	gnutls_cipher_algorithm_t cipher;
	gnutls_mac_algorithm_t mac;
	const char *priority;
} suites[] = {
	{ "TLS_AES_128_GCM_SHA256", 0, 0, 0, "AES-128-GCM" },
	{ "TLS_AES_256_GCM_SHA384", 0, 0, 0, "AES-256-GCM" },
	{ "TLS_CHACHA20_POLY1305_SHA256", 0, 0, 0, "CHACHA20-POLY1305" },
#define ECDHE(auth, suite, cipher, mac, priority)                          \
	{                                                                  \
		"TLS_ECDHE_" #auth "_WITH_" suite, GNUTLS_KX_ECDHE_##auth, \
		    cipher, mac, priority                                  \
	}
#define BOTH(suite, cipher, mac, priority)        \
	ECDHE(RSA, suite, cipher, mac, priority), \
	    ECDHE(ECDSA, suite, cipher, mac, priority)
	BOTH("AES_128_GCM_SHA256", GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_AEAD,
	    "AES-128-GCM"),
	BOTH("AES_256_GCM_SHA384", GNUTLS_CIPHER_AES_256_GCM, GNUTLS_MAC_AEAD,
	    "AES-256-GCM"),
	BOTH("CHACHA20_POLY1305_SHA256", GNUTLS_CIPHER_CHACHA20_POLY1305,
	    GNUTLS_MAC_AEAD, "CHACHA20-POLY1305"),
	/* The older name of the same. */
	BOTH("CHACHA20_POLY1305", GNUTLS_CIPHER_CHACHA20_POLY1305,
	    GNUTLS_MAC_AEAD, "CHACHA20-POLY1305"),
	BOTH("AES_128_CBC_SHA", GNUTLS_CIPHER_AES_128_CBC, GNUTLS_MAC_SHA1,
	    "AES-128-CBC"),
	BOTH("AES_256_CBC_SHA", GNUTLS_CIPHER_AES_256_CBC, GNUTLS_MAC_SHA1,
	    "AES-256-CBC"),
};

#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

static const char *const client_auths[][2] = {
	[NO_CLIENT_CERT] = { "NoClientCert", "" },
	[REQUEST_CLIENT_CERT] = { "RequestClientCert", NULL },
	[REQUIRE_ANY_CLIENT_CERT] = { "RequireAnyClientCert",
	    "RequireClientCert" },
	[VERIFY_CLIENT_CERT_IF_GIVEN] = { "VerifyClientCertIfGiven", NULL },
	[REQUIRE_AND_VERIFY_CLIENT_CERT] = { "RequireAndVerifyClientCert",
	    NULL },
};

#define N_CLIENT_AUTHS (sizeof(client_auths) / sizeof(client_auths[0]))

/* What is being made. */
struct making {
	struct web_config *config;
	const struct tls_text *text;
	const char *path;
	struct complaints *complaints;
	struct tls_settings *settings;
};

/* Certificates */

/*
 * A text of PEM: the file where both are given.  Null: there is none, or it
 * cannot be read, which is told.
 */
static char *
pem(struct making *m, const char *key, const char *file, const char *text)
{
	char name[64];
	size_t size;

	if (!is_set(file))
		return is_set(text) ? strdup(text) : NULL;
	snprintf(name, sizeof(name), "tls_server_config.%s", key);
	return web_config_load(m->config, m->path, name, file, &size,
	    m->complaints);
}

static void
refuse(struct making *m, const char *key, const char *why)
{
	complain(m->complaints, "%s: tls_server_config%s%s: %s", m->path,
	    key[0] != '\0' ? "." : "", key, why);
}

static bool
set_pair(struct making *m)
{
	const struct tls_text *t = m->text;
	bool has_cert = is_set(t->cert) || is_set(t->cert_file);
	bool has_key = is_set(t->key) || is_set(t->key_file);
	char *cert, *key;
	gnutls_datum_t cert_datum, key_datum;
	int r;

	if (!has_cert || !has_key) {
		refuse(m, "",
		    has_cert ? "has no key: give key or key_file" :
			       "has no certificate: give cert or cert_file");
		return false;
	}
	cert = pem(m, "cert_file", t->cert_file, t->cert);
	key = pem(m, "key_file", t->key_file, t->key);
	if (cert == NULL || key == NULL) {
		free(cert);
		free(key);
		return false;
	}
	cert_datum = (gnutls_datum_t){ (unsigned char *)cert,
		(unsigned int)strlen(cert) };
	key_datum =
	    (gnutls_datum_t){ (unsigned char *)key, (unsigned int)strlen(key) };
	r = gnutls_certificate_set_x509_key_mem(m->settings->credentials,
	    &cert_datum, &key_datum, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		complain(m->complaints,
		    "%s: tls_server_config: certificate %s and key %s: %s",
		    m->path, is_set(t->cert_file) ? t->cert_file : "(inline)",
		    is_set(t->key_file) ? t->key_file : "(inline)",
		    gnutls_strerror(r));
	gnutls_memset(key, 0, strlen(key));
	free(cert);
	free(key);
	return r >= 0;
}

/* Trust one certificate of a text.  Returns false where it is none. */
static bool
trust(struct making *m, const char *text, size_t size)
{
	const gnutls_datum_t datum = { (unsigned char *)(uintptr_t)text,
		(unsigned int)size };
	gnutls_x509_crt_t cert;
	bool ok;

	if (gnutls_x509_crt_init(&cert) < 0)
		return false;
	ok = gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM) == 0 &&
	    gnutls_certificate_set_x509_trust(m->settings->credentials, &cert,
		1) == 1;
	gnutls_x509_crt_deinit(cert);
	return ok;
}

/*
 * Trust each certificate of a text; what is none between them is passed over,
 * as the toolkit does.  Returns their number.
 */
static size_t
trust_all(struct making *m, const char *text)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	size_t n = 0, n_wrong = 0;
	const char *at = text, *next;

	while ((at = strstr(at, begin)) != NULL) {
		next = strstr(at, end);
		if (next == NULL) {
			n_wrong++;
			break;
		}
		next += sizeof(end) - 1;
		if (trust(m, at, (size_t)(next - at)))
			n++;
		else
			n_wrong++;
		at = next;
	}
	if (n_wrong > 0)
		log_warn(
		    "%s: tls_server_config.client_ca_file: %zu certificates cannot be read, and nobody is trusted by them",
		    m->path, n_wrong);
	return n;
}

static bool
set_client_ca(struct making *m)
{
	const struct tls_text *t = m->text;
	bool is_given = is_set(t->client_ca) || is_set(t->client_ca_file);
	size_t n;
	char *ca;

	if (!is_given) {
		/* Nobody is trusted then, but who the system trusts. */
		if (m->settings->client_auth >= VERIFY_CLIENT_CERT_IF_GIVEN)
			gnutls_certificate_set_x509_system_trust(
			    m->settings->credentials);
		return true;
	}
	if (m->settings->client_auth == NO_CLIENT_CERT) {
		refuse(m, "client_ca_file",
		    "is given, but client_auth_type asks for no certificate; set it to RequireAndVerifyClientCert, or leave the authority out");
		return false;
	}
	ca = pem(m, "client_ca_file", t->client_ca_file, t->client_ca);
	if (ca == NULL)
		return false;
	n = trust_all(m, ca);
	free(ca);
	if (n == 0)
		refuse(m, "client_ca_file",
		    "has no certificate: no client could be let in");
	return n > 0;
}

static bool
set_client_auth(struct making *m)
{
	const char *name = m->text->client_auth_type;

	if (name == NULL)
		name = "";
	for (size_t i = 0; i < N_CLIENT_AUTHS; i++)
		for (int j = 0; j < 2; j++)
			if (client_auths[i][j] != NULL &&
			    strcmp(client_auths[i][j], name) == 0) {
				m->settings->client_auth = (enum client_auth)i;
				return true;
			}
	complain(m->complaints,
	    "%s: tls_server_config.client_auth_type: \"%.100s\" is none; allowed are NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
	    m->path, name);
	return false;
}

/* Priorities */

static size_t
find_version(struct making *m, const char *key, const char *name, size_t normal)
{
	if (name == NULL)
		return normal;
	for (size_t i = 0; i < N_VERSIONS; i++)
		if (strcmp(versions[i].name, name) == 0)
			return i;
	complain(m->complaints,
	    "%s: tls_server_config.%s: unknown TLS version \"%.100s\"; allowed are TLS10, TLS11, TLS12, TLS13",
	    m->path, key, name);
	return N_VERSIONS;
}

static void
append(char text[PRIORITY_SIZE], const char *sign, const char *word)
{
	strlcat(text, sign, PRIORITY_SIZE);
	strlcat(text, word, PRIORITY_SIZE);
}

static bool
add_versions(struct making *m, char text[PRIORITY_SIZE])
{
	size_t least = find_version(m, "min_version", m->text->min_version, 2);
	size_t most = find_version(m, "max_version", m->text->max_version, 3);

	if (least == N_VERSIONS || most == N_VERSIONS)
		return false;
	if (least > most) {
		complain(m->complaints,
		    "%s: tls_server_config.min_version: %s is above max_version, %s: no client could connect",
		    m->path, versions[least].name, versions[most].name);
		return false;
	}
	m->settings->least = versions[least].version;
	append(text, ":-", "VERS-ALL");
	for (size_t i = most + 1; i > least; i--)
		append(text, ":+", versions[i - 1].priority);
	return true;
}

static const struct suite *
find_suite(const char *name)
{
	for (size_t i = 0; i < N_SUITES; i++)
		if (strcmp(suites[i].name, name) == 0)
			return &suites[i];
	return NULL;
}

/* How a client of TLS 1.2 knows the server, by the key of its certificate. */
static gnutls_kx_algorithm_t
kx_of_certificate(const struct making *m)
{
	gnutls_x509_crt_t *list;
	unsigned int n;
	int algorithm = GNUTLS_PK_ECDSA;

	if (gnutls_certificate_get_x509_crt(m->settings->credentials, 0, &list,
		&n) < 0)
		return GNUTLS_KX_ECDHE_ECDSA;
	if (n > 0)
		algorithm = gnutls_x509_crt_get_pk_algorithm(list[0], NULL);
	for (unsigned int i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS ?
	    GNUTLS_KX_ECDHE_RSA :
	    GNUTLS_KX_ECDHE_ECDSA;
}

static bool
check_suites(struct making *m)
{
	const struct texts *list = &m->text->cipher_suites;
	bool ok = true;

	for (size_t i = 0; i < list->n; i++) {
		if (find_suite(list->at[i]) != NULL)
			continue;
		complain(m->complaints,
		    "%s: tls_server_config.cipher_suites: unknown cipher \"%.100s\"; allowed are TLS_ECDHE_RSA_WITH_ and TLS_ECDHE_ECDSA_WITH_ with AES_128_GCM_SHA256, AES_256_GCM_SHA384, CHACHA20_POLY1305_SHA256, AES_128_CBC_SHA, AES_256_CBC_SHA",
		    m->path, list->at[i]);
		ok = false;
	}
	return ok;
}

/*
 * GnuTLS chooses ciphers, not suites: those of the list that go with the
 * certificate come first, and those of TLS 1.3 behind them, which the list does
 * not concern.  A suite of TLS 1.2 that is chosen nevertheless is refused:
 * tls_settings_allow_suite().
 */
static bool
add_suites(struct making *m, char text[PRIORITY_SIZE])
{
	const struct texts *list = &m->text->cipher_suites;
	gnutls_kx_algorithm_t kx = kx_of_certificate(m);

	if (!check_suites(m))
		return false;
	if (list->n == 0) {
		/* ECDHE only, as the toolkit's. */
		append(text, ":-", "RSA:-DHE-RSA");
		return true;
	}
	append(text, ":-", "CIPHER-ALL:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA");
	for (size_t i = 0; i < list->n; i++) {
		const struct suite *suite = find_suite(list->at[i]);

		if (suite->kx == kx)
			append(text, ":+", suite->priority);
	}
	append(text, ":+", "AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305");
	return true;
}

static bool
add_curves(struct making *m, char text[PRIORITY_SIZE])
{
	const struct texts *list = &m->text->curve_preferences;
	bool ok = true;

	/* Without a list all of these, and none that costs a server more. */
	append(text, ":-", "GROUP-ALL");
	for (size_t i = 0; list->n == 0 && i < N_CURVES; i++)
		append(text, ":+", curves[i].priority);
	for (size_t i = 0; i < list->n; i++) {
		size_t j = 0;

		while (j < N_CURVES && strcmp(curves[j].name, list->at[i]) != 0)
			j++;
		if (j < N_CURVES) {
			append(text, ":+", curves[j].priority);
			continue;
		}
		complain(m->complaints,
		    "%s: tls_server_config.curve_preferences: unknown curve \"%.100s\"; allowed are CurveP256, CurveP384, CurveP521, X25519",
		    m->path, list->at[i]);
		ok = false;
	}
	return ok;
}

static bool
set_priority(struct making *m)
{
	char text[PRIORITY_SIZE] = "NORMAL:%SERVER_PRECEDENCE";
	bool ok = add_versions(m, text);
	int r;

	ok &= add_suites(m, text);
	ok &= add_curves(m, text);
	if (!ok)
		return false;
	r = gnutls_priority_init(&m->settings->priority, text, NULL);
	if (r < 0)
		complain(m->complaints,
		    "%s: tls_server_config: GnuTLS refuses %s: %s", m->path,
		    text, gnutls_strerror(r));
	return r >= 0;
}

struct tls_settings *
tls_settings_new(struct web_config *config, const char *config_path,
    struct complaints *complaints)
{
	struct making m = { config, &config->tls, config_path, complaints,
		calloc(1, sizeof(*m.settings)) };

	if (m.settings == NULL ||
	    gnutls_certificate_allocate_credentials(&m.settings->credentials) <
		0) {
		complain(complaints, "%s: no memory", config_path);
		free(m.settings);
		return NULL;
	}
	if (config->tls.has_allowed_sans)
		m.settings->allowed_sans = &config->tls.client_allowed_sans;
	m.settings->suites = &config->tls.cipher_suites;
	if (set_client_auth(&m) && set_pair(&m) && set_client_ca(&m) &&
	    set_priority(&m))
		return m.settings;
	if (complaints->text == NULL)
		refuse(&m, "", "cannot be used");
	tls_settings_free(m.settings);
	return NULL;
}

void
tls_settings_free(struct tls_settings *s)
{
	if (s == NULL)
		return;
	if (s->priority != NULL)
		gnutls_priority_deinit(s->priority);
	gnutls_certificate_free_credentials(s->credentials);
	free(s);
}

bool
tls_settings_allow_suite(const struct tls_settings *s, gnutls_session_t session)
{
	if (s->suites->n == 0 ||
	    gnutls_protocol_get_version(session) == GNUTLS_TLS1_3)
		return true;
	for (size_t i = 0; i < s->suites->n; i++) {
		const struct suite *suite = find_suite(s->suites->at[i]);

		if (suite != NULL && suite->kx == gnutls_kx_get(session) &&
		    suite->cipher == gnutls_cipher_get(session) &&
		    suite->mac == gnutls_mac_get(session))
			return true;
	}
	return false;
}

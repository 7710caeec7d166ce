/*
 * tls.c: a connection's handshake.
 *
 * libmicrohttpd has one certificate and one set of rules for all connections,
 * checks no client's certificate, and closes a connection whose handshake
 * failed without a word.  Its call of gnutls_handshake(3) comes here first: the
 * configuration in force is used for each connection, a client is told by an
 * alert why it is refused, and one that speaks HTTP is told that.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../daemon.h"
#include "web.h"

#define SAN_SIZE 512

typedef int handshake_fn(gnutls_session_t);

void
tls_visit_begin(struct tls_visit *visit, struct web *web,
    gnutls_session_t session)
{
	visit->web = web;
	/* The place of a session's cache, which nothing else uses. */
	gnutls_db_set_ptr(session, visit);
}

void
tls_visit_end(struct tls_visit *visit)
{
	if (visit->config != NULL)
		web_put(visit->web, visit->config);
}

/* Close, and tell why. */
static int
refuse(gnutls_session_t session, gnutls_alert_description_t alert)
{
	gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* The client's certificate */

/* An alternative name as the configuration has it. */
static bool
read_san(gnutls_x509_crt_t cert, unsigned int i, char text[SAN_SIZE])
{
	unsigned char raw[SAN_SIZE];
	size_t size = sizeof(raw) - 1;
	int kind =
	    gnutls_x509_crt_get_subject_alt_name(cert, i, raw, &size, NULL);

	if (kind == GNUTLS_SAN_IPADDRESS)
		return inet_ntop(size == 4 ? AF_INET : AF_INET6, raw, text,
			   SAN_SIZE) != NULL;
	if (kind != GNUTLS_SAN_DNSNAME && kind != GNUTLS_SAN_RFC822NAME &&
	    kind != GNUTLS_SAN_URI)
		return false;
	raw[size] = '\0';
	memcpy(text, raw, size + 1);
	/* A name with a NUL is none that could be written down. */
	return strlen(text) == size;
}

static bool
has_allowed_san(gnutls_x509_crt_t cert, const struct texts *allowed)
{
	char san[SAN_SIZE];
	size_t size = sizeof(san);

	for (unsigned int i = 0;
	     gnutls_x509_crt_get_subject_alt_name(cert, i, san, &size, NULL) !=
	     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	     i++, size = sizeof(san)) {
		if (!read_san(cert, i, san))
			continue;
		for (size_t j = 0; j < allowed->n; j++)
			if (strcmp(allowed->at[j], san) == 0)
				return true;
	}
	return false;
}

static bool
peer_has_allowed_san(gnutls_session_t session, const struct texts *allowed)
{
	unsigned int n;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &n);
	gnutls_x509_crt_t cert;
	bool ok;

	if (list == NULL || n == 0 || gnutls_x509_crt_init(&cert) < 0)
		return false;
	ok = gnutls_x509_crt_import(cert, &list[0], GNUTLS_X509_FMT_DER) == 0 &&
	    has_allowed_san(cert, allowed);
	gnutls_x509_crt_deinit(cert);
	return ok;
}

/* Is the chain of the client's certificate good?  *alert tells why not. */
static bool
verify_chain(gnutls_session_t session, gnutls_alert_description_t *alert)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned int status;

	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0)
		*alert = GNUTLS_A_BAD_CERTIFICATE;
	else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		*alert = GNUTLS_A_CERTIFICATE_EXPIRED;
	else if (status &
	    (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		*alert = GNUTLS_A_UNKNOWN_CA;
	else if (status != 0)
		*alert = GNUTLS_A_BAD_CERTIFICATE;
	else
		return true;
	return false;
}

static int
check_peer(gnutls_session_t session, const struct tls_settings *s)
{
	gnutls_alert_description_t alert;
	bool has_cert = gnutls_certificate_get_peers(session, NULL) != NULL;

	if (!has_cert &&
	    (s->client_auth == REQUIRE_ANY_CLIENT_CERT ||
		s->client_auth == REQUIRE_AND_VERIFY_CLIENT_CERT))
		return refuse(session,
		    gnutls_protocol_get_version(session) == GNUTLS_TLS1_3 ?
			GNUTLS_A_CERTIFICATE_REQUIRED :
			GNUTLS_A_HANDSHAKE_FAILURE);
	if (s->client_auth >= VERIFY_CLIENT_CERT_IF_GIVEN && has_cert &&
	    !verify_chain(session, &alert))
		return refuse(session, alert);
	if (s->client_auth != NO_CLIENT_CERT && s->allowed_sans != NULL &&
	    !peer_has_allowed_san(session, s->allowed_sans))
		return refuse(session, GNUTLS_A_BAD_CERTIFICATE);
	if (!tls_settings_allow_suite(s, session))
		return refuse(session, GNUTLS_A_HANDSHAKE_FAILURE);
	return 0;
}

/* The handshake */

/* A client that speaks HTTP is answered so, and told. */
static void
answer_http(int socket)
{
	static const char answer[] =
	    "HTTP/1.0 400 Bad Request\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Connection: close\r\n\r\n"
	    "Client sent an HTTP request to an HTTPS server.\n";
	char request[4096];

	/* What is not read would make a reset of the end. */
	if (recv(socket, request, sizeof(request), MSG_DONTWAIT) > 0)
		send(socket, answer, sizeof(answer) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Look at the first byte: an error of GnuTLS, or 0 where it may be TLS. */
static int
look_at_first_byte(gnutls_session_t session)
{
	int socket = gnutls_transport_get_int(session);
	char first;
	ssize_t n = recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN :
							   GNUTLS_E_PULL_ERROR;
	if (n == 0)
		return GNUTLS_E_PREMATURE_TERMINATION;
	if (first < 'A' || first > 'Z')
		return 0;
	answer_http(socket);
	return GNUTLS_E_UNEXPECTED_PACKET;
}

/* Use the configuration of now.  Returns false where there is none. */
static bool
begin(struct tls_visit *visit, gnutls_session_t session)
{
	static unsigned char http_name[] = "http/1.1";
	static const gnutls_datum_t http = { http_name, 8 };
	const struct tls_settings *s;

	visit->config = web_get(visit->web);
	if (visit->config == NULL)
		return false;
	s = visit->config->settings;
	/* One that must be there is looked for afterwards: check_peer(). */
	gnutls_certificate_server_set_request(session,
	    s->client_auth == NO_CLIENT_CERT ? GNUTLS_CERT_IGNORE :
					       GNUTLS_CERT_REQUEST);
	gnutls_alpn_set_protocols(session, &http, 1, 0);
	return gnutls_priority_set(session, s->priority) == 0 &&
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
		s->credentials) == 0;
}

int
gnutls_handshake(gnutls_session_t session)
{
	static handshake_fn *next;
	struct tls_visit *visit = gnutls_db_get_ptr(session);
	int r;

	if (next == NULL)
		next = (handshake_fn *)dlsym(RTLD_NEXT, "gnutls_handshake");
	if (visit == NULL)
		return next(session);
	if (!visit->has_begun) {
		r = look_at_first_byte(session);
		if (r != 0)
			return r;
		visit->has_begun = true;
		if (!begin(visit, session))
			return refuse(session, GNUTLS_A_INTERNAL_ERROR);
	}
	r = next(session);
	if (r == 0)
		return check_peer(session, visit->config->settings);
	if (!gnutls_error_is_fatal(r))
		return r;
	if (gnutls_protocol_get_version(session) <
	    visit->config->settings->least)
		gnutls_alert_send(session, GNUTLS_AL_FATAL,
		    GNUTLS_A_PROTOCOL_VERSION);
	else
		gnutls_alert_send_appropriate(session, r);
	return r;
}

static int
find_no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
    int n, const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
    gnutls_pcert_st **certificates, unsigned int *n_certificates,
    gnutls_privkey_t *key)
{
	(void)session;
	(void)authorities;
	(void)n;
	(void)algorithms;
	(void)n_algorithms;
	(void)certificates;
	(void)n_certificates;
	(void)key;
	return -1;
}

void *
tls_no_certificate(void)
{
	return (void *)find_no_certificate;
}

const char *
tls_library_version(void)
{
	return gnutls_check_version(NULL);
}

/*
 * random.c: the random bytes of TLS, from the kernel.
 *
 * GnuTLS 3.7 makes a generator in each thread that needs one, and keeps it when
 * the thread ends; here each connection has a thread.  Its gnutls_rnd(3) is
 * therefore this one, which keeps nothing.
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <sys/random.h>

#include "web.h"

int
gnutls_rnd(gnutls_rnd_level_t level, void *data, size_t len)
{
	unsigned char *at = data;

	(void)level;
	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return GNUTLS_E_RANDOM_FAILED;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

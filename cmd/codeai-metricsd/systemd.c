/*
 * systemd.c: the sockets that systemd passes, and what it is told.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

int
systemd_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	int s;

	if (n == 0 || n >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, n);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s >= 0 &&
	    connect(s, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
		return s;
	log_warn("cannot notify %s: %s", path, strerror(errno));
	if (s >= 0)
		close(s);
	return -1;
}

void
systemd_notify(int socket, const char *state)
{
	if (socket >= 0 &&
	    send(socket, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warn("cannot notify systemd: %s", strerror(errno));
}

int
systemd_n_sockets(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *reason;
	int n;

	if (pid == NULL || fds == NULL ||
	    strtonum(pid, 1, INT_MAX, &reason) != getpid())
		return 0;
	n = (int)strtonum(fds, 0, INT_MAX, &reason);
	return n > SERVERS_MAX ? SERVERS_MAX : n;
}

bool
systemd_socket_is_health(int i)
{
	const char *names = getenv("LISTEN_FDNAMES");

	for (; names != NULL && i > 0; i--) {
		names = strchr(names, ':');
		names += names != NULL;
	}
	return names != NULL && strncmp(names, "health", 6) == 0 &&
	    (names[6] == ':' || names[6] == '\0');
}

uint64_t
systemd_watchdog_ns(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *usec = getenv("WATCHDOG_USEC"), *reason;

	if (usec == NULL ||
	    (pid != NULL && strtonum(pid, 1, INT_MAX, &reason) != getpid()))
		return 0;
	return (uint64_t)strtonum(usec, 1, INT64_MAX / 1000, &reason) * 1000;
}

/*
 * listen.c: sockets that listen: addresses of TCP, paths, and what systemd
 * passes.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define BACKLOG   128
#define UNIX      "unix:"
#define UNIX_SIZE (sizeof(UNIX) - 1)
#define UNIX_MODE 0660

/* "unix:PATH[,mode=MODE][,group=GROUP]" */
struct place {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	mode_t mode;
	gid_t group; /* -1: as it comes */
};

static bool
parse_mode(const char *text, mode_t *mode)
{
	char *end;
	unsigned long v = strtoul(text, &end, 8);

	*mode = (mode_t)v;
	return text[0] >= '0' && text[0] <= '7' && *end == '\0' && v <= 0777;
}

static bool
parse_group(const char *text, gid_t *gid)
{
	const char *reason;
	const struct group *group;

	*gid = (gid_t)strtonum(text, 0, UINT32_MAX - 1, &reason);
	if (reason == NULL)
		return true;
	group = getgrnam(text);
	if (group != NULL)
		*gid = group->gr_gid;
	return group != NULL;
}

static bool
parse_place_option(const char *option, const char *address, const char *text,
    struct place *to)
{
	if (strncmp(text, "mode=", 5) == 0) {
		if (parse_mode(text + 5, &to->mode))
			return true;
		log_error("%s=%s: %s: must be an octal number up to 0777",
		    option, address, text);
	} else if (strncmp(text, "group=", 6) == 0) {
		if (parse_group(text + 6, &to->group))
			return true;
		log_error("%s=%s: %s: is no group of this machine", option,
		    address, text);
	} else
		log_error(
		    "%s=%s: \"%s\" is none; behind the path mode=MODE and group=GROUP are allowed",
		    option, address, text);
	return false;
}

static bool
parse_place(const char *option, const char *address, struct place *to)
{
	char *copy = strdup(address + UNIX_SIZE), *rest = copy;
	const char *path = strsep(&rest, ","), *text;
	bool ok = path != NULL;

	*to = (struct place){ .mode = UNIX_MODE, .group = (gid_t)-1 };
	if (ok && (path[0] == '\0' || strlen(path) >= sizeof(to->path))) {
		log_error(
		    "%s=%s: the path of a socket has 1 to %zu bytes, this one %zu",
		    option, address, sizeof(to->path) - 1, strlen(path));
		ok = false;
	}
	if (ok)
		strcpy(to->path, path);
	while (ok && (text = strsep(&rest, ",")) != NULL)
		ok = parse_place_option(option, address, text, to);
	free(copy);
	return ok;
}

static bool
is_unix(const char *address)
{
	return strncmp(address, UNIX, UNIX_SIZE) == 0;
}

/* Split "host:port"; the host may be empty or in brackets. */
static bool
split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (colon == NULL)
		return false;
	*port = colon + 1;
	n = (size_t)(colon - address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	} else if (memchr(address, '[', n) != NULL)
		return false;
	if (n >= size)
		return false;
	memcpy(host, address, n);
	host[n] = '\0';
	return true;
}

static bool
is_port(const char *text)
{
	const char *reason;

	strtonum(text, 0, 65535, &reason);
	return reason == NULL && text[0] >= '0' && text[0] <= '9';
}

bool
listen_is_valid(const char *option, const char *address)
{
	char host[256];
	const char *port;
	struct place place;

	if (is_unix(address))
		return parse_place(option, address, &place);
	if (split_address(address, host, sizeof(host), &port) && is_port(port))
		return true;
	log_error(
	    "%s=%s: must be HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to 65535, or unix:PATH",
	    option, address);
	return false;
}

/* TCP */

static int
listen_on(const struct addrinfo *a, bool with_ipv4)
{
	int s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	int only_ipv6 = !with_ipv4, saved;

	if (s < 0)
		return -1;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6,
		    sizeof(only_ipv6));
	if (bind(s, a->ai_addr, a->ai_addrlen) == 0 && listen(s, BACKLOG) == 0)
		return s;
	saved = errno;
	close(s);
	errno = saved;
	return -1;
}

/* Why it could not be done. */
static int
refuse(const char *option, const char *address, int number)
{
	log_error("%s=%s: %s%s", option, address, strerror(number),
	    number == EADDRINUSE ? "; another program listens there" : "");
	return -1;
}

static int
open_tcp(const char *option, const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char host[256];
	const char *port;
	int r, s;

	if (!split_address(address, host, sizeof(host), &port))
		return -1;
	r = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
	if (r != 0) {
		log_error("%s=%s: %s", option, address, gai_strerror(r));
		return -1;
	}
	/* ":PORT" means every address: IPv6 with IPv4 in it, or IPv4 alone. */
	s = -1;
	for (const struct addrinfo *a = list; s < 0 && a != NULL;
	     a = a->ai_next)
		if (host[0] != '\0' || a->ai_family == AF_INET6)
			s = listen_on(a, host[0] == '\0');
	for (const struct addrinfo *a = list;
	     s < 0 && a != NULL && errno != EADDRINUSE; a = a->ai_next)
		if (host[0] == '\0' && a->ai_family == AF_INET)
			s = listen_on(a, false);
	if (s < 0)
		refuse(option, address, errno);
	freeaddrinfo(list);
	return s;
}

/* Sockets of the file system */

/*
 * May a socket be made at this path?  One on which nobody listens is what an
 * earlier daemon has left, and goes; anything else stays.  Returns 0 or an
 * error number.
 */
static int
clear_place(const struct sockaddr_un *to)
{
	struct stat st;
	int s, r;

	if (lstat(to->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return errno;
	r = connect(s, (const struct sockaddr *)to, sizeof(*to)) == 0 ? 0 :
									errno;
	close(s);
	if (r == ECONNREFUSED)
		return unlink(to->sun_path) == 0 ? 0 : errno;
	/* EAGAIN: somebody listens, with many clients before us. */
	return r == 0 || r == EAGAIN ? EADDRINUSE : r;
}

/*
 * Lock the directory of a socket, so that of two daemons that find an old
 * socket one at a time replaces it.  Returns a descriptor, or -1.
 */
static int
lock_directory(const char *path)
{
	char directory[sizeof(((struct place *)0)->path)];
	int fd;

	strcpy(directory, path);
	fd = open(dirname(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/*
 * The socket has its mode before anybody can connect: until listen(2) nobody
 * can.
 */
static int
bind_cleared(const struct place *place)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s, saved = 0;
	mode_t mask;

	strcpy(to.sun_path, place->path);
	saved = clear_place(&to);
	if (saved != 0) {
		errno = saved;
		return -1;
	}
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mask = umask(0777);
	if (s >= 0 && bind(s, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    (place->group == (gid_t)-1 ||
		chown(place->path, (uid_t)-1, place->group) == 0) &&
	    chmod(place->path, place->mode) == 0 && listen(s, BACKLOG) == 0) {
		umask(mask);
		return s;
	}
	saved = errno;
	umask(mask);
	if (s >= 0)
		close(s);
	errno = saved;
	return -1;
}

static int
bind_place(const struct place *place)
{
	int directory = lock_directory(place->path), s, saved;

	if (directory < 0)
		return -1;
	s = bind_cleared(place);
	saved = errno;
	close(directory);
	errno = saved;
	return s;
}

static int
open_unix(const char *option, const char *address)
{
	struct place place;
	int s;

	if (!parse_place(option, address, &place))
		return -1;
	s = bind_place(&place);
	return s >= 0 ? s : refuse(option, address, errno);
}

int
listen_open(const char *option, const char *address)
{
	return is_unix(address) ? open_unix(option, address) :
				  open_tcp(option, address);
}

bool
listen_is_usable(int socket)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) ==
		0 &&
	    listens)
		return true;
	log_error("LISTEN_FDS: descriptor %d is not a listening socket",
	    socket);
	return false;
}

int
listen_port(int socket)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char port[16];

	if (getsockname(socket, (struct sockaddr *)&address, &size) != 0 ||
	    address.ss_family == AF_UNIX ||
	    getnameinfo((struct sockaddr *)&address, size, NULL, 0, port,
		sizeof(port), NI_NUMERICSERV) != 0)
		return 0;
	return atoi(port);
}

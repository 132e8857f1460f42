#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,		/* busy threads let requests wait here */
	SYSTEMD_FIRST_FD = 3	/* sd_listen_fds(3) */
};

static bool is_listening(int fd)
{
	int value = 0;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value;
}

/* Several threads and processes wait for the same connection: those that come
 * late must not block. */
static int prepare(struct listener *listener, struct reason *why)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof address;

	if (fcntl(listener->fd, F_SETFD, FD_CLOEXEC) < 0
	    || fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0
	    || getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0)
		return reason_set(why, "listening socket: %s", strerror(errno));
	listener->tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *ip = (const struct sockaddr_in *)&address;

		listener->exposed = ntohl(ip->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *ip = (const struct sockaddr_in6 *)&address;

		listener->exposed = !IN6_IS_ADDR_LOOPBACK(&ip->sin6_addr);
	}
	return 0;
}

static bool systemd_passed_one(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	return pid && count && strtol(pid, NULL, 10) == getpid()
		&& strtol(count, NULL, 10) == 1;
}

int listener_inherit(struct listener *listener, struct reason *why)
{
	*listener = (struct listener){ .fd = -1 };
	if (is_listening(STDIN_FILENO))
		listener->fd = STDIN_FILENO;
	else if (systemd_passed_one() && is_listening(SYSTEMD_FIRST_FD))
		listener->fd = SYSTEMD_FIRST_FD;
	else
		return reason_set(why, "standard input is no listening socket;"
			" start it by spawn-fcgi, systemd or a web server, or with -s SOCKET");
	return prepare(listener, why);
}

/* Whether nothing but a socket of an earlier process would be replaced. */
static int may_replace(const char *path, struct reason *why)
{
	struct stat status;

	if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
		return reason_set(why, "%.200s: is there and is not a socket; remove it,"
			" or choose another path", path);
	return 0;
}

static int bind_path(const char *path, mode_t mode, struct reason *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s.%ld",
		path, (long)getpid());
	int fd;

	if (length < 0 || (size_t)length >= sizeof address.sun_path)
		return reason_set(why, "%.200s: too long for a socket's path", path);
	if (may_replace(path, why) < 0 || may_replace(address.sun_path, why) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return reason_set(why, "socket: %s", strerror(errno));
	(void)unlink(address.sun_path);	/* of an earlier process with our id */
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		goto fail;
	if (chmod(address.sun_path, mode) < 0 || listen(fd, BACKLOG) < 0
	    || rename(address.sun_path, path) < 0) {
		int err = errno;

		(void)unlink(address.sun_path);
		errno = err;
		goto fail;
	}
	return fd;
fail:
	reason_set(why, "%.200s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

/* Splits HOST:PORT in place. */
static int split(char *address, const char **host, const char **port)
{
	char *colon = strrchr(address, ':');

	if (!colon)
		return -1;
	*colon = '\0';
	*port = colon + 1;
	if (strtol(*port, NULL, 10) <= 0)
		return -1;
	*host = address[0] ? address : "127.0.0.1";
	if (address[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = address + 1;
	}
	return 0;
}

static int bind_tcp(const char *address, struct reason *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	const char *host, *port;
	char text[256];
	int fd = -1, error, on = 1;

	if (strlen(address) >= sizeof text)
		return reason_set(why, "the address is too long");
	strcpy(text, address);	/* fits: checked above */
	if (split(text, &host, &port) < 0)
		return reason_set(why, "%s: is neither an absolute path nor HOST:PORT with a"
			" port number", address);
	error = getaddrinfo(host, port, &hints, &found);
	if (error)
		return reason_set(why, "%s: %s", address, gai_strerror(error));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
	    || bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		reason_set(why, "%s: %s", address, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

int listener_bind(struct listener *listener, const char *address, mode_t mode,
	struct reason *why)
{
	*listener = (struct listener){ .owned = true };
	listener->fd = address[0] == '/' ? bind_path(address, mode, why)
		: bind_tcp(address, why);
	return listener->fd < 0 ? -1 : prepare(listener, why);
}

/*
 * Raw bytes on the FastCGI socket, against the responder as it runs in
 * ringspool.fcgi: its threads, its connections, libfcgi.  Whatever a peer
 * sends, the next one is served, and no thread or connection stays behind.
 *
 * An input is what one peer sends before it closes its side.
 */
#include "ground.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../fcgi/listener.h"
#include "../../fcgi/responder.h"

/* Patience is long enough for a slow machine, and short of libFuzzer's own. */
enum { THREADS = 2, DESCRIPTORS = 1024, PATIENCE_MS = 60000 };

static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* A handshake: BEGIN_REQUEST (responder, the connection not kept), PARAMS and
 * an empty STDIN. */
static const char handshake[] =
	"\1\1\0\1\0\10\0\0" "\0\1\0\0\0\0\0\0"
	"\1\4\0\1\0\72\0\0" "\16\4REQUEST_METHODPOST" "\25\17HTTP_VALIDATION_TOKENit-still-serves"
	"\1\4\0\1\0\0\0\0"
	"\1\5\0\1\0\0\0\0";

static int open_connection(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(fd >= 0);
	require(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

/* Sends all, or as much as is taken by a peer that hangs up. */
static void send_bytes(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0)
			break;
		at += sent;
		size -= (size_t)sent;
	}
	(void)shutdown(fd, SHUT_WR);
}

/* libFuzzer's own alarm interrupts the wait now and then. */
static int wait_for_input(int fd)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&input, 1, PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	return ready;
}

/* Reads until the responder closes, as it must; keeps what fits. */
static size_t read_reply(int fd, char *reply, size_t room)
{
	char waste[4096];
	size_t size = 0;

	for (;;) {
		ssize_t got;

		require(wait_for_input(fd) == 1);
		got = size < room ? read(fd, reply + size, room - size)
			: read(fd, waste, sizeof waste);
		if (got <= 0)
			return size;
		if (size < room)
			size += (size_t)got;
	}
}

static void exchange(const void *bytes, size_t size, char *reply, size_t room,
	size_t *length)
{
	int fd = open_connection();

	send_bytes(fd, bytes, size);
	*length = read_reply(fd, reply, room);
	close(fd);
}

static void require_service(void)
{
	char reply[1024];
	size_t length;

	exchange(handshake, sizeof handshake - 1, reply, sizeof reply, &length);
	require(memmem(reply, length, "Status: 200 OK\r\n", 16) != NULL);
	require(memmem(reply, length, "Validation-Token: it-still-serves\r\n", 35) != NULL);
}

static void start(void)
{
	static struct config config = { .max_body = 1 << 20, .seen_days = 1, .request_timeout = 5,
		.log_level = LOG_ERR - 1 };
	static struct listener listener;
	struct reason why;

	strcpy(config.spool, ground_path("spool"));
	require(listener_bind(&listener, address.sun_path, 0600, &why) == 0);
	require(FCGX_Init() == 0);
	(void)signal(SIGPIPE, SIG_IGN);
	require(responder_start("fuzz", &config, &listener, THREADS, DESCRIPTORS, &why));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	ground_make();
	ground_directory(ground_path("spool"), 02770);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", ground_path("socket"));
	start();
	require_service();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char reply[1];
	size_t length;

	exchange(data, size, reply, sizeof reply, &length);
	require_service();
	for (size_t i = 0; i < 2; i++)
		ground_harvest(ground_path(i ? "spool/seen" : "spool/new"), NULL, NULL);
	ground_harvest(ground_path("spool/bad"), NULL, NULL);
	ground_harvest(ground_path("spool/renew"), NULL, NULL);
	return 0;
}

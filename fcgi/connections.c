#include "connections.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum {
	CONNECTIONS_MOST = 1024,
	PLACES = CONNECTIONS_MOST + 256, /* the rest is for threads that accept meanwhile */
	DRAIN_QUIET_MS = 20,		/* how long a silent kept one is waited for, */
	DRAIN_MS = 100,			/* and how long all of them together; */
	DRAIN_FRESH_MS = 500,		/* how long new ones, whose request is coming */
	KEPT_WHEN_FULL_SECONDS = 1,
	NO_DESCRIPTOR_PAUSE_MS = 20
};

/* What an epoll event means; below these: generation << 32 | place. */
#define TAG_LISTENER UINT64_MAX
#define TAG_STOP (UINT64_MAX - 1)

struct connections {
	struct listener listener;
	int epoll;
	int stop;			/* eventfd(2): readable once stopped, never read */
	atomic_bool stopping;
	int64_t stopped;		/* clock_milliseconds(); valid once stopping */
	atomic_uint limit;
	pthread_mutex_t mutex;		/* guards what follows */
	unsigned most;			/* connections, before the listener must wait */
	unsigned count;			/* of places that are not free */
	bool full;			/* the listener waits until one ends */
	struct connection places[PLACES];
};

static void set_state(struct connection *connection, enum connection_state state)
{
	connection->state = state;
	connection->since = (time_t)(clock_milliseconds() / 1000);
}

static int watch_fd(struct connections *all, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag };

	return epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Asks for one more event of the listener.  One at a time: a connection wakes
 * one thread, which asks again once it has accepted. */
static void rearm_listener(struct connections *all)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT,
		.data.u64 = TAG_LISTENER };

	(void)epoll_ctl(all->epoll, EPOLL_CTL_MOD, all->listener.fd, &event);
}

struct connections *connections_open(const struct listener *listener,
	unsigned limit, unsigned room, struct reason *why)
{
	struct connections *all = calloc(1, sizeof *all);

	if (!all) {
		reason_set(why, "out of memory");
		return NULL;
	}
	all->listener = *listener;
	all->most = room / 2 < CONNECTIONS_MOST ? room / 2 : CONNECTIONS_MOST;
	atomic_init(&all->limit, limit);
	atomic_init(&all->stopping, false);
	pthread_mutex_init(&all->mutex, NULL);
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	all->stop = eventfd(0, EFD_CLOEXEC);
	if (all->epoll < 0 || all->stop < 0
	    || watch_fd(all, listener->fd, EPOLLIN | EPOLLONESHOT, TAG_LISTENER) < 0
	    || watch_fd(all, all->stop, EPOLLIN, TAG_STOP) < 0) {
		reason_set(why, "epoll: %s", strerror(errno));
		connections_close(all);
		return NULL;
	}
	return all;
}

/* Frees a place; the mutex is held, or all threads have ended. */
static void release(struct connections *all, struct connection *connection)
{
	if (connection->request.ipcFd >= 0)
		close(connection->request.ipcFd);
	close(connection->fd);
	connection->generation++;
	connection->state = CONNECTION_FREE;
	all->count--;
	if (all->full) {
		all->full = false;
		rearm_listener(all);
	}
}

void connections_close(struct connections *all)
{
	for (size_t i = 0; i < PLACES; i++)
		if (all->places[i].state != CONNECTION_FREE)
			release(all, &all->places[i]);
	if (all->epoll >= 0)
		close(all->epoll);
	if (all->stop >= 0)
		close(all->stop);
	pthread_mutex_destroy(&all->mutex);
	free(all);
}

static struct connection *find_place(struct connections *all)
{
	for (size_t i = 0; i < PLACES; i++)
		if (all->places[i].state == CONNECTION_FREE)
			return &all->places[i];
	return NULL;
}

/* Puts an accepted descriptor into a place, busy.  With as many as there may be
 * the listener is let alone until release() makes room. */
static struct connection *admit(struct connections *all, int fd)
{
	struct connection *connection;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	pthread_mutex_lock(&all->mutex);
	connection = copy < 0 ? NULL : find_place(all);
	if (connection) {
		connection->fd = fd;
		connection->kept = connection->registered = connection->shut = false;
		FCGX_InitRequest(&connection->request, -1, 0);
		connection->request.ipcFd = copy;
		set_state(connection, CONNECTION_BUSY);
		all->count++;
	}
	all->full = all->count >= all->most;
	pthread_mutex_unlock(&all->mutex);
	if (!connection) {
		if (copy >= 0)
			close(copy);
		close(fd);
	}
	return connection;
}

/* A connection from the backlog, busy; NULL: none there. */
static struct connection *accept_one(struct connections *all)
{
	int fd = accept4(all->listener.fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		return admit(all, fd);
	/* Without descriptors the listener stays readable: do not spin on it. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		poll(NULL, 0, NO_DESCRIPTOR_PAUSE_MS);
	return NULL;
}

/* The same, for the thread that the listener's event woke. */
static struct connection *accept_next(struct connections *all)
{
	struct connection *connection = accept_one(all);

	pthread_mutex_lock(&all->mutex);
	if (!all->full)
		rearm_listener(all);
	pthread_mutex_unlock(&all->mutex);
	return connection;
}

static bool is_readable(const struct connection *connection, int wait_ms)
{
	struct pollfd input = { .fd = connection->fd, .events = POLLIN };

	return poll(&input, 1, wait_ms) > 0;
}

/* Claims the idle connection that an epoll event names, if it is still that
 * one and nobody else was faster. */
static struct connection *claim(struct connections *all, uint64_t tag)
{
	struct connection *connection = &all->places[tag & UINT32_MAX];
	bool mine;

	pthread_mutex_lock(&all->mutex);
	mine = connection->state == CONNECTION_IDLE
		&& connection->generation == (uint32_t)(tag >> 32);
	if (mine)
		set_state(connection, CONNECTION_BUSY);
	pthread_mutex_unlock(&all->mutex);
	return mine ? connection : NULL;
}

struct connection *connections_wait(struct connections *all)
{
	struct epoll_event event;
	struct connection *connection;

	if (epoll_wait(all->epoll, &event, 1, -1) != 1 || event.data.u64 == TAG_STOP)
		return NULL;
	if (event.data.u64 != TAG_LISTENER)
		return claim(all, event.data.u64);
	connection = accept_next(all);
	if (connection && !is_readable(connection, 0)) {
		connections_park(all, connection);
		return NULL;
	}
	return connection;
}

void connections_stop(struct connections *all)
{
	uint64_t one = 1;

	all->stopped = clock_milliseconds();
	atomic_store(&all->stopping, true);
	(void)epoll_ctl(all->epoll, EPOLL_CTL_DEL, all->listener.fd, NULL);
	if (write(all->stop, &one, sizeof one) < 0)
		abort();	/* cannot happen to a counter at 0 */
}

bool connections_stopping(struct connections *all)
{
	return atomic_load(&all->stopping);
}

static struct connection *claim_any_idle(struct connections *all)
{
	struct connection *found = NULL;

	pthread_mutex_lock(&all->mutex);
	for (size_t i = 0; i < PLACES && !found; i++)
		if (all->places[i].state == CONNECTION_IDLE)
			found = &all->places[i];
	if (found)
		set_state(found, CONNECTION_BUSY);
	pthread_mutex_unlock(&all->mutex);
	return found;
}

/* How long, in milliseconds, a silent connection is still waited for.  On a new
 * one a request is on its way; closing it would lose that request. */
static int drain_patience(const struct connections *all,
	const struct connection *connection)
{
	int64_t elapsed = clock_milliseconds() - all->stopped;
	int64_t left = (connection->kept ? DRAIN_MS : DRAIN_FRESH_MS) - elapsed;

	if (connection->kept && left > DRAIN_QUIET_MS)
		left = DRAIN_QUIET_MS;
	return left > 0 ? (int)left : 0;
}

struct connection *connections_drain(struct connections *all)
{
	struct connection *connection;

	while (all->listener.owned && (connection = accept_one(all)) != NULL) {
		if (is_readable(connection, 0))
			return connection;
		connections_park(all, connection);
	}
	while ((connection = claim_any_idle(all)) != NULL) {
		if (is_readable(connection, drain_patience(all, connection)))
			return connection;
		connections_end(all, connection);
	}
	return NULL;
}

void connections_park(struct connections *all, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	pthread_mutex_lock(&all->mutex);
	event.data.u64 = (uint64_t)connection->generation << 32
		| (uint64_t)(connection - all->places);
	set_state(connection, CONNECTION_IDLE);
	/* Claimed by another thread as soon as it is readable and we let go. */
	if (epoll_ctl(all->epoll, connection->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		connection->fd, &event) < 0)
		release(all, connection);
	connection->registered = true;
	pthread_mutex_unlock(&all->mutex);
}

void connections_end(struct connections *all, struct connection *connection)
{
	pthread_mutex_lock(&all->mutex);
	release(all, connection);
	pthread_mutex_unlock(&all->mutex);
}

void connections_limit(struct connections *all, unsigned limit)
{
	atomic_store(&all->limit, limit);
}

/* How long, in seconds, a connection may stay as it is; -1: for ever. */
static time_t patience(const struct connections *all, const struct connection *connection)
{
	switch (connection->state) {
	case CONNECTION_FREE:
		return -1;
	case CONNECTION_IDLE:
		/* A web server may keep it silent, but not others out. */
		if (connection->kept)
			return all->full ? KEPT_WHEN_FULL_SECONDS : -1;
		break;
	case CONNECTION_BUSY:
		break;
	}
	return (time_t)atomic_load(&all->limit);
}

void connections_watch(struct connections *all)
{
	time_t now = (time_t)(clock_milliseconds() / 1000);

	pthread_mutex_lock(&all->mutex);
	for (size_t i = 0; i < PLACES; i++) {
		struct connection *connection = &all->places[i];
		time_t most = patience(all, connection);

		/* Whoever reads from it, or waits for it, now sees its end. */
		if (most >= 0 && !connection->shut && now - connection->since > most) {
			connection->shut = true;
			(void)shutdown(connection->fd, SHUT_RDWR);
		}
	}
	pthread_mutex_unlock(&all->mutex);
}

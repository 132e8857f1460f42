#include "connections.h"

#include <errno.h>
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
	IDLE_WHEN_FULL_MS = 1000,
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
	int64_t limit;			/* milliseconds */
	intake_memory memory;
	pthread_mutex_t mutex;		/* guards what follows */
	unsigned most;			/* connections, before the listener must wait */
	unsigned count;			/* of places that are not free */
	bool full;			/* the listener waits until one ends */
	struct connection *free;	/* places */
	struct connection places[PLACES];
	/* Beside the places, so that only those in use take memory. */
	char rooms[PLACES][INTAKE_OWN_ROOM];
};

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

static void free_all_places(struct connections *all)
{
	for (size_t i = PLACES; i > 0; i--) {
		all->places[i - 1].intake.own = all->rooms[i - 1];
		all->places[i - 1].next = all->free;
		all->free = &all->places[i - 1];
	}
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
	all->most = room < CONNECTIONS_MOST ? room : CONNECTIONS_MOST;
	free_all_places(all);
	all->limit = (int64_t)limit * 1000;
	atomic_init(&all->stopping, false);
	atomic_init(&all->memory, 0);
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

static void hang_up(struct connection *connection)
{
	if (connection->fcgi.ipcFd >= 0)
		close(connection->fcgi.ipcFd);
	connection->fcgi.ipcFd = -1;
}

/* Frees a place; the mutex is held, or all threads have ended. */
static void release(struct connections *all, struct connection *connection)
{
	hang_up(connection);
	intake_reset(&connection->intake, &all->memory);
	connection->generation++;
	connection->state = CONNECTION_FREE;
	connection->next = all->free;
	all->free = connection;
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

/* Puts an accepted descriptor into a place, busy.  With as many as there may be
 * the listener is let alone until release() makes room. */
static struct connection *admit(struct connections *all, int fd)
{
	struct connection *connection;

	pthread_mutex_lock(&all->mutex);
	connection = all->free;
	if (connection) {
		all->free = connection->next;
		all->count++;
		connection->state = CONNECTION_BUSY;
	}
	all->full = all->count >= all->most;
	pthread_mutex_unlock(&all->mutex);
	if (!connection) {
		close(fd);
		return NULL;
	}
	FCGX_InitRequest(&connection->fcgi, -1, 0);
	connection->fcgi.ipcFd = fd;
	/* So that libfcgi closes it at once.  Else it would first read all that
	 * the peer sends, for as long as it sends. */
	connection->fcgi.detached = 1;
	connection->kept = connection->registered = false;
	connection->since = clock_milliseconds();
	return connection;
}

/* A connection from the backlog, busy; NULL: none there. */
static struct connection *accept_one(struct connections *all)
{
	/* cppcheck-suppress nullPointer; who it is need not be asked */
	int fd = accept4(all->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

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
	bool full;

	pthread_mutex_lock(&all->mutex);
	full = all->full;
	pthread_mutex_unlock(&all->mutex);
	/* Wakes a thread, which wants the mutex at once. */
	if (!full)
		rearm_listener(all);
	return connection;
}

/* Whether nothing of its next request has come. */
static bool is_silent(const struct connection *connection)
{
	return connection->kept && connection->intake.size == 0;
}

/* An idle one becomes busy; the mutex is held. */
static void take(struct connection *connection)
{
	connection->state = CONNECTION_BUSY;
	if (is_silent(connection))
		connection->since = clock_milliseconds();
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
		take(connection);
	pthread_mutex_unlock(&all->mutex);
	return mine ? connection : NULL;
}

struct connection *connections_wait(struct connections *all, int timeout)
{
	struct epoll_event event;

	if (epoll_wait(all->epoll, &event, 1, timeout) != 1 || event.data.u64 == TAG_STOP)
		return NULL;
	return event.data.u64 == TAG_LISTENER ? accept_next(all)
		: claim(all, event.data.u64);
}

enum intake_state connections_receive(struct connections *all,
	struct connection *connection, uint64_t max_body)
{
	return intake_receive(&connection->intake, connection->fcgi.ipcFd, max_body,
		&all->memory);
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
		take(found);
	pthread_mutex_unlock(&all->mutex);
	return found;
}

/* How long, in milliseconds, the rest of a request is still waited for, or a
 * silent connection.  On a new one a request is on its way; closing it would
 * lose that request. */
static int drain_time(const struct connections *all,
	const struct connection *connection)
{
	int64_t now = clock_milliseconds();
	int64_t until = all->stopped + (connection->kept ? DRAIN_MS : DRAIN_FRESH_MS);

	if (connection->intake.size > 0)
		until = connection->since + all->limit;
	else if (connection->kept && until > now + DRAIN_QUIET_MS)
		until = now + DRAIN_QUIET_MS;
	return until > now ? (int)(until - now) : 0;
}

static bool speaks_up(const struct connections *all, const struct connection *connection)
{
	struct pollfd input = { .fd = connection->fcgi.ipcFd, .events = POLLIN };

	return poll(&input, 1, drain_time(all, connection)) > 0;
}

struct connection *connections_drain(struct connections *all)
{
	struct connection *connection;

	if (all->listener.owned && (connection = accept_one(all)) != NULL)
		return connection;
	while ((connection = claim_any_idle(all)) != NULL) {
		/* Who has begun a request is not let go without a word. */
		if (speaks_up(all, connection) || connection->intake.size > 0)
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
	connection->state = CONNECTION_IDLE;
	/* Claimed by another thread as soon as it is readable and we let go. */
	if (epoll_ctl(all->epoll, connection->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		connection->fcgi.ipcFd, &event) < 0)
		release(all, connection);
	connection->registered = true;
	pthread_mutex_unlock(&all->mutex);
}

void connections_keep(struct connections *all, struct connection *connection)
{
	intake_reset(&connection->intake, &all->memory);
	connection->kept = true;
	connection->since = clock_milliseconds();
	connections_park(all, connection);
}

void connections_end(struct connections *all, struct connection *connection)
{
	hang_up(connection);	/* not under the mutex: it wakes the web server */
	pthread_mutex_lock(&all->mutex);
	release(all, connection);
	pthread_mutex_unlock(&all->mutex);
}

bool connections_is_late(const struct connections *all,
	const struct connection *connection)
{
	return clock_milliseconds() - connection->since >= all->limit;
}

/* How long, in milliseconds, an idle connection may stay as it is: a request
 * must come within the limit; a web server may keep a connection silent; but
 * nobody may keep others out. */
static int64_t patience(const struct connections *all,
	const struct connection *connection, bool full)
{
	if (full)
		return IDLE_WHEN_FULL_MS;
	return is_silent(connection) ? INT64_MAX : all->limit;
}

unsigned connections_watch(struct connections *all)
{
	int64_t now = clock_milliseconds();
	unsigned lost = 0;
	bool full;

	pthread_mutex_lock(&all->mutex);
	full = all->full;
	for (size_t i = 0; i < PLACES; i++) {
		struct connection *connection = &all->places[i];

		if (connection->state == CONNECTION_IDLE
		    && now - connection->since > patience(all, connection, full)) {
			lost += connection->intake.size > 0;
			release(all, connection);
		}
	}
	pthread_mutex_unlock(&all->mutex);
	return lost;
}

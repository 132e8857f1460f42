/*
 * connections: the FastCGI connections, and which of them want a thread.
 *
 * libfcgi has no time limit of its own and blocks on whatever a peer leaves
 * unsent.  So a connection has a thread only while a request is on it: new
 * and kept ones wait in an epoll(7) instance, and one that holds a thread
 * longer than the limit is shut down, at which libfcgi returns.  (A thread that
 * hangs in a file system's call stays there: see gate.h.)
 *
 *	             accept                  claim
 *	 (free) ----------------> idle ----------------> busy
 *	    ^                      ^                      |
 *	    |                      +--- park (kept) ------+
 *	    +------------------- close -------------------+
 *
 * All functions may be called from any thread.  A busy connection belongs to
 * the thread that claimed it; nobody else touches its request.
 */
#ifndef RINGSPOOL_CONNECTIONS_H
#define RINGSPOOL_CONNECTIONS_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "listener.h"
#include "reason.h"

enum connection_state { CONNECTION_FREE, CONNECTION_IDLE, CONNECTION_BUSY };

struct connection {
	FCGX_Request request;	/* its ipcFd is a duplicate of fd, libfcgi's to close */
	int fd;
	enum connection_state state;
	bool kept;		/* has carried a request; the web server may leave it silent */
	bool registered;	/* with epoll */
	bool shut;		/* for taking too long */
	uint32_t generation;	/* tells this use of the place from earlier ones */
	time_t since;		/* of the state; CLOCK_MONOTONIC */
};

struct connections;

/* `limit` is the time, in seconds, after which a silent new connection or an
 * unfinished request is shut down; `room` how many descriptors connections may
 * use.  NULL with *why filled. */
struct connections *connections_open(const struct listener *listener,
	unsigned limit, unsigned room, struct reason *why);

/* Closes what is left. */
void connections_close(struct connections *all);

/* Waits for a connection that wants a thread and claims it.  NULL: none this
 * time; look at connections_stopping(), and wait again. */
struct connection *connections_wait(struct connections *all);

/* Makes connections_wait() return in every thread, and connections_stopping()
 * true. */
void connections_stop(struct connections *all);
bool connections_stopping(struct connections *all);

/* After connections_stop(): claims one of those left, each once.  With a
 * listener of our own the backlog comes first, then the idle ones that speak
 * up within a moment, new ones within half a second (the others are closed).  NULL:
 * no more. */
struct connection *connections_drain(struct connections *all);

/* Gives a busy connection back: to wait for its next request, or closed. */
void connections_park(struct connections *all, struct connection *connection);
void connections_end(struct connections *all, struct connection *connection);

/* Shuts down what is over the limit; the main thread calls it every second. */
void connections_watch(struct connections *all);

/* A new limit for connections_watch(). */
void connections_limit(struct connections *all, unsigned limit);

#endif

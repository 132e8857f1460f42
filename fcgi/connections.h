/*
 * connections: the FastCGI connections, and which of them want a thread.
 *
 * A peer may leave unsent what it likes for as long as it likes.  So a
 * connection has a thread only while there is something to read from it or a
 * request to answer: otherwise it waits in an epoll(7) instance, with the part
 * of a request that has arrived.  One that takes too long for a request is
 * closed there.
 *
 *	             accept                  claim
 *	 (free) ----------------> busy <---------------- idle
 *	    ^                     |  |                    ^ |
 *	    +--------- end -------+  +------- park -------+ |
 *	    +------------------ watch ----------------------+
 *
 * All functions may be called from any thread.  A busy connection belongs to
 * the thread that claimed it, or to the queue for the spools (turns.h); nobody
 * else touches it.
 */
#ifndef RINGSPOOL_CONNECTIONS_H
#define RINGSPOOL_CONNECTIONS_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler.h"
#include "intake.h"
#include "listener.h"
#include "reason.h"
#include "turns.h"

enum connection_state { CONNECTION_FREE, CONNECTION_IDLE, CONNECTION_BUSY };

struct connection {
	struct waiting waiting;	/* for a turn at the spools; the first member */
	FCGX_Request fcgi;	/* its ipcFd, non-blocking, is the connection; -1: closed */
	struct intake intake;
	struct request request;	/* these three while a request is answered */
	struct delivery delivery;
	struct response response;
	enum connection_state state;
	bool kept;		/* has carried a request; the web server may leave it silent */
	bool registered;	/* with epoll */
	uint32_t generation;	/* tells this use of the place from earlier ones */
	int64_t since;		/* clock_milliseconds() when its request began, or the
				 * silence before it */
	struct connection *next; /* of the free ones */
};

struct connections;

/* `limit` is the time, in seconds, in which a request must be there; `room` how
 * many descriptors connections may use.  NULL with *why filled. */
struct connections *connections_open(const struct listener *listener,
	unsigned limit, unsigned room, struct reason *why);

/* Closes what is left. */
void connections_close(struct connections *all);

/* Waits, up to `timeout` milliseconds (-1: for ever), for a connection that
 * wants a thread and claims it.  NULL: none this time; look at
 * connections_stopping(), and wait again. */
struct connection *connections_wait(struct connections *all, int timeout);

/* Takes what has arrived on a busy connection; see intake_receive(). */
enum intake_state connections_receive(struct connections *all,
	struct connection *connection, uint64_t max_body);

/* Makes connections_wait() return in every thread, and connections_stopping()
 * true. */
void connections_stop(struct connections *all);
bool connections_stopping(struct connections *all);

/* After connections_stop(): claims one of those left, each once.  With a
 * listener of our own the backlog comes first, then those whose request is on
 * its way, then the idle ones that speak up within a moment, new ones within
 * half a second (the others are closed).  NULL: no more. */
struct connection *connections_drain(struct connections *all);

/* Gives a busy connection back: to wait for the rest of its request, or closed. */
void connections_park(struct connections *all, struct connection *connection);
void connections_end(struct connections *all, struct connection *connection);

/* The same once its request is answered: to wait for the next one. */
void connections_keep(struct connections *all, struct connection *connection);

/* Whether its request should have been there by now. */
bool connections_is_late(const struct connections *all,
	const struct connection *connection);

/* Closes what is over the limit; the main thread calls it every second.
 * Returns how many requests had begun on those. */
unsigned connections_watch(struct connections *all);

#endif

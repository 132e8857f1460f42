/*
 * responder: the pool of threads that answer FastCGI requests.
 */
#ifndef RINGSPOOL_RESPONDER_H
#define RINGSPOOL_RESPONDER_H

#include "config.h"
#include "listener.h"
#include "reason.h"

struct responder;

/* Starts up to `threads` threads that serve what comes to the listener, fewer
 * where the system refuses more: responder_threads() tells.  About a fourth of
 * those that started is kept out of the spools, for handshakes while the disk
 * hangs.  `most` descriptors may be used; `config` must outlive it.  SIGTERM
 * and SIGINT are blocked and FCGX_Init() was called.  NULL with *why filled. */
struct responder *responder_start(const char *program, const struct config *config,
	const struct listener *listener, unsigned threads, unsigned most,
	struct reason *why);
unsigned responder_threads(const struct responder *responder);

/* Ends, and logs, what takes longer than the configuration's request_timeout;
 * to be called every second. */
void responder_watch(struct responder *responder);

/* Accepts no new connection (but serves the backlog of a listener of our
 * own), lets running requests finish, answers those that are already on their
 * way, ends the threads and frees everything.  Takes a tenth of a second when
 * nothing runs, half a second where a new connection stays silent, and no
 * longer than request_timeout and some seconds in any case; then threads that
 * hang in a file system's call are left behind. */
void responder_stop(struct responder *responder);

#endif

/*
 * listener: the socket that web servers connect to.
 *
 * It is inherited (spawn-fcgi, mod_fcgid, lighttpd and systemd with
 * StandardInput=socket pass it as standard input, other systemd sockets as
 * descriptor 3), or bound here for the option -s.
 */
#ifndef RINGSPOOL_LISTENER_H
#define RINGSPOOL_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include "reason.h"

struct listener {
	int fd;			/* listening, non-blocking, close-on-exec */
	bool owned;		/* bound here: nobody else serves its backlog */
	bool exposed;		/* a TCP address that is not loopback */
	bool tcp;
};

/* Takes the inherited listener; -1 with *why filled when there is none. */
int listener_inherit(struct listener *listener, struct reason *why);

/* Binds `address`: a path, or HOST:PORT where an empty host means 127.0.0.1
 * (an IPv6 host stands in brackets).  A path gets `mode` and is bound under a
 * temporary name, then renamed into place: who starts a new responder before
 * stopping the old one has no moment without a listener.  What is at the path
 * and is no socket is left alone.  -1 with *why filled. */
int listener_bind(struct listener *listener, const char *address, mode_t mode,
	struct reason *why);

#endif

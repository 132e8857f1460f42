/*
 * intake: takes a request off a connection, and lets libfcgi read it.
 *
 * libfcgi must not read from a peer itself.  It waits without a limit for what
 * the peer leaves unsent; it takes PARAMS of any size into memory, aborts where
 * they claim more than there is, and overruns an array on its stack when an
 * FCGI_GET_VALUES record, anywhere in the stream, repeats a name.  So the
 * records are gathered here, as they come and without waiting, and their
 * headers are checked: a request is one BEGIN_REQUEST for a responder, one
 * stream of PARAMS, one of STDIN, and nothing else.  Only when it is whole does
 * libfcgi get to see it, from memory.
 *
 *	intake_receive() ... until it says INTAKE_WHOLE
 *	intake_feed()
 *	... FCGX_Accept_r(), FCGX_GetStr() ... by the same thread
 *	intake_spend()
 *	intake_reset()
 *
 * libfcgi reads by its function OS_Read(), which intake.c replaces: the
 * library calls it through the dynamic linker, which finds the program's own
 * definition first.  intake_works() tells whether that holds.
 */
#ifndef RINGSPOOL_INTAKE_H
#define RINGSPOOL_INTAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INTAKE_PARAMS_MAX = 0xffff,	/* bytes; as many as fit in one record */
	INTAKE_OWN_ROOM = 16 << 10	/* bytes that need no memory: an ordinary request */
};

enum intake_state {
	INTAKE_PARTIAL,		/* more is to come */
	INTAKE_WHOLE,
	INTAKE_CLOSED,		/* by the peer */
	INTAKE_BROKEN		/* it will not do: see `fault` */
};

struct intake {
	size_t size;		/* bytes in data */
	size_t checked;		/* bytes in data that are whole, checked records */
	size_t fed;		/* bytes in data that libfcgi has read */
	size_t params;		/* bytes of PARAMS */
	uint16_t id;		/* of the request; 0: it has not begun */
	bool in_body;		/* the PARAMS are whole */
	bool whole;
	bool cut;		/* the rest of the body was thrown away */
	const char *fault;	/* why it is INTAKE_BROKEN */
	size_t room;		/* bytes allocated for data; 0: it is `own` */
	char *data;		/* the records; set while there are some */
	char *own;		/* INTAKE_OWN_ROOM bytes of the caller's, which stays */
};

/* Bytes that all connections together have allocated. */
typedef atomic_size_t intake_memory;

/* Takes what has arrived on a non-blocking descriptor.  A body is kept, with
 * its framing, until it is somewhat larger than `max_body`, and what comes
 * beyond is thrown away.  Of such bodies there is memory for four, and for
 * 64 MiB in any case; who needs more is INTAKE_BROKEN. */
enum intake_state intake_receive(struct intake *intake, int fd, size_t max_body,
	intake_memory *memory);

/* From now on libfcgi reads from here, in this thread. */
void intake_feed(struct intake *intake);

/* Frees what libfcgi has read, or need not.  It counts as taken until
 * intake_reset(), for the body that was read out of it. */
void intake_spend(struct intake *intake);

/* Whether the peer sent more than the one request. */
bool intake_has_more(const struct intake *intake);

/* Empties it, for the connection's next request or its end. */
void intake_reset(struct intake *intake, intake_memory *memory);

/* Whether libfcgi does read from here; to be asked before the first request. */
bool intake_works(void);

#endif

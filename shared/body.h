/*
 * body: takes a request's body into memory, or throws it away.
 *
 * Memory grows with what arrives, never with what CONTENT_LENGTH claims.
 */
#ifndef RINGSPOOL_BODY_H
#define RINGSPOOL_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

enum body_state {
	BODY_UNREAD,		/* something is there; body_take() or body_drop() it */
	BODY_EMPTY,		/* none came and none was announced */
	BODY_WHOLE,
	BODY_SHORT,		/* shorter than announced, or the connection broke */
	BODY_TOO_LARGE,
	BODY_BAD_LENGTH,	/* CONTENT_LENGTH is no number */
	BODY_NO_MEMORY
};

struct body {
	const struct request *request;
	bool announced;		/* CONTENT_LENGTH was there: */
	uint64_t expected;	/* bytes still to come, else as many as there are */
	char *data;
	size_t size;		/* bytes in data */
	size_t room;		/* bytes allocated */
};

/* Looks at the announced length and waits for the first bytes.  Returns
 * BODY_UNREAD, BODY_EMPTY, BODY_SHORT, BODY_BAD_LENGTH or BODY_NO_MEMORY. */
enum body_state body_begin(struct body *body, const struct request *request);

/* Takes the rest in, up to `max` bytes in all.  Returns BODY_WHOLE,
 * BODY_SHORT, BODY_TOO_LARGE or BODY_NO_MEMORY. */
enum body_state body_take(struct body *body, uint64_t max);

/* Reads what is left and throws it away, up to 64 MiB: a web server cuts or
 * delays a reply that comes before it got rid of the body. */
void body_drop(struct body *body);

void body_free(struct body *body);

#endif

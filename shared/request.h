/*
 * request: an HTTP request as the handler sees it, and the reply it gives.
 *
 * Front ends translate: meta-variables (RFC 3875, section 4.1) and a body
 * into a struct request, a struct response into the header block and body of
 * a CGI response (section 6), which FastCGI uses as well.
 */
#ifndef RINGSPOOL_REQUEST_H
#define RINGSPOOL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tokens.h"

struct request {
	const char *method;		/* REQUEST_METHOD; never NULL */
	const char *content_length;	/* CONTENT_LENGTH; NULL or "": not announced */
	const char *validation_token;	/* HTTP_VALIDATION_TOKEN or NULL */
	const char *verification_token;	/* HTTP_VERIFICATION_TOKEN or NULL */
	const char *remote_addr;	/* REMOTE_ADDR or NULL; for the log */

	/* Reads up to `size` bytes of the body: their number, 0 at its end, -1
	 * when the connection broke or took too long.  The handler never asks
	 * for more than was announced. */
	ssize_t (*read)(void *source, char *buffer, size_t size);
	void *source;
};

/* Fills the strings of *request from meta-variables; `get` returns NULL for
 * one that is not there. */
void request_from_meta(struct request *request,
	const char *(*get)(void *context, const char *name), void *context);

struct response {
	int status;			/* RFC 9110, section 15 */
	bool head;			/* the body is not to be sent */
	unsigned retry_after;		/* seconds; 0: no such header */
	const char *allow;		/* NULL: no such header */
	char validation_token[TOKEN_MAX_BYTES + 1];	/* echoed; "": none */
	const char *body;		/* JSON, a literal; "" for none */
};

/* Beside the echoed token a response has at most this many bytes, so that it
 * stays within RingCentral's 1,024 with the web server's own headers. */
enum { RESPONSE_OWN_MAX = 200, RESPONSE_SIZE = RESPONSE_OWN_MAX + TOKEN_MAX_BYTES + 1 };

/* Writes the whole response into `out` and returns its length. */
size_t response_format(const struct response *response, char out[RESPONSE_SIZE]);

#endif

/*
 * check_exchange: one request to our own endpoint, made as RingCentral makes
 * it, and what is to be known of the reply.
 *
 * Each exchange has a connection of its own, speaks HTTP/1.1 and TLS 1.2 or
 * newer, verifies the certificate, follows no redirect, uses no proxy and
 * decodes nothing: the bytes that count are those on the wire.
 */
#ifndef RINGSPOOL_CHECK_EXCHANGE_H
#define RINGSPOOL_CHECK_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "masking.h"

enum {
	EXCHANGE_PATIENCE_MS = 6000,	/* then a reply counts as missing */
	EXCHANGE_BODY_MAX = 65536	/* a longer one is cut off */
};

struct exchange {
	const char *address;
	const char *ca_file;		/* NULL or "": the system's authorities */
	const char *validation_token;	/* NULL: no such header */
	const char *verification_token;	/* NULL: no such header */
	const char *body;		/* JSON, "" for none */
	const struct masking *masking;	/* of the texts in the reply */
};

/* How far it came. */
enum exchange_stage {
	STAGE_START,		/* nothing was sent: out of memory, bad address */
	STAGE_NO_CONNECTION,
	STAGE_NO_TLS,		/* no common version, or no TLS at all */
	STAGE_NO_TRUST,		/* the certificate was refused */
	STAGE_NO_REPLY,		/* none, or not a whole one: it broke off, */
	STAGE_LATE,		/* or had not come in EXCHANGE_PATIENCE_MS */
	STAGE_REPLIED
};

/* Texts are masked, fit to be shown, and not to be judged by. */
struct exchange_reply {
	enum exchange_stage stage;
	char error[CURL_ERROR_SIZE];	/* why it is not STAGE_REPLIED */
	char peer[64];			/* numeric address connected to */
	char tls[16];			/* "TLSv1.3"; "" where curl does not tell */
	int certificates;		/* number of them that the server sent */
	time_t expires;			/* the first of them to; 0: not known */
	double milliseconds;		/* from the name's look-up to the last byte */
	long status;
	size_t wire;			/* bytes of status line, headers and body */
	size_t echoes;			/* Validation-Token headers */
	size_t true_echoes;		/* those with the very value that was sent */
	bool json;			/* its media type */
	bool encoded;			/* compressed, or the like */
	char content_type[80];		/* "": no such header */
	char content_encoding[40];	/* "": no such header */
	char location[160];		/* without its query */
};

void exchange(const struct exchange *request, struct exchange_reply *reply);

#endif

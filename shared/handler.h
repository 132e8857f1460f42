/*
 * handler: every rule of the webhook, and nothing of CGI or FastCGI.
 *
 * A struct receiver is what requests are handled with; it serves one thread
 * at a time, and every thread has its own.  Calling sequence:
 *
 *	receiver_open(&receiver, program, &config, misconfigured, gate);
 *	for each request {
 *		handle(&receiver, &request, &response);
 *		... send the response ...
 *		receiver_tidy(&receiver);
 *	}
 *	receiver_close(&receiver);
 */
#ifndef RINGSPOOL_HANDLER_H
#define RINGSPOOL_HANDLER_H

#include "config.h"
#include "gate.h"
#include "log.h"
#include "request.h"
#include "spool.h"
#include "tokens.h"

enum { SPOOLS_MAX = 2 };

struct receiver {
	struct config config;
	const char *misconfigured;	/* why there is no configuration, or NULL */
	struct log log;
	struct log_limit refusals;	/* lines that strangers can cause */
	struct gate *gate;		/* to the spools; shared; or NULL */
	struct tokens tokens;		/* the verification tokens, as last read */
	struct spool *spools[SPOOLS_MAX]; /* the spool, the fallback; NULL: to be opened */
};

/* Makes *receiver ready; `config` is copied.  `misconfigured` is NULL, or
 * tells why the configuration could not be loaded: then only the handshake is
 * answered, all else gets 503.  The string and the gate (NULL: none) must
 * outlive the receiver.  Spools are opened when they are needed. */
void receiver_open(struct receiver *receiver, const char *program,
	const struct config *config, const char *misconfigured, struct gate *gate);
void receiver_close(struct receiver *receiver);

/* Answers one request: reads its body, takes the event in, writes a log line
 * and fills *response. */
void handle(struct receiver *receiver, const struct request *request,
	struct response *response);

/* House-keeping of the spools, bounded, for the time after the reply. */
void receiver_tidy(struct receiver *receiver);

#endif

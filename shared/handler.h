/*
 * handler: every rule of the webhook, and nothing of CGI or FastCGI.
 *
 * A struct receiver is what requests are handled with; it serves one thread
 * at a time, and every thread has its own.  Calling sequence:
 *
 *	receiver_open(&receiver, program, &config, misconfigured);
 *	for each request {
 *		if (!handle_begin(&delivery, &receiver, &request, &response))
 *			handle_finish(&delivery, &receiver);
 *		... send the response ...
 *		receiver_tidy(&receiver);
 *	}
 *	receiver_close(&receiver);
 *
 * Only handle_finish() and receiver_tidy() touch a spool, and a disk may hang.
 * So a front end with several threads can let some of them in there, and have
 * the others answer what needs no disk.
 */
#ifndef RINGSPOOL_HANDLER_H
#define RINGSPOOL_HANDLER_H

#include "body.h"
#include "config.h"
#include "event.h"
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
	struct tokens tokens;		/* the verification tokens, as last read */
	struct spool *spools[SPOOLS_MAX]; /* the spool, the fallback; NULL: to be opened */
};

/* A request on its way through the rules; the caller's to keep from
 * handle_begin() to handle_finish(). */
struct delivery {
	struct receiver *receiver;
	const struct request *request;
	struct response *response;
	void (*step)(struct delivery *);	/* that needs a spool, or NULL */
	struct body body;
	bool proven;			/* the sender showed a verification token */
	struct event event;
	int64_t began;			/* clock_milliseconds() */
};

/* Makes *receiver ready; `config` is copied.  `misconfigured` is NULL, or
 * tells why the configuration could not be loaded: then only the handshake is
 * answered, all else gets 503.  The string must outlive the receiver.  Spools
 * are opened when they are needed. */
void receiver_open(struct receiver *receiver, const char *program,
	const struct config *config, const char *misconfigured);
void receiver_close(struct receiver *receiver);

/* Reads a request and its body.  True: it is answered, *response is filled and
 * a log line written.  False: it needs a spool; the caller must call
 * handle_finish() or handle_overload(), by any receiver, while *request and
 * *response are still there. */
bool handle_begin(struct delivery *delivery, struct receiver *receiver,
	const struct request *request, struct response *response);

/* Takes the event in, or answers the health check. */
void handle_finish(struct delivery *delivery, struct receiver *receiver);

/* Refuses it instead, because the spools do not keep up. */
void handle_overload(struct delivery *delivery, struct receiver *receiver);

/* House-keeping of the spools, bounded, for the time after the reply. */
void receiver_tidy(struct receiver *receiver);

#endif

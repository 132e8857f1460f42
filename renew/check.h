/*
 * check: tries our own endpoint as RingCentral would, rule by rule.
 *
 * Three requests are made, each on a connection of its own: the handshake, a
 * test delivery (its `event` is EVENT_CHECK, which receivers answer and never
 * spool) with the right verification token, and one with a wrong token.  The
 * rules, in this order, and the codes that RingCentral would answer with when
 * a subscription is created:
 *
 *	https			the address is an https one		SUB-523
 *	name			its host name resolves			SUB-521
 *	public-address		to addresses of the public internet	SUB-521
 *	connection		somebody listens there			SUB-521
 *	tls-version		TLS 1.2 or newer is spoken		SUB-524
 *	certificate		the chain is whole, valid, trusted	SUB-524
 *	certificate-expiry	for 14 days at least			SUB-524
 *	redirect		the answer is no redirect		SUB-525
 *	status			it is 200				SUB-525
 *	validation-token	which is echoed once and exactly	SUB-520
 *	content-type		application/json, on every reply	SUB-525
 *	compression		none, on any reply			SUB-525
 *	size			1024 bytes on the wire at most, headers	SUB-525
 *				and body, of every reply
 *	time			3000 ms at most, connecting included	SUB-521
 *	verification-token	the right one gets 200			-
 *	wrong-token		another one gets 401			-
 *
 * A rule that could not be tried is CHECK_SKIPPED; what it says then is why.
 * No line holds a token or the query of the address.
 */
#ifndef RINGSPOOL_CHECK_H
#define RINGSPOOL_CHECK_H

#include <stddef.h>

#include "masking.h"

struct check_request {
	const char *address;
	const char *verification_token;	/* NULL: the receiver takes any sender */
	const char *ca_file;		/* NULL or "": the system's authorities */
	const struct masking *masking;	/* an endpoint may repeat a secret */
};

enum check_outcome {
	CHECK_PASS,
	CHECK_WARN,			/* may be meant so, or break soon */
	CHECK_FAIL,
	CHECK_SKIPPED
};

struct check_line {
	const char *rule;		/* its name above */
	enum check_outcome outcome;
	char measured[128];		/* the figure found */
	char remedy[256];		/* with WARN and FAIL: what to do; else "" */
	const char *sub_code;		/* with WARN and FAIL: "SUB-525", or NULL */
};

struct check_report {
	struct check_line lines[16];
	size_t count;
};

/* Runs all rules, within half a minute or so.  Returns the number of
 * CHECK_FAIL lines: with none, RingCentral's handshake and its events should
 * be answered as they must. */
unsigned check_endpoint(const struct check_request *request, struct check_report *report);

#endif

/*
 * http: one request and its whole reply, through libcurl.
 *
 * Certificates are always verified, redirects are not followed, http:// goes
 * to this machine only, and a reply is 64 MB at most.  Connection errors and
 * 500, 502, 503 and 504 are tried again where the call can be repeated
 * without harm; the attempts and the seconds waited are rationed for the run
 * as a whole.
 */
#ifndef RINGSPOOL_HTTP_H
#define RINGSPOOL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "failure.h"
#include "masking.h"

struct http;

struct http_options {
	const char *ca_file;		/* "": the system's authorities */
	unsigned timeout;		/* seconds for a call, from name to last byte */
	FILE *trace;			/* gets headers, without secrets; or NULL */
	const struct masking *masking;	/* outlives the http */
};

struct http_call {
	const char *method;
	const char *url;
	const char *bearer;		/* access token, or NULL */
	const char *user, *password;	/* for Basic authorisation, or NULL */
	const char *content_type;	/* of body; NULL: no body */
	const char *body;
	bool repeatable;		/* twice is as good as once */
};

struct http_reply {
	long status;
	char *body;			/* NUL-terminated behind its size */
	size_t size;
	char content_type[80];		/* without parameters, lower case */
	char request_id[80];		/* RCRequestId, masked */
	time_t date;			/* the server's clock; 0 unknown */
	long retry_after;		/* seconds from now; -1 not said */
};

/* Returns NULL with *failure filled; free with http_close(). */
struct http *http_open(const struct http_options *options, struct failure *failure);
void http_close(struct http *http);

/* Makes the call.  Returns 0 when a reply came, whatever its status; free it
 * with http_reply_free().  Returns -1 with *failure filled otherwise:
 * FAILURE_UNREACHABLE when the call was not carried out (or could be repeated
 * and never was answered), FAILURE_UNCERTAIN when it may have been,
 * FAILURE_NONSENSE for a reply that is too large or not HTTP. */
int http_call(struct http *http, const struct http_call *call,
	struct http_reply *reply, struct failure *failure);

/* Waits before the next attempt of a call that the caller repeats by itself,
 * for so many seconds at least, from the same ration.  False, at once, when
 * the ration does not allow it. */
bool http_wait(struct http *http, long seconds);

void http_reply_free(struct http_reply *reply);

#endif

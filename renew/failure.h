/*
 * failure: what went wrong, in a kind that decides what the run does next and
 * how the program ends, and in words for the administrator.
 */
#ifndef RINGSPOOL_FAILURE_H
#define RINGSPOOL_FAILURE_H

#include <stdbool.h>

#include "masking.h"
#include "reason.h"

enum failure_kind {
	FAILURE_NONE,
	FAILURE_UNREACHABLE,	/* the platform; nothing more can be done now */
	FAILURE_UNCERTAIN,	/* the call may have been carried out: look */
	FAILURE_ENDPOINT,	/* our own endpoint does not pass */
	FAILURE_REFUSED,	/* by the platform, for another reason than these */
	FAILURE_LIMIT,		/* too many subscriptions */
	FAILURE_LATER,		/* the platform, or another run, asks to wait */
	FAILURE_NONSENSE,	/* a reply that makes no sense */
	FAILURE_GONE,		/* no such subscription */
	FAILURE_TOKEN,		/* 401: the access token does not count any more */
	FAILURE_CREDENTIALS,	/* refused */
	FAILURE_PERMISSION,	/* the application or user may not do this */
	FAILURE_CONFIG,		/* the configuration cannot work */
	FAILURE_USAGE,		/* the command line makes no sense */
	FAILURE_SYSTEM		/* memory, random numbers */
};

struct failure {
	enum failure_kind kind;
	char code[32];		/* the platform's errorCode, or "" */
	char text[900];
	long retry_after;	/* seconds that the platform asks to wait; 0 not */
};

/* failure_set(failure, kind, format, ...) fills *failure after printf(3) and is
 * -1, as reason_set(). */
#define failure_set(...) (failure_format(__VA_ARGS__), reason_failed())

void failure_format(struct failure *failure, enum failure_kind kind,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fills *failure from an error reply of the platform: its status, its body
 * (the API's form or RFC 6749's) and the request id that its support asks
 * for.  The body's texts are masked.  Returns -1. */
int failure_from_reply(struct failure *failure, long status, const char *body,
	size_t size, const char *request_id, const struct masking *masking);

/* Whether it is an errorCode whose meaning the program knows. */
bool failure_code_is_known(const char *code);

/* The kind in a word, as in the JSON documents. */
const char *failure_kind_name(enum failure_kind kind);

/* Whether the run as a whole ends: every further call would meet the same.  Not
 * so with FAILURE_UNCERTAIN and FAILURE_NONSENSE: a record may be poisoned, or a
 * proxy choke on one body, while all else is well. */
bool failure_ends_run(enum failure_kind kind);

/* The exit status, after sysexits.h, that stands for it. */
int failure_exit_status(enum failure_kind kind);

#endif

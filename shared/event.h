/*
 * event: what a notification's JSON envelope says of the event it carries.
 *
 * Nothing is required but one JSON object: every member may be missing or of
 * another type.  The body is only looked at; what is stored are the bytes
 * that came.
 *
 * The same event has the same `uuid`, `subscriptionId` and `event` (a repeat
 * may carry a new `timestamp`), so the name is made of these three:
 *
 *	all three are text, or absent	the uuid's readable form and a digest
 *					of the three
 *	one is of another type, or the	a digest of the whole body: such members
 *	body holds \u0000 or half a	cannot be compared exactly, and keeping
 *	surrogate pair			an event twice is better than losing one
 *	no uuid, or an empty one	time and random: every one its own
 */
#ifndef RINGSPOOL_EVENT_H
#define RINGSPOOL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"
#include "spool.h"

/* The `event` of the test deliveries by which ringspool-renew(8) checks an
 * endpoint; they are answered as a health check and never spooled. */
#define EVENT_CHECK "/ringspool/check"

struct event {
	char name[SPOOL_NAME_SIZE];		/* of the file, without .json */
	uint64_t digest;			/* equal for equal names */
	bool reminder;				/* asks to renew a subscription */
	bool check;				/* is a test delivery, EVENT_CHECK */
	char subscription[SPOOL_NAME_SIZE];	/* its id as a safe name */
};

/* Reads the envelope.  Returns 0; or -1 with *why filled when the body is not
 * one JSON object, holds a NUL byte, or is nested deeper than 1,000 levels or
 * costs more memory to parse than 64 MiB; or -2 with *why filled when memory
 * or random numbers ran out, which says nothing about the body. */
int event_read(struct event *event, const char *body, size_t size,
	struct reason *why);

/* What the envelope says, for people and for consumers' commands.  A member
 * that is missing or no text is ""; a longer one is cut.  It came from
 * outside: any byte but NUL may be in it. */
struct envelope {
	char uuid[128];
	char event[1024];
	char subscription[128];
	char owner[128];
	char timestamp[64];
};

/* Fills *envelope.  Returns as event_read() does; *envelope is empty then. */
int envelope_read(struct envelope *envelope, const char *body, size_t size,
	struct reason *why);

#endif

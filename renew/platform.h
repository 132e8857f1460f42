/*
 * platform: RingCentral's subscription API and its authorisation.
 *
 * An access token is obtained when one is needed, kept in the state directory
 * (0600) until shortly before its end, and replaced once a run when it is
 * refused.  Every function returns 0, or -1 with *failure filled.
 */
#ifndef RINGSPOOL_PLATFORM_H
#define RINGSPOOL_PLATFORM_H

#include <stddef.h>
#include <time.h>

#include "credentials.h"
#include "failure.h"
#include "http.h"
#include "masking.h"
#include "record.h"
#include "settings.h"

#define PLATFORM_SUBSCRIPTIONS "/restapi/v1.0/subscription"

struct platform;

struct platform_options {
	const struct settings *settings;
	const struct credentials *credentials;
	int store;			/* the state directory */
	const unsigned char *key;	/* of the keyed digests, DIGEST_KEY_BYTES */
	struct masking *masking;	/* gets the access token */
	FILE *trace;			/* gets headers, without secrets; or NULL */
};

/* What an access token is good for; it is not shown itself. */
struct grant {
	time_t expires_at;		/* our clock */
	char scope[1024];
	char owner_id[64];
};

struct platform *platform_open(const struct platform_options *options,
	struct failure *failure);
void platform_close(struct platform *platform);

/* The platform's clock, as its last reply told it; ours before the first. */
time_t platform_now(const struct platform *platform);

/* Obtains a new access token. */
int platform_authorise(struct platform *platform, struct grant *grant,
	struct failure *failure);

int platform_list(struct platform *platform, struct records *records,
	struct failure *failure);
int platform_get(struct platform *platform, const char *id, struct record *record,
	struct failure *failure);

/* FAILURE_UNCERTAIN: it may have been created all the same, and retry_after is
 * what the platform asks to wait.  `token` is the verification token, or NULL. */
int platform_create(struct platform *platform, const struct declared *declared,
	const char *token, struct record *record, struct failure *failure);

/* Declares filters and lifetime anew, which also renews. */
int platform_update(struct platform *platform, const char *id,
	const struct declared *declared, struct record *record, struct failure *failure);

/* Renews for the lifetime that it had. */
int platform_renew(struct platform *platform, const char *id, struct record *record,
	struct failure *failure);

int platform_delete(struct platform *platform, const char *id, struct failure *failure);

/* Waits before a call is repeated, for so many seconds at least; false, at
 * once, when the run's ration does not allow it. */
bool platform_wait(struct platform *platform, long seconds);

#endif

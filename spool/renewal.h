/*
 * renewal: what ringspool-renew(8) tells of the subscriptions in its
 * status.json, which everybody may read.
 *
 * It is another program's file and another user's: whatever is in it, reading
 * it ends well, and a member that is missing or of another type counts as
 * unknown.  Texts in it may hold any byte but NUL.
 */
#ifndef RINGSPOOL_RENEWAL_H
#define RINGSPOOL_RENEWAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "reason.h"

struct subscription {
	char name[64];
	char status[32];		/* Active, Blacklisted, ...; "" unknown */
	time_t expires;			/* 0 unknown */
	time_t last_good;		/* run; 0 none */
	char code[32];			/* of the last error; "" none */
	char error[256];		/* what failed last, "" nothing */
	size_t disabled_filters;
};

struct renewal {
	char path[PATH_MAX];		/* of status.json */
	unsigned declared;		/* [subscription] sections of the configuration */
	char trouble[256];		/* why status.json cannot be used; "" none */
	bool present;			/* it is there and was read; if not, the rest is empty */
	time_t run, last_good;		/* 0 unknown, none */
	int exit_status;		/* of the last run; 0 also: unknown */
	char code[32], error[256];	/* of the last run as a whole; "" none */
	struct subscription *subscriptions;
	size_t count;
};

/* Finds status.json by the configuration file ("": none; then all defaults
 * hold) and reads it; `path` names it otherwise, unless NULL.  Returns 0 also
 * when there is no status.json, or -1 with *why and `trouble` filled;
 * renewal_free() is due in both cases. */
int renewal_read(struct renewal *renewal, const char *config_file, const char *path,
	struct reason *why);
void renewal_free(struct renewal *renewal);

/* Whether the platform sends this subscription's events. */
bool subscription_is_active(const struct subscription *subscription);

#endif

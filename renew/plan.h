/*
 * plan: compares what is declared with what is present, and says what has to
 * be done.
 *
 * plan_make() is a pure function: it sees no network, no file and no clock
 * but its arguments.  Its rules, for each declared subscription:
 *
 *	known by	its address, or by the id in the state (then it moved:
 *			the address was changed in the configuration)
 *	several		keep one: Active, then the one known, then the one with
 *			the right filters, then the longest life; delete the rest
 *	none		create
 *	token changed	create, then delete all that are there
 *			(not where a creation with the new one may have made it)
 *	not Active	revive: look again, check the endpoint, create anew
 *	filters differ	update
 *	near its end, a reminder waits, expires_in was changed	renew
 *
 * Records of other transports, and addresses that nobody declared, are left
 * alone.
 */
#ifndef RINGSPOOL_PLAN_H
#define RINGSPOOL_PLAN_H

#include <stddef.h>
#include <time.h>

#include "record.h"
#include "settings.h"
#include "state.h"

enum step_kind {
	STEP_ADOPT,	/* take note that this record is the declared one */
	STEP_CREATE,
	STEP_UPDATE,	/* the filters */
	STEP_RENEW,
	STEP_REVIVE,	/* it is not Active */
	STEP_DELETE
};

struct step {
	enum step_kind kind;
	const struct declared *declared; /* NULL: a deletion by hand */
	const struct record *record;	/* of `present`; NULL with STEP_CREATE */
	const char *why;		/* in words; a literal */
};

/* Steps of one declared subscription stand together, and each needs those
 * before it: where one fails, the rest is left. */
struct plan {
	struct step *steps;
	size_t count;
	const struct record **kept;	/* per declared: the record it keeps, or NULL */
};

struct plan_input {
	const struct declared *declared;
	size_t declared_count;
	const struct records *present;
	const struct state *state;
	const char *token;		/* keyed digest of the verification token, or "" */
	char *const *reminders;		/* safe names of ids that ask to be renewed */
	size_t reminder_count;
	time_t now;			/* the platform's clock */
};

/* Returns 0, or -1 when memory ran out.  The plan points into the input. */
int plan_make(struct plan *plan, const struct plan_input *input);

/* The least time before its end that a subscription must be renewed in: two
 * runs of cron, ten minutes apart and each after a splay of up to five. */
enum { PLAN_RENEW_LEAST = 1800 };

/* How many seconds before its end a subscription is renewed, as is declared
 * and by the lifetime that was granted (known may be NULL). */
long plan_renew_before(const struct declared *declared, const struct known *known);

/* How many of the declared filters the platform left out of its answer to them,
 * without naming them among the disabled ones either. */
size_t plan_left_out(const struct declared *declared, const struct record *record,
	const struct known *known);

/* Adds a step by hand.  -1: out of memory. */
int plan_add(struct plan *plan, enum step_kind kind, const struct declared *declared,
	const struct record *record, const char *why);

void plan_free(struct plan *plan);

#endif

/*
 * carry_out: does what a plan says, one step after the other.
 *
 * What stands fast wherever the program is killed: there is never a moment
 * without a subscription where there was a good one, for the new one is
 * created before the old one is deleted; and what is left behind is known
 * again by the next run, for the state names the new one and those it
 * replaces before any of them is deleted.
 */
#ifndef RINGSPOOL_CARRY_OUT_H
#define RINGSPOOL_CARRY_OUT_H

#include "plan.h"
#include "run.h"

/* Carries the plan out, or with run->dry_run says what it would call.
 * Failures are reported as they come; where a subscription meets one its
 * other steps are left, and where the run meets one (run->ended) all are:
 * those whose turn did not come fail as not reached. */
void carry_out(struct run *run, const struct plan *plan);

/* Reports a failure of a declared subscription (NULL: one of the run), and
 * remembers what status.json tells of it.  Returns -1. */
int fail_subscription(struct run *run, const struct declared *declared,
	const struct failure *failure);

/* Take note that a subscription is gone, or not Active as the record shows: it
 * is told when there is an Active one again.  -1: out of memory. */
int note_gone(struct run *run, struct known *known);
int note_dead(struct known *known, const struct record *record);

/* Takes note of what the platform shows of a declared subscription, and
 * reports filters that it disabled. */
void take_note(struct run *run, const struct declared *declared,
	const struct record *record);

/* Warns of filters that the platform left out without a word. */
void report_left_out(struct run *run, const struct declared *declared,
	const struct known *known);

#endif

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

#endif

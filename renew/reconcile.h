/*
 * reconcile: the run without a subcommand: list, plan, carry out.
 */
#ifndef RINGSPOOL_RECONCILE_H
#define RINGSPOOL_RECONCILE_H

#include "plan.h"
#include "run.h"

/* Asks the platform for the list and makes the plan for it; plan_free() is
 * due when 0 is returned.  -1: the failure is reported.  What the state knows
 * and the list lacks is asked for by itself: where it is there the list is
 * refused, and where that cannot be seen it becomes known->doubtful. */
int observe(struct run *run, struct plan *plan);

/* Makes the platform's subscriptions what the configuration says. */
void reconcile(struct run *run);

#endif

/*
 * keep: done/, where events stay that a command took well, a directory a day
 * (UTC), for as long as `run --keep` or `prune` says.
 */
#ifndef RINGSPOOL_KEEP_H
#define RINGSPOOL_KEEP_H

#include "spools.h"

/* Removes the days that ended `days` days ago or longer.  What is in use
 * stays until the next time.  -1 with *why filled. */
int keep_forget(struct spools *spools, unsigned days, struct reason *why);

/* Removes days without events; today's stays. */
void keep_remove_empty_days(struct spools *spools);

#endif
